package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/openapi"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// go run . kyaml-table: src/kube/kyaml_table.inc: the lists that kyaml merges by item, of every kind its built-in schema (an old
// Kubernetes release) knows. Types without such a list below them are left out; equal types are one.

type kyamlType struct {
	text  string // what makes it equal to another
	elem  int    // of lists and maps; -1: none
	field []kyamlField
}

type kyamlField struct {
	name, keys string
	merge      bool
	typ        int
}

type kyamlTable struct {
	types []kyamlType
	index map[string]int // by text
	done  map[string]int // by definition
	busy  map[string]bool
}

// The type of a schema, or -1 when nothing below it merges by item.
func (t *kyamlTable) typeOf(rs *openapi.ResourceSchema, depth int) int {
	if rs == nil || depth > 30 {
		return -1
	}
	k := kyamlType{elem: -1}
	s := rs.Schema
	if len(s.Type) == 1 && s.Type[0] == "array" {
		k.elem = t.typeOf(rs.Elements(), depth+1)
	} else if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		k.elem = t.typeOf(rs.Field("any name"), depth+1)
	}
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if depth > 0 && strings.HasPrefix(s.Description, "JSONSchemaProps") {
			continue // refers to itself; none of its lists merges
		}
		f := rs.Field(name)
		strategy, keys := f.PatchStrategyAndKeyList()
		e := kyamlField{name: name, keys: strings.Join(keys, ","), typ: t.typeOf(f, depth+1)}
		for _, one := range strings.Split(strategy, ",") {
			e.merge = e.merge || one == "merge" && len(f.Schema.Type) == 1 && f.Schema.Type[0] == "array"
		}
		if e.merge || e.typ >= 0 {
			k.field = append(k.field, e)
		}
	}
	if k.elem < 0 && len(k.field) == 0 {
		return -1
	}
	k.text = fmt.Sprint(k.elem, k.field)
	if i, ok := t.index[k.text]; ok {
		return i
	}
	t.types = append(t.types, k)
	t.index[k.text] = len(t.types) - 1
	return len(t.types) - 1
}

func kyamlTables(kinds []kyaml.TypeMeta) {
	t := &kyamlTable{index: map[string]int{}}
	sort.Slice(kinds, func(i, j int) bool {
		return kinds[i].APIVersion < kinds[j].APIVersion || kinds[i].APIVersion == kinds[j].APIVersion && kinds[i].Kind < kinds[j].Kind
	})
	roots := map[kyaml.TypeMeta]int{}
	for _, k := range kinds {
		if s := openapi.SchemaForResourceType(k); s != nil {
			roots[k] = t.typeOf(s, 0)
		}
	}
	out := os.Stdout
	fmt.Fprintln(out, "/* kube/kyaml_table.inc: written by tests/oracle/kube (go run . kyaml-table) from kyaml's built-in schema. */")
	fmt.Fprintln(out, "/* clang-format off */")
	fmt.Fprintf(out, "static const struct kyaml_type kyaml_types[%d];\n", len(t.types))
	for i, k := range t.types {
		if len(k.field) == 0 {
			continue
		}
		fmt.Fprintf(out, "static const struct kyaml_field kyaml_fields_%d[] = {\n", i)
		for _, f := range k.field {
			typ := "NULL"
			if f.typ >= 0 {
				typ = fmt.Sprintf("&kyaml_types[%d]", f.typ)
			}
			fmt.Fprintf(out, "    {STR_INIT(%q), STR_INIT(%q), %v, %s},\n", f.name, f.keys, f.merge, typ)
		}
		fmt.Fprintln(out, "};")
	}
	fmt.Fprintf(out, "static const struct kyaml_type kyaml_types[%d] = {\n", len(t.types))
	for i, k := range t.types {
		field, elem := "NULL, 0", "NULL"
		if len(k.field) > 0 {
			field = fmt.Sprintf("kyaml_fields_%d, %d", i, len(k.field))
		}
		if k.elem >= 0 {
			elem = fmt.Sprintf("&kyaml_types[%d]", k.elem)
		}
		fmt.Fprintf(out, "    {%s, %s},\n", field, elem)
	}
	fmt.Fprintln(out, "};")
	fmt.Fprintln(out, "static const struct kyaml_kind kyaml_kinds[] = {")
	last := kyaml.TypeMeta{}
	for _, k := range kinds {
		i, ok := roots[k]
		if !ok || i < 0 || k == last {
			continue
		}
		last = k
		fmt.Fprintf(out, "    {STR_INIT(%q), STR_INIT(%q), &kyaml_types[%d]},\n", k.APIVersion, k.Kind, i)
	}
	fmt.Fprintln(out, "};\n/* clang-format on */")
}

// Every kind of the schema.
func kyamlKinds() []kyaml.TypeMeta {
	var kinds []kyaml.TypeMeta
	for _, s := range openapi.Schema().Definitions {
		gvks, _ := s.Extensions["x-kubernetes-group-version-kind"].([]any)
		for _, g := range gvks {
			m := g.(map[string]any)
			group, _ := m["group"].(string)
			version, _ := m["version"].(string)
			kind, _ := m["kind"].(string)
			if group != "" {
				version = group + "/" + version
			}
			kinds = append(kinds, kyaml.TypeMeta{APIVersion: version, Kind: kind})
		}
	}
	return kinds
}
