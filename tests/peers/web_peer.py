#!/usr/bin/env python3
"""A web server that does what a table says: the peer of the tests of source/ and of the oracle.

usage: web_peer.py LOG

Listens on three ports of 127.0.0.1 ("a", "b" and "t" of the table; t speaks TLS when the table says {"tls": {"cert":
FILE, "key": FILE, "client_ca": FILE or nothing}}). A CONNECT to a that no rule (path "host:port") answers leads to t. Every line of its input is a table that replaces the
one before; each is answered by a line with all ports. The table:

  {"files": {NAME: {"chart": [NAME, VERSION]} | {"text": "..."} | {"repeat": ["text", N]} |
             {"like": NAME}},
   "a": [RULE...], "b": [RULE...]}

A rule: {"path": "/x", "query": "a=b", "auth": "Basic ..." | "Bearer ..." | "", "status": 200,
"reason": "OK", "header": {...}, "body": "...", "file": NAME, "do": "endless" | "drip" | "cut" |
"hang" | "gibberish", "length": N}. The first rule whose path (and query, and auth, when given) fits
answers; none: 404. "auth": "" fits a request without credentials. In texts, {a} and {b} are
"127.0.0.1:PORT" and {t} is the port of t, {sha256:NAME} and {size:NAME} speak of a file. Every request is a line of LOG:
"a GET /path?query Authorization-or-minus". Charts are archives that helm accepts; the same NAME and
VERSION give the same bytes each time.
"""
import gzip
import hashlib
import http.server
import io
import json
import socket
import ssl
import re
import sys
import tarfile
import threading
import time


def chart(name, version):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as z, tarfile.open(fileobj=z, mode="w") as t:
        for path, text in (("Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: {version}\n"),
                           ("templates/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "
                            f"{name}\ndata:\n  version: {version!r}\n")):
            info = tarfile.TarInfo(f"{name}/{path}")
            info.size = len(text)
            t.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


class World:
    def __init__(self, log):
        self.log = open(log, "a", buffering=1, encoding="utf-8")
        self.lock = threading.Lock()
        self.ports = {}
        self.table = {}
        self.files = {}
        self.secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def take(self, table):
        self.table, self.files = table, {}
        for name, what in table.get("files", {}).items():
            if "chart" in what:
                self.files[name] = chart(*what["chart"])
            elif "like" in what:  # as many bytes, others
                self.files[name] = bytes(255 - b for b in self.files[what["like"]])
            elif "repeat" in what:
                self.files[name] = (what["repeat"][0] * what["repeat"][1]).encode()

        for name, what in self.table.get("files", {}).items():
            if "text" in what:
                self.files[name] = self.fill(what["text"]).encode()

        if "tls" in table:
            self.secure.load_cert_chain(table["tls"]["cert"], table["tls"]["key"])
            if "client_ca" in table["tls"]:
                self.secure.load_verify_locations(table["tls"]["client_ca"])
                self.secure.verify_mode = ssl.CERT_REQUIRED

    def note(self, side, method, target, headers):
        via = headers.get("Proxy-Authorization")
        with self.lock:
            self.log.write(f"{side} {method} {target} {headers.get('Authorization') or '-'}"
                           f"{' proxy ' + via if via else ''}\n")

    def fill(self, text):
        text = re.sub(r"\{sha256:([^}]*)\}",
                      lambda m: hashlib.sha256(self.files[m[1]]).hexdigest(), text)
        text = re.sub(r"\{size:([^}]*)\}", lambda m: str(len(self.files[m[1]])), text)
        return text.replace("{a}", f"127.0.0.1:{self.ports['a']}").replace(
            "{b}", f"127.0.0.1:{self.ports['b']}").replace("{t}", str(self.ports["t"]))


def pour(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def handler_of(world, side):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = default_request_version = "HTTP/1.1"

        def log_message(self, *a):
            pass

        def do_CONNECT(self):
            if any(r["path"] == self.path for r in world.table.get(side, [])):
                self.do_GET()
                return
            world.note(side, self.command, self.path, self.headers)
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            with socket.create_connection(("127.0.0.1", world.ports["t"])) as far:
                there = threading.Thread(target=pour, args=(self.connection, far), daemon=True)
                there.start()
                pour(far, self.connection)

        def do_GET(self):
            target = self.path
            if target.startswith("http://"):  # asked as a proxy
                target = "/proxied/" + target[len("http://"):]
            path, _, query = target.partition("?")
            auth = self.headers.get("Authorization")
            world.note(side, self.command, target, self.headers)
            for rule in world.table.get(side, []):
                if world.fill(rule["path"]) != path or ("query" in rule and rule["query"] != query):
                    continue
                if "auth" in rule and rule["auth"] != (auth or ""):
                    continue
                return self.obey(rule)
            self.obey({"status": 404, "body": "no such thing\n"})

        def obey(self, rule):
            body = world.fill(rule.get("body", "")).encode()
            if "file" in rule:
                body = world.files[rule["file"]]
            deed = rule.get("do")
            if deed == "hang":
                time.sleep(60)
                return
            if deed == "gibberish":
                self.wfile.write(b"\x00\x01\x02 this is not HTTP\r\n\r\n")
                self.close_connection = True
                return
            self.send_response(rule.get("status", 200), rule.get("reason"))
            for name, value in rule.get("header", {}).items():
                self.send_header(name, world.fill(value))
            if deed in ("endless", "drip"):
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                piece = (body or b"x" * 65536) if deed == "endless" else b"#"
                try:
                    while True:
                        self.wfile.write(piece)
                        if deed == "drip":
                            time.sleep(0.05)
                except OSError:
                    return
            self.send_header("Content-Length", str(rule.get("length", len(body))))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if deed == "cut" else body)
            if deed == "cut":
                self.close_connection = True

        do_HEAD = do_GET

    return Handler


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # who went away early

    request_queue_size = 64
    secure = None

    def finish_request(self, request, client_address):
        if self.secure:  # in the connection's own thread
            request.settimeout(10)
            request = self.secure.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)


def main():
    world = World(sys.argv[1])
    for side in "abt":
        server = Server(("127.0.0.1", 0), handler_of(world, side))
        if side == "t":
            server.secure = world.secure
        world.ports[side] = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:  # until the one who started us goes away
        world.take(json.loads(line))
        print(*(world.ports[side] for side in "abt"), flush=True)


if __name__ == "__main__":
    main()
