package main

import (
	"encoding/json"
	"math/rand"
	"strings"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/kustomize/kyaml/yaml/merge2"
	"sigs.k8s.io/kustomize/kyaml/yaml/walk"
)

// kyaml's merge. Object and patch are YAML texts, with comments and styles, and so is the answer.

var kyamlSamples = append([]sample{
	{json: `{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t"},"spec":{"list":[{"name":"a","x":1},{"name":"b","x":2}],"plain":["a","b"],"deep":{"list":[{"name":"a","list":[{"name":"c"}]}]},"n":null,"quoted":"8"}}`},
	{json: `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"port":80,"name":"a"}]}}],"one":{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"i"}]}}}`},
}, samples...)

// A tree of YAML nodes; strings and some numbers in quotes, comments here and there.
func kyamlNode(r *rand.Rand, v any) *kyaml.Node {
	n := kyamlPlain(r, v)
	comment := func() string {
		if r.Intn(12) > 0 {
			return ""
		}
		if r.Intn(3) == 0 {
			return kyamlSchemas[r.Intn(len(kyamlSchemas))]
		}
		return []string{"# c", "# d", "# two\n# lines", "#"}[r.Intn(4)]
	}
	if n.Kind == kyaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			n.Content[i].HeadComment, n.Content[i].FootComment = comment(), comment()
		}
	}
	n.LineComment = comment()
	if r.Intn(4) == 0 {
		n.HeadComment, n.FootComment = comment(), comment()
	}
	if n.Kind != kyaml.ScalarNode && r.Intn(8) == 0 {
		n.Style = kyaml.FlowStyle
	}
	return n
}

// Schemas in comments, and what is none.
var kyamlSchemas = []string{`# {"$openapi":"x"}`, `#{"x-kubernetes-patch-strategy":"merge","x-kubernetes-patch-merge-key":"name"}`, `# {"type":"array"}`, `# {}`,
	`# {"x-kubernetes-patch-strategy":"replace"}`, `# {bad`, `# [1]`, `# {"x-kubernetes-patch-strategy":"merge"}`, `# {"x-kubernetes-patch-strategy":"merge,retainKeys","x-kubernetes-patch-merge-key":"port"}`,
	`# {"x-kubernetes-patch-strategy":"merge","x-kubernetes-list-map-keys":["port","name"]}`, "# {\"a\":1}\n# b"}

func kyamlPlain(r *rand.Rand, v any) *kyaml.Node {
	switch t := v.(type) {
	case map[string]any:
		n := &kyaml.Node{Kind: kyaml.MappingNode}
		keys := sortedKeys(t)
		if r.Intn(2) == 0 {
			r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		}
		for _, k := range keys {
			key := &kyaml.Node{Kind: kyaml.ScalarNode, Tag: kyaml.NodeTagString, Value: k}
			if r.Intn(10) == 0 {
				key.Style = kyaml.DoubleQuotedStyle
			}
			n.Content = append(n.Content, key, kyamlNode(r, t[k]))
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
		n.Style = []kyaml.Style{0, 0, 0, kyaml.DoubleQuotedStyle, kyaml.SingleQuotedStyle, kyaml.LiteralStyle}[r.Intn(6)]
		if r.Intn(12) == 0 {
			n.Value = []string{"yes", "08", "on", "a: b", "1e3", "0x10", "2001-01-01", "-", "- a", "[a]", "~", ".inf", "1:20"}[r.Intn(13)]
		}
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

// kyamlParsed is a tree as a text and as it reads; some texts with comments in flow collections cannot be read.
func kyamlParsed(r *rand.Rand, v any) (string, *kyaml.RNode) {
	for {
		text, err := kyaml.NewRNode(kyamlNode(r, v)).String()
		if err != nil {
			continue
		}
		if n, err := kyaml.Parse(text); err == nil {
			return text, n
		}
	}
}

func kyamlRow(r *rand.Rand) row {
	s := kyamlSamples[r.Intn(len(kyamlSamples))]
	objectText, object := kyamlParsed(r, mutate(r, decoded(s.json), 0))
	patchText, patch := kyamlParsed(r, kyamlPatch(r, mutate(r, decoded(s.json), 0), 0))
	out := row{"rule": "kyaml-merge", "object": objectText, "patch": patchText}
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
	text, err := kyaml.String(got.YNode())
	if err != nil {
		return nil
	}
	out["text"] = text
	return out
}
