// Command lang prints golden cases of the small languages, one JSON object a line:
//
//	lang glob|path|doublestar SEED N     {"pattern","text","separators"?,"match"|"error"}
//	lang semver SEED N                   {"constraint","version","ok"|"error"} and {"a","b","cmp"} and {"version","norm"|"error","strict"?}
//	lang quantity SEED N                 {"text","canonical"|"error","value","milli"}
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/bmatcuk/doublestar/v4"
	"github.com/gobwas/glob"
	"k8s.io/apimachinery/pkg/api/resource"
)

var out = bufio.NewWriter(os.Stdout)
var r *rand.Rand

func emit(m map[string]any) {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(m); err != nil {
		panic(err)
	}
}

func pick(s []string) string { return s[r.Intn(len(s))] }

func join(parts []string, most int) string {
	var b strings.Builder
	for n := r.Intn(most + 1); n > 0; n-- {
		b.WriteString(pick(parts))
	}
	return b.String()
}

var texts = []string{"a", "b", "c", "ab", "abc", "/", "/", ".", "-", "a.yaml", "é", "*", "]", "[", "{", "}", ",", "!", "\\", "-", "", "x"}
var globParts = []string{"a", "b", "c", "ab", "/", "*", "*", "**", "?", "[a-c]", "[!a-c]", "[abc]", "[!ab]", "{a,b}", "{a,{b,c}}", "{,a}", "{ab*,c?}", "\\*", "\\", "[", "]", "{", "}", ",", "[a\\]b]",
	"é", ".", "-", "!", "[]", "[-a]", "[a-]", "[z-a]", "[ab-c]", ".yaml", "{*.yaml,a}", "x"}
var pathParts = []string{"a", "b", "c", "ab", "/", "*", "?", "[a-c]", "[^a-c]", "[abc]", "[a-ce-g]", "[^é]", "\\*", "\\", "[", "]", "[]", "[]a]", "[-]", "[x-]", "[a-", "[\\-x]", "é", ".", "[z-a]", "!"}
var starParts = []string{"a", "b", "c", "/", "/", "*", "**", "/**/", "**/", "/**", "?", "[a-c]", "[!a]", "[^b]", "{a,b}", "{a,b/c}", "{,a}", "{a,{b,c}}", "\\*", "ab", ".", "{a,*}", "é", "[", "{", "}", "\\"}

// match is false when the library itself crashes.
func match(g glob.Glob, text string, m map[string]any) (ok bool) {
	defer func() { ok = recover() == nil }()
	m["match"] = g.Match(text)
	return true
}

func globs(kind string, n int) {
	for i := 0; i < n; i++ {
		m := map[string]any{}
		switch kind {
		case "glob":
			p, t, sep := join(globParts, 6), join(texts, 6), ""
			if r.Intn(2) == 0 {
				sep = "/"
			}
			m["pattern"], m["text"] = p, t
			if sep != "" {
				m["separators"] = sep
			}
			var g glob.Glob
			var err error
			if sep == "" {
				g, err = glob.Compile(p)
			} else {
				g, err = glob.Compile(p, '/')
			}
			if err != nil {
				m["error"] = err.Error()
			} else if !match(g, t, m) {
				continue
			}
		case "path":
			p, t := join(pathParts, 5), join(texts, 5)
			m["pattern"], m["text"] = p, t
			ok, err := path.Match(p, t)
			if err != nil {
				m["error"] = err.Error()
			} else {
				m["match"] = ok
			}
		case "doublestar":
			p, t := join(starParts, 5), join([]string{"a", "b", "c", "/", "/", "ab", "é", "."}, 6)
			m["pattern"], m["text"] = p, t
			ok, err := doublestar.Match(p, t)
			if err != nil {
				m["error"] = err.Error()
			} else {
				m["match"] = ok
			}
		}
		emit(m)
	}
}

var numbers = []string{"0", "1", "2", "3", "10", "01", "x", "X", "*", "18446744073709551615", "18446744073709551616"}
var pres = []string{"", "", "", "", "-alpha", "-alpha.1", "-rc.1", "-rc.10", "-0", "-01", "-a-b", "-1.2", "+b1", "-rc+b.2", "+", "-", "-a..b"}

func version(wild bool) string {
	pool := numbers[:5]
	if wild && r.Intn(3) == 0 {
		pool = numbers
	}
	if !wild && r.Intn(20) == 0 {
		pool = numbers
	}
	v := pick([]string{"", "", "", "v"}) + pick(pool)
	for n := r.Intn(4); n > 1; n-- {
		v += "." + pick(pool)
	}
	if r.Intn(2) == 0 {
		v = pick(pool) + "." + pick(pool) + "." + pick(pool)
	}
	return v + pick(pres)
}

var ops = []string{"", "", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>", "^", "==", ">>", " "}

func constraint() string {
	if r.Intn(30) == 0 {
		return pick([]string{"", " ", "*", "x", "latest", "main", "HEAD", ">=", "1.2.3.4", "1 || ", "||", "1,2", ",1", "v1.*", "1.2.*", ">=1", "1.x.x", "> 1 <2", ">1<2", "1 - 2", "1.2 - 2.3.4", "1-2", "1|2", "feature/x"})
	}
	var ors []string
	for n := 1 + r.Intn(2)*r.Intn(3); n > 0; n-- {
		var ands []string
		for k := 1 + r.Intn(2)*r.Intn(3); k > 0; k-- {
			if r.Intn(8) == 0 {
				ands = append(ands, version(true)+pick([]string{" - ", " - ", "-", "  -  "})+version(true))
			} else {
				ands = append(ands, pick(ops)+pick([]string{"", "", " "})+version(true))
			}
		}
		ors = append(ors, strings.Join(ands, pick([]string{" ", ", ", ",", "  "})))
	}
	return strings.Join(ors, pick([]string{"||", " || ", " ||"}))
}

func semvers(n int) {
	for i := 0; i < n; i++ {
		switch i % 4 {
		case 0:
			t := version(false)
			m := map[string]any{"version": t}
			if v, err := semver.NewVersion(t); err != nil {
				m["error"] = err.Error()
			} else {
				m["norm"] = v.String()
			}
			if _, err := semver.StrictNewVersion(t); err != nil {
				m["strict"] = err.Error()
			}
			emit(m)
		case 1:
			a, b := version(false), version(false)
			v, err := semver.NewVersion(a)
			w, err2 := semver.NewVersion(b)
			if err == nil && err2 == nil {
				emit(map[string]any{"a": a, "b": b, "cmp": v.Compare(w)})
			}
		default:
			c := constraint()
			m := map[string]any{"constraint": c}
			k, err := semver.NewConstraint(c)
			if err != nil {
				m["error"] = err.Error()
				emit(m)
				continue
			}
			for j := 0; j < 3; j++ {
				t := version(false)
				if v, err := semver.NewVersion(t); err == nil {
					emit(map[string]any{"constraint": c, "version": t, "ok": k.Check(v)})
				}
			}
		}
	}
}

var suffixes = []string{"", "", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "n", "u", "e3", "E3", "e-3", "e+2", "e", "mi", "K", "ki", "x", " ", "e10", "e-12", "E-9"}

func quantities(n int) {
	for i := 0; i < n; i++ {
		t := pick([]string{"", "", "", "-", "+"})
		for k := 1 + r.Intn(6)*r.Intn(3); k > 0; k-- {
			t += strconv.Itoa(r.Intn(10))
		}
		if r.Intn(3) == 0 {
			t += "." + join([]string{"0", "5", "25", "001", "1", "9"}, 4)
		}
		t += pick(suffixes)
		if r.Intn(40) == 0 {
			t = pick([]string{"", ".", "-", "+", ".5", "5.", "-.5", "1..2", "1e", "0", "-0", "9223372036854775807", "9223372036854775808", "1Ei1", "0.000000001", "0.0000000001", "1e400", "8Ei", "7Ei", "9999999999999999999999"})
		}
		m := map[string]any{"text": t}
		q, err := resource.ParseQuantity(t)
		if err != nil {
			m["error"] = err.Error()
		} else {
			c := q.DeepCopy()
			m["canonical"] = c.String()
			m["value"] = fmt.Sprint(q.Value())
			m["milli"] = fmt.Sprint(q.MilliValue())
		}
		emit(m)
	}
}

func main() {
	defer out.Flush()
	seed, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil {
		panic(err)
	}
	n, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	r = rand.New(rand.NewSource(seed))
	switch os.Args[1] {
	case "semver":
		semvers(n)
	case "quantity":
		quantities(n)
	default:
		globs(os.Args[1], n)
	}
}
