#!/usr/bin/env python3
"""Record what the real helm and Argo CD's packages make of the cases: tests/golden/source/charts.jsonl.

usage: record.py HELM RESOLVE [NAME-PART...]

HELM is the real program (4.2.4). RESOLVE is resolve.go built in a checkout of argo-cd: put it into a
folder of its own there and `go build` it. Only cases whose name holds a NAME-PART are asked; the
others keep their recorded answers.
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from cases import CASES

ROOT = pathlib.Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests/golden/source/charts.jsonl"


def helm_pull(helm, case, chart, version, fill, folder):
    dest = pathlib.Path(tempfile.mkdtemp(dir=folder))
    env = {"PATH": os.environ["PATH"], "HOME": folder, "HELM_CONFIG_HOME": folder, "HELM_CACHE_HOME": folder,
           "HELM_DATA_HOME": folder}
    user, password = case.get("user", ""), case.get("password", "")
    if case.get("oci"):
        args = [f"oci://{fill(case['repo'])}/{chart}", "--version", version, "--plain-http"]
        if user and password:
            args += ["--username", user, "--password", password]
    else:
        args = ["--version", version, "--repo", fill(case["repo"]), chart]
        for flag, value in (("--username", user), ("--password", password)):
            args += [flag, value] if value else []
        args += ["--pass-credentials"] if case.get("pass") else []
    done = subprocess.run([helm, "pull", "--destination", str(dest), *args], env=env, capture_output=True,
                          text=True, timeout=60, check=False)
    if done.returncode:
        lines = [l for l in done.stderr.splitlines() if not l.startswith(("level=", "time="))]
        return {"error": "\n".join(lines).removeprefix("Error: ")}
    (archive,) = dest.iterdir()
    return {"sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}


def ask(case, helm, resolver):
    with tempfile.TemporaryDirectory() as folder:
        with subprocess.Popen([sys.executable, ROOT / "tests/peers/web_peer.py", f"{folder}/log"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as peer:
            print(json.dumps(case), file=peer.stdin, flush=True)
            a, b = (f"127.0.0.1:{p}" for p in peer.stdout.readline().split()[:2])

            def fill(text):
                return text.replace("{a}", a).replace("{b}", b)

            answers = []
            for question in case["asks"]:
                (kind, (chart, version)), = question.items()
                if kind == "get":
                    answer = helm_pull(helm, case, chart, version, fill, folder)
                else:
                    done = subprocess.run([resolver, fill(case["repo"]), chart, version, case.get("user", ""),
                                           case.get("password", ""), str(bool(case.get("oci"))).lower(), "true"],
                                          capture_output=True, text=True, timeout=60, check=True)
                    answer = json.loads(done.stdout)
                answers.append({k: v.replace(a, "{a}").replace(b, "{b}") for k, v in answer.items()})
            peer.stdin.close()
        return answers


def main():
    helm, resolver, parts = sys.argv[1], sys.argv[2], sys.argv[3:]
    old = {}
    if GOLDEN.exists():
        for line in GOLDEN.read_text(encoding="utf-8").splitlines():
            old[json.loads(line)["name"]] = json.loads(line)
    lines = []
    for case in CASES:
        asked = not parts or any(p in case["name"] for p in parts) or case["name"] not in old
        answers = ask(case, helm, resolver) if asked else old[case["name"]]["answers"]
        lines.append(json.dumps({**case, "answers": answers}))
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
