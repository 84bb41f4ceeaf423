package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"time"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// go run . bench OBJECTS.jsonl SECONDS: what codec-bench measures, by the Go libraries, in the same words; then one digest of
// every object's tree, printed with sorted keys.
func bench(path string, seconds float64) {
	data, err := os.ReadFile(path)
	check(err)
	texts := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	trees := make([]map[string]any, len(texts))
	digest := sha256.New()
	for i, text := range texts {
		check(kjson.UnmarshalCaseSensitivePreserveInts(text, &trees[i]))
		out, err := json.Marshal(trees[i])
		check(err)
		digest.Write(out)
		digest.Write([]byte("\n"))
	}
	yamls := make([][]byte, len(trees))
	for i := range trees {
		yamls[i], err = yaml.Marshal(trees[i])
		check(err)
		digest.Write(yamls[i])
	}
	fmt.Printf("trees %x\n", digest.Sum(nil))
	measure("yaml in", seconds, len(texts), func(i int) int {
		var v map[string]any
		check(yaml.Unmarshal(yamls[i], &v))
		return len(yamls[i])
	})
	measure("yaml out", seconds, len(texts), func(i int) int {
		out, err := yaml.Marshal(trees[i])
		check(err)
		return len(out)
	})
	measure("json in", seconds, len(texts), func(i int) int {
		var v map[string]any
		check(json.Unmarshal(texts[i], &v))
		return len(texts[i])
	})
	measure("json out", seconds, len(texts), func(i int) int {
		out, err := json.Marshal(trees[i])
		check(err)
		return len(out)
	})
}

func measure(name string, seconds float64, n int, each func(i int) int) {
	best := 0.0
	for run := 0; run < 5; run++ {
		start, done := time.Now(), 0
		for time.Since(start).Seconds() < seconds/5 {
			for i := 0; i < n; i++ {
				done += each(i)
			}
		}
		best = max(best, float64(done)/time.Since(start).Seconds()/1e6)
	}
	fmt.Printf("%-24s %8.0f MB/s\n", name, best)
}
