package main

import (
	"encoding/base64"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Argo CD's ApplicationSourcePluginParameter has messages around a map and a list (the fields of its generated.proto).
const pluginFile = `name: "plugin.proto" package: "p" syntax: "proto2"
message_type { name: "OptionalArray" field { name: "array" number: 1 label: LABEL_REPEATED type: TYPE_STRING } }
message_type { name: "OptionalMap" field { name: "map" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".p.OptionalMap.MapEntry" }
  nested_type { name: "MapEntry" options { map_entry: true } field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING } } }
message_type { name: "Parameter" field { name: "name" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "string" number: 5 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "map" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".p.OptionalMap" }
  field { name: "array" number: 4 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".p.OptionalArray" } }`

func wrappedCases() []map[string]any {
	var file descriptorpb.FileDescriptorProto
	check(prototext.Unmarshal([]byte(pluginFile), &file))
	d, err := protodesc.NewFile(&file, nil)
	check(err)
	kind := d.Messages().ByName("Parameter")
	var rows []map[string]any
	for _, c := range [][2]string{
		{`name: "p" array { array: "a" array: "" array: "b" }`, `{"array":["a","","b"],"name":"p"}`},
		{`name: "p" map { map { key: "k" value: "v" } map { key: "l" value: "" } }`, `{"map":{"k":"v","l":""},"name":"p"}`},
		{`name: "p" string: "s" map { } array { }`, `{"array":[],"map":{},"name":"p","string":"s"}`},
	} {
		m := dynamicpb.NewMessage(kind)
		check(prototext.Unmarshal([]byte(c[0]), m))
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		check(err)
		rows = append(rows, map[string]any{"rule": "proto-parameter", "input": c[0], "proto64": base64.StdEncoding.EncodeToString(b), "want": c[1]})
	}
	return rows
}
