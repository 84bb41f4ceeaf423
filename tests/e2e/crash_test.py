#!/usr/bin/env python3
"""SIGKILL: at every FAULT point and at random times of a story; the end state equals the undisturbed one.

    tests/e2e/crash_test.py               a short round (TIPHYS_KILLS random kills, default 20; each FAULT point once)
    TIPHYS_KILLS=200 TIPHYS_SEED=7 ...    a long one (FAULT points at up to 5 of their passages); the seed of a round is printed

The story is the demo's: an application is created, changed, healed, pruned, broken, repaired, rolled back and deleted with what
it made. What is compared at the end: the objects and that none was made twice (uid, hooks with generated names), the history (no
entry lost, none twice), the phase of the last operation; after the deletion that nothing is left.
"""
import base64
import collections
import concurrent.futures
import http.client
import json
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import world  # noqa: E402
from world import ARGOCD, CLUSTER, App, config_map, deployment, tap, wait_until  # noqa: E402

KILLS = int(os.environ.get("TIPHYS_KILLS") or 20)
SEED = int(os.environ.get("TIPHYS_SEED") or random.randrange(1 << 30))
PASSAGES = 5 if KILLS >= 200 else 1
PATIENCE_S = 60 * world.PATIENCE
AT_ONCE = 4


def patiently(what, act):
    """Does it again while the product is away. act must bear to be done twice: the answer of the first may be lost."""
    def probe():
        act()
        return True
    return wait_until(what, probe, PATIENCE_S, 0.05)


def hook(name):
    """Its name is made by the server's rules from the revision and the start of the operation: one for each operation."""
    c = config_map("x", annotations={"argocd.argoproj.io/hook": "PreSync"})
    del c["metadata"]["name"]
    return {**c, "metadata": {**c["metadata"], "generateName": name}}


class Story:
    """Each step waits until it is done, whatever happens to the process meanwhile."""

    def __init__(self, w, name):
        self.w, self.name = w, name
        self.repo = w.repo(name)
        self.shas, self.history, self.uids = [], [], {}
        self.app = App(w, name)
        w.apps.append(self.app)  # removed with its world, whoever makes it

    def commit(self, files=(), remove=(), good=True):
        for path, content in dict(files).items():
            self.repo.write(path, content)
        for path in remove:
            self.repo.remove(path)
        self.shas.append(self.repo.commit())
        if good:
            self.history.append(len(self.shas) - 1)

    def objects(self):
        k = self.w.kube
        maps = {c["metadata"]["name"]: c for c in k.list("ConfigMap", self.name) if c["metadata"]["name"] != "kube-root-ca.crt"}
        return maps, {d["metadata"]["name"]: d for d in k.list("Deployment", self.name)}

    def settled(self, sync="Synced", revision=None):
        revision = revision or self.shas[-1]

        def probe():
            b = self.app.brief()
            h = [self.shas.index(e["revision"]) for e in self.app.status().get("history") or []]
            if (b["sync"], b["revision"], b["phase"]) == (sync, revision, "Succeeded") and h == self.history and "operation" not in self.app.get():
                return True
            raise tap.Failed(f"{b} history {h}, wanted {self.history}")
        wait_until(f"{self.name} settled on {revision[:7]}", probe, PATIENCE_S, 0.02)

    def exists(self, kind, namespace, name, make):
        def act():
            if not self.w.kube.get(kind, namespace, name):
                try:
                    make()
                except world.KubeError as e:
                    if "already exists" not in str(e):
                        raise
        patiently(f"{kind} {name}", act)

    def api(self, method, path, body=None):
        """Our own API's writes are part of the story. While the product is away, and when its answer is lost, this fails."""
        try:
            status, answer = self.w.http(method, "/api/v1/applications" + path, body, self.w.token())
        except (OSError, http.client.HTTPException) as e:
            raise tap.Failed(f"{method} {path}: {e!r}") from e
        if status >= 300:
            raise tap.Failed(f"{method} {path}: {status} {answer}")
        return answer

    def quick(self):
        """Two seconds between the phases of each sync would be most of the story."""
        patiently("settings", lambda: self.w.kube.patch("ConfigMap", ARGOCD, "argocd-cmd-params-cm", {"data": {"controller.sync.wave.delay.seconds": "0"}}))

    def create(self):
        self.commit({"app/cm.yaml": config_map("c1"), "app/d.yaml": deployment("web", replicas=2), "app/old.yaml": config_map("old"),
                     "app/hook.yaml": hook("pre-")})
        self.exists("Namespace", None, self.name, lambda: self.w.namespace(self.name))
        wanted = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": self.name, "namespace": ARGOCD, "finalizers": [world.FINALIZER]}, "spec": {
            "project": "default", "source": {"repoURL": self.repo.url, "path": "app", "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": self.name},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}}}}
        self.exists("Application", ARGOCD, self.name, lambda: self.api("POST", "", wanted))
        self.settled()
        maps, deployments = wait_until("objects are listed", self.objects, PATIENCE_S)
        self.uids = {o["metadata"]["name"]: o["metadata"]["uid"] for o in [*maps.values(), *deployments.values()] if o["metadata"]["name"] in ("c1", "web")}

    def change(self):
        self.commit({"app/cm.yaml": config_map("c1", {"k": "2"}), "app/d.yaml": deployment("web", image="registry.example.com/web:2", replicas=2)})
        self.settled()

    def heal(self):
        patiently("foreign edit", lambda: self.w.kube.patch("ConfigMap", self.name, "c1", {"data": {"k": "foreign"}}))
        wait_until(f"{self.name} is healed", lambda: self.w.kube.get("ConfigMap", self.name, "c1")["data"] == {"k": "2"}, PATIENCE_S)
        self.settled()

    def prune(self):
        self.commit({"app/new.yaml": config_map("new")}, ["app/old.yaml"])
        self.settled()

    def breaks(self):
        self.commit({"app/cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: [a\n"}, good=False)
        self.app.wait_condition("ComparisonError", PATIENCE_S)
        self.commit({"app/cm.yaml": config_map("c1", {"k": "4"})})
        self.settled()

    def rollback(self):
        """To the second commit: new goes, old comes back... only what the second commit has."""
        patiently("no automation", lambda: self.api("PATCH", "/" + self.name, {
            "name": self.name, "patch": json.dumps({"spec": {"syncPolicy": None}}), "patchType": "merge"}))

        def ask():
            a = self.app.get()
            asked = a.get("operation") or (a.get("status", {}).get("operationState") or {}).get("operation") or {}
            if asked.get("sync", {}).get("revision") != self.shas[1]:
                self.api("POST", f"/{self.name}/rollback", {"name": self.name, "id": 1, "prune": True})
        patiently("rollback", ask)
        self.history.append(1)
        self.settled("OutOfSync")

    def play(self):
        for step in (self.quick, self.create, self.change, self.heal, self.prune, self.breaks, self.rollback):
            step()
        return self

    def state(self):
        """What must be the same with and without kills."""
        maps, deployments = self.objects()
        made = {o["metadata"]["name"]: o["metadata"]["uid"] for o in [*maps.values(), *deployments.values()] if o["metadata"]["name"] in ("c1", "web")}
        hooks = [n for n in maps if n.startswith("pre-")]
        return {"maps": {n: m["data"] for n, m in maps.items() if n not in hooks}, "hooks": len(hooks), "made again": made != self.uids,
                "deployments": [(n, d["spec"]["template"]["spec"]["containers"][0]["image"]) for n, d in deployments.items()],
                "history": [(h["id"], self.shas.index(h["revision"])) for h in self.app.status()["history"]]}

    def delete(self):
        def ask():
            a = self.app.get()
            if a and "deletionTimestamp" not in a["metadata"]:
                self.api("DELETE", f"/{self.name}?cascade=true")
        patiently("deletion", ask)

        def gone():
            maps, deployments = self.objects()
            if self.app.get() or deployments or [n for n in maps if not n.startswith("pre-")]:
                raise tap.Failed(f"left: application {bool(self.app.get())}, {[*maps, *deployments]}")
            return True
        wait_until(f"{self.name} and what it made are gone", gone, PATIENCE_S, 0.05)


# A hook for each sync but the rollback, which applies without hooks.
WANTED = {"maps": {"c1": {"k": "2"}, "old": {"k": "v"}}, "hooks": 4, "made again": False, "deployments": [("web", "registry.example.com/web:2")],
          "history": [(0, 0), (1, 1), (2, 2), (3, 4), (4, 1)]}

passages = collections.Counter()  # of each FAULT point in the undisturbed story


@tap.test
def the_undisturbed_story_ends_as_it_should():
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "points"
        w = world.World(env={"TIPHYS_FAULT_LOG": str(log)})
        try:
            story = Story(w, "calm").play()
            tap.equal(story.state(), WANTED)
            story.delete()
            passages.update(log.read_text().split())
        finally:
            w.end()


def children(pid):
    """Every process below it: the zygote, its workers, git."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            for child in (task / "children").read_text().split():
                found += [int(child), *children(int(child))]
        except OSError:
            pass
    return found


class Hunter(threading.Thread):
    """Kills the product, or one of the processes below it, at random times."""

    def __init__(self, w, chance, below=False):
        super().__init__(daemon=True)
        self.w, self.chance, self.below = w, chance, below
        self.stop, self.count, self.failure = threading.Event(), 0, None

    def run(self):
        try:
            while not self.stop.wait(self.chance.uniform(0.01, 0.8)):
                self.hit()
        except BaseException as e:  # noqa: BLE001 - told by the test that waits for us
            self.failure = e

    def hit(self):
        if self.below:
            victims = children(self.w.process.pid)
            try:
                os.kill(self.chance.choice(victims), signal.SIGKILL)
                self.count += 1
            except (IndexError, ProcessLookupError):  # it has ended meanwhile
                pass
            return
        self.w.kill()
        self.count += 1
        self.w.start()
        # A product that dies faster than it can work would prove nothing.
        self.stop.wait(self.chance.uniform(0.2, 1.0))

    def end(self):
        self.stop.set()
        self.join()
        if self.failure:
            raise self.failure


def storm(name, chance, below):
    """One story under kills; gives how many there were."""
    w = world.World()
    hunters = []

    def hunted(act):
        hunters.append(Hunter(w, chance, below))
        hunters[-1].start()
        try:
            act()
        finally:
            hunters[-1].end()

    try:
        story = Story(w, name)
        hunted(story.play)
        story.settled("OutOfSync")
        tap.equal(story.state(), WANTED, f"after kills, log:\n{world.tail(w.output)}")
        hunted(story.delete)
        tap.true(w.running(), "the product has ended")
        return sum(h.count for h in hunters)
    finally:
        w.end()


def storms(prefix, below):
    tap.comment(f"TIPHYS_SEED={SEED} TIPHYS_KILLS={KILLS}")
    chance, kills, rounds = random.Random(SEED), 0, 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        while kills < KILLS:
            jobs = [pool.submit(storm, f"{prefix}{rounds + i}", random.Random(chance.random()), below) for i in range(min(AT_ONCE, 1 + (KILLS - kills) // 10))]
            rounds += len(jobs)
            kills += sum(j.result() for j in jobs)
    tap.comment(f"{kills} kills in {rounds} stories")


def with_clusters_of_their_own(function):
    """Stories run side by side, a product each, and pass the embedded API's FAULT points too. On one
    cluster for all, two products would work on the same objects: there they are not tests."""
    return function if CLUSTER else tap.test(function)


@with_clusters_of_their_own
def killed_at_random_times_it_ends_the_same():
    storms("storm", below=False)


@with_clusters_of_their_own
def with_its_workers_killed_at_random_times_it_ends_the_same():
    storms("below", below=True)


def fault_points():
    names = set()
    for path in sorted((tap.SOURCE / "src").rglob("*.c")):
        if "tests" not in path.parts:
            names |= set(re.findall(r'\bFAULT(?:_POINT|_OF)?\("([^"]+)"', path.read_text()))
    return sorted(names)


def chosen(n):
    """Which passages of a point to end the process at."""
    if PASSAGES == 1:
        return [(n + 1) // 2]
    return sorted({1 + round(i * (n - 1) / (PASSAGES - 1)) for i in range(PASSAGES)})


def story_with_a_kill(point, nth, name):
    w = world.World(env={"TIPHYS_FAULT": f"{point}:{nth}:kill"})
    stop, failure = threading.Event(), []

    def nurse():
        try:
            while not stop.wait(0.02):
                if not w.running() and not w.kills:
                    w.kills += 1
                    w.env.pop("TIPHYS_FAULT", None)
                    w.start()
        except BaseException as e:  # noqa: BLE001
            failure.append(e)
    thread = threading.Thread(target=nurse, daemon=True)
    thread.start()
    try:
        story = Story(w, name).play()
        tap.equal(story.state(), WANTED, f"{point}:{nth}, log:\n{world.tail(w.output)}")
        story.delete()
        return w.kills
    finally:
        stop.set()
        thread.join()
        w.end()
        if failure:
            raise failure[0]


@with_clusters_of_their_own
def killed_at_every_fault_point_it_ends_the_same():
    points = fault_points()
    tap.equal([p for p in points if not passages[p]], [], "FAULT points that the story never passes")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {(p, nth): pool.submit(story_with_a_kill, p, nth, f"fault{i}-{nth}") for i, p in enumerate(points) if passages[p] for nth in chosen(passages[p])}
        failed, kills = [], collections.Counter()
        for (point, nth), job in jobs.items():
            try:
                kills[point] += job.result()
            except Exception as e:  # noqa: BLE001 - all are told
                failed.append(f"{point}:{nth}: {e}")
    for point in points:
        if passages[point]:
            tap.comment(f"{point}: {passages[point]} passages, killed {kills[point]} times")
    tap.equal(failed, [])
    # How often a point is passed varies a little; the first passage must have been hit.
    tap.equal([p for p in points if passages[p] and not kills[p]], [], "points at which nothing was killed")


def ends_by_itself(w):
    """The next end of the product, by a signal."""
    wait_until("the product ends", lambda: not w.running(), PATIENCE_S)
    tap.equal(w.process.returncode, -signal.SIGKILL)


@tap.test
def an_application_that_ends_the_process_twice_is_left_alone_and_the_others_go_on():
    w = world.World()
    try:
        repos = {name: w.repo(name) for name in ("poison", "bystander")}
        for repo in repos.values():
            repo.write("cm.yaml", config_map("c1"))
            repo.commit()
        bystander = w.app("bystander", repos["bystander"], automated={})
        bystander.wait(sync="Synced")
        tap.equal(w.stop(), 0)
        w.env["TIPHYS_FAULT"] = f"quarantine.work@{ARGOCD}/poison:1:kill"  # as a bug that this application meets
        w.start()
        w.namespace("poison")
        try:
            w.app("poison", repos["poison"], namespace="poison", automated={})
        except tap.Failed:  # its answer may die with the process
            pass
        ends_by_itself(w)
        w.start(served=False)
        ends_by_itself(w)
        w.start()
        poison = App(w, "poison")
        message = poison.wait_condition("UnknownError")
        tap.true(message.startswith("Quarantined: working on this application ended the process twice"), message)
        repos["bystander"].write("cm.yaml", config_map("c1", {"k": "2"}))
        bystander.synced(repos["bystander"].commit())
        tap.true(w.running(), "the product has ended")
        tap.equal(w.kube.get("ConfigMap", "poison", "c1"), None)
        # Whoever asks again is heard: the third crash is the last one, too.
        try:
            poison.patch({"spec": {"source": {"targetRevision": "main"}}})
        except tap.Failed:
            pass
        ends_by_itself(w)
        w.env.pop("TIPHYS_FAULT")
        w.start()  # a mended release
        poison.wait_condition("UnknownError")
        poison.patch({"spec": {"source": {"targetRevision": "HEAD"}}})
        poison.wait(sync="Synced", health="Healthy")
        poison.wait_no_condition()
        bystander.wait(sync="Synced", health="Healthy")
    finally:
        w.end()


@with_clusters_of_their_own
def a_first_start_that_is_cut_short_at_any_object_leaves_a_password_that_works():
    def first_start(nth):
        w = world.World(env={"TIPHYS_FAULT": f"bootstrap.installed:{nth}:kill"})
        try:
            tap.equal(w.kills, 1, f"installing object {nth}")
            secret = w.kube.get("Secret", ARGOCD, "argocd-initial-admin-secret")
            tap.equal(base64.b64decode(secret["data"]["password"]).decode(), w.password, f"after object {nth}: what is shown and what is stored")
            return w.token()
        finally:
            w.end()
    n = passages["bootstrap.installed"]
    tap.true(n > 10, f"{n} objects")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        tap.true(all(pool.map(first_start, range(1, n + 1))), "no token")


@tap.test
def a_restart_keeps_everything_and_does_nothing_twice():
    w = world.World()
    try:
        story = Story(w, "restarted").play()
        before = {c["metadata"]["name"]: c["metadata"]["resourceVersion"] for c in w.kube.list("ConfigMap", "restarted")}
        kubeconfig = w.kubeconfig.read_text()
        tap.equal(w.stop(), 0)
        seconds = w.start()
        tap.equal(w.kubeconfig.read_text(), kubeconfig, "the kubeconfig")
        tap.comment(f"start to serving: {seconds:.3f} s")
        story.app.refresh()
        time.sleep(1)
        tap.equal({c["metadata"]["name"]: c["metadata"]["resourceVersion"] for c in w.kube.list("ConfigMap", "restarted")}, before)
        tap.equal(story.state(), WANTED)
    finally:
        w.end()


tap.main()
