#!/usr/bin/env python3
"""Record what the real helm answers for the charts in cases.py.

usage: record.py HELM OUT.jsonl [--version3]

Each line: name, files (path -> text, {"b64": ...} or {"link": ...}), release, args, rc, stdout, stderr; $D is the chart's folder.
"""
import base64, json, os, re, subprocess, sys, tempfile
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
        env = dict(os.environ, HOME=top + "/home", HELM_CACHE_HOME=top + "/home", NO_COLOR="1", TZ="UTC")
        p = subprocess.run([helm, "template", case["release"], folder] + args, capture_output=True, env=env, cwd=folder, timeout=60)
        clean = lambda b: b.decode("utf-8", "replace").replace(folder, "$D").replace("chart requires kubeVersion", "chart requires kubeVersion")
        return dict(case, rc=p.returncode, stdout=clean(p.stdout), stderr=clean(p.stderr))


def main():
    helm, out = sys.argv[1], sys.argv[2]
    with open(out, "w") as f:
        for case in cases.CASES:
            a, b = run(helm, case), run(helm, case)
            if a != b:
                print("differs between runs:", case["name"])
                continue
            f.write(json.dumps(a, ensure_ascii=False) + "\n")


main()
