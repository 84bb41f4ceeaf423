package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strconv"

	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// go run . random SEED N: N cases made from the seed, one a line: a rule, its inputs, and what the Go library answers.
func randomCases() {
	seed, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		panic(err)
	}
	n, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	w := bufio.NewWriterSize(os.Stdout, 1<<20)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	randomRows(seed, n, func(out row) {
		if err := e.Encode(out); err != nil {
			panic(err)
		}
	})
	if err := w.Flush(); err != nil {
		panic(err)
	}
}

func randomRows(seed int64, n int, each func(row)) {
	r := rand.New(rand.NewSource(seed))
	var h *history
	for n > 0 {
		var out row
		switch r.Intn(11) {
		case 10:
			out = kyamlStreamRow(r)
		case 8, 9:
			out = kyamlRow(r)
		case 0, 1:
			out = strategicApplyRow(r)
		case 2, 3, 4:
			out = strategicDiffRow(r)
		default:
			if h == nil || h.steps == 0 {
				h = newHistory(r)
			}
			out = h.step()
		}
		if out != nil {
			each(out)
			n--
		}
	}
}

func decoded(text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

// A library that panics has no answer to compare with.
func survives(f func()) (ok bool) {
	defer func() { ok = recover() == nil }()
	f()
	return
}

func answerRow(out row, got []byte, err error) row {
	if err != nil {
		out["error"] = err.Error()
	} else {
		out["want"] = raw(got)
	}
	return out
}

func strategicDiffRow(r *rand.Rand) row {
	s := samples[r.Intn(len(samples))]
	base := decoded(s.json)
	if r.Intn(3) == 0 { // scalars that merge and are not sorted: their order is stated though nothing changed
		base.(map[string]any)["metadata"].(map[string]any)["finalizers"] = []any{"c/d", "a/b"}
	}
	original, modified, current := must(json.Marshal(mutate(r, base, 0))), must(json.Marshal(mutate(r, base, 0))), must(json.Marshal(mutate(r, base, 0)))
	out := row{"group": s.group, "version": s.version, "kind": s.kind, "original": raw(original), "modified": raw(modified)}
	var got []byte
	var err error
	kind := r.Intn(3)
	ok := survives(func() {
		if kind == 0 {
			out["rule"] = "strategic-two-way"
			got, err = strategicpatch.CreateTwoWayMergePatch(original, modified, s.typ)
			return
		}
		out["rule"] = "strategic-three-way"
		out["current"] = raw(current)
		if kind == 1 { // applied for the first time: nothing is known of before
			out["rule"] = "strategic-creation"
			delete(out, "original")
			original = []byte("{}")
		}
		var meta strategicpatch.LookupPatchMeta
		if meta, err = strategicpatch.NewPatchMetaFromStruct(s.typ); err == nil {
			got, err = strategicpatch.CreateThreeWayMergePatch(original, modified, current, meta, true)
		}
	})
	if !ok {
		return nil
	}
	return answerRow(out, got, err)
}

func strategicApplyRow(r *rand.Rand) row {
	s := samples[r.Intn(len(samples))]
	base := decoded(s.json)
	document := must(json.Marshal(mutate(r, base, 0)))
	out := row{"rule": "strategic-apply", "group": s.group, "version": s.version, "kind": s.kind, "document": raw(document)}
	patch, err := strategicpatch.CreateTwoWayMergePatch(must(json.Marshal(mutate(r, base, 0))), must(json.Marshal(mutate(r, base, 0))), s.typ)
	if err != nil {
		return nil
	}
	if r.Intn(3) > 0 {
		patch = must(json.Marshal(directives(r, decoded(string(patch)), 0)))
	}
	out["patch"] = raw(patch)
	var got []byte
	for i := 0; i < 40; i++ {
		again, failed := got, err
		if !survives(func() { got, err = strategicpatch.StrategicMergePatch(document, patch, s.typ) }) {
			return nil
		}
		// Of several things that are wrong the library names whichever its map gives first: no answer to compare with.
		if i > 0 && fmt.Sprint(err) != fmt.Sprint(failed) || i > 0 && string(again) != string(got) {
			return nil
		}
		if err == nil && i == 4 {
			break
		}
	}
	return answerRow(out, got, err)
}

// Directives sprinkled over a patch: right and wrong ones.
func directives(r *rand.Rand, v any, depth int) any {
	switch t := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(t) {
			t[k] = directives(r, t[k], depth+1)
		}
		if depth > 0 && r.Intn(10) == 0 {
			t["$patch"] = []string{"replace", "delete", "merge", "what"}[r.Intn(4)]
		}
		if depth > 0 && r.Intn(10) == 0 {
			keep := []any{}
			for _, k := range sortedKeys(t) {
				if k[0] != '$' && r.Intn(12) > 0 {
					keep = append(keep, k)
				}
			}
			t["$retainKeys"] = append(keep, "extra")
		}
		if r.Intn(15) == 0 {
			t[[]string{"new", "labels", "paused", "finalizers"}[r.Intn(4)]] = []any{nil, "x", map[string]any{"x": nil}, []any{"a/b", "q"}}[r.Intn(4)]
		}
		for _, k := range sortedKeys(t) {
			if l, ok := t[k].([]any); ok && k[0] != '$' && r.Intn(8) == 0 {
				order := append([]any{}, l...)
				r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
				t["$setElementOrder/"+k] = order
			}
			if l, ok := t[k].([]any); ok && k[0] != '$' && r.Intn(8) == 0 {
				t["$deleteFromPrimitiveList/"+k] = append([]any{}, l...)
				delete(t, k) // with both, the library's answer depends on the order of a Go map
			}
		}
	case []any:
		for i := range t {
			t[i] = directives(r, t[i], depth+1)
		}
		if len(t) > 0 && r.Intn(12) == 0 {
			if _, ok := t[0].(map[string]any); ok {
				t = append(t, map[string]any{"$patch": "replace"})
			}
		}
		return t
	}
	return v
}
