#!/usr/bin/env python3
"""SIGKILL: at every FAULT point and at random times of a story; the end state equals the undisturbed one.

    tests/e2e/crash_test.py               a short round (TIPHYS_KILLS random kills, default 20)
    TIPHYS_KILLS=200 TIPHYS_SEED=7 ...    a long one; the seed of a round is printed

The end state: what is in the cluster, the history (no entry lost, none twice), the phase of the last operation.
"""
import os
import random
import re
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import world  # noqa: E402
from world import App, config_map, deployment, tap, wait_until  # noqa: E402

KILLS = int(os.environ.get("TIPHYS_KILLS") or 20)
SEED = int(os.environ.get("TIPHYS_SEED") or random.randrange(1 << 30))


def patiently(what, act):
    """Does it again while the product is away."""
    def probe():
        try:
            return act() or True
        except world.KubeError as e:
            if e.status in (409, 404) and "already exists" in str(e):
                return True
            raise
    return wait_until(what, probe, 60 * world.PATIENCE, 0.05)


class Story:
    """Create, change, heal, prune: each step waits until it is done, whatever happens to the process meanwhile."""

    def __init__(self, w, name):
        self.w, self.name = w, name
        self.repo = w.repo(name)
        self.shas = []

    def step(self, files=(), remove=()):
        for path, content in dict(files).items():
            self.repo.write(path, content)
        for path in remove:
            self.repo.remove(path)
        self.shas.append(self.repo.commit())

    def settled(self, history):
        def probe():
            b = self.app.brief()
            h = [e["revision"] for e in self.app.status().get("history") or []]
            if (b["sync"], b["revision"], b["phase"]) == ("Synced", self.shas[-1], "Succeeded") and h == history and "operation" not in self.app.get():
                return True
            raise tap.Failed(f"{b} history {h}")
        wait_until(f"{self.name} settled on {self.shas[-1][:7]}", probe, 60 * world.PATIENCE, 0.02)

    def play(self):
        self.step({"app/cm.yaml": config_map("c1"), "app/d.yaml": deployment("web", replicas=2), "app/old.yaml": config_map("old")})
        patiently("namespace", lambda: self.w.namespace(self.name))
        self.app = App(self.w, self.name)

        def create():
            if not self.app.get():
                self.w.app(self.name, self.repo, path="app", namespace=self.name, automated={"prune": True, "selfHeal": True})
        patiently("application", create)
        self.settled(self.shas[:1])
        self.step({"app/cm.yaml": config_map("c1", {"k": "2"}), "app/d.yaml": deployment("web", image="registry.example.com/web:2", replicas=2)})
        self.settled(self.shas[:2])
        self.step({"app/new.yaml": config_map("new")}, ["app/old.yaml"])
        self.settled(self.shas[:3])
        return self

    def state(self):
        """What must be the same with and without kills."""
        k = self.w.kube
        maps = {c["metadata"]["name"]: c["data"] for c in k.list("ConfigMap", self.name) if c["metadata"]["name"] != "kube-root-ca.crt"}
        deployments = [(d["metadata"]["name"], d["spec"]["template"]["spec"]["containers"][0]["image"]) for d in k.list("Deployment", self.name)]
        history = [(h["id"], self.shas.index(h["revision"])) for h in self.app.status()["history"]]
        return {"maps": maps, "deployments": deployments, "history": history}


WANTED = {"maps": {"c1": {"k": "2"}, "new": {"k": "v"}}, "deployments": [("web", "registry.example.com/web:2")], "history": [(0, 0), (1, 1), (2, 2)]}


@tap.test
def the_undisturbed_story_ends_as_it_should():
    w = world.World()
    try:
        tap.equal(Story(w, "calm").play().state(), WANTED)
    finally:
        w.end()


@tap.test
def killed_at_random_times_it_ends_the_same():
    tap.comment(f"TIPHYS_SEED={SEED} TIPHYS_KILLS={KILLS}")
    chance = random.Random(SEED)
    kills = 0
    while kills < KILLS:
        w = world.World()
        stop = threading.Event()
        count = [0]

        def hunter():
            while not stop.wait(chance.uniform(0.01, 0.8)):
                w.kill()
                count[0] += 1
                w.start()
                # A product that dies faster than it can work would prove nothing.
                if stop.wait(chance.uniform(0.2, 1.0)):
                    return
        thread = threading.Thread(target=hunter, daemon=True)
        thread.start()
        try:
            story = Story(w, f"storm{kills}").play()
            stop.set()
            thread.join()
            story.settled(story.shas)
            tap.equal(story.state(), WANTED, f"after {count[0]} kills")
        finally:
            stop.set()
            thread.join()
            w.end()
        kills += max(1, count[0])
    tap.comment(f"{kills} kills")


def fault_points():
    names = set()
    for path in sorted((tap.SOURCE / "src").rglob("*.c")):
        if "tests" not in path.parts:
            names |= set(re.findall(r'\bFAULT\("([^"]+)"\)', path.read_text()))
    return sorted(names)


@tap.test
def killed_at_every_fault_point_it_ends_the_same():
    points = fault_points()
    tap.true(points, "the product has no FAULT point")
    for i, point in enumerate(points):
        hit = 0
        for nth in (1, 2, 5):
            w = world.World(env={"TIPHYS_FAULT": f"{point}:{nth}:kill"})
            stop = threading.Event()

            def nurse():
                while not stop.wait(0.02):
                    if not w.running():
                        w.env.pop("TIPHYS_FAULT", None)
                        w.start()
                        return
            thread = threading.Thread(target=nurse, daemon=True)
            thread.start()
            try:
                story = Story(w, f"fault{i}-{nth}").play()
                tap.equal(story.state(), WANTED, f"{point}:{nth}")
                hit += len(w.starts) > 1
            finally:
                stop.set()
                thread.join()
                w.end()
        tap.comment(f"{point}: killed {hit} times")


@tap.test
def a_restart_keeps_everything_and_does_nothing_twice():
    w = world.World()
    try:
        story = Story(w, "again").play()
        before = {c["metadata"]["name"]: c["metadata"]["resourceVersion"] for c in w.kube.list("ConfigMap", "again")}
        tap.equal(w.stop(), 0)
        seconds = w.start()
        tap.comment(f"start to serving: {seconds:.3f} s")
        story.app.refresh()
        time.sleep(1)
        tap.equal({c["metadata"]["name"]: c["metadata"]["resourceVersion"] for c in w.kube.list("ConfigMap", "again")}, before)
        tap.equal(story.state(), WANTED)
    finally:
        w.end()


tap.main()
