package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"strings"
	"unicode/utf8"
)

var random = rand.New(rand.NewSource(4))

func pick(from ...string) string { return from[random.Intn(len(from))] }

// A field of a row: as text when it is UTF-8, else in base64.
func put(row map[string]any, name, text string) {
	if utf8.ValidString(text) {
		row[name] = text
	} else {
		row[name+"64"] = base64.StdEncoding.EncodeToString([]byte(text))
	}
}

func jsonRow(rule, text string) map[string]any {
	row := map[string]any{"rule": rule}
	put(row, "input", text)
	return row
}

var hostileScalars = []string{
	`""`, `"a"`, `"<a href='x'>&amp;</a>"`, `"\u0000"`, `"\u001f\u007f"`, `"\b\f\n\r\t\/\\\""`, `"ä"`, `"\u00e4"`, `"\ud83d\ude00"`,
	`"😀"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\u2028\u2029"`, "\"\u2028\"", "\"\xff\"", "\"\xc3\"", "\"\xe2\x82\"",
	"\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xc0\x80\"", "\"a\xffb\\u0041\xfe\"", "\"\xef\xbf\xbd\"", "\"\x7f\"", `"\uFFFF"`, `"\ufeff"`,
	`0`, `-0`, `1`, `-1`, `00`, `01`, `-01`, `+1`, `.5`, `1.`, `1.5`, `-1.5`, `1e5`, `1E5`, `1e+5`, `1e-5`, `1e`, `1e+`, `1.e5`, `-`, `--1`, `0x10`, `1_000`,
	`9007199254740991`, `9007199254740992`, `9007199254740993`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775808`,
	`-9223372036854775809`, `18446744073709551615`, `18446744073709551616`, `1e18`, `1e19`, `1e20`, `1e21`, `1e22`, `123456789012345678901234567890`,
	`0.1`, `0.000001`, `0.0000001`, `0.00000123`, `1e-6`, `1e-7`, `1.7976931348623157e308`, `1.8e308`, `-1.8e308`, `5e-324`, `2e-324`, `4.9e-324`, `2.2250738585072014e-308`,
	`2.2250738585072011e-308`, `0.1e1`, `1.0`, `100.0`, `1.10`, `-0.0`, `0e10`, `3.14159265358979323846264338327950288`, `1e1000`, `0.30000000000000004`,
	`5.684341886080801e-14`, `9.5367431640625e-07`, `1.1102230246251565e-16`, `8.41e21`, `9.41e-9`, `4503599627370496.5`, `2.98023223876953125e-8`,
	`true`, `false`, `null`, `True`, `nul`, `tru`, `truex`, `falsy`, `nulll`, `NaN`, `Infinity`, `undefined`, `'a'`, `"a`, `"\`, `"\u12"`, `"\u12g4"`, `"\x41"`, "\"\n\"", "\"\t\"",
	"\"a\x00b\"", ``, ` `, "\t\n\r 1 \t\n\r", "\u00a01", "\ufeff1", `1 2`, `1,`, `"a" "b"`, `]`, `}`, `,`, `:`, `/* x */ 1`, `1 // x`,
}

var hostileTrees = []string{
	`[]`, `{}`, `[ ]`, `{ }`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `[1,,2]`, `[`, `[1`, `[1,`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{a:1}`,
	`{'a':1}`, `{1:1}`, `{"a" 1}`, `{"a"::1}`, `{"a":1 "b":2}`, `{"a":1;"b":2}`, `{"a":1,"a":2}`, `{"a":{"b":1},"a":{"c":2}}`, `{"a":1,"A":2}`, `{"":1}`, `{"":{"":{}}}`,
	`{"b":1,"a":2,"c":{"z":1,"y":2}}`, `{"\u0061":1,"a":2}`, `{"<":">"}`, "{\"\xff\":1,\"\xfe\":2}", `{"ä":1,"z":2,"a":3}`, `[[[[[[[[[[]]]]]]]]]]`, `[{},{},[],[{}]]`,
	`{"a":[1,2,{"b":null,"c":[true,false]}]}`, `[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]`,
	`{"k9":1,"k8":1,"k7":1,"k6":1,"k5":1,"k4":1,"k3":1,"k2":1,"k1":1,"k0":1}`, `{"a":1}}`, `[1]]`, `[}`, `{]`, `{"a":]`, `[{"a":1,"a":1}]`,
}

func jsonCases() []map[string]any {
	var rows []map[string]any
	for _, text := range hostileScalars {
		rows = append(rows, jsonRow("json", text), jsonRow("json", "["+text+"]"), jsonRow("json", `{"k":`+text+`}`))
	}
	for _, text := range hostileTrees {
		rows = append(rows, jsonRow("json", text), jsonRow("json-indent", text))
		if strings.HasPrefix(text, "{") {
			rows = append(rows, jsonRow("json-strict", text), jsonRow("json-strict", `{"x":{"list":[0,`+text+`]}}`))
		}
	}
	for i := 0; i < 300; i++ {
		rows = append(rows, jsonRow("json", numberText()))
	}
	for i := 0; i < 300; i++ {
		text := tree(4)
		rows = append(rows, jsonRow("json", text), jsonRow("json", mutated(text)))
	}
	return rows
}

func numberText() string {
	switch random.Intn(5) {
	case 0:
		return fmt.Sprint(random.Int63n(math.MaxInt64) >> random.Intn(63))
	case 1:
		b, _ := json.Marshal(math.Float64frombits(random.Uint64() &^ (1 << 62)))
		return string(b)
	case 2:
		return fmt.Sprintf("%de%d", random.Int63n(1e6), random.Intn(640)-320)
	case 3:
		return fmt.Sprintf("%d.%de%d", random.Intn(100), random.Int63(), random.Intn(40)-20)
	default:
		return fmt.Sprintf("-%d.%d", random.Intn(1000), random.Intn(1000))
	}
}

var words = []string{"a", "b", "c", "name", "spec", "metadata", "app.kubernetes.io/name", "x/y", "m~n", "", "ä", "0", "1", "-1", "-", "<&>", "a\"b", "new\nline", "longer text with blanks"}

func stringText() string {
	b, _ := json.Marshal(pick(words...))
	return string(b)
}

func tree(depth int) string {
	kind := random.Intn(10)
	if depth == 0 {
		kind = random.Intn(6)
	}
	switch kind {
	case 0:
		return pick("true", "false", "null")
	case 1:
		return pick("0", "1", "2", "-1", "1.5", "1.0", "1e3", "9007199254740991")
	case 2, 3, 4, 5:
		return stringText()
	case 6, 7:
		var items []string
		for n := random.Intn(5); n > 0; n-- {
			items = append(items, tree(depth-1))
		}
		return "[" + strings.Join(items, ",") + "]"
	default:
		return object(depth)
	}
}

func object(depth int) string {
	var items []string
	for n := random.Intn(6); n > 0; n-- {
		items = append(items, stringText()+":"+tree(depth-1))
	}
	return "{" + strings.Join(items, ",") + "}"
}

// One byte removed, doubled, or replaced.
func mutated(text string) string {
	b := []byte(text)
	i := random.Intn(len(b))
	switch random.Intn(4) {
	case 0:
		return string(b[:i]) + string(b[i+1:])
	case 1:
		return string(b[:i+1]) + string(b[i:])
	case 2:
		return string(b[:i])
	default:
		b[i] = `{}[],:"\u0-1tfn e.`[random.Intn(18)]
		return string(b)
	}
}

// Bytes that are hard for a JSON reader, in any order.
func hostileString() string {
	b := []byte{'"'}
	for n := random.Intn(30); n > 0; n-- {
		b = append(b, pick("a", "word ", "longer plain text without anything ", "\\n", "\\\"", "\\\\", "\\/", "\\u0000", "\\u001f", "\\u00e4", "\\ud83d\\ude00", "\\ud83d",
			"\\udc00", "\\u2028", "<", ">", "&", "'", "ä", "€", "😀", "\xff", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\u2028", "\u2029", "\x7f", "\ufeff")...)
	}
	b = append(b, '"')
	return string(b)
}

func bigObject() string {
	var items []string
	for n := random.Intn(80); n > 0; n-- {
		items = append(items, fmt.Sprintf(`"k%d":%s`, random.Intn(200), tree(1)))
	}
	return "{" + strings.Join(items, ",") + "}"
}

func randomCase() map[string]any {
	switch random.Intn(16) {
	case 13, 14:
		return tomlRow()
	case 15:
		return operationRow(sample, listPatch())
	case 12:
		text := pick(hostileScalars...)
		if random.Intn(3) == 0 {
			return jsonRow("json-strict", `{"k":`+pick(text, pick(hostileTrees...))+`}`)
		}
		return jsonRow("json", pick(text, "["+text+"]", `{"k":`+text+`}`, pick(hostileTrees...)))
	case 0:
		return jsonRow("json", numberText())
	case 1:
		return jsonRow("json", hostileString())
	case 2:
		return jsonRow("json", mutated(hostileString()))
	case 3:
		return jsonRow("json", bigObject())
	case 4:
		return jsonRow("json", mutated(tree(5)))
	case 5:
		return jsonRow("json-indent", tree(5))
	case 6:
		return jsonRow("json-strict", object(4))
	case 7, 8:
		return operationRow(object(4), randomPatch())
	case 9:
		return map[string]any{"rule": "merge-patch", "document": object(4), "patch": object(4)}
	case 10:
		return map[string]any{"rule": "merge-create", "from": object(4), "to": object(4)}
	default:
		return map[string]any{"rule": "three-way", "original": object(4), "modified": object(4), "live": object(4)}
	}
}

// ---- patches ----

func operationRow(document, patch string) map[string]any {
	row := map[string]any{"rule": "json-patch"}
	put(row, "document", document)
	put(row, "patch", patch)
	return row
}

const sample = `{"a":{"b":[1,2,3],"c":null,"d":"x"},"e/f":1,"g~h":{"i":true},"":0,"n":1.0,"list":[{"k":1},[],"s",null]}`

var patchTexts = []string{
	`[]`, `null`, `{}`, `"x"`, `1`, `[1]`, `[null]`, `["x"]`, `[[]]`, `[{}]`, `[{"op":"add"}]`, `[{"op":"add","path":"/z"}]`, `[{"op":null,"path":"/a"}]`, `[{"op":1,"path":"/a"}]`,
	`[{"op":"spam","path":"/a"}]`, `[{"op":"add","path":null,"value":1}]`, `[{"op":"add","path":1,"value":1}]`, `[{"op":"replace","path":1,"value":1}]`, `[{"op":"remove","path":{}}]`,
	`[{"op":"remove"}]`, `[{"op":"replace"}]`, `[{"op":"test"}]`, `[{"op":"move"}]`, `[{"op":"copy"}]`, `[{"op":"move","from":"/a"}]`, `[{"op":"copy","from":"/a"}]`, `[{"op":"move","from":1,"path":"/a"}]`,
	`[{"op":"replace","path":"","value":{"x":1}}]`, `[{"op":"replace","path":"","value":[1]}]`, `[{"op":"replace","path":"","value":1}]`, `[{"op":"replace","path":"","value":null}]`,
	`[{"op":"test","path":"","value":{"x":1}}]`, `[{"op":"test","path":"","value":` + sample + `}]`, `[{"op":"remove","path":"/e~1f"},{"op":"remove","path":"/g~0h/i"},{"op":"remove","path":"/"}]`,
	`[{"op":"test","path":"/n","value":1}]`, `[{"op":"test","path":"/n","value":1.0}]`, `[{"op":"test","path":"/zz","value":null}]`, `[{"op":"test","path":"/zz"}]`, `[{"op":"test","path":"/zz","value":1}]`,
	`[{"op":"test","path":"/a/c","value":null}]`, `[{"op":"test","path":"/a/c","value":1}]`, `[{"op":"test","path":"/a/d"}]`, `[{"op":"test","path":"/a/d","value":null}]`,
	`[{"op":"replace","path":"","value":[1,2]},{"op":"add","path":"/-","value":3},{"op":"remove","path":"/0"}]`,
	`[{"op":"copy","from":"/a","path":"/z"},{"op":"replace","path":"/z/b/0","value":9}]`, `[{"op":"add","path":"/z","value":{"q":[1]}},{"op":"add","path":"/z/q/-","value":2},{"op":"copy","from":"/z","path":"/y"},{"op":"remove","path":"/z/q/0"}]`,
	`[{"op":"move","from":"/a","path":"/a/b"}]`, `[{"op":"move","from":"/a/b/0","path":"/a/b/-"}]`, `[{"op":"move","from":"/zz","path":"/a"}]`, `[{"op":"copy","from":"/zz","path":"/a/z"}]`,
	`[{"op":"add","path":"/a/c/x","value":1}]`, `[{"op":"add","path":"/n/x","value":1}]`, `[{"op":"add","path":"/list/3/x","value":1}]`, `[{"op":"add","path":"x","value":1}]`, `[{"op":"add","path":"a/d","value":1}]`,
	`[{"op":"add","path":"/m~2n","value":1}]`, `[{"op":"add","path":"/m~01","value":1}]`, `[{"op":"add","path":"//x","value":1}]`,
}

func patchCases() []map[string]any {
	var rows []map[string]any
	for _, patch := range patchTexts {
		rows = append(rows, operationRow(sample, patch))
	}
	indices := []string{"0", "1", "2", "3", "4", "-", "-1", "-3", "-4", "-5", "00", "+1", "x", "", "1.5", "99999999999999999999", "1e1", " 1"}
	for _, index := range indices {
		for _, op := range []string{"add", "replace", "remove", "test"} {
			rows = append(rows, operationRow(sample, fmt.Sprintf(`[{"op":%q,"path":"/a/b/%s","value":2}]`, op, index)))
			rows = append(rows, operationRow(sample, fmt.Sprintf(`[{"op":%q,"path":"/list/%s/k","value":1}]`, op, index)))
		}
		rows = append(rows, operationRow(sample, fmt.Sprintf(`[{"op":"move","from":"/a/b/%s","path":"/z"}]`, index)))
		rows = append(rows, operationRow(sample, fmt.Sprintf(`[{"op":"copy","from":"/a/b/%s","path":"/z"}]`, index)))
		rows = append(rows, operationRow(sample, fmt.Sprintf(`[{"op":"copy","from":"/a/d","path":"/a/b/%s"}]`, index)))
	}
	for _, document := range []string{`[1,2]`, `"x"`, `1`, `true`, `[]`} {
		rows = append(rows, operationRow(document, `[{"op":"add","path":"/0","value":9}]`), operationRow(document, `[]`))
	}
	for i := 0; i < 300; i++ {
		rows = append(rows, operationRow(object(4), randomPatch()))
	}
	pairs := [][2]string{
		{`{"a":"b"}`, `{"a":"c"}`}, {`{"a":"b"}`, `{"b":"c"}`}, {`{"a":"b"}`, `{"a":null}`}, {`{"a":"b","b":"c"}`, `{"a":null}`}, {`{"a":["b"]}`, `{"a":"c"}`}, {`{"a":"c"}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`}, {`{"a":[{"b":"c"}]}`, `{"a":[1]}`}, {`["a","b"]`, `["c","d"]`}, {`{"a":"b"}`, `["c"]`}, {`{"a":"foo"}`, `null`}, {`{"a":"foo"}`, `"bar"`},
		{`{"e":null}`, `{"a":1}`}, {`[1,2]`, `{"a":"b","c":null}`}, {`{}`, `{"a":{"bb":{"ccc":null}}}`}, {`{"a":{}}`, `{"a":[{"x":null}]}`}, {`{"a":1}`, `{"a":[{"x":null},null]}`}, {`{}`, `{"a":[[{"x":null}]]}`},
		{`{"a":[]}`, `{"a":{"x":null,"y":1}}`}, {`null`, `{"a":1}`}, {`1`, `{"a":null}`}, {`"x"`, `[null,{"a":null}]`}, {`{"a":null}`, `{"a":{"b":null}}`}, {`{"a":1}`, `{}`}, {`{`, `{}`}, {`{}`, `{`}, {``, `{}`},
		{`{"a":{"b":1}}`, `{"a":{}}`}, {`{"a":1}`, `{"a":1.0}`}, {`{"a":{"b":null}}`, `{"a":{"b":null,"c":null}}`}, {`{"a":null}`, `{"a":null}`}, {`{"a":[1,null]}`, `{"a":[1,null]}`}, {`{"a":null}`, `{}`},
	}
	for i := 0; i < 250; i++ {
		pairs = append(pairs, [2]string{object(3), object(3)})
	}
	for _, pair := range pairs {
		rows = append(rows, map[string]any{"rule": "merge-patch", "document": pair[0], "patch": pair[1]})
		rows = append(rows, map[string]any{"rule": "merge-create", "from": pair[0], "to": pair[1]})
	}
	for i := 0; i < 250; i++ {
		rows = append(rows, map[string]any{"rule": "three-way", "original": object(3), "modified": object(3), "live": object(3)})
	}
	return rows
}

// Operations on the lists of the sample, by every kind of index.
func listPatch() string {
	var ops []string
	path := func() string {
		return pick("/a/b/", "/list/", "/list/0/", "/a/", "/") + pick("0", "1", "2", "3", "4", "-", "-1", "-2", "-5", "k", "00", "b", "c", "d")
	}
	for n := random.Intn(3); n >= 0; n-- {
		ops = append(ops, fmt.Sprintf(`{"op":%q,"path":%q,"from":%q,"value":%s}`, pick("add", "remove", "replace", "move", "copy", "test"), path(), path(), tree(1)))
	}
	return "[" + strings.Join(ops, ",") + "]"
}

func randomPatch() string {
	var ops []string
	path := func() string {
		p := ""
		for n := random.Intn(4); n >= 0; n-- {
			p += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(pick(words...))
		}
		b, _ := json.Marshal(p)
		return string(b)
	}
	for n := random.Intn(4); n >= 0; n-- {
		ops = append(ops, fmt.Sprintf(`{"op":%q,"path":%s,"from":%s,"value":%s}`, pick("add", "add", "add", "remove", "replace", "replace", "move", "copy", "test"), path(), path(), tree(2)))
	}
	return "[" + strings.Join(ops, ",") + "]"
}
