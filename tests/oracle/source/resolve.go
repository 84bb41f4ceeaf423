// resolve answers a targetRevision of a chart with Argo CD's own packages: built inside a checkout of
// argo-cd (see record.py). Arguments: URL CHART REVISION USER PASSWORD OCI PLAIN-HTTP; prints
// {"version":...} or {"error":...}.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/argo-cd/v3/util/helm"
	"github.com/argoproj/argo-cd/v3/util/versions"
	log "github.com/sirupsen/logrus"
)

func versionsOf(c helm.Client, chart string, oci bool) ([]string, error) {
	if oci {
		tags, err := c.GetTags(context.Background(), chart, true)
		if err != nil {
			return nil, fmt.Errorf("unable to get tags: %w", err)
		}
		return tags, nil
	}
	index, err := c.GetIndex(context.Background(), true, 1<<30)
	if err != nil {
		return nil, err
	}
	entries, err := index.GetEntries(chart)
	if err != nil {
		return nil, err
	}
	return entries.Tags(), nil
}

func resolve(url, chart, revision, user, password string, oci, plain bool) (string, error) {
	var opts []helm.ClientOpts
	if plain {
		opts = append(opts, helm.WithPlainHTTP())
	}
	oci = oci || helm.IsHelmOciRepo(url)
	c := helm.NewClient(url, helm.HelmCreds{Username: user, Password: password}, oci, "", "", opts...)
	if versions.IsVersion(revision) {
		return revision, nil
	}
	tags, err := versionsOf(c, chart, oci)
	if err != nil {
		return "", err
	}
	found, err := versions.MaxVersion(revision, tags, "")
	if err != nil {
		return "", fmt.Errorf("invalid revision: %w", err)
	}
	return found, nil
}

func main() {
	log.SetLevel(log.PanicLevel)
	a := os.Args[1:]
	out := map[string]string{}
	version, err := resolve(a[0], a[1], a[2], a[3], a[4], a[5] == "true", a[6] == "true")
	if err != nil {
		out["error"] = err.Error()
	} else {
		out["version"] = version
	}
	_ = json.NewEncoder(os.Stdout).Encode(out)
}
