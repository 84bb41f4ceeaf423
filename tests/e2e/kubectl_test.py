#!/usr/bin/env python3
"""The real kubectl against the Kubernetes API that `tiphys up` brings (or the real one: the same must hold there)."""
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from world import CLUSTER, KUBECTL, config_map, deployment, documents, kubectl_minor, shared, tap, wait_until  # noqa: E402


def k(*args, **kw):
    return shared().kubectl(*args, **kw).stdout


def create(namespace, name, data=None, check=True):
    return shared().kubectl("-n", namespace, "create", "-f", "-", input=documents(config_map(name, data)), check=check)


def fresh(name):
    return shared().namespace(f"kubectl-{name}")


@tap.test
def kubectl_get_prints_tables():
    n = fresh("table")
    create(n, "c1", {"a": "1", "b": "2"})
    lines = k("-n", n, "get", "configmap", "c1").splitlines()
    tap.equal((lines[0].split(), lines[1].split()[:2]), (["NAME", "DATA", "AGE"], ["c1", "2"]))
    k("-n", n, "apply", "-f", "-", input=documents(deployment("web", replicas=2)))
    k("-n", n, "rollout", "status", "deployment/web", "--timeout=60s")
    lines = k("-n", n, "get", "deployments").splitlines()
    tap.equal((lines[0].split(), lines[1].split()[:4]), (["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"], ["web", "2/2", "2", "2"]))
    tap.contains(k("-n", n, "get", "pods", "-o", "wide"), "Running")
    tap.contains(k("-n", n, "get", "all"), "deployment.apps/web")


@tap.test
def kubectl_apply_creates_configures_and_leaves_unchanged():
    n = fresh("apply")
    one, two = documents(config_map("c1", {"a": "1", "b": "2"})), documents(config_map("c1", {"a": "1"}))
    tap.contains(k("-n", n, "apply", "-f", "-", input=one), "configmap/c1 created")
    tap.contains(k("-n", n, "apply", "-f", "-", input=one), "configmap/c1 unchanged")
    tap.contains(k("-n", n, "apply", "-f", "-", input=two), "configmap/c1 configured")
    tap.equal(json.loads(k("-n", n, "get", "cm", "c1", "-o", "json"))["data"], {"a": "1"})


@tap.test
def kubectl_apply_on_the_server_side_knows_its_owners():
    n = fresh("ssa")
    k("-n", n, "apply", "--server-side", "--field-manager=one", "-f", "-", input=documents(config_map("c1", {"a": "1"})))
    p = shared().kubectl("-n", n, "apply", "--server-side", "--field-manager=two", "-f", "-", input=documents(config_map("c1", {"a": "2"})), check=False)
    tap.equal(p.returncode, 1)
    tap.contains(p.stderr, 'conflict with "one"')
    k("-n", n, "apply", "--server-side", "--field-manager=two", "--force-conflicts", "-f", "-", input=documents(config_map("c1", {"a": "2"})))
    tap.equal(json.loads(k("-n", n, "get", "cm", "c1", "-o", "json"))["data"], {"a": "2"})


@tap.test
def kubectl_patch_of_three_kinds():
    n = fresh("patch")
    k("-n", n, "apply", "-f", "-", input=documents(deployment("web")))
    k("-n", n, "patch", "deployment", "web", "--type=merge", "-p", '{"spec":{"replicas":3}}')
    k("-n", n, "patch", "deployment", "web", "--type=json", "-p", '[{"op":"add","path":"/metadata/labels","value":{"x":"y"}}]')
    k("-n", n, "patch", "deployment", "web", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"registry.example.com/web:9"}]}}}}')
    d = json.loads(k("-n", n, "get", "deployment", "web", "-o", "json"))
    tap.equal((d["spec"]["replicas"], d["metadata"]["labels"], [c["image"] for c in d["spec"]["template"]["spec"]["containers"]]),
              (3, {"x": "y"}, ["registry.example.com/web:9"]))


@tap.test
def a_dry_run_on_the_server_stores_nothing():
    n = fresh("dry")
    if shared().unvalidated:  # this kubectl would ask OpenAPI v2 whether the server knows dryRun
        status, _ = shared().kube.request("POST", f"/api/v1/namespaces/{n}/configmaps?dryRun=All", config_map("c1", namespace=n))
        tap.equal(status, 201)
    else:
        tap.contains(k("-n", n, "apply", "--dry-run=server", "-f", "-", input=documents(config_map("c1"))), "configmap/c1 created (server dry run)")
    tap.equal(shared().kube.get("ConfigMap", n, "c1"), None)


@tap.test
def kubectl_get_watch_sees_what_happens():
    n = fresh("watch")
    p = subprocess.Popen([KUBECTL, f"--kubeconfig={shared().kubeconfig}", "-n", n, "get", "configmaps", "--watch-only", "--output-watch-events"],
                         stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(1.5)
        create(n, "c1")
        shared().kube.patch("ConfigMap", n, "c1", {"data": {"a": "1"}})
        k("-n", n, "delete", "configmap", "c1")
        seen = []
        while len([s for s in seen if "c1" in s]) < 3:
            seen.append(p.stdout.readline())
        tap.equal([s.split()[0] for s in seen if "c1" in s], ["ADDED", "MODIFIED", "DELETED"])
    finally:
        p.kill()
        p.wait()


@tap.test
def selectors_choose_objects():
    n = fresh("select")
    for name, tier in (("a", "web"), ("b", "web"), ("c", "db")):
        k("-n", n, "apply", "-f", "-", input=documents(config_map(name, labels={"tier": tier})))
    tap.equal(k("-n", n, "get", "cm", "-l", "tier=web", "-o", "name").split(), ["configmap/a", "configmap/b"])
    tap.equal(k("-n", n, "get", "cm", "-l", "tier notin (web),tier", "-o", "name").split(), ["configmap/c"])
    tap.equal(k("-n", n, "get", "cm", "--field-selector", "metadata.name=b", "-o", "name").split(), ["configmap/b"])


@tap.test
def deleting_an_owner_collects_what_it_owns():
    n = fresh("owner")
    k("-n", n, "apply", "-f", "-", input=documents(deployment("web", replicas=2)))
    k("-n", n, "rollout", "status", "deployment/web", "--timeout=60s")
    k("-n", n, "delete", "deployment", "web")
    wait_until("replica sets and pods are gone", lambda: not shared().kube.list("ReplicaSet", n) and not shared().kube.list("Pod", n))


@tap.test
def a_finalizer_holds_an_object():
    n = fresh("final")
    k("-n", n, "apply", "-f", "-", input=documents(config_map("c1", finalizers=["example.com/hold"])))
    k("-n", n, "delete", "cm", "c1", "--wait=false")
    tap.true(shared().kube.get("ConfigMap", n, "c1")["metadata"].get("deletionTimestamp"), "it is not marked")
    shared().kube.patch("ConfigMap", n, "c1", {"metadata": {"finalizers": None}})
    tap.equal(shared().kube.get("ConfigMap", n, "c1"), None)


@tap.test
def a_custom_resource_definition_brings_a_kind():
    n = fresh("crd")
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "ships.e2e.example.com"},
           "spec": {"group": "e2e.example.com", "scope": "Namespaced", "names": {"plural": "ships", "singular": "ship", "kind": "Ship", "shortNames": ["shp"]},
                    "versions": [{"name": "v1", "served": True, "storage": True, "additionalPrinterColumns": [{"name": "Crew", "type": "integer", "jsonPath": ".spec.crew"}],
                                  "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "required": ["crew"], "properties": {
                                      "crew": {"type": "integer", "minimum": 1}}}}}}}]}}
    k("apply", "-f", "-", input=documents(crd))
    try:
        k("wait", "--for=condition=Established", "crd/ships.e2e.example.com", "--timeout=30s")
        ship = {"apiVersion": "e2e.example.com/v1", "kind": "Ship", "metadata": {"name": "argo"}, "spec": {"crew": 50}}
        wait_until("the kind is served", lambda: shared().kubectl("-n", n, "apply", "-f", "-", input=documents(ship), check=False).returncode == 0, pause=0.2)
        tap.equal(k("-n", n, "get", "shp").split(), ["NAME", "CREW", "argo", "50"])
        p = shared().kubectl("-n", n, "apply", "-f", "-", input=documents({**ship, "spec": {"crew": 0}}), check=False)
        tap.equal(p.returncode, 1)
        tap.contains(p.stderr, "spec.crew")
    finally:
        k("delete", "crd", "ships.e2e.example.com")


@tap.test
def deleting_a_namespace_deletes_what_is_in_it():
    n = fresh("whole")
    create(n, "c1")
    k("delete", "namespace", n, "--timeout=60s")
    tap.equal(shared().kube.get("ConfigMap", n, "c1"), None)


@tap.test
def errors_read_like_kubernetes():
    n = fresh("errors")
    for p, text in ((shared().kubectl("-n", n, "get", "cm", "nope", check=False), 'Error from server (NotFound): configmaps "nope" not found'),
                    (create(n, "Bad_Name", check=False), "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters"),
                    (create("never-made", "c1", check=False), 'namespaces "never-made" not found')):
        tap.equal(p.returncode, 1)
        tap.contains(p.stderr, text)
    create(n, "c1")
    p = create(n, "c1", check=False)
    tap.contains(p.stderr, 'configmaps "c1" already exists')


@tap.test
def applications_have_their_columns_and_short_names():
    repo = shared().repo("columns")
    repo.write("cm.yaml", config_map("c1"))
    repo.commit()
    app = shared().app("columns", repo, automated={})
    app.wait(sync="Synced", health="Healthy")
    lines = k("-n", "argocd", "get", "app", "columns").splitlines()
    tap.equal((lines[0].split(), lines[1].split()), (["NAME", "SYNC", "STATUS", "HEALTH", "STATUS"], ["columns", "Synced", "Healthy"]))
    tap.contains(k("api-resources", "--api-group=argoproj.io"), "applications")
    app.delete()


if not CLUSTER and f"kubectl 1.{kubectl_minor()}." in (tap.SOURCE / "docs/kubectl.md").read_text():
    @tap.test
    def the_page_of_kubectl_is_what_kubectl_says():
        p = subprocess.run([tap.SOURCE / "tools/kubectl-transcript", "--check"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        tap.equal(p.returncode, 0, p.stdout)


tap.main()
