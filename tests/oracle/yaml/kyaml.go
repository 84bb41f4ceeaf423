package main

import (
	"bytes"
	"encoding/json"
	"strings"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// read3 makes the case of one document as Kustomize reads it: yaml.v3's nodes, decoded to a map of strings or a list.
func read3(name string, in []byte) (c Case, ok bool) {
	c = Case{Name: name, Rule: "kyaml-read"}
	c.put(in)
	if c.JSON, c.Error, ok = convert3(in); !ok {
		return c, false
	}
	for i := 0; i < 4; i++ { // the map's order says which of several errors is told
		if j, e, _ := convert3(in); j != c.JSON || e != c.Error {
			return c, false
		}
	}
	return c, !strings.Contains(c.Error, "0xc0")
}

func convert3(in []byte) (text, fail string, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			ok = false
		}
	}()
	var n kyaml.Node
	if err := kyaml.Unmarshal(in, &n); err != nil {
		return "", err.Error(), true
	}
	if n.Kind == 0 {
		return "", "", false
	}
	var v any
	var err error
	if root := n.Content[0]; root.Kind == kyaml.SequenceNode {
		var list []any
		err = root.Decode(&list)
		v = list
	} else {
		var m map[string]any
		err = root.Decode(&m)
		v = m
	}
	if err != nil {
		return "", err.Error(), true
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", err.Error(), true
	}
	return canonical(b), "", true
}

// write3 is a tree as kyaml's Marshal writes it.
func write3(in []byte) Case {
	c := Case{Rule: "kyaml-write"}
	c.put(in)
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	b, err := kyaml.Marshal(numbers(v))
	if err != nil {
		c.Error = err.Error()
	}
	c.YAML = string(b)
	return c
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		var u uint64
		if json.Unmarshal([]byte(v), &u) == nil {
			return u
		}
		f, err := v.Float64()
		if err != nil {
			panic(err)
		}
		return f
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	}
	return v
}

// settled is false where the order of keys is not one.
func settled(c Case, in []byte, marshal func(any) ([]byte, error)) bool {
	var v any
	if err := json.Unmarshal(in, &v); err != nil {
		panic(err)
	}
	return c.Error == "" && !circular(v, marshal)
}

// round3 is a text as kyaml writes it again.
func round3(name string, in []byte) (c Case, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			ok = false
		}
	}()
	c = Case{Name: name, Rule: "kyaml-round"}
	c.put(in)
	n, err := kyaml.Parse(string(in))
	if err != nil {
		return c, false
	}
	c.YAML, err = n.String()
	return c, err == nil
}

// circular is true when the order of a map's keys, as marshal has it of each pair, goes in circles: then the order of the
// whole map depends on how it is sorted.
func circular(v any, marshal func(any) ([]byte, error)) bool {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if circular(item, marshal) {
				return true
			}
		}
	case map[string]any:
		before, seen := map[string]int{}, map[int]bool{}
		for a, val := range v {
			if circular(val, marshal) {
				return true
			}
			for b := range v {
				if a != b {
					out, err := marshal(map[string]any{a: 1, b: 2})
					if err == nil && bytes.HasSuffix(out, []byte("2\n")) {
						before[a]++
					}
				}
			}
		}
		for a := range v {
			if seen[before[a]] {
				return true
			}
			seen[before[a]] = true
		}
	}
	return false
}
