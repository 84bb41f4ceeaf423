"""tests/e2e/charts.py: a Helm repository, an OCI registry and a server of plain files, for the e2e stories.

    with Server() as s:
        s.add(chart("web", "1.0.0"))         # in index.yaml and in the registry
        s.files["/v.yaml"] = "a: 1\n"
        s.url, s.registry                    # http://127.0.0.1:PORT and 127.0.0.1:PORT/team

Everything is changed while it runs: what is added is there at the next request. `user` and `password` ask for basic
authentication; `down` drops connections; `log` holds "METHOD path" of each request. Archives are made by tarfile.
"""
import base64
import gzip
import hashlib
import http.server
import io
import json
import ssl
import tarfile
import threading

CONFIG = "application/vnd.cncf.helm.config.v1+json"
LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-{{ .Chart.Name }}
data:
  a: {{ .Values.a | quote }}
  version: {{ .Chart.Version | quote }}
"""


def chart(name, version, a="default", more="", **files):
    """A chart with one ConfigMap RELEASE-NAME; gives (name, version, archive)."""
    content = {"Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n{more}", "values.yaml": f"a: {a}\n", "templates/cm.yaml": TEMPLATE, **files}
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as z, tarfile.open(fileobj=z, mode="w") as t:
        for path, text in content.items():
            info = tarfile.TarInfo(f"{name}/{path}")
            info.size = len(text.encode())
            t.addfile(info, io.BytesIO(text.encode()))
    return name, version, out.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Server:
    def __init__(self, user=None, password=None, certificate=None):
        self.user, self.password, self.down = user, password, False
        self.charts, self.files, self.log, self.wrong_digest = {}, {}, [], False
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                owner.answer(self)

            do_HEAD = do_GET

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        if certificate:  # a file with certificate and key
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self.http.server_port}"
        self.url, self.registry = f"{'https' if certificate else 'http'}://{self.host}", f"{self.host}/team"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def add(self, made):
        name, version, archive = made
        self.charts.setdefault(name, {})[version] = archive

    def remove(self, name, version):
        del self.charts[name][version]

    def index(self):
        entries = {name: [{"apiVersion": "v2", "name": name, "version": v, "urls": [f"{name}-{v}.tgz"],
                           "digest": digest(a)[7:], "created": "2024-01-01T00:00:00Z"} for v, a in versions.items()]
                   for name, versions in self.charts.items()}
        return json.dumps({"apiVersion": "v1", "entries": entries})  # JSON is YAML

    def answer(self, h):
        self.log.append(f"{h.command} {h.path}")
        if self.down:
            h.close_connection = True
            return
        wanted = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.user and not h.path.startswith("/open/") and h.headers.get("Authorization") != wanted:
            self.send(h, 401, "text/plain", b"who are you\n", {"WWW-Authenticate": 'Basic realm="charts"'})
            return
        status, kind, body = self.find(h.path.split("?")[0])
        self.send(h, status, kind, body, {"Docker-Content-Digest": digest(body)} if h.path.startswith("/v2/") else {})

    def send(self, h, status, kind, body, headers):
        h.send_response(status)
        for k, v in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            h.send_header(k, v)
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(body)

    def find(self, path):
        if path == "/index.yaml":
            return 200, "text/yaml", self.index().encode()
        for name, versions in self.charts.items():
            for version, archive in versions.items():
                if path == f"/{name}-{version}.tgz":
                    return 200, "application/gzip", archive
        if path in self.files:
            return 200, "text/plain", self.files[path].encode()
        return self.find_in_registry(path) if path.startswith("/v2/") else (404, "text/plain", b"not found\n")

    def manifest(self, name, version):
        config, archive = json.dumps({"name": name, "version": version}).encode(), self.charts[name][version]
        return json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                           "config": {"mediaType": CONFIG, "digest": digest(config), "size": len(config)},
                           "layers": [{"mediaType": LAYER, "digest": digest(archive), "size": len(archive)}]}).encode(), config

    def find_in_registry(self, path):
        if path == "/v2/":
            return 200, "application/json", b"{}"
        for name, versions in self.charts.items():
            base = f"/v2/team/{name}/"
            if path == base + "tags/list":
                return 200, "application/json", json.dumps({"name": f"team/{name}", "tags": [v.replace("+", "_") for v in versions]}).encode()
            for version, archive in versions.items():
                manifest, config = self.manifest(name, version)
                if path in (f"{base}manifests/{version.replace('+', '_')}", f"{base}manifests/{digest(manifest)}"):
                    return 200, "application/vnd.oci.image.manifest.v1+json", manifest
                if path == f"{base}blobs/{digest(config)}":
                    return 200, "application/json", config
                if path == f"{base}blobs/{digest(archive)}":
                    return 200, "application/octet-stream", archive[:-1] + b"x" if self.wrong_digest else archive
        return 404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
