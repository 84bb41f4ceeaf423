// Oracle for src/kube: writes tests/golden/kube/*.jsonl with the answers of k8s.io/apimachinery.
// usage: cd tests/oracle/kube && go run . ../../golden/kube   (or: go run . types, go run . random SEED N, go run . kyaml-table)
package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
)

type row map[string]any

func write(name string, rows []row) {
	f, err := os.Create(filepath.Join(os.Args[1], name))
	if err != nil {
		panic(err)
	}
	e := json.NewEncoder(f)
	e.SetEscapeHTML(false)
	for _, r := range rows {
		if err := e.Encode(r); err != nil {
			panic(err)
		}
	}
	f.Close()
}

func selectors() {
	texts := []string{"", "a", "!a", "a=b", "a==b", "a!=b", "a in (b,c)", "a notin (c,b,b)", "a>1", "a<10", "a>x", "x in (foo,,baz),y,z notin ()",
		"a=", "a=,b", "a,", ",a", "a b", "a=b c", "a in b", "a in (b", "a in (", "a in", "a in ()", "a in (,)", "a in (,b)", "in", "in in (in)", "notin=in",
		"a===b", "a=!b", "a!b", "!", "!!a", "!a=b", "a=b=c", "(", ")", "a=(b)", " a = b , c ", "a\t=\nb", "-a=b", "a/b/c=d", "/a=b", "A.com/x=y", "a.com/x=y",
		"a=-b", "a=b/c", "x in (a b)", "x in (a=b)", "b=1,a=2", "a=1,a!=2", "a<>b", "a><b", "a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "é=b", "a=é", "a.=b", "a in (b,)", "a in (b,,c)", "a in (b;c)", "a notin(b)", "a=in", "a!==b", "&"}
	sets := []labels.Set{{}, {"a": "b"}, {"a": "5"}, {"a": "c", "x": "foo", "y": ""}, {"x": "", "y": "1", "z": "q"}, {"in": "in"}}
	var rows []row
	for _, t := range texts {
		s, err := labels.Parse(t)
		r := row{"text": t}
		if err != nil {
			r["error"] = err.Error()
		} else {
			r["string"] = s.String()
			var m []bool
			for _, set := range sets {
				m = append(m, s.Matches(set))
			}
			r["matches"] = m
		}
		rows = append(rows, r)
	}
	rows = append(rows, row{"sets": sets})
	write("label-selectors.jsonl", rows)
	rows = nil
	for _, t := range []string{"", "a=b", "a==b", "a!=b", "metadata.name=x,status.phase!=Running", "b=1,a=2", "a", "a=b=c", `a=b\,c`, `a=\\`, `a=\x`, `a=\`, "a=,", ",", "=", "a=b,c", "!a=b", "a!b"} {
		s, err := fields.ParseSelector(t)
		r := row{"text": t}
		if err != nil {
			r["error"] = err.Error()
		} else {
			r["string"] = s.String()
		}
		rows = append(rows, r)
	}
	write("field-selectors.jsonl", rows)
}

func names() {
	long := ""
	for i := 0; i < 64; i++ {
		long += "a"
	}
	very := long + "." + long + "." + long + "." + long
	in := []string{"", "a", "a-b", "a.b", "-a", "a-", "A", "a_b", "1a", "a..b", ".a", "..", ".", "..a", "a/b", "a/b/c", "/b", "a/", "A/b", "a.com/B_c", long, very, "é", "a b", "a%b"}
	checks := map[string]func(string) []string{"dns_label": validation.IsDNS1123Label, "dns_subdomain": validation.IsDNS1123Subdomain, "dns1035_label": validation.IsDNS1035Label,
		"label_key": validation.IsQualifiedName, "label_value": validation.IsValidLabelValue, "config_key": validation.IsConfigMapKey}
	var rows []row
	for _, name := range []string{"dns_label", "dns_subdomain", "dns1035_label", "label_key", "label_value", "config_key"} {
		for _, s := range in {
			w := checks[name](s)
			if w == nil {
				w = []string{}
			}
			rows = append(rows, row{"check": name, "text": s, "why": w})
		}
	}
	write("names.jsonl", rows)
}

func main() {
	if os.Args[1] == "random" {
		randomCases()
		return
	}
	if os.Args[1] == "kyaml-table" {
		kyamlTables(kyamlKinds())
		return
	}
	if os.Args[1] == "types" {
		goTypes()
		return
	}
	selectors()
	names()
	strategic()
	var merges []row
	randomRows(4, 300, func(r row) { merges = append(merges, r) })
	write("merges.jsonl", merges)
	protobufs()
	rbacRows()
	managedRows()
}
