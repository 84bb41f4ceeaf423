package main

import "encoding/json"

// A struct with every kind of field that our kinds have; src/value/tests/bind_test.c has its table.
type typedPart struct {
	Name  string `json:"name"`
	Count int64  `json:"count,omitempty"`
}

type typedInner struct {
	Parts []typedPart `json:"parts,omitempty"`
}

type typedThing struct {
	Project  string            `json:"project"`
	Text     string            `json:"text,omitempty"`
	On       bool              `json:"on,omitempty"`
	Must     bool              `json:"must"`
	Limit    int64             `json:"limit,omitempty"`
	Exact    int64             `json:"exact"`
	History  *int64            `json:"history,omitempty"`
	Switch   *bool             `json:"switch,omitempty"`
	Note     *string           `json:"note,omitempty"`
	Inner    typedInner        `json:"inner,omitempty"`
	Maybe    *typedInner       `json:"maybe,omitempty"`
	Parts    []typedPart       `json:"parts,omitempty"`
	Needed   []typedPart       `json:"needed"`
	Labels   map[string]string `json:"labels,omitempty"`
	Pointers []*typedPart      `json:"pointers,omitempty"`
}

func typedCases() []map[string]any {
	var rows []map[string]any
	for _, text := range []string{
		`{}`,
		`{"project":"","text":"","on":false,"must":false,"limit":0,"exact":0}`,
		`{"project":"p","text":"t","on":true,"must":true,"limit":3,"exact":4,"history":0,"switch":false,"note":""}`,
		`{"history":5,"switch":true,"note":"n"}`,
		`{"history":null,"switch":null,"maybe":null,"parts":null,"needed":null,"labels":null,"text":null,"inner":null}`,
		`{"inner":{},"maybe":{},"parts":[],"needed":[],"labels":{},"pointers":[]}`,
		`{"inner":{"parts":[{"count":0}]},"maybe":{"parts":[]},"parts":[{},{"name":"a","count":0},{"name":"b","count":2}],"needed":[{"name":""}],"labels":{"a":"","b":"c"},"pointers":[{"count":1}]}`,
		`{"unknown":1,"parts":[{"unknown":true,"name":"x"}],"project":"q"}`,
	} {
		var t typedThing
		check(json.Unmarshal([]byte(text), &t))
		out, err := json.Marshal(&t)
		check(err)
		rows = append(rows, map[string]any{"in": json.RawMessage(text), "out": json.RawMessage(out)})
	}
	return rows
}
