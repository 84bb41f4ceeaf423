"""The cases of tests/golden/source/charts.jsonl: a peer's table and what is asked of it.

Each: name, files/a/b (tests/peers/web_peer.py), repo (texts {a}, {b}), and asks: a list of
  {"get": [CHART, VERSION]}   helm pull
  {"resolve": [CHART, REVISION]}   Argo CD's newHelmClientResolveRevision
with optional user, password, pass (credentials everywhere). oci: the repository is a registry (over
plain HTTP).
"""
import json

CONFIG = "application/vnd.cncf.helm.config.v1+json"
LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BASIC = "Basic dTpw"  # u:p


def index(*entries, head="apiVersion: v1\n", name="web"):
    return head + f"entries:\n  {name}:\n" + "".join(entries)


def entry(version, url, more=""):
    return f"  - {{apiVersion: v2, name: web, version: '{version}', urls: ['{url}']{more}}}\n"


WEB = {"web": {"chart": ["web", "1.2.3"]}, "new": {"chart": ["web", "2.0.0"]}}


def helm_repo(name, text, asks, rules=(), **more):
    return {"name": name, "files": WEB, "repo": "http://{a}/charts", "asks": asks,
            "a": [{"path": "/charts/index.yaml", "body": text}, *rules,
                  {"path": "/charts/web-1.2.3.tgz", "file": "web"},
                  {"path": "/charts/web-2.0.0.tgz", "file": "new"}], **more}


def get(*versions):
    return [{"get": ["web", v]} for v in versions]


def resolve(*revisions):
    return [{"resolve": ["web", r]} for r in revisions]


REVISIONS = ("1.2.3", "v1.2.3", "1", "1.x", "1.2.*", "~1.2.0", "^1", ">=1.0.0 <2", ">1.0.0-0", "*", "x",
             "", "HEAD", "latest", "7.0.0", "^7", ">=1.0.0 || 3", "1.0 - 2.0", "not a version", "=1.2.3",
             "!=1.2.3", "2.0.0-rc.1", "~>1", "1.2.3+build", ">=2.0.0-0", "v1.x", "1.2", "stable")

MANY = [entry(v, f"web-{v}.tgz") for v in ("1.2.3", "1.10.0", "2.0.0", "2.1.0-rc.1", "0.9.0", "1.2.10",
                                           "v1.4.0", "1.2.3+meta", "not-semver", "1.2")]


def registry(name, asks, tags=None, manifest=None, blob="web", rules=(), oci_path="charts/web", **more):
    manifest = manifest if manifest is not None else {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": "sha256:{sha256:config}", "size": "{size:config}"},
        "layers": [{"mediaType": LAYER, "digest": "sha256:{sha256:web}", "size": "{size:web}"}]}
    text = json.dumps(manifest).replace('"{size:config}"', "{size:config}").replace('"{size:web}"', "{size:web}")
    files = {**WEB, "config": {"repeat": ['{"name":"web","version":"1.2.3","apiVersion":"v2"}', 1]},
             "manifest": {"text": text}}
    base = f"/v2/{oci_path}"
    typed = {"Content-Type": MANIFEST, "Docker-Content-Digest": "sha256:{sha256:manifest}"}
    a = [*rules,
         {"path": f"{base}/tags/list",
          "body": json.dumps({"name": oci_path, "tags": tags or ["1.2.3", "1.10.0", "2.0.0-rc.1", "1.3.0_meta"]})},
         {"path": f"{base}/manifests/1.2.3", "file": "manifest", "header": typed},
         {"path": f"{base}/manifests/1.3.0_meta", "file": "manifest", "header": typed},
         {"path": f"{base}/manifests/sha256:{{sha256:manifest}}", "file": "manifest", "header": typed},
         {"path": f"{base}/blobs/sha256:{{sha256:config}}", "file": "config"},
         {"path": f"{base}/blobs/sha256:{{sha256:web}}", "file": blob}]
    return {"name": name, "files": files, "repo": "{a}/charts", "oci": True, "a": a, "asks": asks, **more}


def guarded(case, header, allowed):
    """Every path of the registry asks for `allowed` first."""
    rules = []
    for r in case["a"]:
        if r["path"].startswith("/v2/") and "auth" not in r:
            rules.append({**r, "auth": allowed})
    denied = {"errors": [{"code": "UNAUTHORIZED", "message": "authentication required", "detail": None}]}
    for path in sorted({r["path"] for r in rules}):
        rules.append({"path": path, "status": 401, "header": {"WWW-Authenticate": header},
                      "body": json.dumps(denied)})
    return {**case, "a": [r for r in case["a"] if not r["path"].startswith("/v2/") or "auth" in r] + rules}


def token(body, auth=None, status=200):
    rule = {"path": "/token", "body": body, "status": status}
    if auth is not None:
        rule["auth"] = auth
    return rule


BEARER = 'Bearer realm="http://{a}/token",service="reg.example",scope="repository:charts/web:pull"'

ODD_FIELDS = [
    "digest: 123",
    "removed: 'x'",
    "created: 2024-01-02",
    "created: '2024-13-02T00:00:00Z'",
    "created: '2024-01-02T00:00:00'",
    "created: 5",
    "appVersion: 1.0",
    "keywords: [1, a]",
    "keywords: a",
    "maintainers: [{name: 1}]",
    "maintainers: [{foo: 1}]",
    "maintainers: x",
    "dependencies: [{name: a, version: 1}]",
    "dependencies: [{name: a, enabled: x}]",
    "annotations: {a: true, b: 1.50}",
    "annotations: [1]",
    "deprecated: 1",
    "import-values: 1",
    "checksum: [1]",
    "dependencies: [null]",
    "maintainers: [null]",
    "created: '2024-1-2T00:00:00Z'",
    "created: '2024-01-02T00:00:00.5+0100'",
    "created: '2024-01-02T25:00:00Z'",
    "created: '2023-02-29T00:00:00Z'",
    "created: '2024-01-02T00:00:00Zx'",
    "sources: [[1]]",
    "dependencies: [{name: a, alias: 'x y'}]",
    "dependencies: [{name: a}, {name: a}]",
    "maintainers: [x]",
    "maintainers: [{name: a}]",
    "URL: [x]"]
ODD_HEADS = ["apiVersion: 1\n", "apiVersion: v1\ngenerated: now\n", "apiVersion: v1\nserverInfo: 1\n", "apiVersion: v1\npublicKeys: [1]\n", "apiVersion: v1\nannotations: {a: 1}\n", "apiVersion: v1\nfoo: 1\n", "apiVersion: null\n", "apiversion: v1\n"]
ODD_JSON = [{"digest": 123}, {"version": 1}, {"colour": 1}, {"created": "now"}]

CASES = [
    *(helm_repo(f"a field: {f}", index(entry("1.2.3", "web-1.2.3.tgz", ", " + f)), get("1.2.3") + resolve("*"))
      for f in ODD_FIELDS),
    *(helm_repo(f"a head: {h}", index(entry("1.2.3", "web-1.2.3.tgz"), head=h), get("1.2.3") + resolve("*"))
      for h in ODD_HEADS),
    *(helm_repo(f"JSON: {j}", json.dumps({"apiVersion": "v1", "x": 1, "entries": {"web": [
        {"name": "web", "version": "1.2.3", "urls": ["web-1.2.3.tgz"], **j}]}}), get("1.2.3") + resolve("*"))
      for j in ODD_JSON),
    helm_repo("every kind of revision", index(*MANY), resolve(*REVISIONS)),
    helm_repo("what helm picks", index(*MANY), get("1.2.3", "2.0.0", "v1.2.3", "2", "7.0.0", "1.2.4", "2.0.0+x")),
    helm_repo("no such chart", index(*MANY, name="other"), get("1.2.3") + resolve("*")),
    helm_repo("no entries", "apiVersion: v1\nentries: {}\n", get("1.2.3") + resolve("*")),
    helm_repo("no apiVersion", index(*MANY, head=""), get("1.2.3") + resolve("*")),
    helm_repo("an empty file", "", get("1.2.3") + resolve("*")),
    helm_repo("blanks", "  \n", get("1.2.3") + resolve("*")),
    helm_repo("null", "null\n", get("1.2.3") + resolve("*")),
    helm_repo("a page for people", "<html><body>hello</body></html>\n", get("1.2.3") + resolve("*")),
    helm_repo("not YAML", "apiVersion: v1\nentries:\n  web: [\n", get("1.2.3") + resolve("*")),
    helm_repo("a tab", "apiVersion: v1\nentries:\n\tweb: 1\n", get("1.2.3") + resolve("*")),
    helm_repo("cut in a word", index(*MANY)[:-20], get("1.2.3") + resolve("*")),
    helm_repo("entries are a list", "apiVersion: v1\nentries: [1]\n", get("1.2.3") + resolve("*")),
    helm_repo("a chart is a map", "apiVersion: v1\nentries:\n  web: {a: 1}\n", get("1.2.3") + resolve("*")),
    helm_repo("a chart is a word", "apiVersion: v1\nentries:\n  web: hello there everybody\n",
              get("1.2.3") + resolve("*")),
    helm_repo("an entry is a word", "apiVersion: v1\nentries:\n  web: [x, 2]\n", get("1.2.3") + resolve("*")),
    helm_repo("an entry is null", "apiVersion: v1\nentries:\n  web:\n  -\n" + entry("1.2.3", "web-1.2.3.tgz"),
              get("1.2.3") + resolve("*")),
    helm_repo("a version is a list", "apiVersion: v1\nentries:\n  web:\n  - version: [1]\n",
              get("1.2.3") + resolve("*")),
    helm_repo("a version is a number", index("  - {name: web, version: 1.0, urls: [web-1.2.3.tgz]}\n"
                                             "  - {name: web, version: 2, urls: [web-1.2.3.tgz]}\n"),
              get("1", "2", "1.0") + resolve("*", "<2", "1.x")),
    helm_repo("created is no time", index("  - {name: web, version: 1.2.3, created: yesterday, urls: [x]}\n"),
              get("1.2.3") + resolve("*")),
    helm_repo("created is a time", index("  - {name: web, version: 1.2.3, created: '2024-01-02T03:04:05.678Z', "
                                         "urls: [web-1.2.3.tgz]}\n"), get("1.2.3") + resolve("*")),
    helm_repo("created is a plain time", index("  - name: web\n    version: 1.2.3\n    created: 2024-01-02T03:04:05"
                                               ".678901234+01:00\n    urls:\n    - web-1.2.3.tgz\n"),
              get("1.2.3") + resolve("*")),
    helm_repo("a key is there twice", index(*MANY) + "apiVersion: v1\n", get("1.2.3") + resolve("*")),
    helm_repo("a chart is there twice", index(entry("1.2.3", "web-1.2.3.tgz"))
              + "  web:\n" + entry("2.0.0", "web-2.0.0.tgz"), get("1.2.3") + resolve("*")),
    helm_repo("a version is there twice", index(entry("1.2.3", "web-2.0.0.tgz"), entry("1.2.3", "web-1.2.3.tgz")),
              get("1.2.3") + resolve("*")),
    helm_repo("a field nobody knows", index(entry("1.2.3", "web-1.2.3.tgz", ", colour: red")),
              get("1.2.3") + resolve("*")),
    helm_repo("entries of another name", index("  - {name: other, version: 1.2.3, urls: [web-1.2.3.tgz]}\n"),
              get("1.2.3") + resolve("*")),
    helm_repo("entries helm drops", index("  - {version: 1.2.3, urls: [a]}\n", "  - {name: web, urls: [a]}\n",
                                          "  - {name: a/b, version: 1.3.0, urls: [a]}\n",
                                          "  - {name: web, version: 1.4.0, type: other, urls: [a]}\n"),
              get("1.2.3", "1.3.0", "1.4.0") + resolve("*")),
    helm_repo("JSON", json.dumps({"apiVersion": "v1", "entries": {"web": [
        {"name": "web", "version": "1.2.3", "urls": ["web-1.2.3.tgz"]}]}}), get("1.2.3") + resolve("*")),
    helm_repo("no URL", index("  - {name: web, version: 1.2.3}\n"), get("1.2.3")),
    helm_repo("a URL of another scheme", index(entry("1.2.3", "file:///etc/passwd")), get("1.2.3")),
    helm_repo("a URL with a colon first", index(entry("1.2.3", "a:b.tgz")), get("1.2.3")),
    helm_repo("a URL nobody can read", index(entry("1.2.3", "http://[::1/x")), get("1.2.3")),
    helm_repo("a URL with dots", index(entry("1.2.3", "../charts/./x/../web-1.2.3.tgz")), get("1.2.3")),
    helm_repo("a rooted URL", index(entry("1.2.3", "/charts/web-1.2.3.tgz")), get("1.2.3")),
    helm_repo("a whole URL", index(entry("1.2.3", "http://{a}/charts/web-1.2.3.tgz")), get("1.2.3")),
    helm_repo("a URL of another host", index(entry("1.2.3", "http://{b}/web.tgz")), get("1.2.3"),
              b=[{"path": "/web.tgz", "file": "web"}]),
    helm_repo("a URL that is not there", index(entry("1.2.3", "gone.tgz")), get("1.2.3")),
    helm_repo("a server in trouble", index(entry("1.2.3", "bad.tgz")), get("1.2.3"),
              [{"path": "/charts/bad.tgz", "status": 503, "body": "busy"}]),
    helm_repo("its own words for a status", index(entry("1.2.3", "bad.tgz")), get("1.2.3"),
              [{"path": "/charts/bad.tgz", "status": 404, "reason": "Gone Fishing"}]),
    helm_repo("a redirected archive", index(entry("1.2.3", "moved.tgz")), get("1.2.3"),
              [{"path": "/charts/moved.tgz", "status": 302, "header": {"Location": "web-1.2.3.tgz"}}]),
    helm_repo("a redirect to a file", index(entry("1.2.3", "moved.tgz")), get("1.2.3"),
              [{"path": "/charts/moved.tgz", "status": 302, "header": {"Location": "file:///etc/passwd"}}]),
    helm_repo("redirects without end", index(entry("1.2.3", "moved.tgz")), get("1.2.3"),
              [{"path": "/charts/moved.tgz", "status": 307, "header": {"Location": "moved.tgz"}}]),
    helm_repo("a redirect to nowhere", index(entry("1.2.3", "moved.tgz")), get("1.2.3"),
              [{"path": "/charts/moved.tgz", "status": 302}]),
    helm_repo("a digest that differs", index(entry("1.2.3", "web-1.2.3.tgz", ", digest: '" + "0" * 64 + "'")),
              get("1.2.3")),
    helm_repo("a cut archive", index(entry("1.2.3", "cut.tgz")), get("1.2.3"),
              [{"path": "/charts/cut.tgz", "file": "web", "do": "cut"}]),
    {**helm_repo("a redirected index", "x", get("1.2.3") + resolve("*")),
     "a": [{"path": "/charts/index.yaml", "status": 301, "header": {"Location": "/real/index.yaml"}},
           {"path": "/real/index.yaml", "body": index(entry("1.2.3", "web-1.2.3.tgz"))},
           {"path": "/charts/web-1.2.3.tgz", "file": "web"}]},
    {**helm_repo("no index", "", get("1.2.3") + resolve("*")), "a": []},
    {**helm_repo("an index nobody may see", "", get("1.2.3") + resolve("*")),
     "a": [{"path": "/charts/index.yaml", "status": 403, "body": "no"}]},
    {**helm_repo("nobody listens", "", get("1.2.3") + resolve("*")), "repo": "http://127.0.0.1:1/charts"},
    {**helm_repo("TLS where there is none", "", get("1.2.3") + resolve("*")), "repo": "https://{a}/charts"},
    {**helm_repo("another scheme", "", get("1.2.3")), "repo": "ftp://{a}/charts"},
    {**helm_repo("a slash at the end and a query", index(entry("1.2.3", "web-1.2.3.tgz")), get("1.2.3")),
     "repo": "http://{a}/charts/?key=1"},
    {**helm_repo("who one is", index(entry("1.2.3", "web-1.2.3.tgz")), get("1.2.3") + resolve("*")),
     "user": "u", "password": "p",
     "a": [{"path": "/charts/index.yaml", "auth": BASIC, "body": index(entry("1.2.3", "web-1.2.3.tgz"))},
           {"path": "/charts/index.yaml", "status": 401},
           {"path": "/charts/web-1.2.3.tgz", "auth": BASIC, "file": "web"},
           {"path": "/charts/web-1.2.3.tgz", "status": 401}]},
    {**helm_repo("passed on", index(entry("1.2.3", "http://{b}/web.tgz")), get("1.2.3")),
     "user": "u", "password": "p", "pass": True,
     "b": [{"path": "/web.tgz", "auth": BASIC, "file": "web"}, {"path": "/web.tgz", "status": 401}]},

    registry("registry: revisions", resolve(*REVISIONS)),
    registry("registry: a chart", get("1.2.3", "1.3.0+meta", "7.0.0")),
    registry("registry: pages", resolve("*", "9.x", "1.x"), rules=[
        {"path": "/v2/charts/web/tags/list", "query": "n=2&last=b",
         "body": '{"tags":["9.0.0"]}'},
        {"path": "/v2/charts/web/tags/list", "header": {"Link": '</v2/charts/web/tags/list?n=2&last=b>; rel="next"'},
         "body": '{"tags":["1.0.0","1.1.0"]}'}]),
    registry("registry: a link nobody can read", resolve("*"), rules=[
        {"path": "/v2/charts/web/tags/list", "header": {"Link": "next please"}, "body": '{"tags":["1.0.0"]}'}]),
    registry("registry: tags are no list", resolve("*"), rules=[
        {"path": "/v2/charts/web/tags/list", "body": '{"tags":"1.0.0"}'}]),
    registry("registry: tags are null", resolve("*", "x"), rules=[
        {"path": "/v2/charts/web/tags/list", "body": '{"tags":null}'}]),
    registry("registry: not JSON", resolve("*"), rules=[
        {"path": "/v2/charts/web/tags/list", "body": '<html>'}]),
    registry("registry: nothing", resolve("*"), rules=[
        {"path": "/v2/charts/web/tags/list", "body": ''}]),
    registry("registry: unknown name", resolve("*") + get("1.2.3"), rules=[
        {"path": p, "status": 404, "body": json.dumps({"errors": [
            {"code": "NAME_UNKNOWN", "message": "repository name not known to registry",
             "detail": {"name": "charts/web", "n": 3, "list": ["a", None, True]}}]})}
        for p in ("/v2/charts/web/tags/list", "/v2/charts/web/manifests/1.2.3")]),
    registry("registry: trouble", resolve("*") + get("1.2.3"), rules=[
        {"path": p, "status": 500, "body": "oops"}
        for p in ("/v2/charts/web/tags/list", "/v2/charts/web/manifests/1.2.3")]),
    registry("registry: two complaints", resolve("*"), rules=[
        {"path": "/v2/charts/web/tags/list", "status": 403, "body": json.dumps({"errors": [
            {"code": "DENIED", "message": "requested access to the resource is denied"}, {"code": "A_B_C"}]})}]),
    registry("registry: another digest of the manifest", get("1.2.3"), rules=[
        {"path": "/v2/charts/web/manifests/1.2.3", "file": "manifest",
         "header": {"Content-Type": MANIFEST, "Docker-Content-Digest": "sha256:" + "0" * 64}}]),
    registry("registry: another blob", get("1.2.3"), blob="config"),
    registry("registry: no blob", get("1.2.3"), rules=[
        {"path": "/v2/charts/web/blobs/sha256:{sha256:web}", "status": 404}]),
    registry("registry: a blob of the same size", get("1.2.3"), rules=[
        {"path": "/v2/charts/web/blobs/sha256:{sha256:web}", "file": "fake"}], blob="fake"),
    registry("registry: no chart inside", get("1.2.3"), manifest={
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": "sha256:{sha256:config}", "size": "{size:config}"}, "layers": []}),
    registry("registry: no helm config", get("1.2.3"), manifest={
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:{sha256:config}",
                   "size": "{size:config}"},
        "layers": [{"mediaType": LAYER, "digest": "sha256:{sha256:web}", "size": "{size:web}"}]}),
    registry("registry: an old type of layer", get("1.2.3"), manifest={
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": "sha256:{sha256:config}", "size": "{size:config}"},
        "layers": [{"mediaType": "application/tar+gzip", "digest": "sha256:{sha256:web}", "size": "{size:web}"}]}),
    registry("registry: the blob is elsewhere", get("1.2.3"), rules=[
        {"path": "/v2/charts/web/blobs/sha256:{sha256:web}", "status": 307,
         "header": {"Location": "http://{b}/store/x"}}], b=[{"path": "/store/x", "file": "web"}]),
    registry("registry: a name with capitals", resolve("*") + get("1.2.3"), repo="{a}/Charts"),
    guarded(registry("registry: basic", resolve("*") + get("1.2.3"), user="u", password="p"),
            'Basic realm="x"', BASIC),
    guarded(registry("registry: basic without credentials", resolve("*") + get("1.2.3")), 'Basic realm="x"', BASIC),
    guarded(registry("registry: basic, another password", resolve("*"), user="u", password="q"),
            'Basic realm="x"', BASIC),
    guarded(registry("registry: a token for anybody", resolve("*") + get("1.2.3"), rules=[
        token('{"token":"T"}')]), BEARER, "Bearer T"),
    guarded(registry("registry: a token for one", resolve("*"), user="u", password="p", rules=[
        token('{"access_token":"T","token":"U"}', BASIC), token("no", status=401)]), BEARER, "Bearer T"),
    guarded(registry("registry: no token", resolve("*") + get("1.2.3"), rules=[
        token('{"errors":[{"code":"DENIED","message":"who are you"}]}', status=401)]), BEARER, "Bearer T"),
    guarded(registry("registry: an empty token", resolve("*"), rules=[token("{}")]), BEARER, "Bearer T"),
    guarded(registry("registry: a token that does not help", resolve("*") + get("1.2.3"), rules=[
        token('{"token":"no"}')]), BEARER, "Bearer T"),
    guarded(registry("registry: a realm of another scheme", resolve("*")),
            'Bearer realm="file:///etc/passwd",service="x"', "Bearer T"),
    guarded(registry("registry: a realm inside", resolve("*")),
            'Bearer realm="http://169.254.169.254/token",service="x"', "Bearer T"),
    guarded(registry("registry: a challenge nobody knows", resolve("*")), 'Negotiate abc', "Bearer T"),
    guarded(registry("registry: a challenge in bits", resolve("*"), rules=[token('{"token":"T"}')]),
            'bearer  service = reg , realm = "http://{a}/\\token" , scope="a b c"', "Bearer T"),
    guarded(registry("registry: other scopes", resolve("*"), rules=[
        {"path": "/token", "query": "scope=registry%3Acatalog%3A%2A&scope=repository%3Acharts%2Fweb%3Apull&service=a+b",
         "body": '{"token":"T"}'}, token("{}", status=400)]),
            'Bearer realm="http://{a}/token",service="a b",scope="repository:charts/web:pull registry:catalog:*"',
            "Bearer T"),
]
for case in CASES:
    if any("fake" in str(r.get("file")) for r in case["a"]):
        case["files"]["fake"] = {"like": "web"}
