// deprecated prints what helm lint's client-go knows of deprecated APIs, a row each:
// GROUP/VERSION|KIND|MAJOR|MINOR|REMOVED MAJOR|REMOVED MINOR|TEXT.
//
// Run it in a folder with the go.mod and go.sum of the helm module whose table is wanted; src/render/helm_lint_apis.inc holds the rows of both.
package main

import (
	"fmt"
	"sort"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/deprecation"
	kscheme "k8s.io/client-go/kubernetes/scheme"
)

type deprecated interface{ APILifecycleDeprecated() (int, int) }
type removed interface{ APILifecycleRemoved() (int, int) }

func main() {
	s := runtime.NewScheme()
	if err := kscheme.AddToScheme(s); err != nil {
		panic(err)
	}
	var rows []string
	for gvk := range s.AllKnownTypes() {
		o, err := s.New(gvk)
		d, ok := o.(deprecated)
		if err != nil || !ok {
			continue
		}
		major, minor := d.APILifecycleDeprecated()
		rmMajor, rmMinor := 0, 0
		if r, ok := o.(removed); ok {
			rmMajor, rmMinor = r.APILifecycleRemoved()
		}
		o.GetObjectKind().SetGroupVersionKind(gvk)
		rows = append(rows, fmt.Sprintf("%s|%s|%d|%d|%d|%d|%s", gvk.GroupVersion(), gvk.Kind, major, minor, rmMajor, rmMinor, deprecation.WarningMessage(o)))
	}
	sort.Strings(rows)
	for _, r := range rows {
		fmt.Println(r)
	}
}
