package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"
)

// liveObjects are the shipped objects of a real cluster, as YAML.
func liveObjects() (texts [][]byte) {
	_, here, _, _ := runtime.Caller(0)
	f, err := os.Open(filepath.Join(filepath.Dir(here), "../../bench/objects.jsonl"))
	if err != nil {
		panic(err)
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		text, err := yaml.JSONToYAML(s.Bytes())
		if err != nil {
			panic(err)
		}
		if len(text) < 12000 {
			texts = append(texts, text)
		}
	}
	return texts
}

// manifest is one of the texts with a few of its lines changed as people change them, and sometimes damaged.
func (g *generator) manifest(texts [][]byte) []byte {
	lines := strings.SplitAfter(string(texts[g.r.Intn(len(texts))]), "\n")
	if from := g.r.Intn(len(lines)); g.odds(2) && from < len(lines) { // a part
		lines = lines[from:min(len(lines), from+1+g.r.Intn(40))]
	}
	for n := g.r.Intn(5); n > 0; n-- {
		i := g.r.Intn(len(lines))
		line := lines[i]
		indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " ")))
		key, _, found := strings.Cut(line, ":")
		switch kind := g.r.Intn(12); {
		case kind == 0:
			lines[i] = indent + "# " + g.pick(words) + "\n" + line
		case kind == 1:
			lines[i] = strings.TrimRight(line, "\n") + g.pick([]string{" # c", "  ", " ", "\r", "#c"}) + "\n"
		case kind == 2:
			lines[i] = "\n" + line
		case kind == 3:
			lines[i] = " " + line
		case kind == 4:
			lines[i] = line + lines[g.r.Intn(len(lines))]
		case kind == 5 && found:
			lines[i] = key + ":" + g.node(len(indent), 2)
		case kind == 6 && found:
			lines[i] = key + ": " + g.flow(0) + "\n"
		case kind == 7:
			lines[i] = indent + "- " + strings.TrimLeft(line, " ")
		case found:
			lines[i] = key + ": " + g.word() + "\n"
		}
	}
	text := []byte(strings.Join(lines, ""))
	if g.odds(3) && len(text) > 0 {
		i := g.r.Intn(len(text))
		text = append(text[:i:i], append([]byte(g.pick(hostile)), text[i:]...)...)
	}
	return text
}

// randomCases writes n cases; each rule has its share.
func randomCases(seed, n int64) {
	g, live := newGenerator(seed), liveObjects()
	for i := int64(0); i < n; {
		c, ok := g.randomCase(strconv.FormatInt(seed, 10)+"-"+strconv.FormatInt(i, 10), live)
		// Of two byte order marks upstream hides the first character of each line it has in its buffer: not ours.
		if ok && !strings.Contains(c.In, "\ufeff\ufeff") {
			emit(c)
			i++
		}
	}
}

func (g *generator) randomCase(name string, live [][]byte) (c Case, ok bool) {
	switch g.r.Intn(17) {
	case 8, 9:
		in := g.document()
		if g.odds(2) {
			in = g.manifest(live)
		}
		return read3(name, in)
	case 10:
		in := g.document()
		if g.odds(2) {
			in = g.manifest(live)
		}
		return round3(name, in)
	case 13, 14:
		return comments3(name, g.commented())
	case 15:
		return nodes3(g.anyDocument())
	case 16:
		return round3(name, g.commented())
	case 11:
		in, err := json.Marshal(g.tree(0))
		if err != nil {
			panic(err)
		}
		c = write3(in)
		return c, settled(c, in, kyaml.Marshal)
	case 0, 1:
		c, ok = read(name, g.document())
		c.Rule = "yaml-read"
	case 2, 3:
		c, ok = read(name, g.manifest(live))
		c.Rule = "yaml-manifest"
	case 4:
		c, ok = stream(name, g.stream()), true
		c.Rule = "yaml-stream"
	case 5:
		var b bytes.Buffer
		for n := 1 + g.r.Intn(3); n > 0; n-- {
			b.WriteString(g.pick([]string{"---\n", "--- \n", "---\n# c\n"}))
			b.Write(g.manifest(live))
		}
		c, ok = stream(name, b.Bytes()), true
		c.Rule = "yaml-manifests"
	default:
		in, err := json.Marshal(g.tree(0))
		if err != nil {
			panic(err)
		}
		c = write(in)
		ok = settled(c, in, marshal2)
		c.Rule = "yaml-write"
	}
	return c, ok
}
