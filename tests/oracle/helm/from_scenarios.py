#!/usr/bin/env python3
"""What Argo CD made of Helm sources, out of the recorded scenarios.

usage: from_scenarios.py SCENARIOS.jsonl OUT.jsonl

One line a scenario with one Helm source and one repository: name, files, source, then manifests (tracking annotation removed) or message (what follows "desc = "). $ID is abcde.
"""
import json, re, sys


def clean(o):
    notes = o.get("metadata", {}).get("annotations", {})
    notes.pop("argocd.argoproj.io/tracking-id", None)
    if not notes:
        o.get("metadata", {}).pop("annotations", None)
    return o


def text_of(v):
    if isinstance(v, str):
        return v
    if isinstance(v, list):
        return "\n---\n".join(json.dumps(x) for x in v) + "\n"
    return json.dumps(v) + "\n"


def main():
    with open(sys.argv[2], "w") as out:
        for line in open(sys.argv[1]):
            d = json.loads(line.replace("$ID", "abcde").replace("${SHA_1}[:7]", "0123456"))
            # A chart that has to be fetched from a server is another matter.
            if not d["name"].startswith("source-helm-") or d["name"] == "source-helm-missing-dependency":
                continue
            files, source, simple = {}, None, True
            for s in d["steps"]:
                if "git" in s:
                    simple = simple and set(s["git"]) <= {"files", "message"} and not s["git"].get("repo")
                    files.update(s["git"].get("files", {}))
                for o in s.get("apply", []):
                    if o["kind"] == "Application":
                        simple = simple and source is None
                        source = o["spec"].get("source")
            if not simple or not source or any(isinstance(v, dict) and "$symlink" in v for v in files.values()):
                continue
            case = {"name": d["name"], "files": {k: text_of(v) for k, v in files.items()}, "source": source}
            whole = json.dumps(d["recorded"])
            for r in d["recorded"]:
                m = r.get("is", {}).get("manifests", {})
                if "manifests" in m:
                    case["manifests"] = [clean(o) for o in m["manifests"]]
            m = re.search(r'"message": "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = \w+ desc = ((?:[^"\\]|\\.)*)"', whole)
            if m:
                case["message"] = json.loads('"' + m.group(1) + '"')
            if "message" in case or "manifests" in case:
                out.write(json.dumps(case) + "\n")


main()
