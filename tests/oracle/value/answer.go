package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	kjson "sigs.k8s.io/json"
)

// A request names its rule and holds base64 texts; the answer is added to it: "want64" or "error".
type rule func(in func(string) []byte) ([]byte, error)

var rules = map[string]rule{
	// JSON as Kubernetes reads it, printed as Go prints maps.
	"json": func(in func(string) []byte) ([]byte, error) {
		var v any
		if err := kjson.UnmarshalCaseSensitivePreserveInts(in("input"), &v); err != nil {
			return nil, err
		}
		return json.Marshal(v)
	},
	"json-indent": func(in func(string) []byte) ([]byte, error) {
		var v any
		if err := kjson.UnmarshalCaseSensitivePreserveInts(in("input"), &v); err != nil {
			return nil, err
		}
		return json.MarshalIndent(v, "", "  ")
	},
	"json-strict": func(in func(string) []byte) ([]byte, error) {
		var v map[string]any
		strict, err := kjson.UnmarshalStrict(in("input"), &v)
		if err != nil {
			return nil, err
		}
		if len(strict) > 0 {
			return nil, strict[0]
		}
		return json.Marshal(v)
	},
	"json-patch": func(in func(string) []byte) ([]byte, error) {
		patch, err := jsonpatch.DecodePatch(in("patch"))
		if err != nil {
			return nil, err
		}
		return patch.Apply(in("document"))
	},
	"merge-patch": func(in func(string) []byte) ([]byte, error) {
		return jsonpatch.MergePatch(in("document"), in("patch"))
	},
	"merge-create": func(in func(string) []byte) ([]byte, error) {
		return jsonpatch.CreateMergePatch(in("from"), in("to"))
	},
	"three-way": func(in func(string) []byte) ([]byte, error) {
		return jsonmergepatch.CreateThreeWayJSONMergePatch(in("original"), in("modified"), in("live"))
	},
}

func answer(request map[string]any) {
	defer func() { // a library that panics has no answer to compare with
		if r := recover(); r != nil {
			request["panic"] = fmt.Sprint(r)
		}
	}()
	in := func(name string) []byte {
		if s, ok := request[name].(string); ok {
			return []byte(s)
		}
		s, _ := request[name+"64"].(string)
		b, err := base64.StdEncoding.DecodeString(s)
		check(err)
		return b
	}
	got, err := rules[request["rule"].(string)](in)
	if err != nil && strings.ContainsRune(err.Error(), 0) {
		request["panic"] = "our messages end at a NUL"
	} else if err != nil {
		request["error"] = err.Error()
	} else {
		request["want"] = string(got)
	}
}

func answered(rows []map[string]any) []map[string]any {
	kept := rows[:0]
	for _, row := range rows {
		answer(row)
		if row["panic"] == nil {
			kept = append(kept, row)
		}
	}
	return kept
}
