#!/usr/bin/env python3
"""The command line program: the same commands, output and exit codes as `argocd`."""
import json
import re
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from world import TIPHYS, config_map, deployment, shared, tap, wait_until  # noqa: E402


def run(*args, code=0):
    p = shared().cli(*args, check=False)
    tap.equal(p.returncode, code, f"exit code of {' '.join(args)} ({p.stderr.strip() or p.stdout.strip()})")
    return p.stdout


def words(text):
    return [line.split() for line in text.splitlines() if line.strip()]


def fatal(*args, code=20):
    """The message of the fatal line on standard error."""
    p = shared().cli(*args, check=False)
    tap.equal(p.returncode, code, f"exit code of {' '.join(args)} ({p.stderr.strip() or p.stdout.strip()})")
    line = json.loads(p.stderr.strip().splitlines()[-1])
    tap.equal(line["level"], "fatal")
    return line["msg"]


def repository(name):
    repo = shared().repo(name)
    repo.write("app/cm.yaml", config_map("c1"))
    repo.write("app/dep.yaml", deployment("d1"))
    return repo, repo.commit()


@tap.test
def without_a_server_a_command_says_so():
    tap.equal(fatal("app", "list", code=1), "Argo CD server address unspecified")


@tap.test
def login_with_a_wrong_password_is_refused():
    u = urllib.parse.urlsplit(shared().url)
    tap.equal(fatal("login", u.netloc, "--username", "admin", "--password", "wrong", "--plaintext"),
              "rpc error: code = Unauthenticated desc = Invalid username or password")


@tap.test
def login_keeps_a_context():
    out = shared().login().stdout
    server = urllib.parse.urlsplit(shared().url).netloc
    tap.equal(out, f"'admin:login' logged in successfully\nContext '{server}' updated\n")


@tap.test
def version_names_both_sides():
    tap.contains(run("version", "--client", "--short"), "argocd: ")
    tap.contains(run("version"), "argocd-server: ")


@tap.test
def the_program_answers_to_the_name_argocd():
    link = shared().folder / "argocd"
    link.symlink_to(TIPHYS)
    import subprocess
    p = subprocess.run([str(link), "version", "--client", "--short"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    tap.equal(p.returncode, 0, p.stderr)
    tap.contains(p.stdout, "argocd: ")


@tap.test
def an_application_is_created_synced_and_waited_for():
    repo, sha = repository("cli")
    shared().namespace("cli")
    tap.equal(run("app", "create", "cli", "--repo", repo.url, "--path", "app", "--revision", "HEAD", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", "cli"),
              "application 'cli' created\n")
    out = run("app", "sync", "cli", "--timeout", "60")
    tap.true(["Phase:", "Succeeded"] in words(out), out)
    tap.true(["Message:", "successfully", "synced", "(all", "tasks", "run)"] in words(out), out)
    run("app", "wait", "cli", "--health", "--timeout", "60")
    tap.true("TIMESTAMP" not in run("app", "wait", "cli", "--timeout", "60"), "a heading without a line of progress")
    head = dict(re.findall(r"^([A-Z][\w ]+): +(\S.*)$", run("app", "get", "cli"), re.M))
    tap.equal({k: head.get(k) for k in ("Name", "Project", "Server", "Namespace", "SyncWindow", "Sync Policy", "Sync Status", "Health Status")},
              {"Name": "argocd/cli", "Project": "default", "Server": "https://kubernetes.default.svc", "Namespace": "cli", "SyncWindow": "Sync Allowed",
               "Sync Policy": "Manual", "Sync Status": f"Synced to HEAD ({sha[:7]})", "Health Status": "Healthy"})


@tap.test
def get_prints_the_resources_and_the_object():
    ready = ["apps", "Deployment", "cli", "d1", "Synced", "Healthy", "deployment.apps/d1", "created"]
    wait_until("the row of the Deployment is healthy", lambda: ready in words(run("app", "get", "cli")))  # the tree follows the status
    rows = words(run("app", "get", "cli"))
    tap.true(["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"] in rows, str(rows))
    tap.true(["ConfigMap", "cli", "c1", "Synced", "configmap/c1", "created"] in rows, str(rows))
    app = json.loads(run("app", "get", "cli", "-o", "json"))
    tap.equal((app["metadata"]["name"], app["status"]["sync"]["status"]), ("cli", "Synced"))
    tap.equal(fatal("app", "get", "cli", "-o", "nonsense"), "unknown output format: nonsense")


@tap.test
def list_prints_one_line_for_each():
    rows = words(run("app", "list"))
    tap.equal(rows[0][:8], ["NAME", "CLUSTER", "NAMESPACE", "PROJECT", "STATUS", "HEALTH", "SYNCPOLICY", "CONDITIONS"])
    tap.equal([r[:8] for r in rows if r[0] == "argocd/cli"],
              [["argocd/cli", "https://kubernetes.default.svc", "cli", "default", "Synced", "Healthy", "Manual", "<none>"]])
    tap.equal(run("app", "list", "-o", "name"), "argocd/cli\n")


@tap.test
def diff_shows_what_a_sync_would_change_and_exits_with_1():
    tap.equal(run("app", "diff", "cli"), "")
    shared().kube.patch("ConfigMap", "cli", "c1", {"data": {"k": "drift"}})
    wait_until("the drift is seen", lambda: json.loads(run("app", "get", "cli", "-o", "json"))["status"]["sync"]["status"] == "OutOfSync", pause=0.1)
    out = run("app", "diff", "cli", code=1)
    tap.equal(out, "\n===== /ConfigMap cli/c1 ======\n3c3\n<   k: drift\n---\n>   k: v\n")
    tap.equal(run("app", "diff", "cli", "--exit-code=false"), out)
    tap.equal(run("app", "diff", "cli", "--diff-exit-code", "7", code=7), out)
    run("app", "sync", "cli")
    tap.equal(run("app", "diff", "cli"), "")


@tap.test
def diff_against_another_revision_and_against_a_folder_of_this_machine():
    repo, sha = repository("clidiff")
    shared().namespace("clidiff")
    run("app", "create", "clidiff", "--repo", repo.url, "--path", "app", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", "clidiff")
    run("app", "sync", "clidiff")
    run("app", "wait", "clidiff", "--health", "--timeout", "60")
    repo.write("app/cm.yaml", config_map("c1", {"k": "other"}))
    repo.write("app/new.yaml", config_map("new"))
    repo.commit(branch="next")
    run("app", "get", "clidiff", "--hard-refresh")
    out = run("app", "diff", "clidiff", "--revision", "next", code=1)
    tap.true(out.startswith("\n===== /ConfigMap clidiff/c1 ======\n3c3\n<   k: v\n---\n>   k: other\n\n===== /ConfigMap clidiff/new ======\n0a1,"), out)
    tap.equal(fatal("app", "diff", "clidiff", "--revision", "nope"),
              "rpc error: code = Unknown desc = unable to resolve 'nope' to a commit SHA: revision not found")
    tap.equal(run("app", "diff", "clidiff", "--revision", sha), "")
    local = shared().folder / "home" / "loc"
    local.mkdir()
    (local / "cm.yaml").write_text(json.dumps(config_map("c1", {"k": "local"})))
    (local / "s.yaml").write_text(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}))
    p = shared().cli("app", "diff", "clidiff", "--local", "loc", "--local-repo-root", ".", check=False)
    tap.equal(p.returncode, 1)
    tap.true(p.stdout.startswith("\n===== /ConfigMap clidiff/c1 ======\n3c3\n<   k: v\n---\n>   k: local\n\n===== apps/Deployment clidiff/d1 ======\n1,"), p.stdout)
    tap.contains(p.stderr, "Warning: local diff without --server-side-generate is deprecated")
    tap.contains(p.stderr, "Warning: Secret /s is not supported in local diff and will be ignored")
    out = run("app", "manifests", "clidiff", "--local", "loc")
    tap.contains(out, "argocd.argoproj.io/tracking-id: clidiff:/ConfigMap:clidiff/c1")
    tap.contains(run("app", "manifests", "clidiff", "--revision", "next"), "argocd.argoproj.io/tracking-id: clidiff:/ConfigMap:clidiff/new")
    (local / "s.yaml").unlink()
    out = run("app", "sync", "clidiff", "--local", "loc", "--preview-changes", "--assumeYes", code=1)  # the Deployment requires pruning
    tap.contains(out, "====== Previewing differences between live and desired state of application clidiff ======\n\n===== /ConfigMap clidiff/c1 ======\n3c3\n<   k: v\n")
    tap.equal(shared().kube.get("ConfigMap", "clidiff", "c1")["data"], {"k": "local"})
    run("app", "delete", "clidiff", "--yes")


@tap.test
def sync_of_what_carries_a_label_and_of_chosen_sources():
    repo = shared().repo("clilabel")
    repo.write("a/one.yaml", config_map("one", labels={"team": "x"}))
    repo.write("a/two.yaml", config_map("two"))
    repo.commit()
    ns = shared().namespace("clilabel")
    run("app", "create", "clilabel", "--repo", repo.url, "--path", "a", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", ns)
    run("app", "wait", "clilabel", "--operation", "--timeout", "60")
    run("app", "get", "clilabel", "--refresh")
    tap.equal(fatal("app", "sync", "clilabel", "--label", "team=y", code=1), "No matching resources found for labels: [team=y]")
    tap.contains(run("app", "sync", "clilabel", "--label", "team=x"), "The name of the app is  clilabel\n")
    tap.equal([bool(shared().kube.get("ConfigMap", ns, n)) for n in ("one", "two")], [True, False])
    tap.equal(fatal("app", "sync", "clilabel", "other", "--revisions", "x", code=1),
              "Cannot use --revisions and --source-positions options when 0 or more than 1 application names are passed as argument(s)")
    tap.equal(fatal("app", "sync", "clilabel", "--revisions", "x", "--source-names", "n", "--source-positions", "1", code=1),
              "Only one of source-positions and source-names can be specified.")
    run("app", "delete", "clilabel", "--yes")


@tap.test
def every_source_option_has_its_place_in_the_spec():
    repo, _ = repository("cliopts")
    run("app", "create", "cliopts", "--repo", repo.url, "--path", "app", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", "cliopts", "--validate=false",
        "--jsonnet-tla-str", "a=b", "--jsonnet-ext-var-code", "c=1+1", "--directory-disable-extension-filter", "--auto-prune")
    spec = json.loads(run("app", "get", "cliopts", "-o", "json"))["spec"]
    tap.equal(spec["source"]["directory"], {"jsonnet": {"tlas": [{"name": "a", "value": "b"}], "extVars": [{"name": "c", "value": "1+1", "code": True}]},
                                            "disableExtensionFilter": True})
    tap.equal(spec["syncPolicy"]["automated"], {"enabled": False, "prune": True})
    tap.equal(fatal("app", "set", "cliopts", "--helm-set", "x", code=1), "expected helm parameter of the form param=value but received: x")
    tap.equal(fatal("app", "set", "cliopts", "--kustomize-replica", "x=y", code=1), "expected integer value for count. Received: y")
    tap.equal(fatal("app", "set", "cliopts", "--values-literal-file", "missing.yaml"), "open missing.yaml: no such file or directory")
    run("app", "delete", "cliopts", "--yes")


@tap.test
def history_and_rollback():
    repo_tree = shared().folder / "repos" / "cli.tree"
    from world import Repo
    repo = object.__new__(Repo)
    repo.bare, repo.tree, repo.name, repo.commits = repo_tree.with_suffix(".git"), repo_tree, "cli", 1
    repo.write("app/cm.yaml", config_map("c1", {"k": "2"}))
    repo.commit()
    run("app", "get", "cli", "--refresh")
    run("app", "sync", "cli")
    rows = words(run("app", "history", "cli"))
    ids = run("app", "history", "cli", "-o", "id").split()
    tap.true(["ID", "DATE", "REVISION"] in rows, str(rows))
    tap.equal(ids, sorted(ids, key=int))
    run("app", "rollback", "cli", ids[0], "--timeout", "60")
    tap.equal(shared().kube.get("ConfigMap", "cli", "c1")["data"], {"k": "v"})
    tap.contains(fatal("app", "rollback", "cli", "77"), "does not have deployment")


@tap.test
def an_operation_is_waited_for_until_it_was_compared_again():
    repo, _ = repository("cliwait")
    ns = shared().namespace("cliwait")
    run("app", "create", "cliwait", "--repo", repo.url, "--path", "app", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", ns)
    shas = []
    for i in range(4):
        repo.write("app/cm.yaml", config_map("c1", {"k": str(i)}))
        shas.append(repo.commit())
    for sha in shas:
        run("app", "sync", "cliwait", "--revision", sha, "--timeout", "20")
    for i in range(12):
        time.sleep(0.1 * (i % 5))  # at any part of a second
        run("app", "rollback", "cliwait", run("app", "history", "cliwait", "-o", "id").split()[-4], "--timeout", "20")
        status = shared().kube.get("Application", "argocd", "cliwait")["status"]
        tap.true(status["reconciledAt"] >= status["operationState"]["finishedAt"], "no comparison since the end of the operation")
    run("app", "delete", "cliwait", "--yes")


@tap.test
def a_sync_that_fails_exits_with_1_and_says_why():
    repo = shared().repo("clifail")
    repo.write("app/cm.yaml", config_map("Not_Valid"))
    repo.commit()
    shared().namespace("clifail")
    run("app", "create", "clifail", "--repo", repo.url, "--path", "app", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", "clifail")
    p = shared().cli("app", "sync", "clifail", check=False)
    tap.equal(p.returncode, 1)
    tap.contains(p.stdout, 'ConfigMap "Not_Valid" is invalid: metadata.name')
    tap.contains(p.stderr, "Operation has completed with phase: Failed")
    tap.contains(fatal("app", "wait", "clifail", "--timeout", "2"), 'timed out (2s) waiting for app "clifail" match desired state')
    run("app", "delete", "clifail", "--yes")


@tap.test
def an_application_that_is_not_there_is_not_told_from_one_you_may_not_see():
    for verb in (["get"], ["diff"], ["history"], ["sync"], ["delete", "--yes"]):
        tap.equal(fatal("app", verb[0], "nope", *verb[1:]), "rpc error: code = PermissionDenied desc = permission denied")


@tap.test
def flags_that_cannot_be_are_refused_in_upstreams_words():
    tap.equal(fatal("app", "delete", "-l", "no=such", "--yes"), "no apps match selector no=such")
    tap.equal(fatal("app", "create", "x", "--label", "a=b=c"), "labels should have key=value, but instead got: a=b=c")
    tap.equal(fatal("app", "sync", "cli", "--info", "x"), "labels should have key=value, but instead got: x")
    tap.equal(fatal("app", "diff", "cli", "--server-side-diff-concurrency", "0"),
              "invalid value for --server-side-diff-concurrency: 0 is not allowed (use -1 for unlimited, or a positive number to limit concurrency)")
    tap.equal(fatal("app", "manifests", "cli", "--revisions", "a", "--source-names", "none", code=1), "Unknown source name 'none'")


@tap.test
def one_resource_is_patched_and_deleted():
    only = ["--kind", "ConfigMap", "--resource-name", "c1"]
    p = shared().cli("app", "patch-resource", "cli", *only, "--patch", '{"data":{"p":"1"}}')
    tap.equal((p.stdout, json.loads(p.stderr)["msg"]), ("", "Resource 'c1' patched"))
    tap.equal(shared().kube.get("ConfigMap", "cli", "c1")["data"]["p"], "1")
    tap.equal(fatal("app", "patch-resource", "cli", "--kind", "Nope", "--patch", "{}"), "no matching resource found")
    tap.equal(json.loads(shared().cli("app", "delete-resource", "cli", *only).stderr)["msg"], "Resource 'c1' deleted")
    wait_until("it is gone", lambda: shared().kube.get("ConfigMap", "cli", "c1") is None)
    tap.equal(fatal("app", "delete-resource", "cli", "--kind", "Nope"), "no matching resource found")
    tap.equal(run("app", "confirm-deletion", "cli"), "Application 'cli' updated successfully\n")
    tap.true("argocd.argoproj.io/deletion-approved" in shared().kube.get("Application", "argocd", "cli")["metadata"]["annotations"], "the approval")
    run("app", "sync", "cli")


@tap.test
def a_sync_window_is_told_as_the_project_has_it():
    window = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}
    shared().kube.create({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "windows", "namespace": "argocd"},
                          "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], "syncWindows": [window]}})
    repo, _ = repository("cliwin")
    run("app", "create", "cliwin", "--repo", repo.url, "--path", "app", "--project", "windows", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", "cliwin")
    told = lambda: re.findall(r"^(SyncWindow|Assigned Windows): +(\S.*)$", run("app", "get", "cliwin"), re.M)  # noqa: E731
    tap.equal(told(), [("SyncWindow", "Sync Denied"), ("Assigned Windows", "deny:* * * * *:1h")])
    shared().kube.patch("AppProject", "argocd", "windows", {"spec": {"syncWindows": [{**window, "manualSync": True}]}})
    wait_until("manual syncs are allowed", lambda: told()[0] == ("SyncWindow", "Manual Allowed"))
    tap.true("Assigned Windows" not in run("app", "wait", "cliwin", "--operation", "--timeout", "30"), "waiting does not ask for windows")
    run("app", "delete", "cliwin", "--yes")
    shared().kube.delete("AppProject", "argocd", "windows")


@tap.test
def a_secret_is_never_printed():
    repo = shared().repo("clisecret")
    repo.write("app/s.yaml", {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s1"}, "stringData": {"password": "open-sesame"}})
    repo.commit()
    shared().namespace("clisecret")
    run("app", "create", "clisecret", "--repo", repo.url, "--path", "app", "--dest-server", "https://kubernetes.default.svc", "--dest-namespace", "clisecret",
        "--sync-policy", "auto")
    run("app", "wait", "clisecret", "--sync", "--timeout", "60")
    live = shared().kube.get("Secret", "clisecret", "s1")["data"]
    tap.equal(live, {"password": "b3Blbi1zZXNhbWU="}, "what the cluster got is not masked")
    for out in (run("app", "get", "clisecret", "-o", "json"), run("app", "diff", "clisecret"), run("app", "manifests", "clisecret"),
                run("app", "manifests", "clisecret", "--source", "live"), shared().log()):
        tap.true("open-sesame" not in out and "b3Blbi1zZXNhbWU" not in out, "the secret is in it: " + out[:200])
    run("app", "delete", "clisecret", "--yes")


@tap.test
def delete_removes_the_application_and_its_objects():
    run("app", "delete", "cli", "--yes")
    wait_until("it is gone", lambda: not shared().kube.get("Application", "argocd", "cli"))
    tap.equal(shared().kube.get("ConfigMap", "cli", "c1"), None)


tap.main()
