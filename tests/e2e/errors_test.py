#!/usr/bin/env python3
"""Bad input: each gives one clear condition with Argo CD's type and text, and everything else goes on."""
import base64
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from world import ARGOCD, App, config_map, deployment, shared, tap, wait_until  # noqa: E402

LOAD = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = "


def repository(name, files, **links):
    repo = shared().repo(name)
    for path, content in files.items():
        repo.write(path, content)
    for path, target in links.items():
        repo.link(path.replace("__", "/") + ".yaml", target)
    repo.commit()
    return repo


def comparison_error(name, files, expected, path="app", revision="HEAD", exact=True, **kw):
    """An Application of these files has sync Unknown and exactly this ComparisonError."""
    app = shared().app(name, repository(name, files, **kw), path=path, revision=revision)
    app.wait(sync="Unknown")
    message = app.wait_condition("ComparisonError")
    tap.equal([t for t, _ in app.brief()["conditions"]], ["ComparisonError"])
    if exact:
        tap.equal(message, LOAD + expected)
    else:
        tap.contains(message, expected)
    shared().cli_fails("app", "sync", name, reason=expected)
    return app


GOOD = {"app/cm.yaml": config_map("c1")}


@tap.test
def a_path_that_does_not_exist():
    comparison_error("nopath", GOOD, "Unknown desc = later: app path does not exist", path="later").delete()


@tap.test
def a_path_that_is_absolute():
    comparison_error("abspath", GOOD, "Unknown desc = /app: app path is absolute", path="/app").delete()


@tap.test
def a_path_that_leaves_the_repository():
    comparison_error("outpath", GOOD, "Unknown desc = ../app: app path outside root", path="../app").delete()


@tap.test
def a_path_that_is_a_file():
    comparison_error("filepath", GOOD, "Unknown desc = app/cm.yaml: app path is not a directory", path="app/cm.yaml").delete()


@tap.test
def a_link_that_leaves_the_repository():
    comparison_error("outlink", GOOD, "Unknown desc = repository contains out-of-bounds symlinks. file: app/out.yaml",
                     app__out="../../../../../../etc/passwd").delete()


@tap.test
def a_link_inside_the_repository_is_followed():
    app = shared().app("inlink", repository("inlink", {"other/cm.yaml": config_map("c1")}, app__in="../other/cm.yaml"), path="app")
    app.wait(sync="OutOfSync")
    tap.equal([r["name"] for r in app.status()["resources"]], ["c1"])
    app.delete()


@tap.test
def yaml_that_does_not_parse_names_its_file_and_line():
    comparison_error("badyaml", {"app/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [a\n"},
                     "FailedPrecondition desc = Failed to unmarshal \"cm.yaml\": failed to unmarshal manifest: "
                     "error converting YAML to JSON: yaml: line 4: did not find expected ',' or ']'").delete()


@tap.test
def json_that_does_not_parse_names_its_file():
    comparison_error("badjson", {"app/cm.json": '{"apiVersion": "v1", "kind": "ConfigMap", }'},
                     'FailedPrecondition desc = Failed to unmarshal "cm.json": invalid character \'}\' looking for beginning of object key string').delete()


@tap.test
def a_yaml_file_that_holds_a_list():
    comparison_error("yamllist", {"app/x.yaml": "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: a\n"},
                     'FailedPrecondition desc = Failed to unmarshal "x.yaml": failed to unmarshal manifest: error unmarshaling JSON: '
                     "while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {}").delete()


@tap.test
def a_bomb_of_aliases_is_refused_in_bounded_time_and_memory():
    lines = ["apiVersion: v1", "kind: ConfigMap", "metadata: {name: bomb}", "a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [" + ", ".join([f"*a{i - 1}"] * 10) + "]" for i in range(1, 10)]
    began = time.monotonic()
    app = comparison_error("bomb", {"app/x.yaml": "\n".join(lines) + "\n"}, 'Failed to unmarshal "x.yaml"', exact=False)
    tap.true(time.monotonic() - began < 15, "it took long")
    app.delete()


@tap.test
def a_million_documents_are_read_or_refused_in_bounded_time():
    app = shared().app("million", repository("million", {"app/x.yaml": "---\na: 1\n" * 1_000_000}), path="app")
    app.wait(sync="Synced", health="Healthy")  # a file without a resource is somebody else's
    tap.equal((app.brief()["conditions"], app.status().get("resources") or []), ([], []))
    app.delete()


@tap.test
def more_manifests_than_may_be_read_are_refused():
    one = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
    began = time.monotonic()
    app = comparison_error("huge", {"app/x.yaml": one * (11_000_000 // len(one))},
                           "Unknown desc = failed to get potentially valid manifests: exceeded max combined manifest file size")
    tap.true(time.monotonic() - began < 15, "it took long")
    app.delete()


@tap.test
def a_repository_of_many_files_is_read_where_it_concerns_the_application():
    files = {f"other/d{i % 100}/f{i}.yaml": f"a: {i}\n" for i in range(4_000)}
    began = time.monotonic()
    app = shared().app("manyfiles", repository("manyfiles", files | GOOD), path="app", automated={})
    app.wait(sync="Synced", health="Healthy", timeout=60)
    tap.comment(f"{time.monotonic() - began:.1f} s with the commit")
    app.delete()


@tap.test
def of_a_duplicate_key_the_last_wins():
    app = shared().app("dupkey", repository("dupkey", {"app/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ndata:\n  k: a\n  k: b\n"}), path="app")
    app.wait(sync="OutOfSync")
    app.sync()
    tap.equal(shared().kube.get("ConfigMap", "dupkey", "d")["data"], {"k": "b"})
    app.delete()


@tap.test
def an_object_without_kind_is_left_out():
    app = shared().app("nokind", repository("nokind", {"app/x.yaml": "apiVersion: v1\nmetadata:\n  name: x\n"}), path="app")
    app.wait(sync="Synced", health="Healthy")
    tap.equal((app.brief()["conditions"], app.status().get("resources") or []), ([], []))
    app.delete()


@tap.test
def an_object_without_a_name_is_out_of_sync():
    app = shared().app("noname", repository("noname", {"app/x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels:\n    a: b\n"}), path="app")
    app.wait(sync="OutOfSync", health="Missing")
    tap.equal([(r["kind"], r.get("name")) for r in app.status()["resources"]], [("ConfigMap", None)])
    app.delete()


@tap.test
def the_same_object_twice_gives_a_warning_and_the_last_wins():
    app = shared().app("twice", repository("twice", {"app/a.yaml": config_map("c1", {"k": "first"}), "app/b.yaml": config_map("c1", {"k": "second"})}), path="app")
    tap.equal(app.wait_condition("RepeatedResourceWarning"), "Resource /ConfigMap/twice/c1 appeared 2 times among application resources.")
    app.sync()
    tap.equal(shared().kube.get("ConfigMap", "twice", "c1")["data"], {"k": "second"})
    app.delete()


@tap.test
def a_kind_the_cluster_does_not_serve_fails_the_sync_and_names_it():
    app = shared().app("unkind", repository("unkind", GOOD | {"app/x.yaml": {"apiVersion": "nope.example.com/v1", "kind": "Nope", "metadata": {"name": "x"}}}), path="app")
    app.wait(sync="OutOfSync")
    op = app.sync()
    tap.equal(op["phase"], "Failed")
    tap.contains([r["message"] for r in op["syncResult"]["resources"] if r["kind"] == "Nope"][0],
                 "The Kubernetes API could not find nope.example.com/Nope for requested resource unkind/x.")
    shared().cli_fails("app", "sync", "unkind", reason="The Kubernetes API could not find nope.example.com/Nope")
    tap.equal(shared().kube.get("ConfigMap", "unkind", "c1"), None, "the other object")
    app.delete()


@tap.test
def a_name_the_api_server_refuses_fails_the_sync_with_its_reason():
    app = shared().app("badname", repository("badname", {"app/x.yaml": config_map("Not_Valid")}), path="app")
    app.wait(sync="OutOfSync")
    op = app.sync()
    tap.equal(op["phase"], "Failed")
    tap.contains(op["message"], 'one or more objects failed to apply, reason: ConfigMap "Not_Valid" is invalid: metadata.name: Invalid value: "Not_Valid": ')
    shared().cli_fails("app", "sync", "badname", reason='ConfigMap "Not_Valid" is invalid')
    app.delete()


@tap.test
def a_change_the_api_server_refuses_fails_the_sync_and_leaves_the_object():
    repo = repository("immutable", {"app/d.yaml": deployment("web")})
    app = shared().app("immutable", repo, path="app")
    app.wait(sync="OutOfSync")
    tap.equal(app.sync()["phase"], "Succeeded")
    other = deployment("web")
    other["spec"]["selector"]["matchLabels"] = other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    repo.write("app/d.yaml", other)
    app.wait(sync="OutOfSync", revision=repo.commit())
    op = app.sync()
    tap.equal(op["phase"], "Failed")
    tap.contains(op["message"], 'Deployment.apps "web" is invalid: spec.selector: Invalid value: ')
    tap.contains(op["message"], "field is immutable")
    tap.equal(shared().kube.get("Deployment", "immutable", "web")["spec"]["selector"]["matchLabels"], {"app": "web"})
    shared().cli_fails("app", "sync", "immutable", reason="field is immutable")
    app.delete()


@tap.test
def a_revision_that_does_not_exist():
    for name, revision in (("norev", "no-such-branch"), ("noconstraint", ">=9.0.0")):
        comparison_error(name, GOOD, f"Unknown desc = unable to resolve '{revision}' to a commit SHA: revision not found", revision=revision).delete()


@tap.test
def a_repository_that_does_not_exist():
    app = shared().app("norepo", f"file://{shared().folder}/repos/never.git", path="app")
    app.wait(sync="Unknown")
    tap.equal(app.wait_condition("ComparisonError"), LOAD + "Unknown desc = failed to list refs: repository not found")
    shared().cli_fails("app", "sync", "norepo", reason="failed to list refs: repository not found")
    app.delete()


@tap.test
def a_repository_without_a_commit():
    repo = shared().repo("nocommit")
    app = shared().app("nocommit", repo, path="app")
    app.wait(sync="Unknown")
    app.wait_condition("ComparisonError")
    repo.write("app/cm.yaml", config_map("c1"))
    repo.commit()
    app.wait(sync="OutOfSync")
    app.wait_no_condition()
    app.delete()


@tap.test
def a_host_that_does_not_answer_and_the_others_go_on():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        closed = s.getsockname()[1]
    other = shared().app("bystander", repository("bystander", GOOD), path="app", automated={})
    app = shared().app("nohost", f"http://127.0.0.1:{closed}/x.git", path="app")
    app.wait(sync="Unknown")
    message = app.wait_condition("ComparisonError")
    tap.true(message.startswith(LOAD + "Unknown desc = failed to list refs: "), message)
    tap.contains(message, "connection refused")
    shared().cli_fails("app", "sync", "nohost", reason="connection refused")
    other.wait(sync="Synced", health="Healthy")
    app.delete()
    other.delete()


class GitServer(http.server.ThreadingHTTPServer):
    """git's own http-backend, behind a password if one is given; hang: accepts and never answers."""
    daemon_threads = True

    def __init__(self, folder, password=None, hang=False):
        self.folder, self.password, self.hang, self.requests = folder, password, hang, []
        super().__init__(("127.0.0.1", 0), GitHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, repo):
        return f"http://127.0.0.1:{self.server_address[1]}/{repo}.git"


class GitHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        s = self.server
        s.requests.append(self.path)
        if s.hang:
            time.sleep(600)
        if s.password and self.headers.get("Authorization") != "Basic " + base64.b64encode(f"dev:{s.password}".encode()).decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.body()
        env = {"GIT_PROJECT_ROOT": str(s.folder), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
               "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)), "PATH": os.environ["PATH"],
               "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
               "REMOTE_ADDR": "127.0.0.1"}
        out = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE).stdout
        head, _, content = out.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for k, v in headers.items():
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


@tap.test
def a_repository_over_http_is_read():
    repo = repository("overhttp", GOOD)
    server = GitServer(repo.bare.parent)
    app = shared().app("overhttp", server.url("overhttp"), path="app", automated={})
    app.wait(sync="Synced", health="Healthy")
    app.delete()
    server.shutdown()


@tap.test
def one_repository_is_asked_once_a_poll_however_many_applications_use_it():
    repo = repository("asked", GOOD)
    server = GitServer(repo.bare.parent)
    shared().namespace("asked")
    apps = [shared().app(f"asked-{i}", server.url("asked"), path="app", namespace="asked") for i in range(10)]
    for app in apps:
        app.wait(sync="OutOfSync")
    time.sleep(1)
    before, began = len(server.requests), time.monotonic()
    time.sleep(5)
    polls = (time.monotonic() - began) / 1
    asked = [r for r in server.requests[before:] if "info/refs" in r]
    tap.true(0 < len(asked) <= polls + 2, f"{len(asked)} requests in {polls:.1f} polls of 1 s")
    for app in apps:
        app.delete()
    server.shutdown()


@tap.test
def a_repository_that_wants_a_password_says_so_and_works_with_one():
    repo = repository("secret", GOOD)
    server = GitServer(repo.bare.parent, password="open-sesame")
    app = shared().app("secret", server.url("secret"), path="app")
    app.wait(sync="Unknown")
    message = app.wait_condition("ComparisonError")
    tap.contains(message, "authentication required")
    shared().cli_fails("app", "sync", "secret", reason="authentication required")
    shared().kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "repo-secret", "namespace": ARGOCD,
                          "labels": {"argocd.argoproj.io/secret-type": "repository"}},
                          "stringData": {"type": "git", "url": server.url("secret"), "username": "dev", "password": "open-sesame"}})
    app.wait(sync="OutOfSync")
    app.wait_no_condition()
    shared().kube.delete("Secret", ARGOCD, "repo-secret")
    tap.true("open-sesame" not in shared().log(), "the password is in the log")
    app.delete()
    server.shutdown()


@tap.test
def a_server_that_hangs_holds_up_nobody_else():
    repo = repository("hangs", GOOD)
    server = GitServer(repo.bare.parent, hang=True)
    app = shared().app("hangs", server.url("hangs"), path="app")
    wait_until("it was asked", lambda: server.requests)
    other = shared().app("besides", repository("besides", GOOD), path="app", automated={})
    other.wait(sync="Synced", health="Healthy")
    other.delete()
    app.delete()
    server.shutdown()


@tap.test
def a_broken_commit_changes_nothing_and_the_condition_goes_with_its_cause():
    repo = repository("heals", GOOD)
    app = shared().app("heals", repo, path="app", automated={"prune": True, "selfHeal": True})
    app.wait(sync="Synced", health="Healthy")
    before = shared().kube.get("ConfigMap", "heals", "c1")
    repo.write("app/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [\n")
    repo.commit()
    tap.contains(app.wait_condition("ComparisonError"), 'Failed to unmarshal "cm.yaml"')
    tap.equal(shared().kube.get("ConfigMap", "heals", "c1")["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"])
    repo.write("app/cm.yaml", config_map("c1", {"k": "2"}))
    app.wait(sync="Synced", revision=repo.commit())
    app.wait_no_condition()
    tap.equal(shared().kube.get("ConfigMap", "heals", "c1")["data"], {"k": "2"})
    app.delete()


def invalid_spec(name, spec, expected, refused=None):
    """refused: what a sync of such an application answers; the condition's text if not given."""
    shared().kube.create({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": name, "namespace": ARGOCD}, "spec": spec})
    app = App(shared(), name)
    shared().apps.append(app)
    tap.equal(app.wait_condition("InvalidSpecError"), expected)
    app.wait(sync="Unknown", health="Unknown")
    op = app.sync()
    tap.equal((op["phase"], op["message"]), ("Error", refused or expected))
    app.delete()


def spec_of(repo, **changes):
    spec = {"project": "default", "source": {"repoURL": repo.url, "path": "app"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "spec"}}
    spec.update(changes)
    return spec


@tap.test
def a_spec_that_cannot_be_says_what_is_missing():
    repo = repository("spec", GOOD)
    shared().namespace("spec")
    invalid_spec("spec-nodest", spec_of(repo, destination={"namespace": "spec"}), "Destination server missing from app spec")
    invalid_spec("spec-both", spec_of(repo, destination={"namespace": "spec", "server": "https://kubernetes.default.svc", "name": "in-cluster"}),
                 "application destination can't have both name and server defined: in-cluster https://kubernetes.default.svc")
    invalid_spec("spec-where", spec_of(repo, destination={"namespace": "spec", "name": "nowhere"}), "there are no clusters with this name: nowhere")
    invalid_spec("spec-proj", spec_of(repo, project="ghost"), "Application referencing project ghost which does not exist",
                 'Failed to load application project: error getting app project "ghost": appproject.argoproj.io "ghost" not found')
    missing = "spec.source.repoURL and either spec.source.path or spec.source.chart are required"
    nothing = {k: v for k, v in spec_of(repo).items() if k != "source"}
    invalid_spec("spec-nosource", nothing, missing,
                 "ComparisonError: Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
                 f"failed to list refs: repository not found;InvalidSpecError: {missing}")


@tap.test
def a_sync_without_a_namespace_tells_the_stored_and_the_found_error():
    repo = repository("nons", GOOD)
    spec = spec_of(repo, destination={"server": "https://kubernetes.default.svc"})
    shared().kube.create({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "nons", "namespace": ARGOCD}, "spec": spec})
    app = App(shared(), "nons")
    shared().apps.append(app)
    text = "Namespace for c1 /v1, Kind=ConfigMap is missing."
    tap.equal(app.wait_condition("InvalidSpecError"), text)
    op = app.sync()
    tap.equal((op["phase"], op["message"]), ("Error", f"InvalidSpecError: {text};InvalidSpecError: {text}"))
    app.delete()


@tap.test
def the_product_is_still_the_same_process():
    tap.true(shared().running(), "tiphys has ended")
    tap.equal(len(shared().starts), 1)


@tap.test
def it_ends_on_sigterm_while_a_git_server_hangs():
    server = GitServer(repository("lasthang", GOOD).bare.parent, hang=True)
    app = shared().app("lasthang", server.url("lasthang"), path="app")
    wait_until("it was asked", lambda: server.requests)
    app.delete()
    began = time.monotonic()
    tap.equal(shared().stop(), 0)
    tap.true(time.monotonic() - began < 5, f"it took {time.monotonic() - began:.1f} s")
    server.shutdown()


tap.main()
