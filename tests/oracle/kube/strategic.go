package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

type sample struct {
	group, version, kind string
	typ                  any
	json                 string
}

var samples = []sample{
	{"apps", "v1", "Deployment", &appsv1.Deployment{}, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","labels":{"app":"web","x":"1"},"finalizers":["a/b","c/d"],"ownerReferences":[{"apiVersion":"v1","kind":"X","name":"n","uid":"u1"}]},
"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":"25%","maxUnavailable":1}},"template":{"metadata":{"labels":{"app":"web"}},
"spec":{"containers":[{"name":"a","image":"a:1","args":["x","y"],"env":[{"name":"A","value":"1"},{"name":"B","value":"2"},{"name":"C","value":"3"}],"ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":81,"name":"p"}],"resources":{"limits":{"cpu":"1"}}},
{"name":"b","image":"b:1","volumeMounts":[{"name":"v","mountPath":"/v"}]}],"volumes":[{"name":"v","emptyDir":{}},{"name":"w","configMap":{"name":"cm","items":[{"key":"k","path":"p"}]}}],
"tolerations":[{"key":"k","operator":"Exists"}],"imagePullSecrets":[{"name":"s"}],"hostAliases":[{"ip":"1.1.1.1","hostnames":["h"]}],"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}]}}}}`},
	{"", "v1", "Service", &corev1.Service{}, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"selector":{"a":"b"},"ports":[{"name":"h","port":80,"targetPort":8080},{"name":"m","port":81,"protocol":"UDP"}],"externalIPs":["1.1.1.1","2.2.2.2"],"clusterIPs":["1.2.3.4"]}}`},
	{"batch", "v1", "CronJob", &batchv1.CronJob{}, `{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"c"},"spec":{"schedule":"* * * * *","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"i"}]}}}}}}`},
	{"", "v1", "ServiceAccount", &corev1.ServiceAccount{}, `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"c"},"secrets":[{"name":"a"},{"name":"b"}],"imagePullSecrets":[{"name":"x"}]}`},
	{"", "v1", "ConfigMap", &corev1.ConfigMap{}, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","annotations":{"a":"b"}},"data":{"k":"v","l":"w"}}`},
}

func mutate(r *rand.Rand, v any, depth int) any {
	switch t := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(t)) {
			e := t[k]
			if depth > 1 && k != "name" && k != "containerPort" && r.Intn(14) == 0 {
				continue
			}
			out[k] = mutate(r, e, depth+1)
		}
		if _, ok := t["app"]; ok && r.Intn(3) == 0 {
			out[fmt.Sprintf("new%d", r.Intn(3))] = "x"
		}
		return out
	case []any:
		var out []any
		for _, e := range t {
			if r.Intn(7) == 0 {
				continue
			}
			out = append(out, mutate(r, e, depth+1))
		}
		if len(t) > 0 && r.Intn(4) == 0 {
			switch e := t[0].(type) {
			case map[string]any:
				c := map[string]any{}
				for k, x := range e {
					c[k] = x
				}
				for _, k := range []string{"name", "ip", "mountPath", "uid", "key"} {
					if _, ok := c[k]; ok {
						c[k] = fmt.Sprintf("zz%d", r.Intn(3))
						break
					}
				}
				if _, ok := c["containerPort"]; ok {
					c["containerPort"] = int64(90 + r.Intn(3))
				}
				if _, ok := c["port"]; ok {
					c["port"] = int64(90 + r.Intn(3))
				}
				out = append(out, c)
			case string:
				out = append(out, fmt.Sprintf("zz%d", r.Intn(3)))
			}
		}
		if r.Intn(4) == 0 {
			r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		}
		if out == nil {
			out = []any{}
		}
		return out
	case string:
		if depth > 3 && r.Intn(12) == 0 && t != "a" && t != "b" {
			return t + "!"
		}
	case int64:
		if r.Intn(6) == 0 {
			return t + 1
		}
	case float64:
		if r.Intn(6) == 0 {
			return t + 1
		}
	}
	return v
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func raw(b []byte) json.RawMessage { return json.RawMessage(b) }

// diffs is one row: what apimachinery answers for a change of one object.
func diffs(s sample, original, modified, current []byte) row {
	out := row{"group": s.group, "version": s.version, "kind": s.kind, "original": raw(original), "modified": raw(modified), "current": raw(current)}
	two, err := strategicpatch.CreateTwoWayMergePatch(original, modified, s.typ)
	if err != nil {
		out["two_error"] = err.Error()
	} else {
		out["two"] = raw(two)
	}
	meta, _ := strategicpatch.NewPatchMetaFromStruct(s.typ)
	three, err := strategicpatch.CreateThreeWayMergePatch(original, modified, current, meta, true)
	if err != nil {
		out["three_error"] = err.Error()
	} else {
		out["three"] = raw(three)
		applied, err := strategicpatch.StrategicMergePatch(current, three, s.typ)
		if err != nil {
			out["applied_error"] = err.Error()
		} else {
			out["applied"] = raw(applied)
		}
	}
	return out
}

func strategic() {
	var rows []row
	r := rand.New(rand.NewSource(7))
	for i := 0; i < 160; i++ {
		s := samples[i%len(samples)]
		var base any
		if err := json.Unmarshal([]byte(s.json), &base); err != nil {
			panic(err)
		}
		rows = append(rows, diffs(s, must(json.Marshal(base)), must(json.Marshal(mutate(r, base, 0))), must(json.Marshal(mutate(r, base, 0)))))
	}
	// Equal objects: the order of an unsorted list of scalars is stated all the same.
	unsorted := []byte(`{"metadata":{"finalizers":["h/b","c/d"]}}`)
	rows = append(rows, diffs(samples[0], unsorted, unsorted, unsorted))
	write("strategic-diffs.jsonl", rows)

	rows = nil
	patches := []struct {
		kind  int
		patch string
	}{
		{0, `{"spec":{"template":{"spec":{"containers":[{"name":"b","$patch":"delete"}]}}}}`},
		{0, `{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"c"},{"$patch":"replace"}]}}}}`},
		{0, `{"spec":{"template":{"spec":{"containers":[{"image":"c"}]}}}}`},
		{0, `{"spec":{"template":{"spec":{"containers":[{"name":"b","$patch":"what"}]}}}}`},
		{0, `{"spec":{"template":{"spec":{"containers":[{"name":"b","$patch":"merge"}]}}}}`},
		{0, `{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}`},
		{0, `{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate","rollingUpdate":{}}}}`},
		{0, `{"spec":{"strategy":{"$retainKeys":"type","type":"Recreate"}}}`},
		{0, `{"spec":{"strategy":{"$patch":"replace","type":"Recreate"}}}`},
		{0, `{"spec":{"strategy":{"$patch":"delete"}}}`},
		{0, `{"spec":{"strategy":{"$patch":"x"}}}`},
		{0, `{"metadata":{"$deleteFromPrimitiveList/finalizers":["a/b"]}}`},
		{0, `{"metadata":{"$deleteFromPrimitiveList/finalizers":["a/b"],"finalizers":["e/f"],"$setElementOrder/finalizers":["e/f","c/d"]}}`},
		{0, `{"metadata":{"finalizers":["e/f","c/d"]}}`},
		{0, `{"metadata":{"$setElementOrder/finalizers":["c/d","a/b"]}}`},
		{0, `{"metadata":{"$deleteFromPrimitiveList":["a/b"]}}`},
		{0, `{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]}}}}`},
		{0, `{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"a","image":"z"},{"name":"b","image":"y"}]}}}}`},
		{0, `{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"n"},{"name":"b"},{"name":"a"}],"containers":[{"name":"n","image":"y"},{"name":"a","image":"z"}]}}}}`},
		{0, `{"spec":{"template":{"spec":{"$setElementOrder/containers":"x"}}}}`},
		{0, `{"spec":{"template":{"spec":{"volumes":[{"name":"w","$retainKeys":["name","emptyDir"],"emptyDir":{}}]}}}}`},
		{0, `{"spec":{"template":{"spec":{"volumes":[{"name":"w","configMap":null,"emptyDir":{}}]}}}}`},
		{0, `{"spec":{"nope":{"a":1}}}`},
		{0, `{"spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"B","value":null},{"name":"Z","value":"9"}]}]}}}}`},
		{0, `{"spec":{"template":{"spec":{"containers":[{"name":"a","args":["q"]}],"tolerations":[{"key":"z"}]}}}}`},
		{0, `{"metadata":{"labels":{"x":null,"y":null,"z":"1"}}}`},
		{0, `{"metadata":{"labels":null,"annotations":{"a":null,"b":{"c":null}}}}`},
		{0, `{"spec":{"template":{"spec":{"containers":["x"]}}}}`},
		{0, `{"spec":{"template":{"spec":{"containers":"x"}}}}`},
		{0, `{"spec":{"template":{"spec":{"containers":[["x"]]}}}}`},
		{0, `{"spec":{"replicas":null,"paused":true}}`},
		{0, `{"$patch":"delete"}`},
		{1, `{"spec":{"ports":[{"port":80,"targetPort":9},{"port":82}]}}`},
		{1, `{"spec":{"ports":[{"name":"q"}]}}`},
		{1, `{"spec":{"externalIPs":["3.3.3.3"]}}`},
		{1, `{"spec":{"ports":[]}}`},
		{3, `{"secrets":[{"name":"c"},{"name":"a","$patch":"delete"}],"$setElementOrder/secrets":[{"name":"c"},{"name":"b"}]}`},
		{4, `{"data":{"k":{"x":1}}}`},
	}
	for _, p := range patches {
		s := samples[p.kind]
		out := row{"group": s.group, "version": s.version, "kind": s.kind, "original": raw([]byte(s.json)), "patch": raw([]byte(p.patch))}
		got, err := strategicpatch.StrategicMergePatch([]byte(s.json), []byte(p.patch), s.typ)
		if err != nil {
			out["error"] = err.Error()
		} else {
			out["result"] = raw(got)
		}
		rows = append(rows, out)
	}
	write("strategic-patches.jsonl", rows)
}
