package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type message interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// The message in protobuf, and the JSON that is read back from it.
func protoRow(kind, input string, m, again message) map[string]any {
	check(json.Unmarshal([]byte(input), m))
	b, err := m.Marshal()
	check(err)
	check(again.Unmarshal(b))
	out, err := json.Marshal(again)
	check(err)
	return map[string]any{"rule": kind, "input": input, "proto64": base64.StdEncoding.EncodeToString(b), "want": string(out)}
}

func metadataText() string {
	var f []string
	add := func(name, value string) {
		if random.Intn(3) > 0 {
			f = append(f, fmt.Sprintf("%q:%s", name, value))
		}
	}
	text := func() string { b, _ := json.Marshal(pick(words[:9]...) + "x"); return string(b) }
	for _, name := range []string{"name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"} {
		add(name, text())
	}
	add("generation", pick("1", "-1", "9223372036854775807", "300"))
	add("creationTimestamp", pick(`"2024-02-29T12:34:56Z"`, `"1969-12-31T23:59:59Z"`, `"9999-12-31T23:59:59Z"`, `"0001-01-02T00:00:00Z"`))
	add("deletionTimestamp", `"2024-02-29T12:34:56Z"`)
	add("deletionGracePeriodSeconds", pick("0", "30"))
	add("labels", fmt.Sprintf(`{%s:%s,"z":"","a":%s}`, text(), text(), text()))
	add("annotations", fmt.Sprintf(`{"k":%s}`, stringText()))
	add("ownerReferences", fmt.Sprintf(`[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":%s,"uid":"u","controller":%s},{"apiVersion":"v1","kind":"Node","name":"n","uid":"","blockOwnerDeletion":false}]`, text(), pick("true", "false")))
	add("finalizers", `["a","","b/c"]`)
	add("managedFields", `[{"manager":"kubectl","operation":"Apply","apiVersion":"v1","time":"2024-02-29T12:34:56Z","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{".":{},"k:{\"a\":\"b\"}":{}}},"subresource":"status"}]`)
	return "{" + strings.Join(f, ",") + "}"
}

func protoCases() []map[string]any {
	var rows []map[string]any
	for i := 0; i < 150; i++ {
		rows = append(rows, protoRow("proto-metadata", metadataText(), &metav1.ObjectMeta{}, &metav1.ObjectMeta{}))
	}
	for _, text := range []string{
		`{"minAvailable":1}`, `{"minAvailable":0}`, `{"maxUnavailable":"25%"}`, `{"maxUnavailable":-1,"unhealthyPodEvictionPolicy":"AlwaysAllow"}`, `{}`, `{"selector":{}}`,
		`{"selector":{"matchLabels":{"b":"1","a":"2"},"matchExpressions":[{"key":"x","operator":"In","values":["1","2"]},{"key":"y","operator":"Exists"}]}}`,
	} {
		rows = append(rows, protoRow("proto-pdb", text, &policyv1.PodDisruptionBudgetSpec{}, &policyv1.PodDisruptionBudgetSpec{}))
	}
	for _, text := range []string{
		`{"metadata":{"name":"s"},"data":{"k":"AAEC/w==","empty":""},"type":"Opaque","immutable":false}`, `{"metadata":{"name":"s"},"stringData":{"b":"2","a":"1"},"immutable":true}`,
	} {
		rows = append(rows, protoRow("proto-secret", text, &corev1.Secret{}, &corev1.Secret{}))
	}
	for _, text := range []string{
		`{"type":"Ready","status":"True","observedGeneration":7,"lastTransitionTime":"2024-02-29T12:34:56Z","reason":"r","message":"m"}`,
		`{"type":"Ready","status":"","lastTransitionTime":null,"reason":"","message":""}`,
	} {
		rows = append(rows, protoRow("proto-condition", text, &metav1.Condition{}, &metav1.Condition{}))
	}
	return rows
}
