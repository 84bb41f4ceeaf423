package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// What is worked in rotation: the objects of a file, as text and as trees.
type inputs struct {
	json, yaml [][]byte
	trees      []map[string]any
}

func fromJSON(path string) (in inputs) {
	data, err := os.ReadFile(path)
	check(err)
	for _, text := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		var tree map[string]any
		check(kjson.UnmarshalCaseSensitivePreserveInts(text, &tree))
		out, err := yaml.Marshal(tree)
		check(err)
		in.json, in.yaml, in.trees = append(in.json, text), append(in.yaml, out), append(in.trees, tree)
	}
	return in
}

func fromYAML(path string) (in inputs) {
	data, err := os.ReadFile(path)
	check(err)
	for _, text := range bytes.Split(data, []byte("---\n")) {
		var tree map[string]any
		text, err = yaml.YAMLToJSON(text)
		check(err)
		check(kjson.UnmarshalCaseSensitivePreserveInts(text, &tree))
		out, err := yaml.Marshal(tree)
		check(err)
		in.json, in.yaml, in.trees = append(in.json, text), append(in.yaml, out), append(in.trees, tree)
	}
	return in
}

func (in inputs) yamlIn(i int) int {
	var v map[string]any
	check(yaml.Unmarshal(in.yaml[i], &v))
	return len(in.yaml[i])
}

func (in inputs) yamlOut(i int) int {
	out, err := yaml.Marshal(in.trees[i])
	check(err)
	return len(out)
}

func (in inputs) jsonIn(i int) int {
	var v map[string]any
	check(json.Unmarshal(in.json[i], &v))
	return len(in.json[i])
}

// How Argo CD reads live objects: client-go's dynamic client decodes by this scheme, which reads with
// sigs.k8s.io/json's UnmarshalCaseSensitivePreserveInts.
func (in inputs) unstructuredIn(i int) int {
	_, _, err := unstructured.UnstructuredJSONScheme.Decode(in.json[i], nil, &unstructured.Unstructured{})
	check(err)
	return len(in.json[i])
}

func (in inputs) jsonOut(i int) int {
	out, err := json.Marshal(in.trees[i])
	check(err)
	return len(out)
}

// What codec-bench measures, by the Go libraries, in the same words, on one processor; before that one digest of every
// object's tree, printed with sorted keys, and of its YAML.
func bench(seconds float64, objects string, files []string) {
	runtime.GOMAXPROCS(1)
	live, digest := fromJSON(objects), sha256.New()
	sets := []inputs{live}
	for _, path := range files {
		sets = append(sets, fromYAML(path))
	}
	for _, in := range sets {
		for i := range in.trees {
			out, err := json.Marshal(in.trees[i])
			check(err)
			digest.Write(out)
			digest.Write([]byte("\n"))
			digest.Write(in.yaml[i])
		}
	}
	fmt.Printf("trees %x\n", digest.Sum(nil))
	for i, path := range files {
		measure("yaml in "+filepath.Base(path), seconds, len(sets[i+1].yaml), sets[i+1].yamlIn)
		measure("yaml out "+filepath.Base(path), seconds, len(sets[i+1].yaml), sets[i+1].yamlOut)
	}
	measure("yaml in", seconds, len(live.yaml), live.yamlIn)
	measure("yaml out", seconds, len(live.yaml), live.yamlOut)
	measure("json in", seconds, len(live.json), live.jsonIn)
	measure("json in, unstructured", seconds, len(live.json), live.unstructuredIn)
	measure("json out", seconds, len(live.json), live.jsonOut)
	benchPatches(live, seconds)
}

// CPU seconds of this process.
func now() float64 {
	var u syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)*1e-6
}

func measure(name string, seconds float64, n int, each func(i int) int) {
	best := 0.0
	for run := 0; run < 5; run++ {
		start, done := now(), 0
		for now()-start < seconds/5 {
			for i := 0; i < n; i++ {
				done += each(i)
			}
		}
		best = max(best, float64(done)/(now()-start)/1e6)
	}
	fmt.Printf("%-24s %8.0f MB/s\n", name, best)
}
