#!/usr/bin/env python3
"""The loop: a commit in a repository becomes the state of the cluster. Texts and field names are Argo CD's."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from world import ARGOCD, config_map, deployment, shared, stuck, tap, wait_until  # noqa: E402

SYNCED = "successfully synced (all tasks run)"


def service(name):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}


def two_objects(name):
    """A repository with a ConfigMap c1 and a Service s1 under app/, and its first commit."""
    repo = shared().repo(name)
    repo.write("app/cm.yaml", config_map("c1"))
    repo.write("app/svc.yaml", service("s1"))
    return repo, repo.commit()


def data_of(namespace, name):
    return ((shared().kube.get("ConfigMap", namespace, name) or {}).get("data") or {}).get("k")


@tap.test
def a_new_application_is_out_of_sync_and_missing_until_it_is_synced():
    repo, sha = two_objects("first")
    app = shared().app("first", repo, path="app")
    app.wait(sync="OutOfSync", health="Missing", revision=sha)
    tap.equal(shared().kube.get("ConfigMap", "first", "c1"), None, "the object before the sync")
    op = app.sync()
    tap.equal((op["phase"], op["message"]), ("Succeeded", SYNCED))
    app.wait(sync="Synced", health="Healthy", revision=sha)
    status = app.status()
    tap.equal([(r["kind"], r["name"], r["status"]) for r in status["resources"]], [("ConfigMap", "c1", "Synced"), ("Service", "s1", "Synced")])
    tap.equal([(h["id"], h["revision"], h["initiatedBy"]) for h in status["history"]], [(0, sha, {"username": "e2e"})])
    tap.equal({r["message"] for r in op["syncResult"]["resources"]}, {"configmap/c1 created", "service/s1 created"})
    tap.equal(status["sourceType"], "Directory")
    app.delete()


@tap.test
def an_applied_object_carries_its_tracking_id():
    repo, _ = two_objects("track")
    app = shared().app("track", repo, path="app", automated={})
    app.wait(sync="Synced")
    live = shared().kube.get("ConfigMap", "track", "c1")
    tap.equal(live["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"], "track:/ConfigMap:track/c1")
    tap.equal((live["metadata"].get("labels"), live["data"]), (None, {"k": "v"}))
    app.delete()


@tap.test
def automated_sync_starts_by_itself():
    repo, sha = two_objects("auto")
    app = shared().app("auto", repo, path="app", automated={})
    app.wait(sync="Synced", health="Healthy", phase="Succeeded", revision=sha)
    status = app.status()
    tap.equal([(h["id"], h["initiatedBy"]) for h in status["history"]], [(0, {"automated": True})])
    tap.equal(status["operationState"]["operation"]["retry"], {"limit": 5})
    app.delete()


@tap.test
def a_commit_is_found_by_polling_and_applied():
    repo, _ = two_objects("poll")
    app = shared().app("poll", repo, path="app", automated={})
    app.wait(sync="Synced")
    repo.write("app/cm.yaml", config_map("c1", {"k": "second"}))
    sha = repo.commit()
    app.synced(sha)
    tap.equal(data_of("poll", "c1"), "second")
    tap.equal([h["revision"] for h in app.status()["history"]][-1], sha)
    app.delete()


@tap.test
def a_file_added_to_the_folder_is_found_by_polling():
    repo, _ = two_objects("added")
    app = shared().app("added", repo, path="app", automated={})
    app.wait(sync="Synced")
    repo.write("app/new.yaml", config_map("new"))
    app.synced(repo.commit())
    tap.equal(data_of("added", "new"), "v")
    app.delete()


@tap.test
def a_commit_elsewhere_in_the_repository_moves_the_revision_and_writes_nothing_else():
    repo, _ = two_objects("elsewhere")
    app = shared().app("elsewhere", repo, path="app", automated={})
    app.wait(sync="Synced", phase="Succeeded")
    version = shared().kube.get("ConfigMap", "elsewhere", "c1")["metadata"]["resourceVersion"]
    repo.write("other/x.yaml", config_map("x"))
    app.wait(sync="Synced", revision=repo.commit())
    tap.equal(shared().kube.get("ConfigMap", "elsewhere", "c1")["metadata"]["resourceVersion"], version)
    tap.equal(len(app.status()["history"]), 1)
    app.delete()


@tap.test
def a_refresh_by_annotation_finds_a_commit_and_removes_the_annotation():
    repo, _ = two_objects("refresh")
    app = shared().app("refresh", repo, path="app")
    app.wait(sync="OutOfSync")
    repo.write("app/cm.yaml", config_map("c1", {"k": "second"}))
    sha = repo.commit()
    app.refresh()
    app.wait(revision=sha)
    app.delete()


@tap.test
def a_foreign_edit_is_healed():
    repo, _ = two_objects("heal")
    app = shared().app("heal", repo, path="app", automated={"selfHeal": True})
    app.wait(sync="Synced", phase="Succeeded")
    shared().kube.patch("ConfigMap", "heal", "c1", {"data": {"k": "edited"}})
    wait_until("the edit is healed", lambda: data_of("heal", "c1") == "v")
    app.wait(sync="Synced")
    app.delete()


@tap.test
def a_deleted_object_is_made_again():
    repo, _ = two_objects("again")
    app = shared().app("again", repo, path="app", automated={"selfHeal": True})
    app.wait(sync="Synced", phase="Succeeded")
    shared().kube.delete("ConfigMap", "again", "c1")
    wait_until("the object is back", lambda: data_of("again", "c1") == "v")
    app.wait(sync="Synced")
    app.delete()


@tap.test
def without_self_heal_an_edit_stays_and_is_out_of_sync():
    repo, _ = two_objects("drift")
    app = shared().app("drift", repo, path="app", automated={})
    app.wait(sync="Synced", phase="Succeeded")
    shared().kube.patch("ConfigMap", "drift", "c1", {"data": {"k": "edited"}})
    app.wait(sync="OutOfSync")
    app.refresh()
    tap.equal(data_of("drift", "c1"), "edited")
    tap.equal(len(app.status()["history"]), 1)
    app.delete()


@tap.test
def a_field_that_git_does_not_set_is_left_alone():
    repo = shared().repo("left")
    repo.write("app/d.yaml", deployment("web"))
    repo.commit()
    app = shared().app("left", repo, path="app", automated={"selfHeal": True})
    app.wait(sync="Synced", health="Healthy")
    shared().kube.patch("Deployment", "left", "web", {"spec": {"minReadySeconds": 0}, "metadata": {"annotations": {"someone": "else"}}})
    app.refresh()
    app.wait(sync="Synced")
    tap.equal(shared().kube.get("Deployment", "left", "web")["metadata"]["annotations"].get("someone"), "else")
    app.delete()


@tap.test
def a_field_removed_from_git_is_removed_from_the_cluster():
    repo = shared().repo("field")
    repo.write("app/cm.yaml", config_map("c1", {"k": "v", "old": "x"}))
    repo.commit()
    app = shared().app("field", repo, path="app", automated={})
    app.wait(sync="Synced")
    shared().kube.patch("ConfigMap", "field", "c1", {"metadata": {"labels": {"by": "hand"}}})
    repo.write("app/cm.yaml", config_map("c1", {"k": "v"}))
    app.synced(repo.commit())
    live = shared().kube.get("ConfigMap", "field", "c1")
    tap.equal((live["data"], live["metadata"]["labels"]), ({"k": "v"}, {"by": "hand"}))
    app.delete()


@tap.test
def a_removed_file_is_pruned():
    repo, _ = two_objects("prune")
    app = shared().app("prune", repo, path="app", automated={"prune": True})
    app.wait(sync="Synced")
    repo.remove("app/cm.yaml")
    app.synced(repo.commit())
    tap.equal(shared().kube.get("ConfigMap", "prune", "c1"), None)
    tap.true(shared().kube.get("Service", "prune", "s1"), "the other object is gone, too")
    tap.equal([(r["name"], r["status"], r["message"]) for r in app.status()["operationState"]["syncResult"]["resources"] if r["kind"] == "ConfigMap"],
              [("c1", "Pruned", "pruned")])
    app.delete()


@tap.test
def without_prune_a_removed_file_is_only_reported():
    repo, _ = two_objects("noprune")
    app = shared().app("noprune", repo, path="app", automated={})
    app.wait(sync="Synced")
    repo.remove("app/cm.yaml")
    app.wait(sync="OutOfSync", revision=repo.commit())
    tap.equal([(r["name"], r.get("requiresPruning"), r["status"]) for r in app.status()["resources"]], [("c1", True, "OutOfSync"), ("s1", None, "Synced")])
    tap.equal(data_of("noprune", "c1"), "v")
    app.delete()


@tap.test
def pruning_everything_is_refused():
    repo, _ = two_objects("wipe")
    app = shared().app("wipe", repo, path="app", automated={"prune": True})
    app.wait(sync="Synced")
    repo.remove("app/cm.yaml")
    repo.remove("app/svc.yaml")
    repo.write("app/.keep", "")
    sha = repo.commit()
    tap.equal(app.wait_condition("SyncError"), f"Skipping sync attempt to [{sha}]: auto-sync will wipe out all resources")
    tap.equal(data_of("wipe", "c1"), "v")
    app.delete()


@tap.test
def allow_empty_lets_everything_be_pruned():
    repo, _ = two_objects("empty")
    app = shared().app("empty", repo, path="app", automated={"prune": True, "allowEmpty": True})
    app.wait(sync="Synced")
    repo.remove("app/cm.yaml")
    repo.remove("app/svc.yaml")
    repo.write("app/.keep", "")
    app.synced(repo.commit())
    tap.equal(shared().kube.get("ConfigMap", "empty", "c1"), None)
    app.delete()


@tap.test
def an_object_marked_prune_false_is_kept():
    repo = shared().repo("keep")
    repo.write("app/a.yaml", config_map("c1", annotations={"argocd.argoproj.io/sync-options": "Prune=false"}))
    repo.write("app/b.yaml", config_map("c2"))
    repo.commit()
    app = shared().app("keep", repo, path="app", automated={"prune": True})
    app.wait(sync="Synced")
    repo.remove("app/a.yaml")
    sha = repo.commit()
    app.wait(sync="OutOfSync", revision=sha)
    tap.equal(data_of("keep", "c1"), "v")
    app.delete()


@tap.test
def create_namespace_makes_the_namespace():
    repo, _ = two_objects("nsnew")
    shared().forget_namespace("ns-made")
    app = shared().app("nsnew", repo, path="app", namespace="ns-made", automated={}, options=["CreateNamespace=true"])
    app.wait(sync="Synced", health="Healthy")
    tap.equal(data_of("ns-made", "c1"), "v")
    app.delete()
    tap.true(shared().kube.get("Namespace", None, "ns-made"), "the namespace went with the application")


@tap.test
def a_missing_namespace_fails_the_sync():
    repo, _ = two_objects("nsmiss")
    app = shared().app("nsmiss", repo, path="app", namespace="ns-never-made")
    app.wait(sync="OutOfSync")
    op = app.sync()
    tap.equal(op["phase"], "Failed")
    tap.contains(op["message"], 'namespaces "ns-never-made" not found')
    app.delete()


@tap.test
def each_kind_of_revision_finds_its_commit():
    repo, first = two_objects("rev")
    repo.tag("v1.0.0")
    repo.tag("plain")
    repo.write("app/cm.yaml", config_map("c1", {"k": "2"}))
    second = repo.commit()
    repo.tag("v1.1.0", message="annotated")
    repo.write("app/cm.yaml", config_map("c1", {"k": "3"}))
    third = repo.commit()
    repo.tag("v2.0.0")
    repo.push("dev")
    repo.write("app/cm.yaml", config_map("c1", {"k": "4"}))
    head = repo.commit()
    app = shared().app("rev", repo, path="app")
    for revision, sha in {"HEAD": head, "main": head, "dev": third, "refs/heads/dev": third, "plain": first, "v1.1.0": second,
                          "refs/tags/v1.0.0": first, "^1.0.0": second, "~1.0": first, "v1.x": second, "*": third, ">=1.0.0 <2.0.0": second,
                          second: second}.items():
        app.patch({"spec": {"source": {"targetRevision": revision}}})
        tap.equal(app.wait(revision=sha)["conditions"], [], revision)
    app.delete()


@tap.test
def a_branch_that_moves_back_is_followed():
    repo, first = two_objects("back")
    repo.write("app/cm.yaml", config_map("c1", {"k": "2"}))
    second = repo.commit()
    app = shared().app("back", repo, path="app", automated={})
    app.wait(sync="Synced", revision=second)
    repo.git("reset", "-q", "--hard", first)
    repo.push()
    app.synced(first)
    tap.equal(data_of("back", "c1"), "v")
    app.delete()


@tap.test
def include_exclude_and_recurse_choose_the_files():
    repo = shared().repo("files")
    for path in ("app/a.yaml", "app/b.json", "app/skip.yaml", "app/sub/c.yml", "app/note.txt"):
        repo.write(path, config_map(Path(path).stem))
    repo.commit()
    app = shared().app("files", repo, path="app")
    for directory, names in ((None, ["a", "b", "skip"]), ({"recurse": True}, ["a", "b", "c", "skip"]),
                             ({"recurse": True, "exclude": "skip.yaml"}, ["a", "b", "c"]),
                             ({"recurse": True, "include": "{a.yaml,sub/*}"}, ["a", "c"])):
        app.patch({"spec": {"source": {"directory": None}}})
        app.patch({"spec": {"source": {"directory": directory}}})
        wait_until(f"{directory} gives {names}", lambda: sorted(r["name"] for r in app.status().get("resources") or []) == names)
    app.delete()


@tap.test
def a_selective_sync_writes_one_object_and_no_history():
    repo, _ = two_objects("select")
    app = shared().app("select", repo, path="app")
    app.wait(sync="OutOfSync")
    op = app.sync(resources=[{"kind": "ConfigMap", "name": "c1"}])
    tap.equal((op["phase"], [r["name"] for r in op["syncResult"]["resources"]]), ("Succeeded", ["c1"]))
    wait_until("only c1 is synced", lambda: [r["status"] for r in app.status()["resources"]] == ["Synced", "OutOfSync"])
    tap.equal(app.status().get("history") or [], [])
    app.delete()


@tap.test
def a_dry_run_changes_nothing():
    repo, _ = two_objects("dry")
    app = shared().app("dry", repo, path="app")
    app.wait(sync="OutOfSync")
    op = app.sync(dryRun=True)
    tap.equal(op["phase"], "Succeeded")
    tap.equal(shared().kube.get("ConfigMap", "dry", "c1"), None)
    tap.equal(app.status().get("history") or [], [])
    app.delete()


@tap.test
def a_rollback_returns_to_an_older_commit_and_leaves_the_application_out_of_sync():
    repo, first = two_objects("roll")
    app = shared().app("roll", repo, path="app")
    app.wait(sync="OutOfSync")
    app.sync()
    repo.write("app/cm.yaml", config_map("c1", {"k": "2"}))
    repo.write("app/new.yaml", config_map("new"))
    second = repo.commit()
    app.wait(sync="OutOfSync", revision=second)
    app.sync()
    app.wait(sync="Synced", revision=second)
    status, answer = shared().http("POST", "/api/v1/applications/roll/rollback", {"id": 0, "prune": True}, token=shared().token())
    tap.equal((status, answer["operation"]["sync"]["revision"] if status == 200 else answer), (200, first))
    wait_until("the rollback is in the history", lambda: [h["revision"] for h in app.status()["history"]] == [first, second, first])
    app.wait(sync="OutOfSync", phase="Succeeded")
    tap.equal((data_of("roll", "c1"), shared().kube.get("ConfigMap", "roll", "new")), ("v", None))
    app.delete()


@tap.test
def waves_wait_for_health():
    repo = shared().repo("wave")
    repo.write("app/a.yaml", [stuck(deployment("d0")), config_map("w1", annotations={"argocd.argoproj.io/sync-wave": "1"})])
    repo.commit()
    app = shared().app("wave", repo, path="app")
    app.wait(sync="OutOfSync")
    app.sync(wait=False)
    wait_until("it waits", lambda: app.brief()["message"] == "waiting for healthy state of apps/Deployment/d0")
    tap.equal(shared().kube.get("ConfigMap", "wave", "w1"), None)
    shared().kube.patch("Deployment", "wave", "d0", {"metadata": {"annotations": {"microkube.tiphys.io/fail": None}},
                          "spec": {"template": {"metadata": {"annotations": {"microkube.tiphys.io/fail": None}}, "spec": {"nodeSelector": None}}}}, how="strategic")
    app.wait(phase="Succeeded", health="Healthy")
    tap.equal(data_of("wave", "w1"), "v")
    app.delete()


@tap.test
def an_object_that_exists_already_is_adopted_by_a_sync():
    shared().namespace("adopt")
    shared().kube.apply({**config_map("c1", namespace="adopt")})
    repo, _ = two_objects("adopt")
    app = shared().app("adopt", repo, path="app")
    app.wait(sync="OutOfSync")
    tap.equal(app.sync()["phase"], "Succeeded")
    app.wait(sync="Synced")
    app.delete()
    tap.equal(shared().kube.get("ConfigMap", "adopt", "c1"), None)


@tap.test
def deleting_with_the_finalizer_deletes_the_objects():
    repo = shared().repo("cascade")
    repo.write("app/all.yaml", [config_map("c1"), deployment("web", replicas=2)])
    repo.commit()
    app = shared().app("cascade", repo, path="app", automated={})
    app.wait(sync="Synced", health="Healthy")
    app.delete()
    tap.equal(shared().kube.get("ConfigMap", "cascade", "c1"), None)
    tap.equal(shared().kube.get("Deployment", "cascade", "web"), None)
    wait_until("its pods are collected", lambda: not shared().kube.list("Pod", "cascade"))


@tap.test
def deleting_without_the_finalizer_leaves_the_objects():
    repo, _ = two_objects("orphan")
    app = shared().app("orphan", repo, path="app", automated={}, finalizer=False)
    app.wait(sync="Synced")
    app.delete()
    tap.equal(data_of("orphan", "c1"), "v")


@tap.test
def deleting_works_when_the_repository_is_gone():
    repo, _ = two_objects("gone")
    app = shared().app("gone", repo, path="app", automated={})
    app.wait(sync="Synced")
    repo.bare.rename(repo.bare.with_suffix(".away"))
    app.refresh("hard")
    app.wait(sync="Unknown")
    app.delete()
    tap.equal(shared().kube.get("ConfigMap", "gone", "c1"), None)


@tap.test
def health_follows_the_workload():
    repo = shared().repo("health")
    repo.write("app/d.yaml", deployment("web", replicas=2))
    repo.commit()
    app = shared().app("health", repo, path="app", automated={})
    app.wait(sync="Synced", health="Healthy")
    repo.write("app/d.yaml", stuck(deployment("web", replicas=2, image="registry.example.com/web:2")))
    app.wait(sync="Synced", revision=repo.commit(), health="Progressing")
    repo.write("app/d.yaml", deployment("web", replicas=2, image="registry.example.com/web:3"))
    app.wait(sync="Synced", revision=repo.commit(), health="Healthy")
    app.delete()


@tap.test
def a_failing_sync_is_retried_and_given_up():
    repo = shared().repo("retry")
    repo.write("app/s.yaml", config_map("Not_Valid"))
    repo.commit()
    app = shared().app("retry", repo, path="app")
    app.wait(sync="OutOfSync")
    shared().kube.patch("Application", ARGOCD, "retry", {"operation": {"initiatedBy": {"username": "e2e"}, "sync": {},
                        "retry": {"limit": 2, "backoff": {"duration": "1s", "factor": 2, "maxDuration": "3s"}}}})
    app.wait(phase="Failed")
    op = app.status()["operationState"]
    tap.equal(op["retryCount"], 2)
    tap.true(op["message"].endswith(" (retried 2 times)."), op["message"])
    tap.contains(op["message"], 'ConfigMap "Not_Valid" is invalid: metadata.name: Invalid value: "Not_Valid": a lowercase RFC 1123 subdomain must')
    app.delete()


@tap.test
def a_failed_automated_sync_of_a_commit_is_not_repeated():
    repo = shared().repo("once")
    repo.write("app/s.yaml", config_map("Not_Valid"))
    sha = repo.commit()
    app = shared().app("once", repo, path="app", automated={}, syncPolicy={"automated": {}, "retry": {"limit": 0}})
    message = app.wait_condition("SyncError")
    tap.true(message.startswith(f"Failed last sync attempt to [{sha}]: one or more objects failed to apply, reason: "), message)
    started = app.status()["operationState"]["startedAt"]
    app.refresh()
    tap.equal(app.status()["operationState"]["startedAt"], started)
    repo.write("app/s.yaml", service("s1"))
    app.synced(repo.commit())
    app.wait_no_condition()
    app.delete()


@tap.test
def the_options_of_an_application_can_be_changed_at_any_time():
    repo, _ = two_objects("change")
    repo.write("other/cm.yaml", config_map("o1"))
    sha = repo.commit()
    app = shared().app("change", repo, path="app", automated={"prune": True})
    app.wait(sync="Synced")
    app.patch({"spec": {"source": {"path": "other"}}})
    wait_until("the other path is live", lambda: data_of("change", "o1") == "v" and data_of("change", "c1") is None)
    app.wait(sync="Synced", revision=sha)
    app.patch({"spec": {"syncPolicy": None}})
    repo.write("other/cm.yaml", config_map("o1", {"k": "2"}))
    app.wait(sync="OutOfSync", revision=repo.commit())
    tap.equal(data_of("change", "o1"), "v")
    app.delete()


@tap.test
def fifty_applications_of_one_repository_are_all_synced():
    repo = shared().repo("many")
    for i in range(50):
        repo.write(f"a{i}/cm.yaml", config_map(f"c{i}"))
    repo.commit()
    shared().namespace("many")
    apps = [shared().app(f"many-{i}", repo, path=f"a{i}", namespace="many", automated={}) for i in range(50)]
    for app in apps:
        app.wait(sync="Synced", health="Healthy")
    tap.equal(len([c for c in shared().kube.list("ConfigMap", "many") if c["metadata"]["name"].startswith("c")]), 50)
    for app in apps:
        app.delete(wait=False)
    wait_until("all are gone", lambda: not any(a.get() for a in apps))
    tap.equal([c["metadata"]["name"] for c in shared().kube.list("ConfigMap", "many") if c["metadata"]["name"].startswith("c")], [])


tap.main()
