#!/usr/bin/env python3
"""What helm builds of dependencies that lie in the same repository.

usage: local_builds.py HELM OUT.jsonl

One line a case, as from_scenarios.py writes them: name, files, source, then manifests, or message: Argo CD's words around those of
`helm dependency build`. Locks are helm's own; one of each case is out of date.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SUB = {"Chart.yaml": "apiVersion: v2\nname: d\nversion: 1.2.3\n", "values.yaml": "v: sub\nexports: {x: {e: 1}}\n",
       "templates/a.yaml": """{{ toJson (dict "apiVersion" "v1" "kind" "ConfigMap" "metadata" (dict "name" .Chart.Name) "data" (dict "v" .Values.v)) }}\n"""}
AROUND = "error building helm chart dependencies: failed to build helm dependencies: failed to build dependencies: failed running helm: " \
         "`helm dependency build` failed exit status 1: "
DEPENDENCIES = {
    "plain": [{"name": "d", "version": "1.2.3", "repository": "file://../dep"}],
    "range": [{"name": "d", "version": "~1.2", "repository": "file://../dep"}],
    "every-field": [{"name": "d", "version": "1.x", "repository": "file://../dep", "condition": "on.it,<&>", "tags": ["a", "b"], "enabled": True,
                     "import-values": ["x", {"child": "exports.x", "parent": "p"}], "alias": "other"}],
    "two": [{"name": "d", "version": "1.x", "repository": "file://../dep", "alias": "one"},
            {"name": "d", "version": "1.2.x", "repository": "file://../dep", "alias": "two"}],
    "version-1": [{"name": "d", "version": "1.x", "repository": "file://../dep"}],
}
FAILURES = {
    "no-version": [{"name": "d", "version": "2.x", "repository": "file://../dep"}],
    "no-folder": [{"name": "d", "version": "1.x", "repository": "file://../none"}],
    "no-subfolder": [{"name": "d", "version": "1.x", "repository": ""}],
    "no-repository": [{"name": "d", "version": "1.x", "repository": "stable"}],
    "no-constraint": [{"name": "d", "version": "a.b", "repository": "file://../dep"}],
}


class Place:
    def __init__(self, helm, name, dependencies):
        self.helm, self.name, self.folder = helm, name, pathlib.Path(tempfile.mkdtemp(prefix="helm-build-"))
        old = name.startswith("version-1")
        listed = "dependencies:\n" + "".join("- " + json.dumps(d) + "\n" for d in dependencies)
        self.files = {f"dep/{k}": v for k, v in SUB.items()}
        self.files["app/Chart.yaml"] = f"apiVersion: v{1 if old else 2}\nname: x\nversion: 1.0.0\n" + ("" if old else listed)
        if old:
            self.files["app/requirements.yaml"] = listed
        self.lock = "app/requirements.lock" if old else "app/Chart.lock"
        self.write()

    def write(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for k, v in self.files.items():
            p = self.folder / k
            p.parent.mkdir(parents=True, exist_ok=True)
            p.write_text(v)

    def run(self, *args):
        home = {f"HELM_{k}_HOME": str(self.folder / ".helm" / k) for k in ("CONFIG", "CACHE", "DATA")}
        return subprocess.run([self.helm, *args], cwd=self.folder / "app", capture_output=True, text=True, env={"PATH": os.environ["PATH"], **home})

    def case(self, name):
        source = {"repoURL": "$REPO_a", "path": "app", "targetRevision": "HEAD"}
        case = {"name": "build-" + name, "files": dict(self.files), "source": source}
        self.write()
        built = self.run("dependency", "build")
        if built.returncode:
            words = built.stderr.strip().replace(str(self.folder), "<path to cached source>")
            return {**case, "message": AROUND + words}
        out = self.run("template", ".", "--name-template", "app-abcde", "--namespace", "ns-abcde")
        found = [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")]
        return {**case, "manifests": found}

    def cases(self):
        yield self.case(self.name)
        self.write()
        if self.run("dependency", "update").returncode:
            return
        self.files[self.lock] = (self.folder / self.lock).read_text()
        yield self.case(self.name + "-locked")
        where = "app/requirements.yaml" if self.lock.startswith("app/req") else "app/Chart.yaml"
        self.files[where] = self.files[where].replace('"name": "d", "version": "', '"name": "d", "version": ">0 ')
        yield self.case(self.name + "-out-of-date")


def main():
    with open(sys.argv[2], "w") as out:
        for name, dependencies in {**DEPENDENCIES, **FAILURES}.items():
            place = Place(sys.argv[1], name, dependencies)
            for case in place.cases():
                out.write(json.dumps(case) + "\n")
            shutil.rmtree(place.folder)


main()
