#!/usr/bin/env python3
"""The end of an application: hooks before and after it, and what holds it. Texts and field names are Argo CD's."""
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from world import ARGOCD, config_map, shared, tap, wait_until  # noqa: E402

RESOURCES = "resources-finalizer.argocd.argoproj.io"
PRE = ["pre-delete-finalizer.argocd.argoproj.io", "pre-delete-finalizer.argocd.argoproj.io/cleanup"]
POST = ["post-delete-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io/cleanup"]


def hook(kind, name="h1", fails=False, policy=None):
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "registry.example.com/job:1", "command": ["true"]}]}
    annotations = {"argocd.argoproj.io/hook": kind}
    template = {"spec": pod}
    if policy:
        annotations["argocd.argoproj.io/hook-delete-policy"] = policy
    if fails:
        pod["nodeSelector"] = {"no": "where"}
        annotations["microkube.tiphys.io/fail"] = "job-failed"
        template["metadata"] = {"annotations": {"microkube.tiphys.io/fail": "job-failed"}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "annotations": annotations},
            "spec": {"backoffLimit": 0, "template": template}}


def with_hook(name, job, finalizer=True):
    repo = shared().repo(name)
    repo.write("app/cm.yaml", config_map("c1"))
    repo.write("app/h.yaml", job)
    repo.commit()
    app = shared().app(name, repo, path="app", automated={}, finalizer=finalizer)
    app.wait(sync="Synced", phase="Succeeded")
    return repo, app


def finalizers(app):
    return app.get()["metadata"].get("finalizers") or []


def live(kind, app, name):
    return shared().kube.get(kind, app.name, name)


def fail_pods(app, job):
    """On a real cluster nobody makes the job fail by an annotation: its pod says so."""
    for pod in shared().kube.list("Pod", app.name):
        if (pod["metadata"].get("labels") or {}).get("batch.kubernetes.io/job-name") == job and (pod.get("status") or {}).get("phase") == "Pending":
            shared().kubectl("-n", app.name, "patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge", "-p",
                             '{"status":{"phase":"Failed"}}', check=False)


@tap.test
def a_hook_for_the_end_gives_the_application_its_finalizers_and_takes_them_along():
    repo, app = with_hook("hookfin", hook("PreDelete"))
    tap.equal(finalizers(app), [RESOURCES, *PRE])
    tap.equal(live("Job", app, "h1"), None, "the hook in the life of the application")
    repo.write("app/h.yaml", hook("PreDelete, PostDelete"))
    app.wait(revision=repo.commit())
    wait_until("both kinds of finalizers", lambda: finalizers(app) == [RESOURCES, *PRE, *POST])
    repo.remove("app/h.yaml")
    app.wait(revision=repo.commit())
    wait_until("no finalizers of hooks", lambda: finalizers(app) == [RESOURCES])
    app.delete()


@tap.test
def a_predelete_hook_runs_before_the_objects_go():
    _, app = with_hook("predel", hook("PreDelete", fails=True))
    app.delete(wait=False)
    first = wait_until("the hook was made", lambda: live("Job", app, "h1"))
    tap.equal(bool(live("ConfigMap", app, "c1")["metadata"].get("deletionTimestamp")), False, "the object is being deleted while the hook runs")
    marks = first["metadata"]["annotations"]
    tap.equal(marks["argocd.argoproj.io/tracking-id"], "predel:batch/Job:predel/h1")
    tap.equal("kubectl.kubernetes.io/last-applied-configuration" in marks, False, "hooks are created, not applied")

    def held():
        fail_pods(app, "h1")
        return dict(app.brief()["conditions"]).get("DeletionError")
    tap.equal(wait_until("the deletion is held", held), "error executing pre-delete hooks: PreDelete hook(s) failed: predel/h1")
    tap.equal(live("ConfigMap", app, "c1")["data"], {"k": "v"})
    wait_until("a failed hook is made again", lambda: (live("Job", app, "h1") or first)["metadata"]["uid"] != first["metadata"]["uid"])
    app.patch({"metadata": {"finalizers": [RESOURCES]}})
    wait_until("without the finalizer it goes", lambda: app.get() is None)
    tap.equal((live("ConfigMap", app, "c1"), live("Job", app, "h1")), (None, None))


@tap.test
def a_predelete_hook_that_succeeds_goes_with_the_objects():
    _, app = with_hook("predelok", hook("PreDelete"))
    app.delete()
    tap.equal((live("ConfigMap", app, "c1"), live("Job", app, "h1")), (None, None))


@tap.test
def a_postdelete_hook_runs_after_the_objects_and_stays_without_a_policy():
    _, app = with_hook("postdel", hook("PostDelete"))
    tap.equal(finalizers(app), [RESOURCES, *POST])
    app.delete()
    tap.equal(live("ConfigMap", app, "c1"), None)
    tap.equal(live("Job", app, "h1")["metadata"]["annotations"]["argocd.argoproj.io/hook"], "PostDelete")


@tap.test
def a_postdelete_hook_goes_by_its_policy():
    _, app = with_hook("postpol", hook("PostDelete", policy="HookSucceeded"))
    app.delete()
    tap.equal((live("ConfigMap", app, "c1"), live("Job", app, "h1")), (None, None))


@tap.test
def hooks_run_without_a_cascade_and_leave_the_objects():
    _, app = with_hook("hookonly", hook("PreDelete", policy="HookSucceeded"), finalizer=False)
    app.delete()
    tap.equal(live("ConfigMap", app, "c1")["data"], {"k": "v"})
    wait_until("the hook was cleaned up", lambda: live("Job", app, "h1") is None)


@tap.test
def hooks_run_after_a_restart_in_mid_deletion():
    _, app = with_hook("hookagain", hook("PostDelete", policy="HookSucceeded"))
    shared().stop()
    shared().start()
    app.delete()
    tap.equal((live("ConfigMap", app, "c1"), live("Job", app, "h1")), (None, None))


@tap.test
def the_api_adds_its_finalizer_to_those_that_are_there():
    _, app = with_hook("apidel", hook("PreDelete", fails=True))
    path, token = "/api/v1/applications/apidel", shared().token()
    status, answer = shared().http("DELETE", path + "?cascade=false&propagationPolicy=foreground", token=token)
    tap.equal((status, answer["message"]), (400, "cannot set propagation policy when cascading is disabled"))
    status, answer = shared().http("DELETE", path + "?propagationPolicy=orphan", token=token)
    tap.equal((status, answer["message"]), (400, "invalid propagation policy: orphan"))
    for _ in range(2):  # again while it is going: fine, and nothing is added
        tap.equal(shared().http("DELETE", path + "?propagationPolicy=Background", token=token), (200, {}))
        tap.equal(finalizers(app), [RESOURCES, *PRE, RESOURCES + "/background"])
    tap.equal(shared().http("DELETE", path + "?cascade=false", token=token), (200, {}))
    tap.equal(finalizers(app), PRE)
    app.patch({"metadata": {"finalizers": None}})
    wait_until("it is gone", lambda: app.get() is None)
    tap.equal(live("ConfigMap", app, "c1")["data"], {"k": "v"})


def remote_cluster(name):
    """A cluster Secret that names the same API server by its URL."""
    import base64
    config = yaml_of(shared().kubeconfig)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = {"caData": cluster.get("certificate-authority-data"), "certData": user.get("client-certificate-data"), "keyData": user.get("client-key-data")}
    data = {"name": name, "server": cluster["server"] + "/",
            "config": json.dumps({"tlsClientConfig": {k: v for k, v in tls.items() if v}, **({"bearerToken": user["token"]} if user.get("token") else {})})}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
              "metadata": {"name": f"cluster-{name}", "namespace": ARGOCD, "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
              "data": {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}}
    if shared().kube.get("Secret", ARGOCD, f"cluster-{name}"):
        shared().kube.patch("Secret", ARGOCD, f"cluster-{name}", {"data": secret["data"]})
    else:
        shared().kube.create(secret)


def yaml_of(kubeconfig):
    p = shared().kubectl("config", "view", "--raw", "--flatten", "-o", "json")
    return json.loads(p.stdout)


@tap.test
def a_restart_in_mid_deletion_waits_until_the_clusters_are_known():
    remote_cluster("afar")
    repo = shared().repo("afar")
    repo.write("app/cm.yaml", config_map("c1"))
    repo.write("app/h.yaml", hook("PreDelete", fails=True))
    repo.commit()
    ns = shared().namespace("afar")
    app = shared().app("afar", repo, path="app", automated={}, destination={"name": "afar", "namespace": ns})
    app.wait(sync="Synced", phase="Succeeded")
    app.delete(wait=False)
    wait_until("the hook was made", lambda: live("Job", app, "h1"))
    for _ in range(3):
        shared().stop()
        shared().start()
        time.sleep(0.2)
        tap.equal(finalizers(app), [RESOURCES, *PRE])
    remote_cluster("afar")  # the embedded API is somewhere else now
    app.patch({"metadata": {"finalizers": [RESOURCES]}})
    wait_until("it is gone", lambda: app.get() is None)
    tap.equal(live("ConfigMap", app, "c1"), None)
    shared().kube.delete("Secret", ARGOCD, "cluster-afar")


@tap.test
def an_application_whose_project_is_gone_keeps_its_objects():
    repo = shared().repo("noproj")
    repo.write("app/cm.yaml", config_map("c1"))
    repo.commit()
    project = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "passing", "namespace": ARGOCD},
               "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}}
    shared().kube.create(project)
    app = shared().app("noproj", repo, path="app", automated={}, project="passing")
    app.wait(sync="Synced")
    shared().kube.delete("AppProject", ARGOCD, "passing")
    app.wait(sync="Unknown")
    app.delete(wait=False)
    tap.equal(app.wait_condition("DeletionError"), 'error getting app project "passing": appproject.argoproj.io "passing" not found')
    tap.equal(live("ConfigMap", app, "c1")["data"], {"k": "v"})
    shared().kube.create(project)
    wait_until("with its project it goes", lambda: app.get() is None)
    tap.equal(live("ConfigMap", app, "c1"), None)
    shared().kube.delete("AppProject", ARGOCD, "passing")


tap.main()
