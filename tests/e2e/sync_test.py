#!/usr/bin/env python3
"""Ways of a sync: hooks and their ends, server-side apply, roles, manifests sent along. Texts and managers are Argo CD's."""
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from world import config_map, deployment, shared, stuck, tap, wait_until  # noqa: E402

SYNCED = "successfully synced (all tasks run)"
UNMARKED = ("Warning: resource roles/r1 is missing the kubectl.kubernetes.io/last-applied-configuration annotation which is required by  apply.  "
            "apply should only be used on resources created declaratively by either  create --save-config or  apply. "
            "The missing annotation will be patched automatically.")


def job(name, phase, policy):
    return {"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": name, "annotations": {"argocd.argoproj.io/hook": phase, "argocd.argoproj.io/hook-delete-policy": policy}},
            "spec": {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox:1"}]}}}}


def managers(live):
    return sorted({f"{m['manager']}/{m['operation']}" for m in live["metadata"].get("managedFields") or []})


def rows(op):
    return [(r["name"], r["status"], r["hookPhase"], r["message"]) for r in op["syncResult"]["resources"]]


@tap.test
def a_hook_that_goes_by_its_policy_has_succeeded():
    repo = shared().repo("hookgone")
    repo.write("app/cm.yaml", config_map("c1"))
    repo.write("app/hook.yaml", job("h1", "PreSync", "HookSucceeded"))
    repo.commit()
    app = shared().app("hookgone", repo, path="app")
    app.wait(sync="OutOfSync")
    for text in ("configmap/c1 created", "configmap/c1 unchanged"):
        op = app.sync()
        tap.equal((op["phase"], op["message"]), ("Succeeded", SYNCED))
        tap.equal([r[:3] for r in rows(op)], [("h1", "Synced", "Succeeded"), ("c1", "Synced", "Running")])
        tap.equal(rows(op)[1][3], text)
        wait_until("the hook is gone", lambda: shared().kube.get("Job", "hookgone", "h1") is None)
    app.delete()


@tap.test
def an_object_deleted_while_it_is_waited_for_fails_the_sync():
    repo = shared().repo("vanish")
    repo.write("app/a.yaml", [stuck(deployment("d0")), config_map("w1", annotations={"argocd.argoproj.io/sync-wave": "1"})])
    repo.commit()
    app = shared().app("vanish", repo, path="app")
    app.wait(sync="OutOfSync")
    app.sync(wait=False)
    wait_until("the second wave waits", lambda: (app.brief()["message"] or "").startswith("waiting for healthy state"))
    shared().kube.delete("Deployment", "vanish", "d0")
    app.wait(timeout=40, phase="Failed", message="one or more synchronization tasks completed unsuccessfully, reason: Resource apps/Deployment/d0 is missing, "
                                     "it might have been deleted")
    tap.equal(shared().kube.get("ConfigMap", "vanish", "w1"), None, "the wave after it")
    app.delete()


@tap.test
def a_field_dropped_from_git_goes_when_server_side_apply_takes_over():
    repo = shared().repo("takeover")
    repo.write("app/cm.yaml", config_map("c1", {"a": "1", "b": "2"}))
    repo.commit()
    app = shared().app("takeover", repo, path="app")
    app.wait(sync="OutOfSync")
    app.sync()
    app.wait(sync="Synced")
    tap.equal(managers(shared().kube.get("ConfigMap", "takeover", "c1")), ["argocd-controller/Update"])
    repo.write("app/cm.yaml", config_map("c1", {"a": "1"}))
    sha = repo.commit()
    app.refresh()
    op = app.sync(syncOptions=["ServerSideApply=true"])
    tap.equal(rows(op), [("c1", "Synced", "Running", "configmap/c1 serverside-applied")])
    app.wait(sync="Synced", revision=sha)
    live = shared().kube.get("ConfigMap", "takeover", "c1")
    tap.equal((live["data"], managers(live)), ({"a": "1"}, ["argocd-controller/Apply"]))
    tap.equal(list(live["metadata"]["annotations"]), ["argocd.argoproj.io/tracking-id"])
    app.delete()


@tap.test
def what_kubectl_applied_is_taken_over_unless_that_is_switched_off():
    for option, left in (("ClientSideApplyMigration=true", None), ("ClientSideApplyMigration=false", "x")):
        name = "kubectl-" + option[-5:].strip("=")
        repo = shared().repo(name)
        repo.write("app/cm.yaml", config_map("c1", {"a": "1"}))
        repo.commit()
        app = shared().app(name, repo, path="app")
        app.wait(sync="OutOfSync")
        kube = shared().kube
        kube._checked("POST", kube.path("ConfigMap", name) + "?fieldManager=kubectl-client-side-apply", config_map("c1", {"a": "0", "extra": "x"}))
        op = app.sync(syncOptions=["ServerSideApply=true", option])
        tap.equal(op["phase"], "Succeeded", op["message"])
        live = kube.get("ConfigMap", name, "c1")
        tap.equal(live["data"].get("extra"), left, option)
        tap.equal("kubectl-client-side-apply/Update" in managers(live), left is not None, option)
        app.delete()


@tap.test
def a_role_is_reconciled_and_a_binding_may_change_its_role():
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r1"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "b1"},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r1"},
               "subjects": [{"kind": "ServiceAccount", "name": "s", "namespace": "rbac"}]}
    repo = shared().repo("rbac")
    repo.write("app/rbac.yaml", [role, binding])
    repo.commit()
    app = shared().app("rbac", repo, path="app")
    app.wait(sync="OutOfSync")
    op = app.sync()
    tap.equal(op["phase"], "Succeeded", op["message"])
    tap.equal(rows(op)[0][3], "role.rbac.authorization.k8s.io/r1 reconciled. reconciliation required create\n\tmissing rules added:\n"
                              "\t\t{Verbs:[get] APIGroups:[] Resources:[pods] ResourceNames:[] NonResourceURLs:[]}"
                              "role.rbac.authorization.k8s.io/r1 configured. " + UNMARKED)
    before = shared().kube.get("RoleBinding", "rbac", "b1")["metadata"]["uid"]
    binding["roleRef"]["name"] = "r2"
    repo.write("app/rbac.yaml", [role, binding])
    repo.commit()
    app.refresh()
    op = app.sync()
    tap.equal(op["phase"], "Succeeded", op["message"])
    tap.true(rows(op)[1][3].startswith("rolebinding.rbac.authorization.k8s.io/b1 reconciled. reconciliation required recreate"), rows(op)[1][3])
    after = shared().kube.get("RoleBinding", "rbac", "b1")
    tap.equal(after["roleRef"]["name"], "r2")
    tap.true(after["metadata"]["uid"] != before, "the binding was not made again")
    app.wait(sync="Synced")
    app.delete()


@tap.test
def manifests_sent_along_are_the_target_until_the_next_sync():
    repo = shared().repo("along")
    repo.write("app/cm.yaml", config_map("c1"))
    sha = repo.commit()
    app = shared().app("along", repo, path="app")
    app.wait(sync="OutOfSync")
    op = app.sync(manifests=[json.dumps(config_map("sent", namespace="along"))])
    tap.equal((op["phase"], op["syncResult"]["revision"]), ("Succeeded", ""))
    tap.equal(rows(op), [("sent", "Synced", "Running", "configmap/sent created")])
    tap.equal(shared().kube.get("ConfigMap", "along", "c1"), None, "an object of the repository")
    live = shared().kube.get("ConfigMap", "along", "sent")
    tap.equal(list(live["metadata"]["annotations"]), ["kubectl.kubernetes.io/last-applied-configuration"])
    app.refresh()
    status = app.status()
    tap.equal([r["name"] for r in status["resources"]], ["sent"])
    tap.equal((status["sync"]["revision"], "sourceType" in status, "revision" in status["history"][-1]), ("HEAD", False, False))
    op = app.sync(manifests=["{"])
    tap.equal(op["phase"], "Error")
    tap.true(op["message"].startswith("ComparisonError: Failed to load local manifests: "), op["message"])
    op = app.sync()
    tap.equal(rows(op), [("c1", "Synced", "Running", "configmap/c1 created")])
    app.wait(sync="Synced", revision=sha)
    tap.equal([r["name"] for r in app.status()["resources"]], ["c1"])
    shared().kube.delete("ConfigMap", "along", "sent")
    app.delete()


@tap.test
def a_sync_of_an_older_revision_never_says_synced():
    repo = shared().repo("pinned")
    repo.write("app/cm.yaml", config_map("c1", {"k": "1"}))
    first = repo.commit()
    repo.write("app/cm.yaml", config_map("c1", {"k": "2"}))
    second = repo.commit()
    app = shared().app("pinned", repo, path="app")
    app.wait(sync="OutOfSync", revision=second)
    op = app.sync(revision=first)
    tap.equal((op["phase"], op["syncResult"]["revision"]), ("Succeeded", first))
    app.wait(sync="OutOfSync", health="Healthy", revision=second)
    kube = shared().kube
    _, events = kube.request("GET", f"/api/v1/namespaces/argocd/events?fieldSelector=involvedObject.name%3Dpinned")
    tap.equal([e["message"] for e in events["items"] if e["message"].endswith("-> Synced")], [])
    app.delete()


@tap.test
def what_a_trusted_manager_changed_is_no_difference():
    repo = shared().repo("trusted")
    repo.write("app/cm.yaml", config_map("c1", {"a": "1", "b": "2"}))
    sha = repo.commit()
    app = shared().app("trusted", repo, path="app", automated={},
                       ignoreDifferences=[{"group": "", "kind": "ConfigMap", "managedFieldsManagers": ["scaler"]}])
    app.wait(sync="Synced", revision=sha)
    shared().kube.patch("ConfigMap", "trusted", "c1", {"data": {"a": "9"}}, manager="scaler")
    app.refresh()
    tap.equal(app.brief()["sync"], "Synced", "a field of the trusted manager")
    shared().kube.patch("ConfigMap", "trusted", "c1", {"data": {"b": "9"}}, manager="somebody")
    app.wait(sync="OutOfSync")
    app.delete()


@tap.test
def a_field_removed_from_git_is_a_difference_under_server_side_apply():
    repo = shared().repo("ssagone")
    repo.write("app/cm.yaml", config_map("c1", {"a": "1", "b": "2"}))
    sha = repo.commit()
    app = shared().app("ssagone", repo, path="app", options=["ServerSideApply=true"])
    app.wait(sync="OutOfSync")
    app.sync(syncOptions=["ServerSideApply=true"])
    app.wait(sync="Synced", revision=sha)
    repo.write("app/cm.yaml", config_map("c1", {"a": "1"}))
    sha = repo.commit()
    app.refresh()
    app.wait(sync="OutOfSync", revision=sha)
    app.sync(syncOptions=["ServerSideApply=true"])
    app.wait(sync="Synced", revision=sha)
    tap.equal(shared().kube.get("ConfigMap", "ssagone", "c1")["data"], {"a": "1"})
    app.delete()


@tap.test
def an_automated_sync_stores_the_spec_as_go_prints_it():
    repo = shared().repo("typed")
    repo.write("app/a/cm.yaml", config_map("c1"))
    sha = repo.commit()
    app = shared().app("typed", repo, path="app", directory={"recurse": True, "exclude": ""},
                       syncPolicy={"automated": {"prune": False}, "retry": {"limit": 0}})
    app.wait(sync="Synced", revision=sha)
    spec = app.get()["spec"]
    tap.equal(spec["syncPolicy"], {"automated": {"prune": False}, "retry": {}})
    tap.equal(spec["source"]["directory"], {"recurse": True, "jsonnet": {}})
    tap.equal(app.status()["operationState"]["operation"]["retry"], {})
    seen = []

    def rests():  # what is stored is what is wanted: no write follows for two seconds
        seen.append(app.get()["metadata"]["resourceVersion"])
        time.sleep(2)
        return app.get()["metadata"]["resourceVersion"] == seen[-1]
    wait_until("the application comes to rest", rests)
    tap.equal(app.brief()["sync"], "Synced")
    app.delete()


@tap.test
def a_definition_and_its_object_are_synced_at_once():
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "gears.e2e.example.com"},
           "spec": {"group": "e2e.example.com", "scope": "Namespaced", "names": {"kind": "Gear", "plural": "gears", "singular": "gear", "listKind": "GearList"},
                    "versions": [{"name": "v1", "served": True, "storage": True,
                                  "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}
    repo = shared().repo("gears")
    repo.write("app/all.yaml", [crd, {"apiVersion": "e2e.example.com/v1", "kind": "Gear", "metadata": {"name": "g1"}, "spec": {"a": 1}}])
    sha = repo.commit()
    app = shared().app("gears", repo, path="app")
    app.wait(sync="OutOfSync")
    op = app.sync()
    tap.equal((op["phase"], [r[3] for r in rows(op)]), ("Succeeded", ["customresourcedefinition.apiextensions.k8s.io/gears.e2e.example.com created",
                                                                       "gear.e2e.example.com/g1 created"]), op["message"])
    app.wait(sync="Synced", revision=sha)
    app.delete()


tap.main()
