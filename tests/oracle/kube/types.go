package main

import (
	"fmt"
	"reflect"
	"sort"
	"strings"

	"k8s.io/client-go/kubernetes/scheme"
)

// alwaysZero is what JSON shows of an unset field without omitempty, "" when nothing.
func alwaysZero(f reflect.StructField, tag []string) string {
	for _, o := range tag[1:] {
		if o == "omitzero" || (o == "omitempty" && f.Type.Kind() != reflect.Struct) {
			return ""
		}
	}
	if tag[0] == "" || tag[0] == "-" {
		return ""
	}
	switch f.Type.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return "null"
	case reflect.String:
		return `""`
	case reflect.Bool:
		return "false"
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "0"
	case reflect.Struct:
		if f.Type.Name() == "Time" || f.Type.Name() == "MicroTime" {
			return "null"
		}
	}
	return ""
}

// goTypes prints what only the Go types tell, for tools/kube-tables:
//
//	zero DEFINITION FIELD            a scalar that is left out of JSON when it is zero (omitempty, not a pointer)
//	always DEFINITION FIELD JSON     what is printed of a field that is not set
//	proto DEFINITION FIELD NUMBER VIA  protobuf field number; VIA is the number of the embedded message it is in, or 0
func goTypes() {
	seen := map[reflect.Type]bool{}
	var lines []string
	var visit func(t reflect.Type)
	definition := func(t reflect.Type) string {
		p := t.PkgPath()
		p = strings.Replace(p, "k8s.io/apimachinery/", "io.k8s.apimachinery.", 1)
		p = strings.Replace(p, "k8s.io/api/", "io.k8s.api.", 1)
		return strings.ReplaceAll(p, "/", ".") + "." + t.Name()
	}
	number := func(f reflect.StructField) string {
		parts := strings.Split(f.Tag.Get("protobuf"), ",")
		if len(parts) < 2 {
			return "0"
		}
		return parts[1]
	}
	var fields func(def, via string, t reflect.Type) // via "-": not in protobuf at all (TypeMeta)
	fields = func(def, via string, t reflect.Type) {
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			tag := strings.Split(f.Tag.Get("json"), ",")
			if f.Anonymous && tag[0] == "" && f.Type.Kind() == reflect.Struct {
				inner := number(f)
				if inner == "0" {
					inner = "-"
				}
				fields(def, inner, f.Type)
				continue
			}
			omit := false
			for _, o := range tag[1:] {
				omit = omit || o == "omitempty"
			}
			if zero := alwaysZero(f, tag); zero != "" {
				lines = append(lines, "always "+def+" "+tag[0]+" "+zero)
			}
			switch f.Type.Kind() {
			case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64:
				if omit {
					lines = append(lines, "zero "+def+" "+tag[0])
				}
			}
			if n := number(f); n != "0" && via != "-" && tag[0] != "" && tag[0] != "-" {
				lines = append(lines, "proto "+def+" "+tag[0]+" "+n+" "+via)
			}
			visit(f.Type)
		}
	}
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] || !strings.HasPrefix(t.PkgPath(), "k8s.io/api") {
			return
		}
		seen[t] = true
		fields(definition(t), "0", t)
	}
	for _, t := range scheme.Scheme.AllKnownTypes() {
		visit(t)
	}
	sort.Strings(lines)
	for _, l := range lines {
		fmt.Println(l)
	}
}
