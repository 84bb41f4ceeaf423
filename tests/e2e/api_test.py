#!/usr/bin/env python3
"""The REST API: status codes, fields and texts of Argo CD."""
import http.client
import json
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from world import config_map, deployment, shared, tap, wait_until  # noqa: E402

_token = []


def call(method, path, body=None, code=200, token=True, **kw):
    if token is True:
        if not _token:
            _token.append(shared().token())
        token = _token[0]
    status, answer = shared().http(method, path, body, token=token, **kw)
    tap.equal(status, code, f"{method} {path} ({str(answer)[:300]})")
    return answer


def spec(repo, namespace):
    return {"project": "default", "source": {"repoURL": repo.url, "path": "app", "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace}}


@tap.test
def health_and_version_need_no_login():
    tap.equal(call("GET", "/healthz", token=None), "ok\n")
    tap.true(call("GET", "/api/version", token=None)["Version"], "no version")


@tap.test
def without_a_token_nothing_is_told():
    answer = call("GET", "/api/v1/applications", token=None, code=401)
    tap.equal((answer["error"], answer["code"], answer["message"]), ("no session information", 16, "no session information"))
    call("GET", "/api/v1/applications", token="nonsense", code=401)
    call("POST", "/api/v1/session", {"username": "admin", "password": "wrong"}, token=None, code=401)


@tap.test
def an_application_is_created_read_changed_and_deleted():
    repo = shared().repo("rest")
    repo.write("app/cm.yaml", config_map("c1"))
    repo.write("app/dep.yaml", deployment("d1"))
    sha = repo.commit()
    shared().namespace("rest")
    app = {"metadata": {"name": "rest"}, "spec": spec(repo, "rest")}
    made = call("POST", "/api/v1/applications", app)
    tap.equal((made["metadata"]["name"], made["metadata"]["namespace"], made["spec"]), ("rest", "argocd", app["spec"]))
    wait_until("it is compared", lambda: (call("GET", "/api/v1/applications/rest").get("status") or {}).get("sync", {}).get("status") == "OutOfSync")
    tap.equal([i["metadata"]["name"] for i in call("GET", "/api/v1/applications")["items"]], ["rest"])
    answer = call("POST", "/api/v1/applications/rest/sync", {"prune": True})
    tap.equal(answer["operation"]["sync"]["prune"], True)
    wait_until("it is synced", lambda: call("GET", "/api/v1/applications/rest")["status"]["sync"].get("status") == "Synced")
    tap.equal(call("GET", "/api/v1/applications/rest")["status"]["operationState"]["syncResult"]["revision"], sha)
    call("GET", "/api/v1/applications/nope", code=403)
    call("PATCH", "/api/v1/applications/rest", {"name": "rest", "patchType": "merge", "patch": json.dumps({"spec": {"revisionHistoryLimit": 3}})})
    tap.equal(call("GET", "/api/v1/applications/rest")["spec"]["revisionHistoryLimit"], 3)


@tap.test
def the_tree_shows_what_the_objects_made():
    wait_until("the application is healthy", lambda: call("GET", "/api/v1/applications/rest")["status"]["health"]["status"] == "Healthy")
    nodes = wait_until("the pod is in the tree",
                       lambda: (lambda n: n if any(x["kind"] == "Pod" for x in n) else None)(call("GET", "/api/v1/applications/rest/resource-tree").get("nodes") or []))
    tap.equal({n["kind"] for n in nodes} >= {"ConfigMap", "Deployment", "ReplicaSet", "Pod"}, True, str([n["kind"] for n in nodes]))
    pod = next(n for n in nodes if n["kind"] == "Pod")
    tap.equal(pod["parentRefs"][0]["kind"], "ReplicaSet")


@tap.test
def managed_resources_hold_desired_and_live():
    items = {i["kind"]: i for i in call("GET", "/api/v1/applications/rest/managed-resources")["items"]}
    tap.equal(json.loads(items["ConfigMap"]["targetState"])["data"], {"k": "v"})
    tap.equal(json.loads(items["ConfigMap"]["liveState"])["data"], {"k": "v"})
    manifests = [json.loads(m) for m in call("GET", "/api/v1/applications/rest/manifests")["manifests"]]
    tap.equal(sorted(m["kind"] for m in manifests), ["ConfigMap", "Deployment"])


@tap.test
def the_stream_sends_the_application_and_then_its_changes():
    u = urllib.parse.urlsplit(shared().url)
    c = http.client.HTTPConnection(u.hostname, u.port, timeout=20)
    c.request("GET", "/api/v1/stream/applications?name=rest", headers={"Authorization": "Bearer " + _token[0], "Accept": "text/event-stream"})
    r = c.getresponse()
    tap.equal((r.status, r.headers["Content-Type"]), (200, "text/event-stream"))

    def event():
        while True:
            line = r.readline().decode()
            if line.startswith("data: "):
                return json.loads(line[6:])["result"]
            tap.true(line, "the stream ended")
    tap.equal((event()["type"]), "ADDED")
    shared().kube.patch("Application", "argocd", "rest", {"metadata": {"labels": {"seen": "yes"}}})
    for _ in range(20):
        e = event()
        if (e["application"]["metadata"].get("labels") or {}).get("seen") == "yes":
            break
    else:
        raise tap.Failed("the change did not come")
    c.close()


@tap.test
def metrics_have_upstreams_names():
    text = call("GET", "/metrics", token=None)
    for name in ("argocd_app_info{", "argocd_app_sync_total{", "argocd_app_reconcile_count", "workqueue_depth{"):
        tap.contains(text, name, "metrics")


@tap.test
def a_rollback_is_refused_while_automated_sync_is_on():
    call("PATCH", "/api/v1/applications/rest", {"name": "rest", "patchType": "merge", "patch": json.dumps({"spec": {"syncPolicy": {"automated": {}}}})})
    answer = call("POST", "/api/v1/applications/rest/rollback", {"id": 0}, code=400)
    tap.equal((answer["message"], answer["code"]), ("rollback cannot be initiated when auto-sync is enabled", 9))


@tap.test
def a_body_that_is_no_json_or_too_large_is_refused():
    u = urllib.parse.urlsplit(shared().url)
    for body, codes in ((b"{", (400,)), (b"[" * 100000, (400, 413)), (b'{"a":"' + b"x" * (64 << 20) + b'"}', (400, 413))):
        c = http.client.HTTPConnection(u.hostname, u.port, timeout=20)
        try:
            c.request("POST", "/api/v1/applications", body, {"Authorization": "Bearer " + _token[0], "Content-Type": "application/json"})
            tap.true(c.getresponse().status in codes, f"{body[:10]} of {len(body)}")
        except (BrokenPipeError, ConnectionResetError):
            tap.true(len(body) > 1 << 20, "a small body ended the connection")
        finally:
            c.close()
    call("GET", "/healthz", token=None)


@tap.test
def delete_cascades():
    call("DELETE", "/api/v1/applications/rest?cascade=true")
    wait_until("it is gone", lambda: not shared().kube.get("Application", "argocd", "rest"))
    tap.equal(shared().kube.get("ConfigMap", "rest", "c1"), None)


@tap.test
def it_ends_on_sigterm_with_exit_code_0():
    tap.equal(shared().stop(), 0)


tap.main()
