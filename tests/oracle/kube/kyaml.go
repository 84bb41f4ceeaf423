package main

import (
	"bytes"
	"encoding/json"
	"math/rand"
	"strings"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	"sigs.k8s.io/kustomize/kyaml/yaml/walk"
)

// kyaml's merge. Trees are given with what YAML knows of a scalar, {"$":text,"t":tag,"q":style}; the answer is JSON as the
// result reads, in its order.

var kyamlSamples = append([]sample{
	{json: `{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t"},"spec":{"list":[{"name":"a","x":1},{"name":"b","x":2}],"plain":["a","b"],"deep":{"list":[{"name":"a","list":[{"name":"c"}]}]},"n":null,"quoted":"8"}}`},
	{json: `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"port":80,"name":"a"}]}}],"one":{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"i"}]}}}`},
}, samples...)

// A tree of YAML nodes; strings and some numbers in quotes.
func kyamlNode(r *rand.Rand, v any) *kyaml.Node {
	switch t := v.(type) {
	case map[string]any:
		n := &kyaml.Node{Kind: kyaml.MappingNode}
		keys := sortedKeys(t)
		if r.Intn(2) == 0 {
			r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		}
		for _, k := range keys {
			n.Content = append(n.Content, &kyaml.Node{Kind: kyaml.ScalarNode, Tag: kyaml.NodeTagString, Value: k}, kyamlNode(r, t[k]))
		}
		return n
	case []any:
		n := &kyaml.Node{Kind: kyaml.SequenceNode}
		for _, e := range t {
			n.Content = append(n.Content, kyamlNode(r, e))
		}
		return n
	case string:
		n := &kyaml.Node{Kind: kyaml.ScalarNode, Tag: kyaml.NodeTagString, Value: t}
		n.Style = []kyaml.Style{0, 0, kyaml.DoubleQuotedStyle, kyaml.SingleQuotedStyle}[r.Intn(4)]
		return n
	case nil:
		return &kyaml.Node{Kind: kyaml.ScalarNode, Tag: kyaml.NodeTagNull, Value: []string{"null", ""}[r.Intn(2)]}
	}
	b := must(json.Marshal(v))
	if r.Intn(8) == 0 {
		return &kyaml.Node{Kind: kyaml.ScalarNode, Tag: kyaml.NodeTagString, Value: string(b), Style: kyaml.DoubleQuotedStyle}
	}
	tag := kyaml.NodeTagInt
	if _, ok := v.(bool); ok {
		tag = kyaml.NodeTagBool
	} else if strings.ContainsAny(string(b), ".e") {
		tag = kyaml.NodeTagFloat
	}
	return &kyaml.Node{Kind: kyaml.ScalarNode, Tag: tag, Value: string(b)}
}

// The node as JSON: with tags and styles, or as what it means.
func kyamlJSON(n *kyaml.Node, typed bool) string {
	var b bytes.Buffer
	quote := func(s string) string {
		var q bytes.Buffer
		e := json.NewEncoder(&q)
		e.SetEscapeHTML(false)
		e.Encode(s)
		return strings.TrimSuffix(q.String(), "\n")
	}
	switch n.Kind {
	case kyaml.DocumentNode:
		return kyamlJSON(n.Content[0], typed)
	case kyaml.MappingNode:
		b.WriteString("{")
		for i := 0; i < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(quote(n.Content[i].Value) + ":" + kyamlJSON(n.Content[i+1], typed))
		}
		b.WriteString("}")
	case kyaml.SequenceNode:
		b.WriteString("[")
		for i, e := range n.Content {
			if i > 0 {
				b.WriteString(",")
			}
			b.WriteString(kyamlJSON(e, typed))
		}
		b.WriteString("]")
	default:
		if typed {
			b.Write(must(json.Marshal(map[string]any{"$": n.Value, "t": n.ShortTag(), "q": int(n.Style)})))
		} else if n.ShortTag() == kyaml.NodeTagString {
			b.WriteString(quote(n.Value))
		} else if n.ShortTag() == kyaml.NodeTagNull {
			b.WriteString("null")
		} else {
			b.WriteString(n.Value)
		}
	}
	return b.String()
}

func kyamlPatch(r *rand.Rand, v any, depth int) any {
	switch t := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(t) {
			if depth > 0 && k != "name" && k != "apiVersion" && k != "kind" {
				switch r.Intn(14) {
				case 0:
					delete(t, k)
					continue
				case 1:
					t[k] = nil
					continue
				}
			}
			t[k] = kyamlPatch(r, t[k], depth+1)
		}
		if r.Intn(14) == 0 {
			t["$patch"] = []string{"delete", "replace", "merge", "replace", "delete", "what"}[r.Intn(6)]
		}
	case []any:
		for i := range t {
			t[i] = kyamlPatch(r, t[i], depth+1)
		}
		if r.Intn(14) == 0 {
			t = append(t, map[string]any{"$patch": []string{"delete", "replace", "merge", "replace", "what"}[r.Intn(5)]})
		}
		if r.Intn(30) == 0 {
			t = append(t, []any{nil, map[string]any{}, "text"}[r.Intn(3)])
		}
		return t
	}
	return v
}

func kyamlParsed(r *rand.Rand, v any) *kyaml.RNode {
	text, err := kyaml.NewRNode(kyamlNode(r, v)).String()
	if err != nil {
		panic(err)
	}
	n, err := kyaml.Parse(text)
	if err != nil {
		panic(err)
	}
	return n
}

func kyamlRow(r *rand.Rand) row {
	s := kyamlSamples[r.Intn(len(kyamlSamples))]
	object := kyamlParsed(r, mutate(r, decoded(s.json), 0))
	patch := kyamlParsed(r, kyamlPatch(r, mutate(r, decoded(s.json), 0), 0))
	out := row{"rule": "kyaml-merge", "object": raw([]byte(kyamlJSON(object.YNode(), true))), "patch": raw([]byte(kyamlJSON(patch.YNode(), true)))}
	options := kyaml.MergeOptions{ListIncreaseDirection: kyaml.MergeOptionsListPrepend}
	infer := r.Intn(6) == 0
	if r.Intn(5) == 0 {
		options.ListIncreaseDirection = kyaml.MergeOptionsListAppend
		out["append"] = true
	}
	out["infer"] = infer
	var got *kyaml.RNode
	var err error
	if !survives(func() {
		got, err = walk.Walker{Sources: []*kyaml.RNode{object, patch}, Visitor: merge2.Merger{}, InferAssociativeLists: infer, MergeOptions: options}.Walk()
	}) {
		return nil
	}
	if err != nil {
		out["error"] = strings.SplitN(err.Error(), ": node contents:", 2)[0]
		return out
	}
	if got == nil {
		out["text"] = ""
		return out
	}
	text, err := got.String()
	if err != nil {
		return nil
	}
	again, err := kyaml.Parse(text)
	if err != nil {
		return nil
	}
	out["text"] = kyamlJSON(again.YNode(), false)
	return out
}
