package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// Streams of the size and the make of what clusters are installed from, made from a seed: custom resource definitions with
// their long descriptions, workloads, roles, and for monitoring alert rules and dashboards as JSON in config maps.
type maker struct{ r *rand.Rand }

const prose = `the name of this field is used to select pods that match all labels If empty then no object is selected unless
 a default was set by an operator. This cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects
 Defaults to "ClusterFirst". Valid values are 'Always', 'Never' and 'IfNotPresent'; requests are rejected when limits (see below) are lower.
 e.g. 10Gi, 500m or 100% # not a comment`

var vocabulary = strings.Fields(prose)

func (m *maker) pick(s ...string) string { return s[m.r.Intn(len(s))] }

func (m *maker) words(low, high int) string {
	var w []string
	for n := low + m.r.Intn(high-low+1); n > 0; n-- {
		w = append(w, vocabulary[m.r.Intn(len(vocabulary))])
	}
	return strings.Join(w, " ")
}

func (m *maker) name() string {
	return m.pick("cert", "ingress", "policy", "node", "volume", "agent", "metric", "source", "cluster", "replica", "webhook", "token", "route") +
		m.pick("", "Ref", "Spec", "Status", "Selector", "Template", "Strategy", "Name", "Config", "Period", "Limit") +
		m.pick("", "s", "1", "V2", "Set")
}

// schema is a structural schema as controller-gen writes it.
func (m *maker) schema(depth int) map[string]any {
	s := map[string]any{}
	if m.r.Intn(8) > 0 {
		s["description"] = m.words(4, 50)
		if m.r.Intn(5) == 0 {
			s["description"] = m.words(8, 20) + "\n\n" + m.words(5, 30) + "\n- " + m.words(2, 8) + "\n- " + m.words(2, 8)
		}
	}
	switch kind := m.r.Intn(8); {
	case depth > 0 && kind < 4:
		properties := map[string]any{}
		for n := 2 + m.r.Intn(9); n > 0; n-- {
			properties[m.name()] = m.schema(depth - 1)
		}
		s["type"], s["properties"] = "object", properties
		if m.r.Intn(2) == 0 {
			s["required"] = []any{m.name(), m.name()}
		}
	case depth > 0 && kind < 6:
		s["type"], s["items"] = "array", m.schema(depth-1)
		s["x-kubernetes-list-type"] = m.pick("atomic", "map", "set")
	case kind == 6:
		s["type"], s["format"], s["default"] = "integer", m.pick("int32", "int64"), m.r.Intn(9000)
	case kind == 7:
		s["anyOf"], s["pattern"] = []any{map[string]any{"type": "integer"}, map[string]any{"type": "string"}}, `^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE])?$`
		s["x-kubernetes-int-or-string"] = true
	default:
		s["type"] = m.pick("string", "boolean", "string", "string")
	}
	return s
}

func (m *maker) meta(name string) map[string]any {
	return map[string]any{"name": name, "namespace": m.pick("argocd", "monitoring", "kube-system"), "labels": map[string]any{
		"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": m.pick("argocd", "kube-prometheus"), "app.kubernetes.io/version": m.pick("3.6.0", "1.25", "v2.49.1"),
	}}
}

func (m *maker) definition(i int) map[string]any {
	var versions []any
	for _, v := range []string{"v1alpha1", "v1"}[m.r.Intn(2):] {
		root := map[string]any{"description": m.words(20, 60), "type": "object", "properties": map[string]any{
			"apiVersion": map[string]any{"type": "string"}, "spec": m.schema(3 + m.r.Intn(2)), "status": m.schema(2)}}
		versions = append(versions, map[string]any{"name": v, "served": true, "storage": v == "v1", "schema": map[string]any{"openAPIV3Schema": root},
			"additionalPrinterColumns": []any{map[string]any{"jsonPath": ".status.health", "name": "Health Status", "type": "string", "priority": m.r.Intn(20)}}})
	}
	meta := m.meta(fmt.Sprintf("things%d.example.io", i))
	meta["annotations"] = map[string]any{"controller-gen.kubebuilder.io/version": "v0.16.5"}
	return map[string]any{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta,
		"spec": map[string]any{"group": "example.io", "scope": "Namespaced", "names": map[string]any{"kind": "Thing", "plural": "things", "shortNames": []any{"th"}}, "versions": versions}}
}

func (m *maker) workload(i int) map[string]any {
	var env []any
	for n := 4 + m.r.Intn(30); n > 0; n-- {
		key := strings.ToUpper(m.name())
		if m.r.Intn(3) == 0 {
			env = append(env, map[string]any{"name": key, "value": m.pick("true", "8080", "yes", "info", "", "0.0.0.0:9090", "10s", "1e3", "/var/run/secrets")})
		} else {
			env = append(env, map[string]any{"name": key, "valueFrom": map[string]any{"configMapKeyRef": map[string]any{"name": "cmd-params", "key": strings.ToLower(key), "optional": true}}})
		}
	}
	name := fmt.Sprintf("%s-%d", m.pick("server", "repo-server", "controller", "exporter"), i)
	labels := map[string]any{"app.kubernetes.io/name": name}
	container := map[string]any{"name": "main", "image": "quay.io/example/image:v3.6.0@sha256:" + strings.Repeat("0f1e2d3c", 8), "args": []any{"/usr/local/bin/run", "--port=8083", "--level", "debug"},
		"env": env, "ports": []any{map[string]any{"containerPort": 8080, "name": "http"}}, "resources": map[string]any{"limits": map[string]any{"cpu": "500m", "memory": "1Gi"}, "requests": map[string]any{}},
		"securityContext": map[string]any{"runAsNonRoot": true, "runAsUser": 65534, "capabilities": map[string]any{"drop": []any{"ALL"}}}}
	return map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": m.meta(name), "spec": map[string]any{"replicas": m.r.Intn(4), "selector": map[string]any{"matchLabels": labels},
		"template": map[string]any{"metadata": map[string]any{"labels": labels, "annotations": map[string]any{"checksum/config": fmt.Sprintf("%064x", m.r.Int63()), "note": m.words(3, 40)}},
			"spec": map[string]any{"containers": []any{container}, "nodeSelector": map[string]any{"kubernetes.io/os": "linux"}, "tolerations": []any{}}}}}
}

func (m *maker) role(i int) map[string]any {
	var rules []any
	for n := 3 + m.r.Intn(20); n > 0; n-- {
		rules = append(rules, map[string]any{"apiGroups": []any{m.pick("", "apps", "*", "example.io")}, "resources": []any{"secrets", "configmaps", m.name()}, "verbs": []any{"get", "list", "watch", m.pick("create", "*")}})
	}
	return map[string]any{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": m.meta(fmt.Sprintf("role-%d", i)), "rules": rules}
}

func (m *maker) alerts(i int) map[string]any {
	var groups []any
	for g := 2 + m.r.Intn(5); g > 0; g-- {
		var rules []any
		for n := 2 + m.r.Intn(12); n > 0; n-- {
			rules = append(rules, map[string]any{"alert": m.name(), "for": m.pick("15m", "1h", "5m"), "labels": map[string]any{"severity": m.pick("warning", "critical", "info")},
				"annotations": map[string]any{"description": "{{ $labels.instance }}: " + m.words(8, 40), "summary": m.words(4, 9), "runbook_url": "https://runbooks.example.io/runbooks/" + m.name()},
				"expr":        "(\n  sum by (namespace, pod) (rate(" + m.name() + "_total{job=\"node\",mode!=\"idle\"}[5m]))\n/\n  count(kube_pod_info)\n) * 100 > " + fmt.Sprint(m.r.Intn(100)) + "\n"})
		}
		groups = append(groups, map[string]any{"name": m.name() + ".rules", "interval": "30s", "rules": rules})
	}
	return map[string]any{"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": m.meta(fmt.Sprintf("rules-%d", i)), "spec": map[string]any{"groups": groups}}
}

func (m *maker) dashboard(i int) map[string]any {
	var panels []any
	for n := 4 + m.r.Intn(16); n > 0; n-- {
		panels = append(panels, map[string]any{"id": n, "title": m.words(2, 6), "type": m.pick("graph", "stat", "table"), "gridPos": map[string]any{"h": 7, "w": 12, "x": 0, "y": n * 7},
			"targets": []any{map[string]any{"expr": "sum(rate(" + m.name() + "{cluster=\"$cluster\"}[$interval])) by (pod)", "legendFormat": "{{pod}}", "step": 10}}, "nullPointMode": nil})
	}
	text, err := json.MarshalIndent(map[string]any{"annotations": map[string]any{"list": []any{}}, "panels": panels, "refresh": "10s", "uid": m.name(), "version": 0}, "", "    ")
	check(err)
	return map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": m.meta(fmt.Sprintf("dashboard-%d", i)), "data": map[string]any{m.name() + ".json": string(text)}}
}

// stream joins objects of the kinds in turn until it has the size.
func (m *maker) stream(size int, kinds ...func(int) map[string]any) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteString("---\n")
		}
		text, err := yaml.Marshal(kinds[i%len(kinds)](i))
		check(err)
		b.Write(text)
	}
	return b.Bytes()
}

// go run . manifests FOLDER
func manifests(folder string) {
	m := &maker{rand.New(rand.NewSource(13))}
	check(os.WriteFile(filepath.Join(folder, "install.yaml"), m.stream(1_900_000, m.definition, m.workload, m.role, m.workload), 0o644))
	check(os.WriteFile(filepath.Join(folder, "monitoring.yaml"), m.stream(660_000, m.alerts, m.dashboard, m.workload), 0o644))
}
