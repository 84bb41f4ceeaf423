#!/usr/bin/env python3
"""Helm sources whose parts lie in more than one place: value files of other sources and servers, charts of repositories and registries,
dependencies. Texts are Argo CD's."""
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import charts  # noqa: E402
from charts import chart  # noqa: E402
from world import ARGOCD, config_map, shared, tap, wait_until  # noqa: E402

LOAD = "Failed to load target state: "
SOURCE = LOAD + "failed to generate manifest for source %d of %d: rpc error: code = Unknown desc = "
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-cm
data:
  a: {{ .Values.a | quote }}
  file: {{ .Values.file | default "" | quote }}
"""


def chart_files(name="mychart", version="1.0.0", folder="app/", more=""):
    return {f"{folder}Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n{more}", f"{folder}values.yaml": "a: default\n",
            f"{folder}templates/cm.yaml": TEMPLATE}


def repository(name, files):
    repo = shared().repo(name)
    for path, text in files.items():
        repo.write(path, text)
    return repo, repo.commit()


def data_of(namespace, name):
    return (shared().kube.get("ConfigMap", namespace, name) or {}).get("data")


def application(name, sources, automated=True):
    """An Application of these sources, in a namespace of its own name."""
    w = shared()
    w.namespace(name)
    spec = {"project": "default", "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
            **({"sources": sources} if isinstance(sources, list) else {"source": sources}),
            **({"syncPolicy": {"automated": {}}} if automated else {})}
    return w.app_of(name, spec)


def revisions(app):
    return (app.status().get("sync") or {}).get("revisions")


def error_of(app):
    """The one condition of an application that cannot be rendered; asked often enough it is answered from memory."""
    app.wait(sync="Unknown")
    message = app.wait_condition("ComparisonError")
    tap.equal([t for t, _ in app.brief()["conditions"]], ["ComparisonError"])
    return message.replace("Manifest generation error (cached): ", "")


def two_sources(name, value_file="$vals/v/values.yaml", **ref):
    chart, sha = repository(name + "-chart", chart_files())
    values, values_sha = repository(name + "-values", {"v/values.yaml": "a: one\n", "other.yaml": "x: 1\n"})
    app = application(name, [{"repoURL": chart.url, "path": "app", "targetRevision": "HEAD", "helm": {"valueFiles": [value_file]}},
                             {"repoURL": values.url, "targetRevision": "HEAD", "ref": "vals", **ref}])
    return app, chart, values, [sha, values_sha]


@tap.test
def value_files_of_another_source_are_read_and_read_again_when_they_change():
    app, chart, values, shas = two_sources("refs")
    app.wait(sync="Synced")
    tap.equal((revisions(app), app.status()["sourceTypes"]), (shas, ["Helm", ""]))
    tap.equal(data_of("refs", "refs-cm")["a"], "one")
    values.write("v/values.yaml", "a: two\n")
    shas[1] = values.commit()
    wait_until("the new value is there", lambda: data_of("refs", "refs-cm")["a"] == "two")
    wait_until("both revisions are told", lambda: revisions(app) == shas)
    values.write("other.yaml", "x: 2\n")  # nobody reads it: the revision moves, the objects stay
    shas[1] = values.commit()
    wait_until("the revision moves", lambda: revisions(app) == shas)
    app.wait(sync="Synced")
    tap.equal(data_of("refs", "refs-cm")["a"], "two")
    chart.write("app/values.yaml", "a: default\nfile: chart\n")
    shas[0] = chart.commit()
    wait_until("a commit of the chart is there", lambda: data_of("refs", "refs-cm") == {"a": "two", "file": "chart"})
    wait_until("both revisions are told", lambda: revisions(app) == shas)
    app.delete()


@tap.test
def a_value_file_that_is_missing_is_told_and_taken_when_it_comes():
    app, _, values, _ = two_sources("refmissing", "$vals/later.yaml")
    tap.contains(error_of(app), "Error: open <path to cached source>/later.yaml: no such file or directory")
    values.write("later.yaml", "a: came\n")
    values.commit()
    wait_until("the value is there", lambda: (data_of("refmissing", "refmissing-cm") or {}).get("a") == "came")
    app.wait_no_condition()
    app.delete()


@tap.test
def globs_and_file_parameters_of_another_source():
    chart, _ = repository("refglob-chart", chart_files())
    values, _ = repository("refglob-values", {"v/a.yaml": "a: first\n", "v/b.yaml": "a: last\n", "data.txt": "content"})
    app = application("refglob", [
        {"repoURL": chart.url, "path": "app", "helm": {"valueFiles": ["$vals/v/*.yaml"], "fileParameters": [{"name": "file", "path": "$vals/data.txt"}]}},
        {"repoURL": values.url, "ref": "vals"}])
    app.wait(sync="Synced")
    tap.equal(data_of("refglob", "refglob-cm"), {"a": "last", "file": "content"})
    app.delete()


@tap.test
def a_source_that_others_refer_to_may_have_objects_of_its_own():
    chart, _ = repository("refown-chart", chart_files())
    values, _ = repository("refown-values", {"v/values.yaml": "a: one\n", "plain/x.yaml": config_map("plain")})
    app = application("refown", [{"repoURL": chart.url, "path": "app", "helm": {"valueFiles": ["$vals/v/values.yaml"]}},
                                 {"repoURL": values.url, "path": "plain", "ref": "vals"}])
    app.wait(sync="Synced")
    tap.equal(app.status()["sourceTypes"], ["Helm", "Directory"])
    tap.equal((data_of("refown", "refown-cm")["a"], data_of("refown", "plain")), ("one", {"k": "v"}))
    app.delete()


@tap.test
def a_name_nobody_has_is_told_with_those_there_are():
    app, *_ = two_sources("refunknown", "$zzz/v/values.yaml")
    tap.equal(error_of(app), SOURCE % (1, 2) + "source referenced \"$zzz\", which is not one of the available sources ($vals)")
    app.delete()


@tap.test
def a_name_that_cannot_be_is_told():
    chart, _ = repository("refname-chart", chart_files())
    app = application("refname", [{"repoURL": chart.url, "path": "app"}, {"repoURL": chart.url, "path": "app", "ref": "bad name!"}])
    tap.equal(error_of(app), LOAD + "failed to get ref sources: sources.ref bad name! cannot contain any special characters except '_' and '-'")
    app.delete()


@tap.test
def a_name_that_two_sources_have_is_told():
    chart, _ = repository("reftwice-chart", chart_files())
    source = {"repoURL": chart.url, "ref": "vals"}
    app = application("reftwice", [{"repoURL": chart.url, "path": "app", "helm": {"valueFiles": ["$vals/app/values.yaml"]}}, source, source])
    tap.equal(error_of(app), LOAD + "failed to get ref sources: invalid sources: multiple sources had the same `ref` key")
    app.delete()


@tap.test
def a_value_file_outside_of_the_other_repository_is_refused():
    app, *_ = two_sources("refoutside", "$vals/../../etc/passwd")
    tap.equal(error_of(app), SOURCE % (1, 2) + "error resolving helm value files: error resolving value file path: error resolving value file path: "
              "file '/../../etc/passwd' resolved to outside repository root")
    app.delete()


@tap.test
def a_repository_that_is_gone_is_one_condition_and_others_go_on():
    chart, _ = repository("refgone-chart", chart_files())
    app = application("refgone", [{"repoURL": chart.url, "path": "app", "helm": {"valueFiles": ["$vals/v/values.yaml"]}},
                                  {"repoURL": chart.url + "-gone", "ref": "vals"}])
    tap.equal(error_of(app), SOURCE % (1, 2) + f"failed to get git client for repo {chart.url}-gone")
    other = application("refgone-other", {"repoURL": chart.url, "path": "app"})
    other.wait(sync="Synced")
    for a in (app, other):
        a.delete()


# --- charts of repositories and registries


def secret(name, **fields):
    """A repository Secret of this name; fields as Argo CD's."""
    shared().kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "repo-" + name, "namespace": ARGOCD,
                         "labels": {"argocd.argoproj.io/secret-type": "repository"}}, "stringData": {"name": name, "type": "helm", **fields}})


def chart_source(server, name, revision, **helm):
    return {"repoURL": server.url, "chart": name, "targetRevision": revision, **({"helm": helm} if helm else {})}


def version_of(namespace, name):
    return (data_of(namespace, name) or {}).get("version")


@tap.test
def a_chart_of_a_repository_is_synced_and_a_new_version_within_its_constraint_follows():
    with charts.Server() as s:
        for version in ("1.0.0", "1.2.0", "2.0.0"):
            s.add(chart("web", version))
        app = application("chart", chart_source(s, "web", "1.x", valuesObject={"a": "mine"}))
        app.synced("1.2.0")
        tap.equal((data_of("chart", "chart-web"), app.status()["sourceType"]), ({"a": "mine", "version": "1.2.0"}, "Helm"))
        s.add(chart("web", "1.3.0"))
        app.synced("1.3.0")
        tap.equal(version_of("chart", "chart-web"), "1.3.0")
        s.add(chart("web", "2.1.0"))  # outside
        time.sleep(2)
        tap.equal(app.brief()["revision"], "1.3.0")
        app.delete()


@tap.test
def an_exact_version_needs_its_repository_once():
    with charts.Server() as s:
        s.add(chart("web", "1.0.0"))
        app = application("exact", chart_source(s, "web", "1.0.0"))
        app.synced("1.0.0")
        asked = len(s.log)
        s.down = True
        time.sleep(2.5)
        app.refresh()
        tap.equal((len(s.log), app.brief()["sync"], app.brief()["conditions"]), (asked, "Synced", []))
        app.delete()


@tap.test
def a_chart_of_a_registry_is_synced_and_a_new_version_follows():
    with charts.Server() as s:
        s.add(chart("web", "1.0.0"))
        s.add(chart("web", "1.1.0+build.5"))
        secret("oci", url=s.registry, enableOCI="true", insecureOCIForceHttp="true")
        app = application("oci", {"repoURL": s.registry, "chart": "web", "targetRevision": ">=1.0.0"})
        app.synced("1.1.0+build.5")
        tap.equal((version_of("oci", "oci-web"), app.status()["sourceType"]), ("1.1.0+build.5", "Helm"))
        s.add(chart("web", "1.4.0"))
        app.synced("1.4.0")
        app.delete()


@tap.test
def a_layer_with_a_wrong_digest_is_refused():
    with charts.Server() as s:
        s.add(chart("web", "1.0.0"))
        s.wrong_digest = True
        secret("ocibad", url=s.registry, enableOCI="true", insecureOCIForceHttp="true")
        app = application("ocibad", {"repoURL": s.registry, "chart": "web", "targetRevision": "1.0.0"})
        message = error_of(app)
        tap.contains(message, SOURCE % (1, 1) + f"error pulling OCI chart: failed to pull OCI chart: failed running helm: `helm pull oci://{s.registry}/web "
                     "--version 1.0.0` failed exit status 1: Error: ")
        tap.contains(message, "digest")
        s.wrong_digest = False
        app.refresh("hard")
        app.synced("1.0.0")
        app.delete()


@tap.test
def what_a_repository_has_not_is_told():
    with charts.Server() as s:
        s.add(chart("web", "1.0.0"))
        missing, none = application("nochart", chart_source(s, "db", "1.x")), application("noversion", chart_source(s, "web", "9.x"))
        exact = application("noexact", chart_source(s, "web", "1.5.0"))
        tap.equal(error_of(missing), SOURCE % (1, 1) + "chart 'db' not found in index")
        tap.equal(error_of(none), SOURCE % (1, 1) + "invalid revision: version matching constraint not found in 1 tags")
        tap.equal(error_of(exact), SOURCE % (1, 1) + f"error fetching chart: failed to fetch chart: failed running helm: `helm pull --version 1.5.0 "
                  f"--repo {s.url} web` failed exit status 1: Error: chart \"web\" version \"1.5.0\" not found in {s.url} repository")
        s.add(chart("web", "9.1.0"))
        none.synced("9.1.0")
        for app in (missing, none, exact):
            app.delete()


@tap.test
def bad_credentials_are_told_and_good_ones_are_taken_at_once():
    with charts.Server(user="me", password="right") as s:
        s.add(chart("web", "1.0.0"))
        secret("private", url=s.url, username="me", password="wrong")
        app = application("private", chart_source(s, "web", "1.x"))
        message = error_of(app)
        tap.equal(message, SOURCE % (1, 1) + "error loading repo index: failed to get index: 401 Unauthorized")
        secret("private", url=s.url, username="me", password="right")
        app.synced("1.0.0")
        app.delete()


@tap.test
def a_certificate_nobody_knows_is_told_and_trusted_when_the_config_map_has_it():
    with tempfile.TemporaryDirectory() as folder:
        cert, key = Path(folder, "cert.pem"), Path(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=charts",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
        Path(folder, "both.pem").write_text(cert.read_text() + key.read_text(), encoding="utf-8")
        with charts.Server(certificate=Path(folder, "both.pem")) as s:
            s.add(chart("web", "1.0.0"))
            app = application("tls", chart_source(s, "web", "1.x"))
            tap.equal(error_of(app), SOURCE % (1, 1) + f"error loading repo index: error making HTTP request: Get \"{s.url}/index.yaml\": tls: failed to "
                      "verify certificate: x509: certificate signed by unknown authority")
            shared().kube.patch("ConfigMap", ARGOCD, "argocd-tls-certs-cm", {"data": {"127.0.0.1": cert.read_text()}})
            app.refresh()
            app.synced("1.0.0")
            app.delete()
            shared().kube.patch("ConfigMap", ARGOCD, "argocd-tls-certs-cm", {"data": {"127.0.0.1": None}})


@tap.test
def a_repository_that_goes_away_is_one_condition_and_others_go_on():
    with charts.Server() as s, charts.Server() as other:
        for server in (s, other):
            server.add(chart("web", "1.0.0"))
        app, good = application("away", chart_source(s, "web", "1.x")), application("away-good", chart_source(other, "web", "1.x"))
        app.synced("1.0.0")
        good.synced("1.0.0")
        s.down = True
        tap.contains(app.wait_condition("ComparisonError"), SOURCE % (1, 1) + "error loading repo index: error making HTTP request: ")
        other.add(chart("web", "1.1.0"))
        good.synced("1.1.0")
        s.down = False
        app.wait(sync="Synced")
        app.wait_no_condition()
        for a in (app, good):
            a.delete()


@tap.test
def a_chart_with_value_files_of_a_repository():
    with charts.Server() as s:
        s.add(chart("web", "1.0.0"))
        values, sha = repository("chartvalues", {"prod/v.yaml": "a: one\n"})
        app = application("chartvalues", [chart_source(s, "web", "1.x", valueFiles=["$v/prod/v.yaml"]),
                                          {"repoURL": values.url, "targetRevision": "main", "ref": "v"}])
        app.wait(sync="Synced")
        tap.equal((data_of("chartvalues", "chartvalues-web"), revisions(app), app.status()["sourceTypes"]),
                  ({"a": "one", "version": "1.0.0"}, ["1.0.0", sha], ["Helm", ""]))
        values.write("prod/v.yaml", "a: two\n")
        sha = values.commit()
        wait_until("the new value is there", lambda: data_of("chartvalues", "chartvalues-web")["a"] == "two")
        s.add(chart("web", "1.1.0"))
        wait_until("the new chart is there", lambda: data_of("chartvalues", "chartvalues-web") == {"a": "two", "version": "1.1.0"})
        wait_until("both revisions are told", lambda: revisions(app) == ["1.1.0", sha])
        values.write("unread.txt", "x")
        sha = values.commit()
        wait_until("a revision moves", lambda: revisions(app) == ["1.1.0", sha])
        app.delete()


# --- value files by URL


@tap.test
def a_value_file_of_another_server():
    with charts.Server() as s:
        s.files["/v.yaml"] = "a: remote\n"
        repo, _ = repository("url", chart_files())
        app = application("url", {"repoURL": repo.url, "path": "app", "helm": {"valueFiles": [s.url + "/v.yaml"],
                                                                              "fileParameters": [{"name": "file", "path": s.url + "/v.yaml"}]}})
        app.wait(sync="Synced")
        tap.equal(data_of("url", "url-cm"), {"a": "remote", "file": "a: remote\n"})
        s.files["/v.yaml"] = "a: later\n"
        app.refresh("hard")
        app.wait(sync="OutOfSync")  # of a revision that was synced already: nothing starts by itself
        app.sync()
        tap.equal(data_of("url", "url-cm")["a"], "later")
        app.delete()


@tap.test
def a_value_file_that_another_server_has_not():
    with charts.Server() as s:
        repo, _ = repository("nourl", chart_files())
        app = application("nourl", {"repoURL": repo.url, "path": "app", "helm": {"valueFiles": [s.url + "/none.yaml"]}})
        message = error_of(app)
        tap.contains(message, f"--values {s.url}/none.yaml")
        tap.contains(message, f"failed exit status 1: Error: failed to fetch {s.url}/none.yaml : 404 Not Found")
        app.delete()


@tap.test
def schemes_of_value_files_are_those_of_the_settings():
    w = shared()
    with charts.Server() as s:
        repo, _ = repository("scheme", chart_files())
        w.kube.patch("ConfigMap", ARGOCD, "argocd-cm", {"data": {"helm.valuesFileSchemes": "https"}})
        try:
            app = application("scheme", {"repoURL": repo.url, "path": "app", "helm": {"valueFiles": [s.url + "/v.yaml"]}})
            tap.equal(error_of(app), SOURCE % (1, 1) + "error resolving helm value files: error resolving value file path: the URL scheme 'http' is not allowed")
            tap.equal(s.log, [])
            app.delete()
        finally:
            w.kube.patch("ConfigMap", ARGOCD, "argocd-cm", {"data": {"helm.valuesFileSchemes": None}})


# --- dependencies


def lock(wanted, locked):
    """Chart.lock as helm writes it: the digest is over both lists."""
    text = json.dumps([wanted, locked], separators=(",", ":"))
    return json.dumps({"dependencies": locked, "digest": "sha256:" + hashlib.sha256(text.encode()).hexdigest(), "generated": "2024-01-01T00:00:00Z"})


def umbrella(name, dependency, more_files=None):
    more = "dependencies:\n- " + json.dumps(dependency) + "\n"
    repo, _ = repository(name, {**chart_files(more=more), **(more_files or {})})
    return repo


@tap.test
def dependencies_are_built_from_the_lock():
    with charts.Server() as s:
        s.add(chart("redis", "1.0.0"))
        s.add(chart("redis", "1.5.0"))
        secret("deps", url=s.url)
        wanted = {"name": "redis", "version": "1.x", "repository": s.url}
        locked = {"name": "redis", "version": "1.0.0", "repository": s.url}
        repo = umbrella("locked", {**wanted, "repository": "@deps"}, {"app/Chart.lock": lock([wanted], [locked])})
        app = application("locked", {"repoURL": repo.url, "path": "app", "helm": {"valuesObject": {"redis": {"a": "sub"}}}})
        app.wait(sync="Synced")
        tap.equal(data_of("locked", "locked-redis"), {"a": "sub", "version": "1.0.0"})
        app.delete()


@tap.test
def dependencies_without_a_lock_take_the_highest_version():
    with charts.Server() as s:
        s.add(chart("redis", "1.0.0"))
        s.add(chart("redis", "1.5.0"))
        repo = umbrella("unlocked", {"name": "redis", "version": "1.x", "repository": s.url})
        app = application("unlocked", {"repoURL": repo.url, "path": "app"})
        app.wait(sync="Synced")
        tap.equal(version_of("unlocked", "unlocked-redis"), "1.5.0")
        app.delete()


@tap.test
def a_dependency_of_a_registry():
    with charts.Server(user="me", password="right") as s:
        s.add(chart("redis", "1.5.0"))
        secret("ocideps", url=s.registry, enableOCI="true", insecureOCIForceHttp="true", username="me", password="right")
        repo = umbrella("ocidep", {"name": "redis", "version": "1.x", "repository": "oci://" + s.registry})
        app = application("ocidep", {"repoURL": repo.url, "path": "app"})
        app.wait(sync="Synced")
        tap.equal(version_of("ocidep", "ocidep-redis"), "1.5.0")
        app.delete()


@tap.test
def a_lock_that_is_out_of_sync_is_told():
    with charts.Server() as s:
        s.add(chart("redis", "1.0.0"))
        wanted = {"name": "redis", "version": "1.x", "repository": s.url}
        repo = umbrella("outofsync", {**wanted, "version": "1.0.x"}, {"app/Chart.lock": lock([wanted], [{**wanted, "version": "1.0.0"}])})
        app = application("outofsync", {"repoURL": repo.url, "path": "app"})
        tap.equal(error_of(app), SOURCE % (1, 1) + "error building helm chart dependencies: failed to build helm dependencies: failed to build dependencies: "
                  "failed running helm: `helm dependency build` failed exit status 1: Error: the lock file (Chart.lock) is out of sync with the dependencies "
                  "file (Chart.yaml). Please update the dependencies with 'helm dependency update'")
        app.delete()


BUILD = SOURCE % (1, 1) + "error building helm chart dependencies: failed to build helm dependencies: failed to build dependencies: failed running helm: " \
    "`helm dependency build` failed exit status 1: Error: "


@tap.test
def what_a_repository_of_dependencies_has_not_is_told_as_helm_tells_it():
    with charts.Server() as s:
        s.add(chart("redis", "1.0.0"))
        secret("hasnot", url=s.url)
        url = {"repository": s.url}
        cases = {
            "noversion": ({"name": "redis", "version": "9.x"}, None, f"can't get a valid version for 1 subchart(s): \"redis\" (repository \"{s.url}\", version "
                          "\"9.x\"). Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml"),
            "nochart": ({"name": "db", "version": "1.x"}, None, f"db chart not found in repo {s.url}"),
            "lockedversion": ({"name": "redis", "version": "1.x"}, "1.4.0", "could not find : no matching version"),
            "lockedchart": ({"name": "db", "version": "1.x"}, "1.4.0", "could not find : entry not found"),
            "unknown": ({"name": "redis", "version": "1.x"}, "1.0.0", f"no repository definition for {s.url}. Please add the missing repos via 'helm repo add'"),
        }
        apps = {}
        for name, (wanted, version, _) in cases.items():
            files = {"app/Chart.lock": lock([{**wanted, **url}], [{"name": wanted["name"], "version": version, **url}])} if version else {}
            known = url if name == "unknown" or not version else {"repository": "@hasnot"}
            apps[name] = application("dep-" + name, {"repoURL": umbrella("dep-" + name, {**wanted, **known}, files).url, "path": "app"})
        for name, (_, _, message) in cases.items():
            tap.equal(error_of(apps[name]), BUILD + message)
            apps[name].delete()


@tap.test
def a_sync_by_the_api_takes_the_version_that_a_constraint_means():
    w = shared()
    with charts.Server() as s:
        s.add(chart("web", "1.0.0"))
        app = application("bycli", chart_source(s, "web", "1.x"), automated=False)
        app.wait(sync="OutOfSync", revision="1.0.0")
        w.login()
        w.cli("app", "sync", "bycli")
        app.synced("1.0.0")
        events = [e["message"] for e in w.kube.list("Event", ARGOCD) if e["involvedObject"]["name"] == "bycli"]
        tap.true(any("initiated sync to 1.x (1.0.0)" in m for m in events), str(events))
        app.delete()


@tap.test
def a_repository_of_dependencies_that_does_not_answer_is_told():
    repo = umbrella("nodeps", {"name": "d", "version": "1.0.0", "repository": "https://127.0.0.1:1/charts"})
    app = application("nodeps", {"repoURL": repo.url, "path": "app"})
    tap.equal(error_of(app), SOURCE % (1, 1) + "error building helm chart dependencies: failed to add helm repository https://127.0.0.1:1/charts: failed to "
              "add repository: failed running helm: `helm repo add https:--127.0.0.1:1-charts https://127.0.0.1:1/charts` failed exit status 1: Error: looks "
              "like \"https://127.0.0.1:1/charts\" is not a valid chart repository or cannot be reached: Get "
              "\"https://127.0.0.1:1/charts/index.yaml\": dial tcp 127.0.0.1:1: connect: connection refused")
    app.delete()


tap.main()
