package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

type apply struct{ original, modified, live []byte }

// What was applied before, what is applied now, and what the server has, of each live Deployment, as codec-bench makes them.
func applies(in inputs) (all []apply) {
	for i, tree := range in.trees {
		if tree["kind"] != "Deployment" {
			continue
		}
		t := runtime.DeepCopyJSON(tree)
		meta := t["metadata"].(map[string]any)
		delete(t, "status")
		for _, k := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"} {
			delete(meta, k)
		}
		a := apply{live: in.json[i]}
		var err error
		a.original, err = json.Marshal(t)
		check(err)
		spec := t["spec"].(map[string]any)
		spec["replicas"] = 7
		labels, _ := meta["labels"].(map[string]any)
		if labels == nil {
			labels = map[string]any{}
		}
		labels["bench"] = "yes"
		meta["labels"] = labels
		pod := spec["template"].(map[string]any)["spec"].(map[string]any)
		pod["containers"].([]any)[0].(map[string]any)["image"] = "registry.example/new:2"
		a.modified, err = json.Marshal(t)
		check(err)
		all = append(all, a)
	}
	return all
}

func benchPatches(in inputs, seconds float64) {
	all := applies(in)
	meta, err := strategicpatch.NewPatchMetaFromStruct(&appsv1.Deployment{})
	check(err)
	patch := func(i int) []byte {
		out, err := strategicpatch.CreateThreeWayMergePatch(all[i].original, all[i].modified, all[i].live, meta, true)
		check(err)
		return out
	}
	digest := sha256.New()
	for i := range all {
		digest.Write(patch(i))
	}
	fmt.Printf("patches %x\n", digest.Sum(nil))
	best := 0.0
	for run := 0; run < 5; run++ {
		start, done := now(), 0
		for now()-start < seconds/5 {
			for i := range all {
				patch(i)
			}
			done += len(all)
		}
		best = max(best, float64(done)/(now()-start))
	}
	fmt.Printf("%-24s %8.2f us of %d Deployments\n", "three-way patch", 1e6/best, len(all))
}
