#!/usr/bin/env python3
"""Record what the real helms answer for the charts in cases.py.

usage: record.py HELM4 HELM3 templates|commands OUT.jsonl [NAME]

Each line: name, files (path -> text, {"b64": ...} or {"link": ...}), release, args, rc, stdout, stderr of Helm 4; "helm3": the same three where Helm 3 answers otherwise; $D is the chart's folder. Of commands: the command line in place of release and args.
HELM3 is built as its release is, with the Kubernetes version of its client-go: go install -ldflags "-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=34
-X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=34" helm.sh/helm/v3/cmd/helm@v3.19.4
"""
import base64, json, os, subprocess, sys, tempfile
sys.path.insert(0, os.path.dirname(__file__))
import cases


def write(folder, files):
    for path, content in files.items():
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if isinstance(content, dict) and "link" in content:
            os.symlink(content["link"], full)
            continue
        with open(full, "wb") as f:
            f.write(base64.b64decode(content["b64"]) if isinstance(content, dict) else content.encode())


def run(helm, case):
    with tempfile.TemporaryDirectory() as top:
        folder = os.path.join(os.path.realpath(top), "t")
        os.makedirs(folder)
        write(folder, case["files"])
        args = [a.replace("$D", folder) for a in case["args"]]
        command = case.get("command")
        argv = [a.replace("$D", folder) for a in command] if command else ["template", case["release"], folder]
        env = dict(os.environ, HOME=top + "/home", HELM_CACHE_HOME=top + "/home", NO_COLOR="1", TZ="UTC")
        p = subprocess.run([helm] + argv + args, capture_output=True, env=env, cwd=folder, timeout=60)
        clean = lambda b: b.decode("utf-8", "replace").replace(folder, "$D")
        return dict(rc=p.returncode, stdout=clean(p.stdout), stderr=clean(p.stderr))


def twice(helm, case):
    a, b = run(helm, case), run(helm, case)
    if a != b:
        print("differs between runs:", case["name"])
    return a if a == b else None


def record(helm4, helm3, case):
    four, three = twice(helm4, case), twice(helm3, case)
    if four is None or three is None:
        return None
    return dict(case, **four, **({"helm3": three} if three != four else {}))


def main():
    only = sys.argv[5] if len(sys.argv) > 5 else ""
    with open(sys.argv[4], "w") as f:
        for case in cases.COMMANDS if sys.argv[3] == "commands" else cases.CASES:
            line = record(sys.argv[1], sys.argv[2], case) if only in case["name"] else None
            if line:
                f.write(json.dumps(line, ensure_ascii=False) + "\n")


main()
