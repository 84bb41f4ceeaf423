package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	kjson "sigs.k8s.io/json"
)

// TOML as Helm's fromToml and toToml have it. What is read is told with its types, as JSON: lists of tables are {"tables":[...]},
// dates {"datetime":"..."} and so on, numbers {"int":"1"} and {"float":"1.0"}.

var localKinds = map[string]string{"datetime-local": "local-datetime", "date-local": "local-date", "time-local": "local-time"}

func tomlText(v any) string {
	var b bytes.Buffer
	check(toml.NewEncoder(&b).Encode(v))
	return b.String()
}

func tagged(v any) any {
	switch t := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range t {
			out[k] = tagged(e)
		}
		return out
	case []map[string]any:
		out := []any{}
		for _, e := range t {
			out = append(out, tagged(e))
		}
		return map[string]any{"tables": out}
	case []any:
		out := []any{}
		for _, e := range t {
			out = append(out, tagged(e))
		}
		return out
	case int64:
		return map[string]any{"int": fmt.Sprint(t)}
	case float64:
		return map[string]any{"float": tomlText(t)}
	case time.Time:
		kind := "datetime"
		if k, ok := localKinds[t.Location().String()]; ok {
			kind = k
		}
		return map[string]any{kind: tomlText(t)}
	}
	return v
}

func tomlRead(in func(string) []byte) ([]byte, error) {
	m := map[string]any{}
	if err := toml.Unmarshal(in("input"), &m); err != nil {
		return nil, err
	}
	return json.Marshal(tagged(m))
}

// What was read, written again: dates come to the printer only this way.
func tomlRound(in func(string) []byte) ([]byte, error) {
	m := map[string]any{}
	if err := toml.Unmarshal(in("input"), &m); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := toml.NewEncoder(&b).Encode(m)
	return b.Bytes(), err
}

func tomlWrite(in func(string) []byte) ([]byte, error) {
	var v any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(in("input"), &v); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err := toml.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func init() {
	rules["toml-read"], rules["toml-round"], rules["toml-write"] = tomlRead, tomlRound, tomlWrite
}

var tomlScalars = []string{
	`0`, `+0`, `-0`, `1`, `-17`, `+99`, `1_000`, `1__0`, `_1`, `1_`, `01`, `-01`, `0x1F`, `0xdead_beef`, `0X1`, `0x`, `0xg`, `0x_1`, `0o17`, `0o8`, `0b101`, `0b2`, `+0x1`, `9223372036854775807`,
	`9223372036854775808`, `-9223372036854775808`, `0x7fffffffffffffff`, `0x8000000000000000`, `1.0`, `1.`, `.5`, `1.5e3`, `1e3`, `1E+3`, `1e-3`, `1e`, `1.e3`, `1_0.0_1`, `1._5`, `01.5`, `-0.0`, `1e400`, `1e-400`,
	`inf`, `+inf`, `-inf`, `nan`, `-nan`, `+nan`, `in`, `na`, `-i`, `1.5.5`, `1e5e5`, `1.0e+06`, `6.626e-34`, `true`, `false`, `True`, `tru`, `yes`, `é`, `€`, `1979-05-27T07:32:00Z`, `1979-05-27t07:32:00z`,
	`1979-05-27 07:32:00Z`, `1979-05-27T00:32:00-07:00`, `1979-05-27T00:32:00.999999+00:00`, `1979-05-27T07:32:00`, `1979-05-27T07:32:00.50`, `1979-05-27`, `07:32:00`, `00:32:00.1234567891`, `07:32`, `1979-05-27T07:32`,
	`1979-05-27T07:32Z`, `1979-13-01`, `1979-02-29`, `2000-02-29`, `1900-02-29`, `24:00:00`, `23:59:60`, `7:32:00`, `1979-5-27`, `1979-05-27T7:32:00`, `1979-05-27T07:32:00+25:00`, `1979-05-27T07:32:00+07`, `1979-05-27T`,
	`1979-05-27 `, `19790-05-27`, `0000-01-01`, `""`, `"a"`, `"é€😀"`, `"\b\t\n\f\r\e\"\\"`, `"\x41"`, `"\x4"`, `"\u00e9"`, `"\u00E9\U0001F600"`, `"\ud800"`, `"\U00110000"`, `"\q"`, `"\ "`, `"a`, "\"a\nb\"", "\"a\tb\"", "\"a\x00b\"",
	"\"a\x1fb\"", "\"\x7f\"", "\"\xff\"", `'a\n'`, `'a`, `''`, `"""a"""`, "\"\"\"\nline\nline\"\"\"", "\"\"\"a\\\n   b\"\"\"", "\"\"\"a\\  \n\n  b\"\"\"", `"""a""b"""`, `"""a"""""`, `"""a""""""`, `"""a\"""""`, `"""`, "'''\nx\ny'''", `'''a''b'''`,
	`'''a'''''`, `'''a''''''`, `'''`, "\"\"\"\\ x\"\"\"", "\"\"\"\r\na\r\nb\"\"\"", `"""\\"""`, "\"\"\"a\\\\\nb\"\"\"", `[]`, `[1,2]`, `[1,2,]`, `[ 1 , "a" , [2.0] ]`, "[\n1, # c\n2\n]", `[,]`, `[1,,2]`, `[1 2]`, `[`, `[1`, `[{a=1},{a=2}]`, `[[{a=1}]]`,
	`[{a=1},2]`, `[[]]`, `{}`, `{a=1}`, `{a=1,b=2}`, `{a=1,}`, `{a=1,,b=2}`, `{,}`, `{a}`, `{a=}`, `{`, `{a=1`, `{a.b=1,a.c=2}`, `{a.b=1,a=2}`, `{a=1,a=2}`, `{a={b=1}}`, "{a=1,\nb=2}", "{a=1 # c\n}", `{a=1 b=2}`, `{"a b"=1}`, ``, `#x`, `=`, `]`, `}`, `,`,
}

var tomlKeys = []string{`a`, `b`, `c`, `a.b`, `a.b.c`, `b.a`, `"a"`, `'b'`, `"a b"`, `"a.b"`, `""`, `''`, `a . b`, `1`, `1.2`, `-`, `é`, `"é"`, `a..b`, `.a`, `a.`, `"\u0061"`, `"a`, `"""a"""`, `a b`, `#a`, `x`, `y.z`, `t`}

func tomlKey() string {
	if random.Intn(6) == 0 {
		return pick(tomlKeys...)
	}
	return pick(tomlKeys[:10]...)
}

func tomlValue(depth int) string {
	switch k := random.Intn(12); {
	case k < 5 || depth == 0:
		return pick(`1`, `-2`, `1.5`, `true`, `"x"`, `'y'`, `1979-05-27`, `1979-05-27T07:32:00Z`, `[]`, `{}`)
	case k < 8:
		return pick(tomlScalars...)
	case k < 10:
		var items []string
		for n := random.Intn(4); n > 0; n-- {
			items = append(items, tomlValue(depth-1))
		}
		return "[" + strings.Join(items, pick(",", ", ", ",\n", " ,")) + pick("", "", ",") + "]"
	default:
		var items []string
		for n := random.Intn(4); n > 0; n-- {
			items = append(items, tomlKey()+pick("=", " = ")+tomlValue(depth-1))
		}
		return "{" + strings.Join(items, pick(",", ", ")) + "}"
	}
}

func tomlDocument() string {
	var b strings.Builder
	for n := random.Intn(7); n > 0; n-- {
		switch random.Intn(10) {
		case 0:
			b.WriteString(pick("", "  ", "# comment", "\t# é"))
		case 1, 2:
			b.WriteString("[" + tomlKey() + "]")
		case 3:
			b.WriteString("[[" + tomlKey() + "]]")
		default:
			b.WriteString(pick("", "", "  ") + tomlKey() + pick(" = ", "=", " =") + tomlValue(2))
		}
		b.WriteString(pick("\n", "\n", "\n", "\r\n", " # c\n", " \n", ""))
	}
	if b.Len() > 0 && random.Intn(8) == 0 {
		return mutated(b.String())
	}
	return b.String()
}

// Trees that TOML can hold, and some it cannot.
func tomlTree() string {
	if random.Intn(8) == 0 {
		return tree(4)
	}
	return strings.NewReplacer("null", pick("null", "1", "1.5", `"x"`, "[]"), "1.5", pick("1e21", "0.1", "1e-7", "100.0", "1e6", "123456.0")).Replace(object(4))
}

func tomlRow() map[string]any {
	switch random.Intn(3) {
	case 0:
		return jsonRow("toml-write", tomlTree())
	case 1:
		return jsonRow("toml-round", tomlDocument())
	default:
		return jsonRow("toml-read", tomlDocument())
	}
}

func tomlCases() []map[string]any {
	var rows []map[string]any
	for _, s := range tomlScalars {
		rows = append(rows, jsonRow("toml-read", "k = "+s), jsonRow("toml-read", "a.b = "+s+"\nc = 1\n"), jsonRow("toml-round", "[t]\nk = ["+s+"]"))
	}
	for _, k := range tomlKeys {
		rows = append(rows, jsonRow("toml-read", k+" = 1"), jsonRow("toml-read", "["+k+"]\nx = 1"), jsonRow("toml-read", "[["+k+"]]\n[["+k+"]]\n"), jsonRow("toml-round", "a.b.c = 1\n["+k+"]\n"))
	}
	for _, text := range []string{"", "\n", "\r\n", "\r", "# c", "\xef\xbb\xbfa=1", "\xff\xfea=1", "a\x00=1", "[a", "[[a]", "[a]]", "[]", "[[]]", "[a.]", "a = 1 b = 2", "a = 1\na = 2", "[a]\n[a]", "[a.b]\n[a]\n[a.b]", "a.b=1\n[a]", "[a]\nb.c=1\n[a.b]",
		"[[a]]\n[a]", "a=[]\n[[a]]", "a=1\n[a.b]", "[[a]]\nx=1\n[a.b]\ny=2\n[[a]]\n[a.b]\ny=3", "[[a.b]]\n[a]\nc=1", "a={}\na.b=1", "a={b=1}\n[a.c]", "x = \"\"\"\na\\\n  b\n\"\"\"\ny = 1\ny = 2"} {
		rows = append(rows, jsonRow("toml-read", text), jsonRow("toml-round", text))
	}
	for _, text := range []string{"null", "1", `"x"`, "[]", "[1]", "[{}]", "[1,null]", "{}", `{"a":null}`, `{"a":[null]}`, `{"a":[[null]]}`, `{"a":[{"b":null,"c":1}]}`, `{"a":[{"b":1},2]}`, `{"a":[[{"b":1,"z":null}]]}`, `{"a":{"b":{"c":{}}}}`, `{"z":1,"a":{"x":[{"y":1},{"y":{"q":[]}}]},"b":[1.0,2]}`, `{"":1,"a b":{"é":1}}`,
		`{"s":"a\"b\\c\n\t\u0001\u007f\u2028"}`, `{"f":[1.0,1e6,1e20,1e21,1e-5,0.1,-0.0]}`, `{"e":[],"f":1.5,"a":{"b":[1,2,"x"],"c":1.0,"d":[{"x":1}]}}`} {
		rows = append(rows, jsonRow("toml-write", text))
	}
	for i := 0; i < 300; i++ {
		rows = append(rows, tomlRow())
	}
	return rows
}

// The documents of a folder (the suite that comes with the library) as cases.
func tomlFolder(folder string) []map[string]any {
	var rows []map[string]any
	check(filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		check(err)
		if strings.HasSuffix(path, ".toml") {
			text, err := os.ReadFile(path)
			check(err)
			rows = append(rows, jsonRow("toml-read", string(text)), jsonRow("toml-round", string(text)))
		}
		return nil
	}))
	return rows
}
