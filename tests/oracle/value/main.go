// Oracle for src/value: what the Go libraries answer.
//
//	go run . golden ../../golden/value   writes the golden cases (fixed seed)
//	go run . manifests FOLDER             writes the YAML streams of the bench (see manifests.go)
//	go run . bench SECONDS OBJECTS.jsonl FILE.yaml...  measures the Go codecs (see bench.go)
//	go run . random SEED N                writes N cases made from the seed
//	go run . toml FOLDER                  the .toml files of a folder as cases
//	go run . answer                      answers one JSON request a line on standard input (see answer.go)
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func writeRows(dir, name string, rows []map[string]any) {
	f, err := os.Create(filepath.Join(dir, name))
	check(err)
	w := bufio.NewWriter(f)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, row := range rows {
		check(e.Encode(row))
	}
	check(w.Flush())
	check(f.Close())
	fmt.Printf("%s: %d cases\n", name, len(rows))
}

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "golden":
		dir := os.Args[2]
		check(os.MkdirAll(dir, 0o755))
		writeRows(dir, "json.jsonl", answered(jsonCases()))
		writeRows(dir, "patches.jsonl", answered(patchCases()))
		writeRows(dir, "proto.jsonl", append(protoCases(), wrappedCases()...))
		writeRows(dir, "typed.jsonl", typedCases())
		random = rand.New(rand.NewSource(6))
		writeRows(dir, "toml.jsonl", answered(tomlCases()))
	case len(os.Args) == 3 && os.Args[1] == "toml":
		e := json.NewEncoder(os.Stdout)
		e.SetEscapeHTML(false)
		for _, row := range answered(tomlFolder(os.Args[2])) {
			check(e.Encode(row))
		}
	case len(os.Args) == 4 && os.Args[1] == "random":
		seed, err := strconv.ParseInt(os.Args[2], 10, 64)
		check(err)
		n, err := strconv.Atoi(os.Args[3])
		check(err)
		random = rand.New(rand.NewSource(seed))
		w := bufio.NewWriterSize(os.Stdout, 1<<20)
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		for ; n > 0; n-- {
			row := randomCase()
			if answer(row); row["panic"] == nil {
				check(e.Encode(row))
			}
		}
		check(w.Flush())
	case len(os.Args) == 2 && os.Args[1] == "answer":
		in := bufio.NewReaderSize(os.Stdin, 1<<20)
		out := json.NewEncoder(os.Stdout)
		out.SetEscapeHTML(false)
		for dec := json.NewDecoder(in); ; {
			var request map[string]any
			if dec.Decode(&request) != nil {
				return
			}
			answer(request)
			check(out.Encode(request))
		}
	case len(os.Args) == 3 && os.Args[1] == "manifests":
		manifests(os.Args[2])
	case len(os.Args) >= 4 && os.Args[1] == "bench":
		seconds, err := strconv.ParseFloat(os.Args[2], 64)
		check(err)
		bench(seconds, os.Args[3], os.Args[4:])
	default:
		fmt.Fprintln(os.Stderr, "usage: go run . golden FOLDER | go run . random SEED N | go run . answer | go run . manifests FOLDER | go run . bench SECONDS OBJECTS.jsonl FILE.yaml...")
		os.Exit(2)
	}
}
