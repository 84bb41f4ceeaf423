package main

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"k8s.io/client-go/kubernetes/scheme"
)

// zeros prints "definition field" for each scalar that Go leaves out of JSON when it is zero (omitempty, not a pointer);
// tools/kube-tables reads it.
func zeros() {
	seen := map[reflect.Type]bool{}
	var lines []string
	var visit func(t reflect.Type)
	definition := func(t reflect.Type) string {
		p := t.PkgPath()
		p = strings.Replace(p, "k8s.io/apimachinery/", "io.k8s.apimachinery.", 1)
		p = strings.Replace(p, "k8s.io/api/", "io.k8s.api.", 1)
		return strings.ReplaceAll(p, "/", ".") + "." + t.Name()
	}
	var fields func(def string, t reflect.Type)
	fields = func(def string, t reflect.Type) {
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			tag := strings.Split(f.Tag.Get("json"), ",")
			if f.Anonymous && tag[0] == "" && f.Type.Kind() == reflect.Struct {
				fields(def, f.Type)
				continue
			}
			omit := false
			for _, o := range tag[1:] {
				omit = omit || o == "omitempty"
			}
			switch f.Type.Kind() {
			case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64:
				if omit {
					lines = append(lines, def+" "+tag[0])
				}
			}
			visit(f.Type)
		}
	}
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] || !strings.HasPrefix(t.PkgPath(), "k8s.io/api") || strings.HasSuffix(t.PkgPath(), "resource") {
			return
		}
		seen[t] = true
		fields(definition(t), t)
	}
	for _, t := range scheme.Scheme.AllKnownTypes() {
		visit(t)
	}
	sort.Strings(lines)
	for _, l := range lines {
		fmt.Println(l)
	}
}
