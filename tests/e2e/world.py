"""tests/e2e/world.py: the stage of the e2e stories: a product, a Kubernetes API, Git repositories.

    w = world.World()              # starts `tiphys up`; world.shared() gives one per driver, ended at the end
    repo = w.repo("shop")
    repo.write("app/cm.yaml", ...); sha = repo.commit("one")
    app = w.app("shop", repo, path="app")
    app.wait(sync="Synced", health="Healthy")

Everything is kept below one temporary folder and forgotten at the end; KEEP=1 leaves it. Standard library only.
"""
import base64
import http.client
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tap"))
import tap  # noqa: E402

TIPHYS = Path(os.environ.get("TIPHYS") or tap.BUILD / "tiphys")
CLUSTER = os.environ.get("TIPHYS_CLUSTER")
CLUSTER_ADMIN = os.environ.get("TIPHYS_CLUSTER_ADMIN")
KUBECTL = os.environ.get("KUBECTL") or "kubectl"
# Sanitizers and loaded machines make everything slower; a bound here is "never", not a measurement.
PATIENCE = float(os.environ.get("TIPHYS_PATIENCE") or 1)
START_S = 20 * PATIENCE
WAIT_S = 30 * PATIENCE
POLL_S = 1

RESOURCES = {  # kind: (API path before /namespaces, plural, namespaced)
    "Application": ("/apis/argoproj.io/v1alpha1", "applications", True),
    "AppProject": ("/apis/argoproj.io/v1alpha1", "appprojects", True),
    "ConfigMap": ("/api/v1", "configmaps", True),
    "Secret": ("/api/v1", "secrets", True),
    "Service": ("/api/v1", "services", True),
    "ServiceAccount": ("/api/v1", "serviceaccounts", True),
    "Pod": ("/api/v1", "pods", True),
    "Event": ("/api/v1", "events", True),
    "Namespace": ("/api/v1", "namespaces", False),
    "Deployment": ("/apis/apps/v1", "deployments", True),
    "ReplicaSet": ("/apis/apps/v1", "replicasets", True),
    "StatefulSet": ("/apis/apps/v1", "statefulsets", True),
    "Job": ("/apis/batch/v1", "jobs", True),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings", True),
    "CustomResourceDefinition": ("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", False),
}
ARGOCD = "argocd"  # the namespace of Applications and settings
FINALIZER = "resources-finalizer.argocd.argoproj.io"


# An older kubectl validates against OpenAPI v2 in protobuf, which only the real server has.
KUBECTL_V3 = 27


def kubectl_minor():
    text = subprocess.run([KUBECTL, "version", "--client", "-o", "json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return int(re.match(r"\d+", json.loads(text)["clientVersion"]["minor"])[0])


class Late(tap.Failed):
    pass


def wait_until(what, probe, timeout=None, pause=0.01):
    """Calls probe until it returns something true, which is given back. probe may raise tap.Failed: it is asked again."""
    end = time.monotonic() + (timeout or WAIT_S)
    last = None
    while True:
        try:
            got = probe()
            if got:
                return got
            last = got
        except (tap.Failed, KeyError, IndexError, TypeError) as e:  # not there yet counts as not yet
            last = repr(e) if not isinstance(e, tap.Failed) else e
        if time.monotonic() > end:
            raise Late(f"{what}: not within {timeout or WAIT_S:g} s; last: {last}")
        time.sleep(pause)


class KubeError(tap.Failed):
    def __init__(self, status, body, what):
        self.status, self.body = status, body
        super().__init__(f"{what}: {status} {body.get('message', body) if isinstance(body, dict) else body}")


class Kube:
    """A client of one Kubernetes API, from a kubeconfig. One connection for each thread."""

    def __init__(self, kubeconfig):
        self.kubeconfig = str(kubeconfig)
        text = subprocess.run([KUBECTL, "config", "view", "--raw", "--minify", "-o", "json", f"--kubeconfig={kubeconfig}"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        config = json.loads(text)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"] or {}
        self.server = urllib.parse.urlsplit(cluster["server"])
        self.headers = {"Accept": "application/json"}
        if user.get("token"):
            self.headers["Authorization"] = "Bearer " + user["token"]
        self.context = None
        if self.server.scheme == "https":
            self.context = ssl.create_default_context()
            if cluster.get("certificate-authority-data"):
                self.context.load_verify_locations(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
            elif cluster.get("certificate-authority"):
                self.context.load_verify_locations(cafile=cluster["certificate-authority"])
            else:
                self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
            self._client_certificate(user)
        self.local = threading.local()

    def _client_certificate(self, user):
        names = []
        for key in ("client-certificate", "client-key"):
            if user.get(key):
                names.append(user[key])
            elif user.get(key + "-data"):
                with tempfile.NamedTemporaryFile(delete=False, prefix="tiphys-e2e-") as f:
                    f.write(base64.b64decode(user[key + "-data"]))
                names.append(f.name)
        if len(names) == 2:
            self.context.load_cert_chain(*names)

    def connection(self, timeout=30):
        if self.server.scheme == "https":
            return http.client.HTTPSConnection(self.server.hostname, self.server.port, context=self.context, timeout=timeout)
        return http.client.HTTPConnection(self.server.hostname, self.server.port, timeout=timeout)

    def request(self, method, path, body=None, content_type="application/json"):
        headers = dict(self.headers)
        data = None
        if body is not None:
            headers["Content-Type"] = content_type
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
        for attempt in (1, 2):
            c = getattr(self.local, "connection", None)
            fresh = c is None
            if fresh:
                c = self.local.connection = self.connection()
            try:
                c.request(method, path, data, headers)
                r = c.getresponse()
                text = r.read()
                break
            except (OSError, http.client.HTTPException) as e:
                c.close()
                self.local.connection = None
                # A kept connection may have been closed by the other side meanwhile.
                if fresh or attempt == 2:
                    raise tap.Failed(f"{method} {path}: {e!r}") from e
        try:
            return r.status, json.loads(text) if text else {}
        except ValueError:
            return r.status, text.decode("utf-8", "replace")

    def path(self, kind, namespace=None, name=None, subresource=None):
        prefix, plural, namespaced = RESOURCES[kind]
        p = prefix + (f"/namespaces/{namespace}" if namespaced and namespace else "") + f"/{plural}"
        return p + (f"/{name}" if name else "") + (f"/{subresource}" if subresource else "")

    def _checked(self, method, path, body=None, content_type="application/json", missing_ok=False):
        status, answer = self.request(method, path, body, content_type)
        if status == 404 and missing_ok:
            return None
        if status >= 300:
            raise KubeError(status, answer, f"{method} {path}")
        return answer

    def get(self, kind, namespace, name):
        """The object, or None."""
        return self._checked("GET", self.path(kind, namespace, name), missing_ok=True)

    def list(self, kind, namespace=None, selector=""):
        query = f"?labelSelector={urllib.parse.quote(selector)}" if selector else ""
        return self._checked("GET", self.path(kind, namespace) + query)["items"]

    def create(self, obj):
        m = obj["metadata"]
        return self._checked("POST", self.path(obj["kind"], m.get("namespace")) + "?fieldManager=user", obj)

    def apply(self, obj, manager="user"):
        m = obj["metadata"]
        return self._checked("PATCH", self.path(obj["kind"], m.get("namespace"), m["name"]) + f"?fieldManager={manager}&force=true", obj,
                             "application/apply-patch+yaml")

    def patch(self, kind, namespace, name, patch, how="merge", manager="user", subresource=None):
        types = {"merge": "application/merge-patch+json", "json": "application/json-patch+json", "strategic": "application/strategic-merge-patch+json"}
        return self._checked("PATCH", self.path(kind, namespace, name, subresource) + f"?fieldManager={manager}", patch, types[how])

    def delete(self, kind, namespace, name, propagation="Background"):
        return self._checked("DELETE", self.path(kind, namespace, name), {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation},
                             missing_ok=True)


class Repo:
    """A bare repository on disk, and a work tree that pushes to it."""

    def __init__(self, folder, name):
        self.bare, self.tree, self.name = folder / f"{name}.git", folder / f"{name}.tree", name
        self.commits = 0
        self.git("init", "-q", "--bare", "-b", "main", self.bare, at=folder)
        self.git("init", "-q", "-b", "main", self.tree, at=folder)
        self.git("remote", "add", "origin", self.bare)

    @property
    def url(self):
        return f"file://{self.bare}"

    def git(self, *args, at=None, check=True):
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
               "LC_ALL": "C.UTF-8"}
        for who in ("AUTHOR", "COMMITTER"):
            env |= {f"GIT_{who}_NAME": "Dev", f"GIT_{who}_EMAIL": "dev@example.com",
                    f"GIT_{who}_DATE": f"{1704067200 + 60 * self.commits} +0000"}
        p = subprocess.run(["git", *map(str, args)], cwd=at or self.tree, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if check and p.returncode:
            raise tap.Failed(f"git {' '.join(map(str, args))}: {p.stderr.strip()}")
        return p.stdout.strip()

    def write(self, path, content):
        """content: text, an object, or a list of objects (one document each)."""
        target = self.tree / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content if isinstance(content, str) else documents(content))

    def remove(self, path):
        (self.tree / path).unlink()

    def link(self, path, target):
        (self.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (self.tree / path).symlink_to(target)

    def commit(self, message=None, branch="main", push=True):
        self.commits += 1
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message or f"commit {self.commits}")
        if push:
            self.push(branch)
        return self.git("rev-parse", "HEAD")

    def push(self, branch="main"):
        self.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{branch}")

    def tag(self, name, at="HEAD", message=None):
        self.git("tag", *(["-a", "-m", message] if message else []), name, at)
        self.git("push", "-q", "origin", f"refs/tags/{name}")


def documents(content):
    """JSON is YAML; one document for each object."""
    objects = content if isinstance(content, list) else [content]
    return "---\n".join(json.dumps(o, indent=2) + "\n" for o in objects)


def config_map(name, data=None, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": data or {"k": "v"}}


STUCK = {"microkube.tiphys.io/fail": "never-ready"}


def stuck(d):
    """The same Deployment with pods that never become ready, on both kinds of cluster."""
    d["metadata"].setdefault("annotations", {}).update(STUCK)
    d["spec"]["template"]["metadata"].setdefault("annotations", {}).update(STUCK)
    d["spec"]["template"]["spec"]["nodeSelector"] = {"no": "where"}
    return d


def deployment(name, image="registry.example.com/web:1", replicas=1, annotations=None, pod_annotations=None):
    labels = {"app": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, **({"annotations": annotations} if annotations else {})},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                     "template": {"metadata": {"labels": labels, **({"annotations": pod_annotations} if pod_annotations else {})},
                                  "spec": {"containers": [{"name": "main", "image": image}]}}}}


class App:
    """One Application of the world."""

    def __init__(self, world, name):
        self.world, self.name = world, name

    @property
    def kube(self):
        """The embedded API may be somewhere else after a restart."""
        return self.world.kube

    def get(self):
        return self.kube.get("Application", ARGOCD, self.name)

    def status(self):
        return (self.get() or {}).get("status") or {}

    def brief(self):
        s = self.status()
        op = s.get("operationState") or {}
        return {"sync": (s.get("sync") or {}).get("status"), "revision": (s.get("sync") or {}).get("revision"),
                "health": (s.get("health") or {}).get("status"), "phase": op.get("phase"), "message": op.get("message"),
                "conditions": [(c.get("type"), c.get("message")) for c in s.get("conditions") or []]}

    def wait(self, timeout=None, **wanted):
        """Waits until brief() agrees with every given field: sync, revision, health, phase."""
        def probe():
            b = self.brief()
            if all(b[k] == v for k, v in wanted.items()):
                return b
            raise tap.Failed(str(b))
        return wait_until(f"Application {self.name} {wanted}", probe, timeout)

    def synced(self, revision, timeout=None):
        """Waits until an operation has brought the application to this commit."""
        def probe():
            b = self.brief()
            history = self.status().get("history") or [{}]
            if (b["sync"], b["revision"], b["phase"], history[-1].get("revision")) == ("Synced", revision, "Succeeded", revision):
                return b
            raise tap.Failed(f"{b}, history ends with {history[-1].get('revision')}")
        return wait_until(f"Application {self.name} is synced to {revision[:7]}", probe, timeout)

    def wait_condition(self, kind, timeout=None):
        """The message of the condition of this type."""
        return wait_until(f"Application {self.name} has {kind}",
                          lambda: next((m for t, m in self.brief()["conditions"] if t == kind), None), timeout)

    def wait_no_condition(self, timeout=None):
        wait_until(f"Application {self.name} has no condition", lambda: not self.brief()["conditions"], timeout)

    def annotate(self, **annotations):
        self.kube.patch("Application", ARGOCD, self.name, {"metadata": {"annotations": annotations}})

    def refresh(self, how="normal"):
        """Asks for a refresh and waits until it is done, which removes the annotation."""
        self.kube.patch("Application", ARGOCD, self.name, {"metadata": {"annotations": {"argocd.argoproj.io/refresh": how}}})
        wait_until(f"Application {self.name} is refreshed",
                   lambda: "argocd.argoproj.io/refresh" not in ((self.get() or {})["metadata"].get("annotations") or {}))

    def sync(self, wait=True, **options):
        """Writes .operation, as `kubectl patch` would; waits for the end of that operation."""
        self.kube.patch("Application", ARGOCD, self.name, {"operation": {"initiatedBy": {"username": "e2e"}, "sync": options}})
        if not wait:
            return None

        def ended():
            # Our request is in the object until its end is stored.
            a = self.get()
            op = a.get("status", {}).get("operationState") or {}
            return op if "operation" not in a and op.get("phase") in ("Succeeded", "Failed", "Error") else None
        return wait_until(f"the operation of {self.name} ends", ended)

    def patch(self, patch):
        return self.kube.patch("Application", ARGOCD, self.name, patch)

    def delete(self, wait=True):
        self.kube.delete("Application", ARGOCD, self.name)
        if wait:
            wait_until(f"Application {self.name} is gone", lambda: self.get() is None)


class World:
    def __init__(self, data=None, env=None, arguments=()):
        self.folder = Path(tempfile.mkdtemp(prefix="tiphys-e2e-"))
        self.data = Path(data) if data else self.folder / "data"
        self.env, self.arguments = dict(env or {}), list(arguments)
        self.output = self.folder / "tiphys.log"
        self.kubeconfig = Path(CLUSTER_ADMIN) if CLUSTER else self.folder / "kubeconfig"
        self.process = self.kube = self.url = self.password = None
        self.apps, self.namespaces, self.starts = [], [], []
        self.logged_in = False
        self.kills = 0  # by a FAULT point before it served
        self.unvalidated = not CLUSTER and kubectl_minor() < KUBECTL_V3
        (self.folder / "repos").mkdir()
        self.start()

    # --- the product

    def command(self):
        where = ["--kubeconfig", CLUSTER] if CLUSTER else ["--embedded", "--write-kubeconfig", str(self.kubeconfig)]
        return [str(TIPHYS), "up", *where, "--data-dir", str(self.data), "--address", "127.0.0.1", "--port", "0", "--insecure", *self.arguments]

    def start(self, served=True):
        """Starts it and waits until it serves; the seconds that took are returned. served=False: it need not come so far."""
        began, offset = time.monotonic(), self.output.stat().st_size if self.output.exists() else 0
        self.data.mkdir(exist_ok=True)
        env = {**os.environ, "ARGOCD_RECONCILIATION_TIMEOUT": f"{POLL_S}s", "HOME": str(self.folder), **self.env}
        with open(self.output, "ab") as out:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=self.folder)

        if not served:
            return None

        def serves():
            if self.process.poll() == -signal.SIGKILL and self.env.pop("TIPHYS_FAULT", None):
                self.kills += 1
                self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=open(self.output, "ab"),
                                                stderr=subprocess.STDOUT, env=dict(env, **self.env, TIPHYS_FAULT=""), cwd=self.folder)
                return False
            if self.process.poll() is not None:
                raise SystemExit(f"Bail out! tiphys ended with {self.process.returncode}:\n" + tail(self.output))
            text = self.output.read_bytes()[offset:].decode("utf-8", "replace")
            m = re.search(r"^.*URL: (http\S+)", text, re.M)
            if not m:
                return False
            self.url = m[1].rstrip("/")
            p = re.search(r"admin password: (\S+)", text)
            self.password = p[1] if p else self.password
            return True
        try:
            wait_until("tiphys serves\n" + tail(self.output), serves, START_S, 0.002)
        except BaseException:  # nobody else knows of this process: a second one on the same cluster would disturb every story
            self.kill()
            raise
        seconds = time.monotonic() - began
        self.starts.append(seconds)
        self.kube = Kube(self.kubeconfig)
        if not self.password:  # another process was first on this cluster
            secret = self.kube.get("Secret", ARGOCD, "argocd-initial-admin-secret")
            self.password = base64.b64decode(secret["data"]["password"]).decode() if secret else None
        return seconds

    def stop(self):
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Late("tiphys does not end on SIGTERM\n" + tail(self.output)) from None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def running(self):
        return self.process.poll() is None

    def log(self):
        return self.output.read_text(errors="replace")

    def http(self, method, path, body=None, token=None, headers=None, timeout=30):
        """A request to the API; gives (status, JSON or text)."""
        u = urllib.parse.urlsplit(self.url)
        c = (http.client.HTTPSConnection(u.hostname, u.port, timeout=timeout, context=ssl._create_unverified_context()) if u.scheme == "https"
             else http.client.HTTPConnection(u.hostname, u.port, timeout=timeout))
        h = {"Content-Type": "application/json", **(headers or {})}
        if token:
            h["Authorization"] = "Bearer " + token
        try:
            c.request(method, path, None if body is None else json.dumps(body).encode(), h)
            r = c.getresponse()
            text = r.read()
        finally:
            c.close()
        try:
            return r.status, json.loads(text)
        except ValueError:
            return r.status, text.decode("utf-8", "replace")

    def token(self):
        status, answer = self.http("POST", "/api/v1/session", {"username": "admin", "password": self.password})
        tap.equal(status, 200, f"login as admin ({answer})")
        return answer["token"]

    def cli(self, *args, check=True, input=None, env=None, timeout=60):
        """Runs the command line program as `argocd` users do; gives the finished process."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        p = subprocess.run([str(TIPHYS), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout * PATIENCE, input=input or "",
                           cwd=home, env={"PATH": os.environ["PATH"], "HOME": str(home), "NO_COLOR": "1", "TZ": "UTC", **(env or {})})
        if check and p.returncode:
            raise tap.Failed(f"tiphys {' '.join(args)}: exit code {p.returncode}: {p.stderr.strip() or p.stdout.strip()}")
        return p

    def login(self):
        u = urllib.parse.urlsplit(self.url)
        return self.cli("login", u.netloc, "--username", "admin", "--password", self.password, "--plaintext" if u.scheme == "http" else "--insecure")

    def cli_fails(self, *args, reason):
        """The command ends with another exit code than 0 and says why."""
        if not self.logged_in:
            self.login()
            self.logged_in = True
        p = self.cli(*args, check=False)
        tap.true(p.returncode != 0, f"tiphys {' '.join(args)}: exit code {p.returncode}\n{p.stdout}{p.stderr}")
        said = (p.stdout + p.stderr).replace("\\u003e", ">").replace("\\u003c", "<")  # a fatal line is JSON, as upstream's
        tap.contains(" ".join(said.split()), " ".join(reason.split()))

    # --- what the stories are made of

    def kubectl(self, *args, check=True, input=None):
        if self.unvalidated and {"apply", "create"} & set(args):
            args = (*args, "--validate=false")
        p = subprocess.run([KUBECTL, f"--kubeconfig={self.kubeconfig}", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, input=input,
                           env={"PATH": os.environ["PATH"], "HOME": str(self.folder)})
        if check and p.returncode:
            raise tap.Failed(f"kubectl {' '.join(args)}: {p.stderr.strip()}")
        return p

    def repo(self, name):
        return Repo(self.folder / "repos", name)

    def namespace(self, name):
        if not self.kube.get("Namespace", None, name):
            self.kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.forget_namespace(name)
        return name

    def forget_namespace(self, name):
        """To be removed at the end, whoever makes it."""
        if name not in self.namespaces:
            self.namespaces.append(name)

    def app(self, name, repo, path=".", namespace=None, revision="HEAD", automated=None, options=(), finalizer=True, directory=None, **spec):
        """Creates an Application. automated: None, or the fields of spec.syncPolicy.automated. namespace: made if missing."""
        namespace = namespace or self.namespace(name)
        policy = {}
        if automated is not None:
            policy["automated"] = automated
        if options:
            policy["syncOptions"] = list(options)
        source = {"repoURL": repo if isinstance(repo, str) else repo.url, "path": path, "targetRevision": revision}
        if directory:
            source["directory"] = directory
        return self.app_of(name, {"project": "default", "source": source,
                                  "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
                                  **({"syncPolicy": policy} if policy else {}), **spec}, finalizer)

    def app_of(self, name, spec, finalizer=True):
        """Creates an Application with this spec."""
        self.kube.create({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                          "metadata": {"name": name, "namespace": ARGOCD, **({"finalizers": [FINALIZER]} if finalizer else {})}, "spec": spec})
        app = App(self, name)
        self.apps.append(app)
        return app

    def end(self):
        keep = os.environ.get("KEEP")
        try:
            if CLUSTER and not keep:
                for app in self.apps:
                    if app.get():
                        self.kube.patch("Application", ARGOCD, app.name, {"metadata": {"finalizers": None}})
                        app.delete(wait=False)
                for name in self.namespaces:
                    self.kube.delete("Namespace", None, name)
        except tap.Failed as e:
            tap.comment(f"while cleaning up: {e}")
        finally:
            if keep:
                tap.comment(f"left running: pid {self.process.pid}, {self.url}, KUBECONFIG={self.kubeconfig}, log {self.output}")
            else:
                if self.running():
                    self.stop()
                shutil.rmtree(self.folder, ignore_errors=True)


def tail(path, lines=40):
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


_shared = []


def shared(**kw):
    """One world for all tests of a driver, ended after the last."""
    if not _shared:
        _shared.append(World(**kw))
        tap.at_end(_shared[0].end)
    return _shared[0]
