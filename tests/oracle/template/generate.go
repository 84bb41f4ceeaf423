package main

import (
	"fmt"
	"math/rand"
	"reflect"
	"sort"
	"strings"
	"text/template"
	"unsafe"

	"helm.sh/helm/v4/pkg/engine"
)

// Functions whose answer is not the same twice, or takes long.
var unstable = map[string]bool{
	"now": true, "ago": true, "randAlpha": true, "randAlphaNum": true, "randAscii": true, "randNumeric": true, "randBytes": true,
	"randInt": true, "shuffle": true, "uuidv4": true, "bcrypt": true, "htpasswd": true, "encryptAES": true, "genPrivateKey": true,
	"genCA": true, "genCAWithKey": true, "genSelfSignedCert": true, "genSelfSignedCertWithKey": true, "genSignedCert": true,
	"genSignedCertWithKey": true, "keys": true, "values": true, "call": true, "date": true, "htmlDate": true,
	"dateInZone": true, "date_in_zone": true, "htmlDateInZone": true, "durationRound": true, "derivePassword": true,
	"include": true, "tpl": true, "repeat": true, "until": true, "untilStep": true, "seq": true, "indent": true, "nindent": true,
}

// Operands by type; most functions meet what they take, some what they do not.
var strs = []string{`"abc"`, `"a-b_c d"`, `""`, `"Hello World"`, `"12"`, `"1.5"`, `"héé☃"`, `"/a/b.c"`, `"a,b,c"`, `"v1.2.3"`, `"true"`, "`a\nb\n`", `.Values.s`,
	`.Values.utf`, `.Values.text`, `.Release.Name`, `"[a-c]+"`, `"^a.*$"`, `"aGVsbG8="`, `"key: [1, x]"`, `"{\"a\":1}"`, `"http://u:p@h.x:80/p/q?x=1#f"`, `"1h2m"`,
	`"FooBarHTTP20"`, `"~1.2"`, `"a\tb\"c\\"`, `"<b>&'"`}
var ints = []string{`0`, `1`, `3`, `-2`, `7`, `(len "abcd")`, `(int .Values.n)`, `1e1`, `0x10`}
var floats = []string{`1.5`, `0.0`, `-2.25`, `1e21`, `0.000001`, `.Values.f`, `(float64 3)`, `123456.789`}
var lists = []string{`(list)`, `(list 1 2 3)`, `(list "a" "b" "a")`, `.Values.list`, `.Values.nums`, `.Values.mixed`, `(list 1 "1" 1.0 nil)`, `(splitList "," "x,y,x")`,
	`(list (list 1 2) (list 1 2))`, `(list "" 0 nil false "x")`, `(until 3)`, `.Values.none`}
var dicts = []string{`(dict)`, `(dict "a" 1 "b" "x")`, `(dict "a" (dict "b" (dict "c" 1)))`, `.Values.map`, `.Values.emptymap`, `(deepCopy .Values.map)`, `(dict "scheme" "http" "host" "h" "path" "/a b")`}
var others = []string{`nil`, `true`, `false`, `.Values.nul`, `.Values.missing`, `(int64 5)`, `(2i)`, `(semver "1.2.3-rc.1+b")`, `(toDate "2006-01-02" "2020-02-03")`, `.`, `.Values.b`, `(split "," "a,b")`,
	`(chunk 2 (list 1 2 3))`, `.Values.Missing`, `'x'`}

func all() (v []string) {
	for _, pool := range [][]string{strs, ints, floats, lists, dicts, others} {
		v = append(v, pool...)
	}
	return v
}

func pick(r *rand.Rand, pool []string) string { return pool[r.Intn(len(pool))] }

func operand(r *rand.Rand, t reflect.Type) string {
	if r.Intn(12) == 0 {
		return pick(r, all())
	}
	switch t.Kind() {
	case reflect.String:
		return pick(r, strs)
	case reflect.Int, reflect.Uint32:
		return pick(r, ints)
	case reflect.Float64:
		return pick(r, floats)
	case reflect.Bool:
		return pick(r, []string{"true", "false", ".Values.b"})
	case reflect.Map:
		return pick(r, dicts)
	case reflect.Slice:
		return pick(r, lists)
	}
	if r.Intn(3) == 0 {
		return pick(r, [][]string{lists, dicts, ints, strs, floats}[r.Intn(5)])
	}
	return pick(r, all())
}

// The functions a template may call, with their types.
func functions() (names []string, types map[string]reflect.Type) {
	t := template.New("x")
	initFunMap(engine.Engine{}, t)
	types = map[string]reflect.Type{}
	field := reflect.ValueOf(t).Elem().FieldByName("common")
	common := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem().Elem()
	parse := common.FieldByName("parseFuncs")
	iter := reflect.NewAt(parse.Type(), unsafe.Pointer(parse.UnsafeAddr())).Elem().MapRange()
	for iter.Next() {
		types[iter.Key().String()] = reflect.TypeOf(iter.Value().Interface())
	}
	value := reflect.TypeOf(reflect.Value{})
	two := reflect.FuncOf([]reflect.Type{value, value}, []reflect.Type{value}, false)
	empty := reflect.TypeOf([]any{}).Elem()
	more := reflect.FuncOf([]reflect.Type{empty, reflect.TypeOf([]any{})}, []reflect.Type{empty}, true)
	for _, n := range []string{"ge", "gt", "le", "lt", "ne"} {
		types[n] = two
	}
	for _, n := range []string{"and", "or", "eq", "index", "html", "js", "print", "println", "urlquery"} {
		types[n] = more
	}
	types["not"] = reflect.FuncOf([]reflect.Type{empty}, []reflect.Type{empty}, false)
	types["len"] = types["not"]
	types["printf"] = reflect.TypeOf(fmt.Sprintf)
	for n := range types {
		if !unstable[n] {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	return names, types
}

var verbs = []string{"%v", "%+v", "%#v", "%T", "%d", "%s", "%q", "%x", "%X", "%t", "%f", "%.2f", "%e", "%g", "%5d", "%-5d|", "%05d", "%+d", "% d", "%c", "%U", "%#x", "%b", "%o",
	"%O", "%8.3f", "%-8s|", "%.2s", "%08.3f", "%+q", "%#q", "% x", "%#U", "%3c", "%%", "%[1]v", "%[2]d", "%*d", "%G", "%E", "%6.2f%%", "%!", "%z", "%06s", "%x %X", "%#o", "%+.2e", "%w"}

func call(r *rand.Rand, name string, t reflect.Type) string {
	var args []string
	if name == "printf" {
		args = append(args, fmt.Sprintf("%q", pick(r, verbs)+pick(r, []string{"", " ", "-", " " + pick(r, verbs)})))
		for n := r.Intn(3); n >= 0; n-- {
			args = append(args, pick(r, all()))
		}
		return "printf " + strings.Join(args, " ")
	}
	for i := 0; i < t.NumIn(); i++ {
		in := t.In(i)
		if t.IsVariadic() && i == t.NumIn()-1 {
			for n := r.Intn(4); n > 0; n-- {
				args = append(args, operand(r, in.Elem()))
			}
			break
		}
		args = append(args, operand(r, in))
	}
	if r.Intn(40) == 0 && len(args) > 0 {
		args = args[:len(args)-1]
	}
	if len(args) > 0 && r.Intn(5) == 0 {
		last := args[len(args)-1]
		return last + " | " + strings.TrimSpace(name+" "+strings.Join(args[:len(args)-1], " "))
	}
	return strings.TrimSpace(name + " " + strings.Join(args, " "))
}

var words = []string{"if", "range", "with", "end", "else", "else if", "define", "block", "template", "break", "continue", "nil", "true", ".", ".Values", ".s", ".Values.list", "$", "$x", "$x :=", "$x =",
	"$k, $v :=", "print", "list 1 2", "(", ")", "|", ",", ":=", "=", "1", "-1", "1.5", "\"a\"", "`r`", "'c'", "1i", "0x", "\"t\"", "/* c */", "dict \"a\" 1", "eq 1 1", "len", "nofunc", "\n", "{{", "}}", "@", "é", "..", ".a.b",
	"printf \"%d\"", "\"", "include \"t\" .", "index .Values.list", "0", "not", "and", "or"}

var bodies = []string{"x", " ", "\n", "{{ . }}", "{{ $x }}", "{{ $ }}", "{{ end }}", "{{ else }}", "{{ break }}", "{{ if . }}", "{{ range list 1 2 }}", "{{ with 1 }}", "{{ define \"t\" }}", "{{ template \"t\" . }}", "{{- 1 -}}", "{{/* c */}}",
	"{{ $x := 1 }}", "{{ $x = 2 }}", "{{ else if 1 }}", "{{ range $i, $e := .Values.list }}", "{{ continue }}", "{{ block \"b\" . }}", "{{ .Values.s }}", "{{ .Values.nope.x }}"}

// language makes texts of which few are templates: n actions of random words, n rows of random blocks.
func language(seed int64, n int) (texts []string) {
	r := rand.New(rand.NewSource(seed))
	for i := 0; i < n; i++ {
		text := "{{ "
		for k := r.Intn(6); k >= 0; k-- {
			text += pick(r, words) + pick(r, []string{" ", " ", " ", ""})
		}
		texts = append(texts, text+" }}"+pick(r, []string{"", "{{ end }}", "x{{ end }}y", "\n"}))
		text = ""
		for k := r.Intn(8); k >= 0; k-- {
			text += pick(r, bodies)
		}
		texts = append(texts, text+strings.Repeat("{{ end }}", r.Intn(3)))
	}
	return texts
}

// generate makes calls of every function in turn, n of each.
func generate(seed int64, n int) (texts []string) {
	r := rand.New(rand.NewSource(seed))
	names, types := functions()
	for _, name := range names {
		for i := 0; i < n; i++ {
			texts = append(texts, "{{ "+call(r, name, types[name])+" }}")
		}
	}
	return texts
}
