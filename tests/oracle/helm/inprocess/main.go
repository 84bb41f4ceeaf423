// What one render costs inside helm's own process: load once, then values, templates and sorting.
// usage: inprocess CHART SETTINGS N: prints the median in microseconds; SETTINGS is what --set takes, with %d for the run's number.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"helm.sh/helm/v4/pkg/strvals"
)

func main() {
	n, err := strconv.Atoi(os.Args[3])
	check(err)
	var took []float64
	for i := 0; i < n; i++ {
		c, err := loader.Load(os.Args[1])
		check(err)
		at := time.Now()
		vals := map[string]any{}
		check(strvals.ParseInto(fmt.Sprintf(os.Args[2], i), vals))
		check(chartutil.ProcessDependencies(c, vals))
		o := common.ReleaseOptions{Name: "release", Namespace: "ns", Revision: 1, IsInstall: true}
		top, err := util.ToRenderValues(c, vals, o, common.DefaultCapabilities.Copy())
		check(err)
		files, err := engine.Render(c, top)
		check(err)
		for k := range files {
			if len(k) > 9 && k[len(k)-9:] == "NOTES.txt" {
				delete(files, k)
			}
		}
		_, _, err = releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
		check(err)
		took = append(took, float64(time.Since(at).Microseconds()))
	}
	sort.Float64s(took)
	fmt.Println(took[len(took)/2])
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
