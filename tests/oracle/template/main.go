// Answers of Go and Helm for the tests of lang/template.
//
//	go run . unicode > ../../../src/lang/template/unicode_tables.inc
//	go run -ldflags=-checklinkname=0 . record ../../golden/lang/template
//	go run -ldflags=-checklinkname=0 . generate SEED N > FILE   calls of every function, N of each
//	go run -ldflags=-checklinkname=0 . language SEED N > FILE   2 N texts of random words and blocks
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	args := os.Args[1:]
	switch {
	case len(args) == 1 && args[0] == "unicode":
		printUnicode()
	case len(args) == 2 && args[0] == "record":
		record(args[1])
	case len(args) == 3 && (args[0] == "generate" || args[0] == "language"):
		seed, _ := strconv.ParseInt(args[1], 10, 64)
		n, _ := strconv.Atoi(args[2])
		if args[0] == "generate" {
			write("/dev/stdout", generate(seed, n))
		} else {
			write("/dev/stdout", language(seed, n))
		}
	default:
		fmt.Fprintln(os.Stderr, "usage: go run . unicode | record FOLDER | generate|language SEED N")
		os.Exit(2)
	}
}
