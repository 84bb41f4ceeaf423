package main

import (
	"encoding/json"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	rec "k8s.io/component-helpers/auth/rbac/reconciliation"
)

// The server of one object: what is there, and what was asked for.
type store[T any] struct {
	there *T
	wrote []string
	last  *T
}

func (s *store[T]) Get(ns, name string) (T, error) {
	var none T
	if s.there == nil {
		return none, errors.NewNotFound(schema.GroupResource{}, name)
	}
	return *s.there, nil
}
func (s *store[T]) Create(in T) (T, error) { s.wrote, s.last = append(s.wrote, "create"), &in; return in, nil }
func (s *store[T]) Update(in T) (T, error) { s.wrote, s.last = append(s.wrote, "update"), &in; return in, nil }
func (s *store[T]) Delete(ns, name string, uid types.UID) error {
	s.wrote = append(s.wrote, "delete")
	return nil
}

func decodeRBAC(text string) any {
	obj, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(text), nil, nil)
	if err != nil {
		panic(err)
	}
	return obj
}

func ruleOwner(text string) rec.RuleOwner {
	if r, ok := decodeRBAC(text).(*rbacv1.Role); ok {
		return rec.RoleRuleOwner{Role: r}
	}
	return rec.ClusterRoleRuleOwner{ClusterRole: decodeRBAC(text).(*rbacv1.ClusterRole)}
}

func binding(text string) rec.RoleBinding {
	if r, ok := decodeRBAC(text).(*rbacv1.RoleBinding); ok {
		return rec.RoleBindingAdapter{RoleBinding: r}
	}
	return rec.ClusterRoleBindingAdapter{ClusterRoleBinding: decodeRBAC(text).(*rbacv1.ClusterRoleBinding)}
}

func printed[T any](list []T) []string {
	out := []string{}
	for _, x := range list {
		out = append(out, fmt.Sprintf("%+v", x))
	}
	return out
}

func asJSON(v any) json.RawMessage {
	j, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return j
}

const (
	role        = `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"r","namespace":"n"%s},"rules":%s}`
	clusterRole = `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"%s},"rules":%s}`
	bind        = `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"b","namespace":"n","uid":"u"%s},"roleRef":%s,"subjects":%s}`
)

func rbacRows() {
	var rows []row
	pods := `[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]}]`
	ref := `{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"x"}`
	sa := `{"kind":"ServiceAccount","name":"s","namespace":"n"}`
	roles := [][2]string{
		{fmt.Sprintf(role, "", pods), ""},
		{fmt.Sprintf(role, "", "[]"), ""},
		{fmt.Sprintf(role, "", pods), fmt.Sprintf(role, "", pods)},
		{fmt.Sprintf(role, "", pods), fmt.Sprintf(role, "", `[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]`)},
		{fmt.Sprintf(role, "", pods), fmt.Sprintf(role, "", `[{"apiGroups":[""],"resources":["pods","secrets"],"verbs":["get"]}]`)},
		{fmt.Sprintf(role, "", pods), fmt.Sprintf(role, "", `[{"apiGroups":[""],"resources":["pods"],"verbs":["get"],"resourceNames":["a"]}]`)},
		{fmt.Sprintf(role, "", `[{"apiGroups":["","apps"],"resources":["pods/log","x/status"],"verbs":["get"],"resourceNames":["a","b"]}]`),
			fmt.Sprintf(role, "", `[{"apiGroups":["apps"],"resources":["*/status","pods"],"verbs":["get"]},{"apiGroups":[""],"resources":["pods/log"],"verbs":["get"],"resourceNames":["b"]}]`)},
		{fmt.Sprintf(clusterRole, "", `[{"nonResourceURLs":["/a","/b/c","/d"],"verbs":["get","post"]}]`),
			fmt.Sprintf(clusterRole, "", `[{"nonResourceURLs":["/b/*","/a"],"verbs":["get"]},{"nonResourceURLs":["/d**"],"verbs":["*"]}]`)},
		{fmt.Sprintf(role, `,"annotations":{"a":"1","b":"2"},"labels":{"l":"1"}`, pods), fmt.Sprintf(role, `,"annotations":{"a":"0","c":"3"},"labels":{"l":"1"}`, pods)},
		{fmt.Sprintf(role, `,"annotations":{"a":"1"}`, pods), fmt.Sprintf(role, `,"annotations":{"a":"0","c":"3"}`, pods)},
		{fmt.Sprintf(role, `,"labels":{}`, pods), fmt.Sprintf(role, "", pods)},
		{fmt.Sprintf(role, "", pods), fmt.Sprintf(role, `,"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}`, "[]")},
		{fmt.Sprintf(clusterRole, "", pods), `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]},"rules":[]}`},
		{`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"},"matchExpressions":[]},{"matchLabels":{"c":"d"}}]},"rules":[]}`,
			`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}`},
		{`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]},"rules":[]}`, fmt.Sprintf(clusterRole, "", "[]")},
	}
	for _, c := range roles {
		s := &store[rec.RuleOwner]{}
		if c[1] != "" {
			o := ruleOwner(c[1])
			s.there = &o
		}
		o := rec.ReconcileRoleOptions{Role: ruleOwner(c[0]), Confirm: true, Client: s}
		result, err := o.Run()
		if err != nil {
			panic(err)
		}
		r := row{"desired": raw([]byte(c[0])), "operation": string(result.Operation), "protected": result.Protected, "rules": printed(result.MissingRules), "wrote": s.wrote}
		if c[1] != "" {
			r["existing"] = raw([]byte(c[1]))
		}
		if s.last != nil {
			r["object"] = asJSON((*s.last).GetObject())
		}
		rows = append(rows, r)
	}
	bindings := [][2]string{
		{fmt.Sprintf(bind, "", ref, "["+sa+"]"), ""},
		{fmt.Sprintf(bind, "", ref, "["+sa+"]"), fmt.Sprintf(bind, "", ref, "["+sa+"]")},
		{fmt.Sprintf(bind, "", ref, "["+sa+","+sa+`,{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"u"}]`), fmt.Sprintf(bind, "", ref, "[]")},
		{fmt.Sprintf(bind, "", ref, `[{"kind":"User","name":"u"}]`), fmt.Sprintf(bind, "", ref, `[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"u"}]`)},
		{fmt.Sprintf(bind, "", `{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"y"}`, "["+sa+"]"), fmt.Sprintf(bind, "", ref, "[]")},
		{fmt.Sprintf(bind, "", `{"apiGroup":"","kind":"Role","name":"x"}`, "["+sa+"]"), fmt.Sprintf(bind, "", ref, "["+sa+"]")},
		{fmt.Sprintf(bind, `,"annotations":{"a":"b"}`, ref, "["+sa+"]"), fmt.Sprintf(bind, `,"annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}`, ref, "[]")},
	}
	for _, c := range bindings {
		s := &store[rec.RoleBinding]{}
		if c[1] != "" {
			o := binding(c[1])
			s.there = &o
		}
		o := rec.ReconcileRoleBindingOptions{RoleBinding: binding(c[0]), Confirm: true, Client: s}
		result, err := o.Run()
		if err != nil {
			panic(err)
		}
		r := row{"desired": raw([]byte(c[0])), "operation": string(result.Operation), "protected": result.Protected, "subjects": printed(result.MissingSubjects), "wrote": s.wrote}
		if c[1] != "" {
			r["existing"] = raw([]byte(c[1]))
		}
		if s.last != nil {
			r["object"] = asJSON((*s.last).GetObject())
		}
		rows = append(rows, r)
	}
	write("rbac.jsonl", rows)
}
