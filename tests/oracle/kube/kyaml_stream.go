package main

import (
	"math/rand"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/kio"
)

// Files as Kustomize reads them: kio.FromBytes. The answer is each document as kyaml writes it.

func pick(r *rand.Rand, of ...string) string { return of[r.Intn(len(of))] }

// Texts with anchors, aliases and merges, well and badly made.
var kyamlAnchors = []string{
	"a: &a {x: 1, y: z}\nb: *a\nc: [*a, *a]\n",
	"a: &a\n  x: 1 # c\n  y: 2\nb:\n  <<: *a\n  x: 3\n",
	"a: &a {x: 1}\nb: &b {x: 2, y: 3}\nc:\n  z: 0\n  <<: [*a, *b]\n",
	"a: &a {x: 1}\nb:\n  <<: [*a, {y: 2}]\n  # head\n  q: 1\n",
	"a: &a [1]\nb:\n  <<: *a\n", "b:\n  <<: [[1]]\n", "b:\n  <<: x\n", "b:\n  <<:\n", "b:\n  <<: {x: 1}\n  <<: {y: 2}\n", "b:\n  \"<<\": 1\n  c: d\n",
	"a: &a {<<: {p: q}, x: 1}\nb: {<<: *a, ~: 1, null: 2}\n", "a: &a b\n*a : c\n", "a: &x 1\nb: &x 2\nc: *x\n", "- &a 1\n- *a\n", "&a x\n", "a: &a\nb: *a\n",
	"x: &x {a: &y [1]}\nb: *y\nc: {<<: *x}\n", "a: {~: 1, \"\": 2}\n", "a: {? [1] : 2, <<: {? [1] : 3}}\n",
}

func kyamlPart(r *rand.Rand) string {
	switch r.Intn(12) {
	case 0:
		return pick(r, "", "\n", "# only\n", "null\n", "~\n", "\n\n# c\n\n", "{}\n", "[]\n", "x\n", "'---'\n", "...\n", " \t\n", "''\n")
	case 1:
		return pick(r, "a: [\n", "a: b: c\n", "\tx: y\n", "a: *b\n", "- a\nb: c\n", "a: |\n  x\n---y\n", "%YAML 1.1\n---\na: b\n", "!!null x\n", "a: \"\\q\"\n", "a: b\n...\nc: d\n")
	case 2, 3:
		return kyamlAnchors[r.Intn(len(kyamlAnchors))]
	case 4:
		item, _ := kyamlParsed(r, decoded(samples[r.Intn(len(samples))].json))
		head := pick(r, "apiVersion: v1\nkind: List\nitems:\n", "kind: ResourceList\nitems:\n", "kind: List # c\n# d\nitems:\n", "kind: ConfigMapList\nitems:\n", "kind: List\nfunctionConfig:\n", "kind: 'List'\nitems: # c\n")
		if r.Intn(8) == 0 {
			return head + pick(r, "  x: y\n", "  x\n", "", "- null\n- 1\n", "- &a {b: c}\n- *a\n", "  {a: b, c: d}\n")
		}
		return head + "- " + strings.ReplaceAll(strings.TrimSuffix(item, "\n"), "\n", "\n  ") + "\n" + pick(r, "", "- a: b\n", "# end\n", "results:\n- x\n")
	}
	text, _ := kyamlParsed(r, mutate(r, decoded(samples[r.Intn(len(samples))].json), 0))
	return pick(r, "", "", "# head\n", "\n", "# head\n\n# of it\n") + text + pick(r, "", "", "# foot\n", "\n")
}

func kyamlStream(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString(pick(r, "", "", "", "---\n", "--- # c\n", "\n---\n", "# c\n---\n", "\ufeff"))
	for n := r.Intn(4); n >= 0; n-- {
		b.WriteString(kyamlPart(r))
		if n > 0 || r.Intn(6) == 0 {
			b.WriteString(pick(r, "---\n", "---\n", "---\n", "--- \n", "--- # c\n", "---\t#c\n", "---\n---\n", "---\n---\n---\n", "---", "--- x\n", "---x\n", "----\n", "---\r\n", "--- \u00a0\n", "---#c\n", "---\n# c\n", " ---\n", "\n---\n\n", "--- |\n", "--- {a: b}\n", "--- \u0085# c\n"))
		}
	}
	text := b.String()
	if r.Intn(8) == 0 {
		text = strings.ReplaceAll(text, "\n", "\r\n")
	}
	if r.Intn(20) == 0 {
		i := r.Intn(len(text) + 1)
		text = text[:i] + pick(r, "\r", "\n", "---\n", "\n---\n", "\x01", "#", " #", "&a ", "*a") + text[i:]
	}
	if !utf8.ValidString(text) {
		return "a: b\n"
	}
	return text
}

func kyamlStreamRow(r *rand.Rand) (out row) {
	text := kyamlStream(r)
	out = row{"rule": "kyaml-stream", "stream": text}
	if !survives(func() {
		nodes, err := kio.FromBytes([]byte(text))
		if err != nil {
			out["error"] = err.Error()
			return
		}
		want := []string{}
		for _, n := range nodes {
			s, err := n.String()
			if err != nil {
				panic(err)
			}
			want = append(want, s)
		}
		out["want"] = want
	}) {
		return nil
	}
	return out
}
