// Command yaml prints what sigs.k8s.io/yaml answers, as golden cases: one JSON object a line.
//
//	yaml read  FILE...        one case a file: {"name", "in" | "in64", "json" | "error", "strict"?}
//	yaml cases FILE           one case a block of FILE (blocks are separated by lines of "=== name")
//	yaml random SEED N        N cases of all rules (make oracle; see random.go)
//	yaml kyaml                cases of kyaml's rules on stdin, answered again
//	yaml randomread SEED N    N made-up documents
//	yaml write                JSON texts, one a line on stdin: {"in", "yaml" | "error"}
//	yaml stream FILE          as cases, for streams: {"name", "in", "documents": [JSON...], "error"?}
//	yaml randomstream SEED N  N made-up streams
//	yaml randomjson SEED N    N made-up JSON trees and their YAML
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	goyaml "go.yaml.in/yaml/v2"
	"k8s.io/apimachinery/pkg/runtime"
	kubeyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

type Case struct {
	Rule   string `json:"rule,omitempty"`
	Name   string `json:"name,omitempty"`
	In     string `json:"in,omitempty"`
	In64   string `json:"in64,omitempty"`
	JSON   string `json:"json,omitempty"`
	Error  string `json:"error,omitempty"`
	Strict string `json:"strict,omitempty"` // error of the strict reader where it differs
	YAML   string `json:"yaml,omitempty"`

	Documents []string `json:"documents,omitempty"`
}

var out = bufio.NewWriterSize(os.Stdout, 1<<20)

func emit(c Case) {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		panic(err)
	}
}

func (c *Case) put(in []byte) {
	if utf8.Valid(in) {
		c.In = string(in)
	} else {
		c.In64 = base64.StdEncoding.EncodeToString(in)
	}
}

func convert(in []byte, strict bool) (js string, fail string) {
	defer func() {
		if r := recover(); r != nil {
			fail = "PANIC"
		}
	}()
	f := yaml.YAMLToJSON
	if strict {
		f = yaml.YAMLToJSONStrict
	}
	b, err := f(in)
	if err != nil {
		return "", err.Error()
	}
	return canonical(b), ""
}

// canonical writes the JSON text again: one spelling of U+FFFD.
func canonical(b []byte) string {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// read makes the case of one document; ok is false when Go's answer depends on its map order.
func read(name string, in []byte) (Case, bool) {
	c := Case{Name: name}
	c.put(in)
	c.JSON, c.Error = convert(in, false)
	again := 4
	if strings.Contains(c.Error, "unsupported ") { // of several the map's order says which is told
		again = 20
	}
	if ambiguous(in) {
		return c, false
	}
	for i := 0; i < again; i++ {
		j, e := convert(in, false)
		if j != c.JSON || e != c.Error {
			return c, false
		}
	}
	if c.Error == "" {
		_, c.Strict = convert(in, true)
		for i := 0; i < 2; i++ {
			if _, s := convert(in, true); s != c.Strict {
				return c, false
			}
		}
	}
	return c, c.Error != "PANIC" && c.Strict != "PANIC" && !strings.Contains(c.Error, "0xc0")
}

// ambiguous is true when keys of different kinds have the same text in JSON: the map's order says which of them is left.
func ambiguous(in []byte) (found bool) {
	defer func() { recover() }()
	var tree any
	if goyaml.Unmarshal(in, &tree) != nil {
		return false
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[any]any:
			texts := map[string]bool{}
			for key, val := range v {
				text := fmt.Sprint(key)
				switch k := key.(type) {
				case float64:
					text = strconv.FormatFloat(k, 'g', -1, 32)
				case time.Time:
					text = k.String()
				}
				found = found || texts[text]
				texts[text] = true
				walk(val)
			}
		case []any:
			for _, val := range v {
				walk(val)
			}
		}
	}
	walk(tree)
	return found
}

// stream reads documents as Argo CD does: empty ones are passed over.
func stream(name string, in []byte) Case {
	c := Case{Name: name}
	c.put(in)
	d := kubeyaml.NewYAMLOrJSONDecoder(bytes.NewReader(in), 4096)
	for {
		ext := runtime.RawExtension{}
		if err := d.Decode(&ext); err != nil {
			if !errors.Is(err, io.EOF) {
				c.Error = err.Error()
			}
			return c
		}
		raw := bytes.TrimSpace(ext.Raw)
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			continue
		}
		c.Documents = append(c.Documents, canonical(raw))
	}
}

func write(in []byte) Case {
	c := Case{}
	c.put(in)
	b, err := yaml.JSONToYAML(in)
	if err != nil {
		c.Error = err.Error()
	} else {
		c.YAML = string(b)
	}
	return c
}

func marshal2(v any) ([]byte, error) { return yaml.Marshal(v) }

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// blocks calls fn for each case of a file.
func blocks(file string, fn func(name string, in []byte)) {
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	for _, block := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n=== ")[1:] {
		name, in, _ := strings.Cut(block, "\n")
		if strings.HasPrefix(name, "%") { // Go escapes inside, for bytes an editor would not keep
			s, err := strconv.Unquote(`"` + strings.ReplaceAll(in, `"`, `\"`) + `"`)
			if err != nil {
				panic(name + ": " + err.Error())
			}
			in = s
		}
		fn(name, []byte(in))
	}
}

func main() {
	defer out.Flush()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: yaml read|cases|random|kyaml|randomread|write|stream|randomstream|randomjson ...")
		os.Exit(2)
	}
	args := os.Args[2:]
	switch os.Args[1] {
	case "read":
		for _, f := range args {
			in, err := os.ReadFile(f)
			if err != nil {
				panic(err)
			}
			if c, ok := read(filepath.Base(f), in); ok {
				emit(c)
			}
		}
	case "cases":
		blocks(args[0], func(name string, in []byte) {
			if c, ok := read(name, in); ok {
				emit(c)
			} else {
				fmt.Fprintln(os.Stderr, "not the same each time:", name)
			}
		})
	case "stream":
		blocks(args[0], func(name string, in []byte) { emit(stream(name, in)) })
	case "randomstream":
		g := newGenerator(number(args[0]))
		for i, n := 0, number(args[1]); int64(i) < n; i++ {
			emit(stream("stream-"+args[0]+"-"+strconv.Itoa(i), g.stream()))
		}
	case "random":
		randomCases(number(args[0]), number(args[1]))
	case "kyaml":
		s := bufio.NewScanner(os.Stdin)
		s.Buffer(nil, 64<<20)
		for s.Scan() {
			if c, ok := again(s.Bytes()); ok {
				emit(c)
			}
		}
	case "randomread":
		g := newGenerator(number(args[0]))
		for i, n := 0, number(args[1]); int64(i) < n; i++ {
			if c, ok := read("random-"+args[0]+"-"+strconv.Itoa(i), g.document()); ok {
				emit(c)
			}
		}
	case "write":
		s := bufio.NewScanner(os.Stdin)
		s.Buffer(nil, 64<<20)
		for s.Scan() {
			if c := write(s.Bytes()); settled(c, s.Bytes(), marshal2) {
				emit(c)
			}
		}
	case "randomjson":
		g := newGenerator(number(args[0]))
		for i, n := 0, number(args[1]); int64(i) < n; i++ {
			b, err := json.Marshal(g.tree(0))
			if err != nil {
				panic(err)
			}
			if c := write(b); settled(c, b, marshal2) {
				emit(c)
			}
		}
	default:
		os.Exit(2)
	}
}
