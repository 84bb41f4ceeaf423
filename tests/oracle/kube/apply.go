package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// What the API server does when it is asked to apply or to update: its field manager on histories of one object. A history has
// several managers, which write a custom resource (every list and map type, two versions, one of which calls a field otherwise)
// or a built-in kind.

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

const metaSchema = `{"type":"object","properties":{"name":{"type":"string"},"namespace":{"type":"string"},"labels":{"type":"object","additionalProperties":{"type":"string"}},
"annotations":{"type":"object","additionalProperties":{"type":"string"}},"generation":{"type":"integer"},"uid":{"type":"string"},"resourceVersion":{"type":"string"},
"finalizers":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},
"managedFields":{"type":"array","items":{"type":"object"},"x-kubernetes-list-type":"atomic"},
"ownerReferences":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["uid"],"items":{"type":"object","x-kubernetes-map-type":"atomic",
"properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},"name":{"type":"string"},"uid":{"type":"string"}}}}}}`

const specSchema = `{"type":"object","properties":{"%s":{"type":"integer"},"text":{"type":"string"},"flag":{"type":"boolean"},"ratio":{"type":"number"},
"set":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
"numbers":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"integer"}},
"atomic":{"type":"array","x-kubernetes-list-type":"atomic","items":{"type":"string"}},
"plain":{"type":"array","items":{"type":"object","properties":{"a":{"type":"string"}}}},
"ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["port","protocol"],"items":{"type":"object","required":["port"],
"properties":{"port":{"type":"integer"},"protocol":{"type":"string","default":"TCP"},"name":{"type":"string"}}}},
"items":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","required":["name"],
"properties":{"name":{"type":"string"},"value":{"type":"string"},"tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
"env":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],"items":{"type":"object","properties":{"name":{"type":"string"},"value":{"type":"string"}}}}}}},
"map":{"type":"object","additionalProperties":{"type":"string"}},
"maps":{"type":"object","additionalProperties":{"type":"object","properties":{"x":{"type":"string"},"y":{"type":"string"}}}},
"atomicMap":{"type":"object","x-kubernetes-map-type":"atomic","properties":{"x":{"type":"string"},"y":{"type":"string"}}},
"nested":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"object","properties":{"c":{"type":"string"},"d":{"type":"string"}}}}}}}`

var countName = map[string]string{"v1": "replicas", "v2": "count"}

func crdText(version string) string {
	return fmt.Sprintf(`{"type":"object","properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},"metadata":%s,"spec":%s}}`, "{}", fmt.Sprintf(specSchema, countName[version]))
}

func thingConverter() managedfields.TypeConverter {
	models := map[string]*spec.Schema{}
	for version := range countName {
		text := strings.Replace(crdText(version), `"metadata":{}`, `"metadata":`+metaSchema, 1)
		s := &spec.Schema{}
		if err := json.Unmarshal([]byte(text), s); err != nil {
			panic(err)
		}
		s.AddExtension("x-kubernetes-group-version-kind", []any{map[string]any{"group": "example.com", "version": version, "kind": "Thing"}})
		models["com.example."+version+".Thing"] = s
	}
	c, err := managedfields.NewTypeConverter(models, false)
	if err != nil {
		panic(err)
	}
	return c
}

type convert struct{}

func (convert) Convert(in, out, context any) error { return fmt.Errorf("not used") }
func (convert) ConvertFieldLabel(gvk schema.GroupVersionKind, label, value string) (string, string, error) {
	return label, value, nil
}
func (convert) ConvertToVersion(in runtime.Object, gv runtime.GroupVersioner) (runtime.Object, error) {
	u := in.(*unstructured.Unstructured).DeepCopy()
	to := gv.(schema.GroupVersion)
	if u.GetKind() == "Thing" {
		if countName[to.Version] == "" {
			return nil, runtime.NewNotRegisteredErrForKind("oracle", to.WithKind("Thing"))
		}
		if s, ok := u.Object["spec"].(map[string]any); ok {
			from := countName[u.GroupVersionKind().Version]
			if v, ok := s[from]; ok && from != countName[to.Version] {
				delete(s, from)
				s[countName[to.Version]] = v
			}
		}
	}
	u.SetAPIVersion(to.String())
	return u, nil
}

type ignore struct{}

func (ignore) Default(runtime.Object) {}
func (ignore) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(kind)
	return u, nil
}

var things, builtins = thingConverter(), applyconfigurations.NewTypeConverter(scheme.Scheme)

type history struct {
	r      *rand.Rand
	kind   schema.GroupVersionKind // the version of the live object
	sample map[string]any          // of a built-in kind
	live   *unstructured.Unstructured
	steps  int
	crowd  bool // so many writers that the oldest are merged
	now    time.Time
}

func newHistory(r *rand.Rand) *history {
	h := &history{r: r, steps: 3 + r.Intn(8), kind: schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Thing"}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	if r.Intn(4) == 0 {
		s := samples[r.Intn(len(samples))]
		h.kind = schema.GroupVersionKind{Group: s.group, Version: s.version, Kind: s.kind}
		var u unstructured.Unstructured
		if err := u.UnmarshalJSON([]byte(s.json)); err != nil {
			panic(err)
		}
		h.sample = u.Object
	}
	if h.sample == nil && r.Intn(4) == 0 { // there before anybody applied
		h.live = h.object(h.kind.Version)
	}
	if h.sample == nil && r.Intn(8) == 0 {
		h.crowd, h.steps = true, 25
	}
	return h
}

func (h *history) text() string { return []string{"a", "b", "c", "d"}[h.r.Intn(4)] }

func (h *history) some(n int, each func() any) []any {
	out := []any{}
	for n = h.r.Intn(n + 1); n > 0; n-- {
		out = append(out, each())
	}
	return out
}

// Without items whose key is there already.
func unique(list []any, key func(any) string) []any {
	seen := map[string]bool{}
	out := []any{}
	for _, v := range list {
		if !seen[key(v)] {
			out = append(out, v)
		}
		seen[key(v)] = true
	}
	return out
}

func byJSON(v any) string { return string(must(json.Marshal(v))) }
func byName(v any) string { return v.(map[string]any)["name"].(string) }

func (h *history) thing(version string) map[string]any {
	s := map[string]any{}
	put := func(name string, v any) {
		if h.r.Intn(3) == 0 {
			s[name] = v
		}
	}
	object := func(names ...string) map[string]any {
		m := map[string]any{}
		for _, n := range names {
			if h.r.Intn(2) == 0 {
				m[n] = h.text()
			}
		}
		return m
	}
	named := func(more func(m map[string]any)) func() any {
		return func() any {
			m := object("value")
			m["name"] = h.text()
			if more != nil {
				more(m)
			}
			return m
		}
	}
	put(countName[version], int64(h.r.Intn(4)))
	put("text", h.text())
	put("flag", h.r.Intn(2) == 0)
	put("ratio", float64(h.r.Intn(4))/2)
	put("set", unique(h.some(4, func() any { return h.text() }), byJSON))
	put("numbers", unique(h.some(3, func() any { return int64(h.r.Intn(4)) }), byJSON))
	put("atomic", h.some(3, func() any { return h.text() }))
	put("plain", h.some(2, func() any { return object("a") }))
	put("ports", unique(h.some(3, func() any {
		m := object("name")
		m["port"] = int64(80 + h.r.Intn(3))
		if h.r.Intn(2) == 0 {
			m["protocol"] = []string{"TCP", "UDP"}[h.r.Intn(2)]
		}
		return m
	}), func(v any) string {
		m := v.(map[string]any)
		if m["protocol"] == nil {
			return fmt.Sprint(m["port"], "TCP")
		}
		return fmt.Sprint(m["port"], m["protocol"])
	}))
	put("items", unique(h.some(4, named(func(m map[string]any) {
		if h.r.Intn(2) == 0 {
			m["tags"] = unique(h.some(3, func() any { return h.text() }), byJSON)
		}
		if h.r.Intn(2) == 0 {
			m["env"] = unique(h.some(3, named(nil)), byName)
		}
	})), byName))
	put("map", object("a", "b", "c"))
	put("maps", map[string]any{h.text(): object("x", "y"), h.text(): object("x", "y")})
	put("atomicMap", object("x", "y"))
	put("nested", map[string]any{"a": h.text(), "b": object("c", "d")})
	if h.r.Intn(12) == 0 {
		put("text", nil)
		put("map", nil)
	}
	meta := map[string]any{"name": "thing"}
	if h.r.Intn(3) == 0 {
		meta["labels"] = object("a", "b")
	}
	if h.r.Intn(5) == 0 {
		meta["finalizers"] = unique(h.some(2, func() any { return "x/" + h.text() }), byJSON)
	}
	out := map[string]any{"apiVersion": "example.com/" + version, "kind": "Thing", "metadata": meta}
	if len(s) > 0 || h.r.Intn(4) > 0 {
		out["spec"] = s
	}
	return out
}

// Whole numbers as they are read: int64.
func integers(v any) any {
	switch t := v.(type) {
	case map[string]any:
		for k := range t {
			t[k] = integers(t[k])
		}
	case []any:
		for i := range t {
			t[i] = integers(t[i])
		}
	case float64:
		if t == float64(int64(t)) {
			return int64(t)
		}
	}
	return v
}

func (h *history) object(version string) *unstructured.Unstructured {
	if h.sample != nil {
		m := mutate(h.r, h.sample, 0).(map[string]any)
		for k := range m { // a part of it: that is how appliers share an object
			if k != "apiVersion" && k != "kind" && k != "metadata" && k != "spec" && h.r.Intn(3) == 0 {
				delete(m, k)
			}
		}
		if meta, ok := m["metadata"].(map[string]any); ok {
			delete(meta, "ownerReferences")
		} else {
			return nil
		}
		return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(integers(m).(map[string]any))}
	}
	return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(h.thing(version))}
}

// The times of new entries are those of this machine's clock: ours is the time of the step.
func (h *history) clocked(u *unstructured.Unstructured) {
	entries := u.GetManagedFields()
	for i := range entries {
		if entries[i].Time != nil && entries[i].Time.Time.After(h.now) {
			entries[i].Time = &metav1.Time{Time: h.now}
		}
	}
	u.SetManagedFields(entries)
}

func (h *history) step() row {
	h.steps--
	h.now = h.now.Add(time.Second)
	version, converter := h.kind.Version, builtins
	if h.sample == nil {
		version, converter = []string{"v1", "v1", "v2"}[h.r.Intn(3)], things
	}
	kind := schema.GroupVersionKind{Group: h.kind.Group, Version: version, Kind: h.kind.Kind}
	fm, err := managedfields.NewDefaultCRDFieldManager(converter, convert{}, ignore{}, ignore{}, kind, kind.GroupVersion(), "", nil)
	if err != nil {
		panic(err)
	}
	config := h.object(version)
	manager := []string{"alice", "bob", "carol"}[h.r.Intn(3)]
	update, force := h.r.Intn(4) == 0, h.r.Intn(2) == 0
	if h.crowd && h.r.Intn(8) > 0 {
		update, manager = true, fmt.Sprint("writer-", h.r.Intn(16))
	}
	if config == nil {
		return nil
	}
	out := row{"rule": "apply", "manager": manager, "now": h.now.Format(time.RFC3339), "apiVersion": kind.GroupVersion().String(), "force": force}
	if h.sample == nil {
		out["schemas"] = map[string]any{"example.com/v1": raw([]byte(crdText("v1"))), "example.com/v2": raw([]byte(crdText("v2")))}
	} else {
		out["group"], out["version"], out["kind"] = kind.Group, kind.Version, kind.Kind
	}
	live, _ := ignore{}.New(kind)
	if h.live != nil {
		live, _ = convert{}.ConvertToVersion(h.live, kind.GroupVersion())
		if h.sample == nil && h.r.Intn(20) == 0 { // a version that is gone
			u := live.(*unstructured.Unstructured)
			entries := u.GetManagedFields()
			if len(entries) > 0 {
				entries[h.r.Intn(len(entries))].APIVersion = "example.com/v0"
				u.SetManagedFields(entries)
			}
		}
		if h.sample == nil && h.r.Intn(10) == 0 { // written when the type was not atomic yet
			u := live.(*unstructured.Unstructured)
			entries := u.GetManagedFields()
			for i := range entries {
				t := strings.Replace(string(entries[i].FieldsV1.Raw), `"f:atomicMap":{}`, `"f:atomicMap":{"f:x":{},"f:y":{}}`, 1)
				t = strings.Replace(t, `"f:atomic":{}`, `"f:atomic":{"v:\"a\"":{}}`, 1)
				t = strings.Replace(t, `"f:plain":{}`, `"f:plain":{".":{},"i:0":{"f:a":{}}}`, 1)
				entries[i].FieldsV1.Raw = []byte(t)
			}
			u.SetManagedFields(entries)
		}
		out["live"] = raw(must(live.(*unstructured.Unstructured).MarshalJSON()))
	}
	if h.crowd && update && h.live != nil { // each writer adds something of its own
		config = live.DeepCopyObject().(*unstructured.Unstructured)
		config.SetManagedFields(nil)
		labels := config.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[manager] = h.text()
		config.SetLabels(labels)
	}
	out["config"] = raw(must(config.MarshalJSON()))
	var got runtime.Object
	ok := survives(func() {
		if update {
			out["rule"] = "apply-update"
			got, err = fm.Update(live.DeepCopyObject(), config, manager)
		} else {
			got, err = fm.Apply(live.DeepCopyObject(), config, manager, force)
		}
	})
	if !ok {
		return nil
	}
	if status, is := err.(*errors.StatusError); is && errors.IsConflict(err) {
		out["conflict"] = status.ErrStatus.Message
		return out
	}
	if err != nil {
		return nil // what the API server refuses before it comes to this
	}
	u := got.(*unstructured.Unstructured)
	h.clocked(u)
	h.live = u
	out["want"] = raw(must(u.MarshalJSON()))
	return out
}
