#!/usr/bin/env python3
"""Helm sources whose parts lie in more than one place: value files of other sources. Texts are Argo CD's, as recorded from it."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from world import config_map, shared, tap, wait_until  # noqa: E402

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
    """The one condition of an application that cannot be rendered."""
    app.wait(sync="Unknown")
    message = app.wait_condition("ComparisonError")
    tap.equal([t for t, _ in app.brief()["conditions"]], ["ComparisonError"])
    return message


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


tap.main()
