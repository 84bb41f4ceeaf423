#!/usr/bin/env python3
"""A destination that is away, refuses, or answers half: one clear condition or operation message, and everything else goes on.

The destination is the same Kubernetes API behind a proxy that can be told to misbehave.
"""
import base64
import http.server
import json
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from world import ARGOCD, CLUSTER, config_map, shared, tap, wait_until  # noqa: E402


class Proxy(http.server.ThreadingHTTPServer):
    """Passes on to the API of the world. rule(method, path): None, a status, or "half" | "cut"."""
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # a burst of watches does not wait for a second try to connect

    def __init__(self, kube):
        self.kube, self.rule, self.seen, self.open = kube, None, [], set()
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def handle_error(self, request, client_address):
        pass  # connections that end in the middle are what this is for

    def misbehave(self, rule):
        self.rule = rule

    def drop_connections(self):
        for s in list(self.open):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def leave(self):
        """The port answers no more."""
        self.shutdown()
        self.server_close()
        self.drop_connections()


def status_body(code, reason="", message="made to fail"):
    return json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code}).encode()


REASONS = {409: "Conflict", 410: "Expired", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        self.server.open.add(self.connection)

    def finish(self):
        self.server.open.discard(self.connection)
        super().finish()

    def do_GET(self):
        s = self.server
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        what = s.rule(self.command, self.path) if s.rule else None
        s.seen.append((self.command, self.path, what))
        if what == "cut":
            self.close_connection = True
            return
        if isinstance(what, int):
            text = status_body(what, REASONS.get(what, ""))
            self.send_response(what)
            self.send_header("Content-Type", "application/json")
            if what == 429:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            return
        c = s.kube.connection(timeout=600)
        headers = {**{k: v for k, v in self.headers.items() if k.lower() not in ("host", "authorization", "connection", "accept-encoding")}, **{
            k: v for k, v in s.kube.headers.items() if k == "Authorization"}}
        c.request(self.command, self.path, body, headers)
        self.answer(c.getresponse(), what)
        c.close()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def answer(self, r, what):
        self.send_response(r.status)
        self.send_header("Content-Type", r.headers.get("Content-Type", "application/json"))
        if "watch=" in self.path:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while data := r.read1(65536):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")
            return
        text = r.read()
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if what == "half":
            self.wfile.write(text[:len(text) // 2])
            self.close_connection = True
            return
        self.wfile.write(text)


def destination(name, server):
    """A cluster Secret, as `argocd cluster add` writes it."""
    shared().kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"cluster-{name}", "namespace": ARGOCD,
                          "labels": {"argocd.argoproj.io/secret-type": "cluster"}},
                          "data": {k: base64.b64encode(v.encode()).decode() for k, v in
                                   {"name": name, "server": server, "config": '{"tlsClientConfig":{"insecure":false}}'}.items()}})


def forget_destination(name):
    shared().kube.delete("Secret", ARGOCD, f"cluster-{name}")


def repository(name, **files):
    repo = shared().repo(name)
    for path, content in (files or {"cm": config_map("c1")}).items():
        repo.write(f"app/{path}.yaml", content)
    repo.commit()
    return repo


def remote_app(name, server, repo=None, **kw):
    return shared().app(name, repo or repository(name), path="app", destination={"server": server, "namespace": shared().namespace(name)}, **kw)


def bystander(name):
    app = shared().app(name, repository(name), path="app", automated={})
    app.wait(sync="Synced", health="Healthy")
    return app


def conditions(app):
    return sorted(app.brief()["conditions"])


@tap.test
def a_destination_that_was_never_there():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{s.getsockname()[1]}"
    destination("never", server)
    other = bystander("never-other")
    app = remote_app("never", server)
    cause = (f'error synchronizing cache state : failed to get server version: failed to get server version: Get "{server}/version?timeout=32s": '
             f"dial tcp {server[8:]}: connect: connection refused")
    app.wait(sync="Unknown")
    wait_until("its conditions", lambda: conditions(app) == sorted([
        ("ComparisonError", f'Failed to load live state: failed to get cluster info for "{server}": {cause}'),
        ("ComparisonError", f'Failed to load target state: failed to get cluster version for cluster "{server}": failed to get cluster info for "{server}": {cause}'),
        ("UnknownError", cause)]) or (_ for _ in ()).throw(tap.Failed(str(conditions(app)))))
    shared().cli_fails("app", "sync", app.name, reason="connection refused")
    other.wait(sync="Synced", health="Healthy")
    app.delete(wait=False)
    tap.equal(app.wait_condition("DeletionError"), f'failed to get cluster info for "{server}": {cause}')
    forget_destination("never")  # nothing can be deleted there any more
    wait_until("it goes with its cluster", lambda: app.get() is None)
    other.delete()


@tap.test
def a_destination_that_disappears_in_mid_sync_and_comes_back():
    proxy = Proxy(shared().kube)
    destination("leaves", proxy.url)
    other = bystander("leaves-other")
    repo = repository("leaves", a=config_map("c1"), b=config_map("c2", annotations={"argocd.argoproj.io/sync-wave": "1"}))
    app = remote_app("leaves", proxy.url, repo)
    app.wait(sync="OutOfSync")
    proxy.misbehave(lambda method, path: "cut" if method != "GET" and "dryRun" not in path and ("c2" in path or method == "POST" and shared().kube.get("ConfigMap", "leaves", "c1")) else None)
    op = app.sync()
    tap.equal(op["phase"], "Failed")
    tap.contains(op["message"], "one or more objects failed to apply, reason: ")
    tap.true(shared().kube.get("ConfigMap", "leaves", "c1") and not shared().kube.get("ConfigMap", "leaves", "c2"), "the first wave is there, the second is not")
    tap.equal(app.status().get("history") or [], [])
    other.refresh()
    proxy.misbehave(None)
    proxy.drop_connections()
    tap.equal(app.sync()["phase"], "Succeeded")
    app.wait(sync="Synced", health="Healthy")
    tap.equal(len(app.status()["history"]), 1)
    app.delete()
    other.delete()
    forget_destination("leaves")
    proxy.leave()


@tap.test
def a_destination_that_is_away_for_a_while_is_seen_and_forgotten():
    proxy = Proxy(shared().kube)
    destination("away", proxy.url)
    repo = repository("away")
    app = remote_app("away", proxy.url, repo, automated={"prune": True, "selfHeal": True})
    app.wait(sync="Synced", health="Healthy")
    proxy.misbehave(lambda method, path: "cut")
    proxy.drop_connections()
    repo.write("app/cm.yaml", config_map("c1", {"k": "2"}))
    sha = repo.commit()
    time.sleep(2)
    tap.equal(shared().kube.get("ConfigMap", "away", "c1")["data"], {"k": "v"})
    proxy.misbehave(None)
    app.synced(sha)
    app.wait_no_condition()
    tap.equal(shared().kube.get("ConfigMap", "away", "c1")["data"], {"k": "2"})
    app.delete()
    forget_destination("away")
    proxy.leave()


def write_of(name):
    return lambda answer: (lambda method, path: answer if method != "GET" and "dryRun" not in path and f"namespaces/{name}/" in path else None)


@tap.test
def an_answer_that_is_an_error_fails_the_sync_with_its_reason_and_the_next_one_succeeds():
    proxy = Proxy(shared().kube)
    destination("answers", proxy.url)
    other = bystander("answers-other")
    app = remote_app("answers", proxy.url)
    app.wait(sync="OutOfSync")
    for status in (409, 410, 500, 503):
        proxy.misbehave(write_of("answers")(status))
        op = app.sync()
        tap.equal((status, op["phase"]), (status, "Failed"))
        tap.contains(op["message"], "one or more objects failed to apply, reason: ")
        tap.contains(op["message"], "made to fail")
        tap.equal(shared().kube.get("ConfigMap", "answers", "c1"), None)
    shared().cli_fails("app", "sync", app.name, reason="made to fail")
    proxy.misbehave(None)
    tap.equal(app.sync()["phase"], "Succeeded")
    app.wait(sync="Synced", health="Healthy")
    other.wait(sync="Synced", health="Healthy")
    app.delete()
    other.delete()
    forget_destination("answers")
    proxy.leave()


@tap.test
def a_server_that_asks_to_come_back_later_is_asked_again():
    proxy = Proxy(shared().kube)
    destination("later", proxy.url)
    app = remote_app("later", proxy.url)
    app.wait(sync="OutOfSync")
    left = [2]

    def busy(method, path):
        if write_of("later")(429)(method, path) and left[0]:
            left[0] -= 1
            return 429
        return None
    proxy.misbehave(busy)
    tap.equal(app.sync()["phase"], "Succeeded")
    tap.equal(left[0], 0)
    app.wait(sync="Synced")
    app.delete()
    forget_destination("later")
    proxy.leave()


@tap.test
def half_an_answer_to_a_write_fails_the_sync_and_nothing_is_lost():
    proxy = Proxy(shared().kube)
    destination("half", proxy.url)
    app = remote_app("half", proxy.url)
    app.wait(sync="OutOfSync")
    proxy.misbehave(write_of("half")("half"))
    op = app.sync()
    tap.equal(op["phase"], "Failed")
    tap.contains(op["message"], "unexpected EOF")
    tap.true(shared().kube.get("ConfigMap", "half", "c1"), "the write itself was done")
    proxy.misbehave(None)
    tap.equal(app.sync()["phase"], "Succeeded")
    app.wait(sync="Synced", health="Healthy")
    app.delete()
    tap.equal(shared().kube.get("ConfigMap", "half", "c1"), None)
    forget_destination("half")
    proxy.leave()


@tap.test
def lists_and_watches_that_fail_are_asked_again():
    proxy = Proxy(shared().kube)
    destination("lists", proxy.url)
    n = [0]

    def sometimes(method, path):
        """Every third question is answered badly, each time in another way."""
        n[0] += 1
        return [410, 500, "half", "cut", 429][n[0] // 3 % 5] if method == "GET" and n[0] % 3 == 0 and n[0] < 400 else None
    proxy.misbehave(sometimes)
    repo = repository("lists")
    app = remote_app("lists", proxy.url, repo, automated={"prune": True, "selfHeal": True})
    app.wait(sync="Synced", health="Healthy", timeout=60)
    for i in range(3):
        proxy.drop_connections()
        repo.write("app/cm.yaml", config_map("c1", {"k": str(i)}))
        app.synced(repo.commit(), timeout=60)
    shared().kube.patch("ConfigMap", "lists", "c1", {"data": {"k": "foreign"}})
    wait_until("it is healed", lambda: shared().kube.get("ConfigMap", "lists", "c1")["data"] == {"k": "2"})
    app.wait_no_condition()
    tap.true(n[0] > 30, f"{n[0]} requests")
    app.delete()
    forget_destination("lists")
    proxy.leave()


@tap.test
def the_product_is_still_the_same_process():
    tap.true(shared().running(), "tiphys has ended")
    tap.equal(len(shared().starts), 1)


tap.main()
