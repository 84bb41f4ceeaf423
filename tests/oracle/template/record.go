package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"unicode/utf8"
	_ "unsafe" // linkname

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/engine"
)

// Helm's own functions, with include and tpl of the set t. They are not exported: build with
// -ldflags=-checklinkname=0.
//
//go:linkname initFunMap helm.sh/helm/v4/pkg/engine.Engine.initFunMap
func initFunMap(e engine.Engine, t *template.Template)

// data is the dot of every case; the tests build the same from the first line of each golden file.
const data = `{
 "Values": {"s": "text", "n": 8080, "f": 1.5, "big": 10000000, "b": true, "no": false, "nul": null, "empty": "",
  "list": ["b", "a", "c"], "nums": [3, 1, 2], "mixed": ["x", 1, true, null, {"k": "v"}, [1, 2]], "none": [], "emptymap": {},
  "map": {"one": 1, "two": "zwei", "sub": {"deep": [1, {"x": "y"}]}}, "maps": [{"name": "a", "v": 1}, {"name": "b", "v": 2}],
  "text": "line one\nline two\n\n  indented\n", "utf": "héllo wörld ☃", "yaml": "a: 1\nb: [x, y]\n", "json": "{\"a\": [1, 2.5, \"x\"]}"},
 "Release": {"Name": "rel", "Namespace": "ns", "Service": "Helm", "IsUpgrade": false, "IsInstall": true, "Revision": 1},
 "Chart": {"Name": "c", "Version": "1.2.3", "AppVersion": "v2"}
}`

type answer struct {
	Tpl   string  `json:"tpl"`
	Out   *string `json:"out,omitempty"`
	Error *string `json:"error,omitempty"`
}

func render(text string) (a answer) {
	a.Tpl = text
	var root map[string]any
	if err := json.Unmarshal([]byte(data), &root); err != nil {
		panic(err)
	}
	root["Values"] = common.Values(root["Values"].(map[string]any))
	t := template.New("gotpl")
	t.Option("missingkey=zero")
	initFunMap(engine.Engine{}, t)
	fail := func(err error) answer {
		s := err.Error()
		a.Error = &s
		return a
	}
	if _, err := t.New("c/templates/a.yaml").Parse(text); err != nil {
		return fail(err)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "c/templates/a.yaml", common.Values(root)); err != nil {
		return fail(err)
	}
	s := out.String()
	a.Out = &s
	return a
}

// cases reads one template a line; a line that begins with a double quote is a JSON string; # begins a comment.
func cases(path string) (texts []string) {
	f, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line := scan.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, `"`) {
			if err := json.Unmarshal([]byte(line), &line); err != nil {
				panic(fmt.Sprintf("%s: %s: %v", path, line, err))
			}
		}
		texts = append(texts, line)
	}
	return texts
}

func write(path string, texts []string) {
	var compact, out bytes.Buffer
	if err := json.Compact(&compact, []byte(data)); err != nil {
		panic(err)
	}
	fmt.Fprintf(&out, "{\"data\":%s}\n", compact.String())
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, text := range texts {
		a := render(text)
		if a.Out != nil && !utf8.ValidString(*a.Out) || a.Error != nil && !utf8.ValidString(*a.Error) {
			continue // JSON has no such text
		}
		if err := enc.Encode(a); err != nil {
			panic(err)
		}
	}
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		panic(err)
	}
}

// record answers cases/*.txt into the folder.
func record(folder string) {
	paths, err := filepath.Glob("cases/*.txt")
	if err != nil || len(paths) == 0 {
		panic("no cases")
	}
	for _, path := range paths {
		write(filepath.Join(folder, strings.TrimSuffix(filepath.Base(path), ".txt")+".jsonl"), cases(path))
	}
}
