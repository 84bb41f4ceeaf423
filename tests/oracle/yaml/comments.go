package main

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// Node is a tree of yaml.v3's nodes as JSON: what it is and the comments around it.
type Node struct {
	Kind    uint32  `json:"k,omitempty"` // kyaml.Kind
	Value   string  `json:"v,omitempty"`
	Tag     string  `json:"t,omitempty"`
	Style   uint32  `json:"s,omitempty"`
	Anchor  string  `json:"a,omitempty"`
	Head    string  `json:"h,omitempty"`
	Line    string  `json:"l,omitempty"`
	Foot    string  `json:"f,omitempty"`
	Content []*Node `json:"c,omitempty"`
}

func nodeOf(n *kyaml.Node) *Node {
	out := &Node{Kind: uint32(n.Kind), Value: n.Value, Tag: n.Tag, Style: uint32(n.Style), Anchor: n.Anchor, Head: n.HeadComment, Line: n.LineComment, Foot: n.FootComment}
	for _, c := range n.Content {
		out.Content = append(out.Content, nodeOf(c))
	}
	return out
}

func (n *Node) yaml() *kyaml.Node {
	out := &kyaml.Node{Kind: kyaml.Kind(n.Kind), Value: n.Value, Tag: n.Tag, Style: kyaml.Style(n.Style), Anchor: n.Anchor, HeadComment: n.Head, LineComment: n.Line, FootComment: n.Foot}
	for _, c := range n.Content {
		out.Content = append(out.Content, c.yaml())
	}
	return out
}

// comments3 is the tree that kyaml reads, with the comments where they are.
func comments3(name string, in []byte) (c Case, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			ok = false
		}
	}()
	c = Case{Name: name, Rule: "kyaml-comments"}
	c.put(in)
	n, err := kyaml.Parse(string(in))
	if err != nil {
		c.Error = err.Error()
		return c, c.Error != "EOF"
	}
	b, err := json.Marshal(nodeOf(n.Document()))
	c.JSON = canonical(b)
	return c, err == nil
}

// nodes3 is a tree of nodes as kyaml writes it.
func nodes3(n *Node) (c Case, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			ok = false
		}
	}()
	b, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	c = Case{Rule: "kyaml-nodes"}
	c.put(b)
	c.YAML, err = kyaml.String(n.yaml())
	return c, err == nil
}

// again answers a case of one of kyaml's rules once more; others stay.
func again(line []byte) (c Case, ok bool) {
	if err := json.Unmarshal(line, &c); err != nil {
		panic(err)
	}
	in := []byte(c.In)
	if c.In64 != "" {
		in, _ = base64.StdEncoding.DecodeString(c.In64)
	}
	switch c.Rule {
	case "kyaml-read":
		return read3(c.Name, in)
	case "kyaml-write":
		return write3(in), true
	case "kyaml-round":
		return round3(c.Name, in)
	case "kyaml-comments":
		return comments3(c.Name, in)
	case "kyaml-nodes":
		var n Node
		if err := json.Unmarshal(in, &n); err != nil {
			panic(err)
		}
		return nodes3(&n)
	}
	return c, true
}

// ---- texts with comments everywhere ----

func (g *generator) comment() string {
	return g.pick([]string{"# c", "#c", "# " + g.pick(words), "#", "# two words", "## x", "# é", "#\tx", "# a: b", "# - a"})
}

// gap is what may stand between two lines: comments at several indentations and empty lines.
func (g *generator) gap(indent int) string {
	if !g.odds(3) {
		return ""
	}
	var b strings.Builder
	for n := 1 + g.r.Intn(4); n > 0; n-- {
		switch g.r.Intn(8) {
		case 0, 1:
			b.WriteString(g.pick([]string{"\n", "\n", "\n\n", " \n", "  \n"}))
		case 2:
			b.WriteString(strings.Repeat(" ", g.r.Intn(7)) + g.comment() + "\n")
		case 3:
			b.WriteString(strings.Repeat(" ", max(0, indent-2)) + g.comment() + "\n")
		case 4:
			b.WriteString(strings.Repeat(" ", indent+2) + g.comment() + "\n")
		default:
			b.WriteString(strings.Repeat(" ", indent) + g.comment() + "\n")
		}
	}
	return b.String()
}

// tail ends a line.
func (g *generator) tail() string {
	if g.odds(4) {
		return g.pick([]string{" ", "  ", " \t", " "}) + g.comment() + "\n"
	}
	return g.pick([]string{"\n", "\n", "\n", "\n", " \n"})
}

func (g *generator) plainWord() string {
	return g.pick([]string{"a", "b", "1", "true", "x y", "nginx:1.25", "'q'", `"d"`, "\"d\n  e\"", "null", "~", "é", "a#b", "!!str 1", "!x y", "&x a", "*x"})
}

// inside is what may stand between the signs of a flow collection.
func (g *generator) inside(indent int) string {
	switch g.r.Intn(6) {
	case 0:
		return " "
	case 1:
		return g.pick([]string{"", " "}) + "\n" + strings.Repeat(" ", indent)
	case 2:
		return " " + g.comment() + "\n" + strings.Repeat(" ", indent) + g.pick([]string{"", g.comment() + "\n" + strings.Repeat(" ", indent), "\n" + g.comment() + "\n"})
	}
	return ""
}

func (g *generator) commentedFlow(indent, depth int) string {
	if depth > 2 || g.odds(3) {
		return g.pick([]string{"a", "b", "1", "'q'", `"d"`, "x y", "*x", ""})
	}
	var b strings.Builder
	list := g.odds(2)
	b.WriteString(map[bool]string{true: "[", false: "{"}[list])
	for i, n := 0, g.r.Intn(4); i < n; i++ {
		if i > 0 {
			b.WriteString("," + g.pick([]string{"", " "}))
		}
		b.WriteString(g.inside(indent))
		if !list || g.odds(6) {
			b.WriteString(g.pick([]string{"k", "l", "m", "'n'", "? o"}) + g.inside(indent) + ": " + g.inside(indent))
		}
		b.WriteString(g.commentedFlow(indent, depth+1) + g.inside(indent))
	}
	if g.odds(6) {
		b.WriteString(",")
	}
	b.WriteString(g.inside(indent) + map[bool]string{true: "]", false: "}"}[list])
	return b.String()
}

func (g *generator) commentedBlock(indent int) string {
	var b strings.Builder
	b.WriteString(g.pick([]string{"|", ">", "|-", "|+", ">-", "|2"}) + g.tail())
	for n := 1 + g.r.Intn(3); n > 0; n-- {
		b.WriteString(strings.Repeat(" ", indent+2) + g.pick([]string{"text", "# no comment", "  more", "x", ""}) + "\n")
	}
	return b.String() + g.pick([]string{"", "", "\n", "\n\n"})
}

// value writes what follows "key:" or "-".
func (g *generator) commentedValue(indent, depth int) string {
	kind := g.r.Intn(10)
	if depth > 3 && kind < 5 {
		kind = 9
	}
	switch kind {
	case 0, 1, 2:
		return g.pick([]string{"", "", "", " &x", " !t"}) + g.tail() + g.gap(indent+2) + g.commentedMap(indent+2, depth+1)
	case 3:
		return g.tail() + g.gap(indent) + g.commentedList(indent, depth+1)
	case 4:
		return g.tail() + g.gap(indent+2) + g.commentedList(indent+2, depth+1)
	case 5:
		return " " + g.commentedFlow(indent+2, 0) + g.tail()
	case 6:
		return " " + g.commentedBlock(indent)
	case 7:
		return g.tail()
	}
	return " " + g.plainWord() + g.tail()
}

func (g *generator) commentedMap(indent, depth int) string {
	var b strings.Builder
	pad := strings.Repeat(" ", indent)
	for n := 1 + g.r.Intn(3); n > 0; n-- {
		key := g.pick([]string{"a", "b", "c", "d", "name", "'q'", "? e\n" + pad, "&x f", "[]", "\"g\" "})
		b.WriteString(pad + key + ":" + g.commentedValue(indent, depth) + g.gap(indent))
	}
	return b.String()
}

func (g *generator) commentedList(indent, depth int) string {
	var b strings.Builder
	pad := strings.Repeat(" ", indent)
	for n := 1 + g.r.Intn(3); n > 0; n-- {
		if g.odds(2) && depth < 5 {
			inner := g.pick([]string{g.commentedMap(indent+2, depth+1), g.commentedList(indent+2, depth+1)})
			b.WriteString(pad + "- " + strings.TrimPrefix(inner, pad+"  ") + g.gap(indent))
			continue
		}
		b.WriteString(pad + "-" + g.commentedValue(indent, depth) + g.gap(indent))
	}
	return b.String()
}

func (g *generator) commented() []byte {
	s := g.gap(0)
	if g.odds(5) {
		s += g.pick([]string{"---", "--- ", "%YAML 1.1\n---", "%YAML 1.1 # c\n# d\n---"}) + g.pick([]string{"\n", " # c\n", "\n# d\n", "\n\n# e\n\n# f\n"})
	}
	switch g.r.Intn(8) {
	case 0:
		s += g.commentedList(0, 0)
	case 1:
		s += g.commentedFlow(2, 0) + g.tail()
	case 2:
		s += g.plainWord() + g.tail()
	default:
		s += g.commentedMap(0, 0)
	}
	s += g.gap(0)
	if g.odds(10) {
		s += g.pick([]string{"---\n", "...\n", "--- # c\nx\n", "... # c\n# d\n", "---\n# c\n"})
	}
	switch g.r.Intn(20) {
	case 0:
		s = strings.ReplaceAll(s, "\n", "\r\n")
	case 1:
		s = strings.TrimRight(s, "\n")
	case 2:
		i := g.r.Intn(len(s) + 1)
		s = s[:i] + g.pick(hostile) + s[i:]
	}
	return []byte(s)
}

// ---- trees with comments everywhere ----

func (g *generator) anyComment() string {
	if !g.odds(4) {
		return ""
	}
	return g.pick([]string{"# c", "#c", "c", "# a\n# b", "# a\n\n# b", "a\nb", "# a\n", "#", " x", "# é\u0085# d", "# a\r\n# b"})
}

func (g *generator) anyNode(depth int) *Node {
	n := &Node{Head: g.anyComment(), Line: g.anyComment(), Foot: g.anyComment()}
	if g.odds(30) {
		n.Anchor = "x"
	}
	switch kind := g.r.Intn(6); {
	case depth < 4 && kind < 2:
		n.Kind, n.Tag = uint32(kyaml.MappingNode), "!!map"
		for i := g.r.Intn(4); i > 0; i-- {
			key := g.anyNode(4)
			if g.odds(20) {
				key = g.anyNode(3)
			}
			n.Content = append(n.Content, key, g.anyNode(depth+1))
		}
	case depth < 4 && kind == 2:
		n.Kind, n.Tag = uint32(kyaml.SequenceNode), "!!seq"
		for i := g.r.Intn(4); i > 0; i-- {
			n.Content = append(n.Content, g.anyNode(depth+1))
		}
	case g.odds(20):
		n.Kind, n.Value, n.Anchor = uint32(kyaml.AliasNode), "x", ""
		return n
	default:
		n.Kind, n.Tag = uint32(kyaml.ScalarNode), "!!str"
		n.Value = g.pick([]string{"a", "b", "1", "true", "x y", "", "a\nb", "a\n", "\n", "a: b", "# a", "é", "a\n\nb\n\n", " a", "a\n b\nc"})
		n.Style = uint32([]kyaml.Style{0, 0, 0, kyaml.DoubleQuotedStyle, kyaml.SingleQuotedStyle, kyaml.LiteralStyle, kyaml.FoldedStyle}[g.r.Intn(7)])
		return n
	}
	if g.odds(4) {
		n.Style = uint32(kyaml.FlowStyle)
	}
	return n
}

func (g *generator) anyDocument() *Node {
	if g.odds(3) {
		return g.anyNode(0)
	}
	return &Node{Kind: uint32(kyaml.DocumentNode), Head: g.anyComment(), Foot: g.anyComment(), Content: []*Node{g.anyNode(0)}}
}
