package main

import (
	"fmt"
	"math"
	"math/rand"
	"strings"
)

// generator makes documents that are mostly well-formed and then damages some of them.
type generator struct{ r *rand.Rand }

func newGenerator(seed int64) *generator { return &generator{rand.New(rand.NewSource(seed))} }

func (g *generator) pick(s []string) string { return s[g.r.Intn(len(s))] }
func (g *generator) odds(n int) bool        { return g.r.Intn(n) == 0 }

var words = strings.Fields(`a b key name value replicas image nginx:1.25 x-y spec http://example.com/a?b=c#d a:b a#b
 y Y yes no n N on off true True TRUE false null Null ~ 0 1 -1 +1 007 0o17 0x1F 0b11 -0b11 08 1_000 1e3 1.5 .5 1. -.5 +.5 6.02e23
 .inf -.inf .nan .NaN 1e400 1:20 190:20:30 2001-01-01 2001-12-14t21:59:43.10-05:00 2001-1-1 12345678901234567890 99999999999999999999
 9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 0.1 1e-7 1e21 123456789.123 - -- --- ... -a ?a :a ?
 << = .5_0 .e3 0x 0b 0o 1__0 +0x10 -0 -0.0 0.0 00 0.30 1e+5 é 日本 😀 "q" 'q' 100m 1Gi 2001-02-30 2001-12-14T21:59:43Z 0xFFFFFFFFFFFFFFFFF`)

var hostile = []string{"#", " #c", ": ", ":", "- ", "? ", "\t", "\n", "\r\n", "\r", "\u0085", "\u2028", "\u2029", "\ufeff", "'", "\"", "\\",
	"{", "}", "[", "]", ",", "&a ", "*a", "*b", "!", "!!str ", "!!int ", "!!binary ", "!foo ", "!!float ", "!!null ", "!!bool ", "!<x> ", "!e!x ", "|", ">", "|-\n",
	">+\n", "|2\n", "@", "`", "%", "%YAML 1.1\n", "%TAG ! tag:x,2000:\n", "---", "--- ", "\n---\n", "...", "\n...\n", "<<: ", "<<: *a\n", " ", "  ", "   ",
	"\x00", "\x01", "\x7f", "\xff", "\xc3", "\xed\xa0\x80", "é", "日", "😀", "\\x41", "\\u00e9", "\\L", "\\P", "\\q", "\\\n", "0", "~", "=", "%41"}

func (g *generator) word() string {
	if g.odds(12) {
		return strings.Repeat(g.pick(words)+" ", 1+g.r.Intn(30)) + g.pick(words)
	}
	if g.odds(60) {
		return strings.Repeat("x", 1000+g.r.Intn(60))
	}
	return g.pick(words)
}

func (g *generator) plain() string {
	n := 1
	for g.odds(3) {
		n++
	}
	var w []string
	for i := 0; i < n; i++ {
		w = append(w, g.word())
	}
	return strings.Join(w, " ")
}

func (g *generator) text() string {
	var b strings.Builder
	for n := g.r.Intn(6); n >= 0; n-- {
		switch g.r.Intn(4) {
		case 0:
			b.WriteString(g.pick(hostile))
		case 1:
			b.WriteString("\n")
		default:
			b.WriteString(g.word())
		}
	}
	return b.String()
}

func (g *generator) props() string {
	switch g.r.Intn(40) {
	case 0:
		return "&a "
	case 1:
		return "&b "
	case 2:
		return "!!str "
	case 3:
		return g.pick([]string{"!!int ", "!!float ", "!!bool ", "!!null ", "!!binary ", "!!timestamp ", "!x ", "! ", "!!map ", "!!seq ", "!!set ", "&c !!str ", "!!str &c "})
	case 4:
		return "&k1-_ "
	}
	return ""
}

func (g *generator) breaks() string {
	if g.odds(15) {
		return g.pick([]string{"\r\n", "\r", "\u0085", "\u2028", "\n\n", "\n \n", "\n\t\n"})
	}
	return "\n"
}

func (g *generator) double(indent int) string {
	var b strings.Builder
	b.WriteByte('"')
	for n := g.r.Intn(5); n >= 0; n-- {
		switch g.r.Intn(7) {
		case 0:
			b.WriteString(g.pick([]string{`\n`, `\t`, `\"`, `\\`, `\x41`, `\u00e9`, `\U0001F600`, `\0`, `\e`, `\N`, `\_`, `\L`, `\P`, `\ `, `\/`, `\'`, `\a`, `\v`}))
		case 1:
			b.WriteString(g.breaks() + strings.Repeat(" ", indent+g.r.Intn(3)))
		case 2:
			b.WriteString("\\\n" + strings.Repeat(" ", indent+1))
		case 3:
			b.WriteString("  ")
		default:
			b.WriteString(strings.NewReplacer(`"`, ``, `\`, ``).Replace(g.word()))
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (g *generator) single(indent int) string {
	s := strings.ReplaceAll(g.plain(), "'", "''")
	if g.odds(4) {
		s += g.breaks() + strings.Repeat(" ", indent+1) + g.word()
	}
	return "'" + strings.ReplaceAll(s, "'q'", "''q''") + "'"
}

func (g *generator) block(indent int) string {
	var b strings.Builder
	b.WriteString(g.pick([]string{"|", ">"}) + g.pick([]string{"", "", "-", "+", "2", "2-", "+1", "1"}) + g.pick([]string{"", "", " # c"}))
	b.WriteString(g.breaks())
	for n := g.r.Intn(5); n >= 0; n-- {
		pad := indent + 2
		switch g.r.Intn(8) {
		case 0:
			pad += g.r.Intn(3)
		case 1:
			b.WriteString(g.breaks())
			continue
		case 2:
			b.WriteString(strings.Repeat(" ", g.r.Intn(indent+3)) + "\n")
			continue
		}
		b.WriteString(strings.Repeat(" ", pad) + g.plain() + g.breaks())
	}
	s := b.String()
	if g.odds(6) {
		s = strings.TrimRight(s, "\n")
	} else if !strings.HasSuffix(s, "\n") {
		s += "\n"
	}
	return s
}

func (g *generator) flow(depth int) string {
	switch {
	case depth > 3 || g.odds(3):
		switch g.r.Intn(5) {
		case 0:
			return g.props() + g.double(1)
		case 1:
			return g.props() + g.single(1)
		case 2:
			return g.pick([]string{"*a", "*b", "", "a: b"})
		}
		return g.props() + g.word()
	case g.odds(2):
		var items []string
		for n := g.r.Intn(4); n > 0; n-- {
			items = append(items, g.flow(depth+1))
		}
		return g.props() + "[" + strings.Join(items, g.pick([]string{",", ", ", " ,\n "})) + g.pick([]string{"]", "]", ",]", " ]", "\n]"})
	}
	var items []string
	for n := g.r.Intn(4); n > 0; n-- {
		switch g.r.Intn(6) {
		case 0:
			items = append(items, g.word())
		case 1:
			items = append(items, "? "+g.flow(depth+1)+" : "+g.flow(depth+1))
		case 2:
			items = append(items, `"`+g.pick([]string{"k", "a", "b"})+`":`+g.flow(depth+1))
		default:
			items = append(items, g.word()+": "+g.flow(depth+1))
		}
	}
	return g.props() + "{" + strings.Join(items, g.pick([]string{",", ", ", "\n , "})) + g.pick([]string{"}", "}", ",}", " }"})
}

// node writes what follows "key:" or "-"; it ends with a line break.
func (g *generator) node(indent, depth int) string {
	comment := ""
	if g.odds(10) {
		comment = " # " + g.pick(words)
	}
	kind := g.r.Intn(14)
	if depth > 4 && kind < 5 {
		kind = 9
	}
	switch kind {
	case 0, 1, 2:
		return " " + strings.TrimRight(g.props(), " ") + comment + "\n" + g.mapping(indent+1+g.r.Intn(3), depth+1)
	case 3, 4:
		in := indent + g.r.Intn(3)
		if in < 0 {
			in = 0
		}
		return " " + strings.TrimRight(g.props(), " ") + comment + "\n" + g.sequence(in, depth+1)
	case 5:
		return " " + g.props() + g.block(indent)
	case 6:
		return " " + g.props() + g.double(indent+1) + comment + "\n"
	case 7:
		return " " + g.props() + g.single(indent+1) + comment + "\n"
	case 8:
		return " " + g.flow(0) + comment + "\n"
	case 9:
		s := g.plain()
		for g.odds(4) {
			s += g.breaks() + strings.Repeat(" ", max(0, indent+g.r.Intn(4))) + g.plain()
		}
		return " " + g.props() + s + comment + "\n"
	case 10:
		return g.pick([]string{"", " *a", " *b", " ~", "  "}) + comment + "\n"
	}
	return " " + g.props() + g.word() + comment + g.breaks()
}

func (g *generator) mapping(indent, depth int) string {
	var b strings.Builder
	pad := strings.Repeat(" ", indent)
	for n := 1 + g.r.Intn(4); n > 0; n-- {
		key := g.word()
		switch g.r.Intn(24) {
		case 0:
			key = g.double(0)
		case 1:
			key = g.single(0)
		case 2:
			key = "<<"
		case 3:
			b.WriteString(pad + "?" + g.node(indent+2, depth+1))
			if g.odds(3) {
				continue
			}
			key = ""
		case 4:
			key = g.flow(2)
		case 5:
			key = "*a "
		case 6:
			key = g.props() + key
		case 7:
			b.WriteString(strings.Repeat(" ", g.r.Intn(6)) + "# comment\n")
		case 8:
			b.WriteString("\n")
		}
		b.WriteString(pad + key + ":" + g.node(indent, depth))
	}
	return b.String()
}

func (g *generator) sequence(indent, depth int) string {
	var b strings.Builder
	pad := strings.Repeat(" ", indent)
	for n := 1 + g.r.Intn(4); n > 0; n-- {
		if g.odds(4) {
			m := g.mapping(indent+2, depth+1)
			b.WriteString(pad + "- " + strings.TrimPrefix(m, strings.Repeat(" ", indent+2)))
			continue
		}
		b.WriteString(pad + "-" + g.node(indent, depth))
	}
	return b.String()
}

func (g *generator) document() []byte {
	var s string
	switch g.r.Intn(10) {
	case 0:
		s = g.sequence(0, 0)
	case 1:
		s = g.flow(0) + "\n"
	case 2:
		s = g.text()
	case 3:
		s = "---" + g.node(-1, 0)
	default:
		s = g.mapping(g.r.Intn(2)*g.r.Intn(3), 0)
	}
	if g.odds(8) {
		s = g.pick([]string{"---\n", "# c\n", "\n", "%YAML 1.1\n---\n", "%TAG !e! tag:e,1:\n--- ", "\ufeff", "--- ", "...\n", "a: &a {x: 1, y: z}\nb: &b [1, 2]\n"}) + s
	}
	if g.odds(12) {
		s += g.pick([]string{"---\n", "...\n", "--- x\n", "... \n", "---\n\x01", "# end", "%"})
	}
	if g.odds(2) {
		return []byte(s)
	}
	b := []byte(s)
	for n := 1 + g.r.Intn(3); n > 0 && len(b) > 0; n-- {
		i := g.r.Intn(len(b) + 1)
		switch g.r.Intn(4) {
		case 0:
			j := i + g.r.Intn(4)
			if j > len(b) {
				j = len(b)
			}
			b = append(b[:i:i], b[j:]...)
		case 1:
			j := g.r.Intn(len(b) + 1)
			k := j + g.r.Intn(12)
			if k > len(b) {
				k = len(b)
			}
			b = append(b[:i:i], append(append([]byte{}, b[j:k]...), b[i:]...)...)
		default:
			b = append(b[:i:i], append([]byte(g.pick(hostile)), b[i:]...)...)
		}
	}
	return b
}

// tree makes a JSON tree of hostile strings, keys and numbers.
func (g *generator) tree(depth int) any {
	kind := g.r.Intn(10)
	if depth == 0 {
		kind = g.r.Intn(4)
	}
	if depth > 4 && kind < 4 {
		kind = 9
	}
	switch kind {
	case 0, 1, 2:
		m := map[string]any{}
		for n := g.r.Intn(6); n > 0; n-- {
			m[g.str(true)] = g.tree(depth + 1)
		}
		return m
	case 3:
		l := []any{}
		for n := g.r.Intn(5); n > 0; n-- {
			l = append(l, g.tree(depth+1))
		}
		return l
	case 4:
		return g.pick2([]any{nil, true, false, 0, 1, -1, 1.5, 1e21, 1e20, 1e-7, math.MaxInt64, uint64(math.MaxUint64), 1e300, 0.1, 1000000.5, 123456789.123, 30000000000.0})
	case 5:
		return g.r.NormFloat64() * math.Pow(10, float64(g.r.Intn(40)-20))
	}
	return g.str(false)
}

func (g *generator) pick2(s []any) any { return s[g.r.Intn(len(s))] }

func (g *generator) str(key bool) string {
	switch g.r.Intn(9) {
	case 0:
		return strings.ToValidUTF8(g.text(), "?")
	case 1:
		return g.pick([]string{"", " ", "\n", "\n\n", " a", "a ", "a\n", "a\n\n", "\na", " a\nb", "a\nb", "a\n b", "a \nb", "a\n\nb\n", "\ta", "a\tb", "-", "- a", "a: b",
			"a:", ":a", "# a", "a #b", "---", "--- a", "...", "%a", "@a", "`a", "a\u2028b", "a\u2029", "\u2028", "\ufeffxy", "x\ufeff", "\u0085", "x\u0085y", "\u00a0", "é", "😀", "\x07", "a\x1bb", "a\rb",
			"a\r\nb", "{a}", "[a", "a]", "a,b", "&a", "*a", "!a", "!!str a", "|", ">", "|\n", "'a'", "\"a\"", "a'b", "a\"b", "?", "? a", "a?", "=", "<<", "\u007f", "\u0080", "\ufffe", "\ufffd", "\\", "a\\b"})
	case 2:
		n := 60 + g.r.Intn(120)
		var b strings.Builder
		for b.Len() < n {
			b.WriteString(g.pick(words))
			b.WriteString(g.pick([]string{" ", " ", " ", "  ", "-", "\n", ", "}))
		}
		if !key && g.odds(2) {
			return strings.ReplaceAll(b.String(), "\n", " ")
		}
		return b.String()
	case 3:
		return fmt.Sprint(g.pick(words), g.r.Intn(30))
	case 4:
		return g.pick([]string{"a", "b", "A", "a1", "a2", "a10", "a01", "a-b", "a.b", "a_b", "aB", "1", "2", "10", "1a", "é", "日", "-y", "_x"})
	}
	return g.plain()
}

// stream joins small documents with separators of all kinds.
func (g *generator) stream() []byte {
	var b strings.Builder
	if g.odds(3) {
		for n := g.r.Intn(4); n >= 0; n-- {
			b.WriteString(g.pick([]string{`{"a":1}`, `{"a":{"b":"}"}}`, `[1]`, `{"a":"\n---\n"}`, "{a: b}", `{"a":`, `"x"`, "3", "{}", "null", "a: b"}))
			b.WriteString(g.pick([]string{"", "\n", " ", "\n\n", "\n---\n", "\r\n", "  \n  "}))
		}
		return []byte(b.String())
	}
	for n := g.r.Intn(5); n >= 0; n-- {
		b.WriteString(g.pick([]string{"", "", "---\n", "--- \n", "---\n---\n", "--- # c\n", "---x\n", "--- a: b\n", "\n", "# c\n", "---\r\n", "...\n", "\ufeff", " ---\n"}))
		b.WriteString(g.pick([]string{"a: b\n", "a: 1\nb: [1, 2]\n", "k: |\n  x\n  ---\n", "k: |\n  x\n---\n", "a: b: c\n", "# only\n", "", "a: b\r\nc: d\r\n", "'x\n---\n y'\n", "- a\n- b\n", "null\n", "~\n", "{a: b}\n", "x", "k: |+\n  y\n\n", "a: [\n"}))
	}
	s := b.String()
	if g.odds(3) {
		s = strings.TrimRight(s, "\n")
	}
	return []byte(s)
}
