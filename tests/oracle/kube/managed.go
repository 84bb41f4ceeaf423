package main

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

var managedCases = []struct {
	from []string
	list string
}{
	{[]string{"kubectl"}, `[]`},
	{[]string{"kubectl"}, `[{"manager":"kubectl","operation":"Update","apiVersion":"v1","time":"2024-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:a":{}},"f:metadata":{"f:annotations":{"f:kubectl.kubernetes.io/last-applied-configuration":{}}}}}]`},
	{[]string{"kubectl"}, `[{"manager":"ours","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:b":{}}}},{"manager":"kubectl","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{".":{},"f:a":{}}}}]`},
	{[]string{"kubectl"}, `[{"manager":"kubectl","operation":"Update","apiVersion":"apps/v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:x":{}}}},{"manager":"kubectl","operation":"Update","apiVersion":"apps/v1beta1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:y":{}}}},{"manager":"ours","operation":"Apply","apiVersion":"apps/v1beta1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:z":{}}}},{"manager":"kubectl","operation":"Update","apiVersion":"apps/v1","subresource":"status","fieldsType":"FieldsV1","fieldsV1":{"f:status":{}}}]`},
	{[]string{"kubectl"}, `[{"manager":"other","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{"f:kubectl.kubernetes.io/last-applied-configuration":{}}}}},{"manager":"ours","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:b":{}}}}]`},
	{[]string{}, `[{"manager":"ours","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:b":{}}}}]`},
	{[]string{"ours"}, `[{"manager":"ours","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:image":{}}},"f:list":{"v:\"x\"":{}}}}},{"manager":"ours","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:containers":{"k:{\"name\":\"b\"}":{".":{}}},"f:list":{}}}}]`},
	{[]string{"a", "b"}, `[{"manager":"a","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:a":{}}}},{"manager":"b","operation":"Update","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:b":{}}}},{"manager":"ours","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:c":{}}}}]`},
}

func managedRows() {
	var rows []row
	owned := fieldpath.NewSet(fieldpath.MakePathOrDie("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"))
	for _, c := range managedCases {
		var list []metav1.ManagedFieldsEntry
		if err := json.Unmarshal([]byte(c.list), &list); err != nil {
			panic(err)
		}
		u := &unstructured.Unstructured{Object: map[string]any{}}
		u.SetManagedFields(list)
		u.SetResourceVersion("7")
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(u, sets.New(c.from...), "ours")
		if err != nil {
			panic(err)
		}
		names := []string{}
		for _, e := range csaupgrade.FindFieldsOwners(list, metav1.ManagedFieldsOperationUpdate, owned) {
			names = append(names, e.Manager)
		}
		r := row{"managed": raw([]byte(c.list)), "from": c.from, "client_side": names}
		if patch != nil {
			r["patch"] = json.RawMessage(patch)
		}
		rows = append(rows, r)
	}
	write("managed.jsonl", rows)
}
