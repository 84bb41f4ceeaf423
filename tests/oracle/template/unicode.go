package main

import (
	"fmt"
	"os"
	"unicode"
)

// What lang/template/unicode.c wants to know about a rune, as in lang/template/unicode.h.
const (
	letter = 1 << iota
	upper
	lower
	title
	digit
	number
	punct
	print
)

func class(r rune) (c int) {
	for _, t := range []struct {
		is  func(rune) bool
		bit int
	}{
		{unicode.IsLetter, letter}, {unicode.IsUpper, upper}, {unicode.IsLower, lower}, {unicode.IsTitle, title},
		{unicode.IsDigit, digit}, {unicode.IsNumber, number}, {unicode.IsPunct, punct}, {unicode.IsPrint, print},
	} {
		if t.is(r) {
			c |= t.bit
		}
	}
	return c
}

type mapping struct{ upper, lower, title rune }

func caseOf(r rune) mapping {
	return mapping{unicode.ToUpper(r) - r, unicode.ToLower(r) - r, unicode.ToTitle(r) - r}
}

// printUnicode writes src/lang/template/unicode_tables.inc: where the class changes, and runs of runes whose other
// cases are equally far away.
func printUnicode() {
	w := os.Stdout
	fmt.Fprintf(w, "/* Unicode %s: made by tests/oracle/template (go run . unicode). */\n", unicode.Version)
	fmt.Fprintln(w, "/* clang-format off */")
	fmt.Fprint(w, "static const struct unicode_class CLASS[] = {")
	last, n := -1, 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if c := class(r); c != last {
			if n%8 == 0 {
				fmt.Fprint(w, "\n   ")
			}
			fmt.Fprintf(w, " {%d,%d},", r, c)
			last = c
			n++
		}
	}
	fmt.Fprint(w, "\n};\nstatic const struct unicode_case CASE[] = {")
	n = 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		m := caseOf(r)
		if m == (mapping{}) {
			continue
		}
		hi := r
		for caseOf(hi+1) == m {
			hi++
		}
		if n%5 == 0 {
			fmt.Fprint(w, "\n   ")
		}
		fmt.Fprintf(w, " {%d,%d,%d,%d,%d},", r, hi, m.upper, m.lower, m.title)
		n++
		r = hi
	}
	fmt.Fprintln(w, "\n};\n/* clang-format on */")
}
