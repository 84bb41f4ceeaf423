"""Charts whose rendering is recorded; see record.py."""
import base64, gzip, io, json, tarfile

CHART = "apiVersion: v2\nname: c\nversion: 0.1.0\n"
DUMP = "v: {{ .Values | toJson | squote }}\n"
CASES = []
COMMANDS = []


def case(name, files=None, args=(), release="r", chart=CHART, dump=True):
    f = {"Chart.yaml": chart} if chart is not None else {}
    if dump:
        f["templates/v.yaml"] = DUMP
    f.update(files or {})
    CASES.append({"name": name, "files": f, "release": release, "args": list(args)})


def command(name, argv, files):
    """A command line of helm in the folder $D, told whole."""
    COMMANDS.append({"name": name, "files": files, "command": argv, "args": []})


def tgz(files):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as t:
        for name, text in files.items():
            if isinstance(text, tuple):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = text
                t.addfile(info)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            t.addfile(info, io.BytesIO(text.encode()))
    return {"b64": base64.b64encode(gzip.compress(raw.getvalue(), mtime=0)).decode()}


# ---- --set and its sisters ----
BASE = "a: {b: 1, l: [1, 2]}\ns: text\nn: null\nlist: [x, {y: 1}]\n"
for i, line in enumerate(r'''
a=1|a=1,b=2|a|a,b=1|a.|a.=1|a.b|a=|a=,b=1|=1|a=true,b=FALSE,c=True|a=null,b=NULL|a=0,b=00,c=01|a=+5,b=-5,c=1.5,d=1e3
a=9223372036854775807,b=9223372036854775808|a={1,2,3}|a={}|a={a,{b}}|a={x|a={x},b=1|a={x}y=1|a={x},|a[0]=1|a[2]=1|a[0].b=1,a[0].c=2|a[0][1]=x
a[0]|a[0=1|a[x]=1|a[-1]=1|a[65537]=1|a[0]x=1|a[99999999999999999999]=1|s.b=1|s[0]=1|a.b.c=1|list[0].y=2|list[1].y=2,list[3]=z|a\.b=1|a=b\,c|a=\{1\}
a\==1|a=b\|k=v\\|n.x=1|a.b=null|list=null|a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d=1
a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g=1|ключ=знач|a= b , c = d |a==b|a=b=c|l[0]=1,l[0]=2|l[1]={x,y}|.a=1|..=1|a..b=1|[0]=1|a[]=1|a[0][=1
a[0].=1|a[0].b|a={x,y},b[0]={z}|s=null|list[0]=null|a.l[0]=9|a.l[5]=9|a=tRuE,b=nUlL,c=0x10,d=1_000|x[0].y[1].z=1'''.strip().replace("\n", "|").split("|")):
    case(f"set {line}", {"values.yaml": BASE}, ["--set", line])
    if i % 3 == 0:
        case(f"set-string {line}", {"values.yaml": BASE}, ["--set-string", line])
    if i % 2 == 0:
        case(f"set-literal {line}", {"values.yaml": BASE}, ["--set-literal", line])
for line in ['a=1,b="x"', 'a={"x":[1,2]},b=null', "a=", "a= ,b=1", "a=[1,2", "a=nope", '{"a":1,"s":{"z":2}}', '{"a":', "a.b=1.0,a.c=1e2", 'a[1]={"x":1}, b=2', " {\"q\": 1}", "a=1 2", "a=12345678901234567890", "a"]:
    case(f"set-json {line}", {"values.yaml": BASE}, ["--set-json", line])
case("set-file", {"f.txt": "line\nline\n"}, ["--set-file", "a=f.txt,b.c=f.txt"])
case("set-file missing", {}, ["--set-file", "a=nope.txt"])
case("order of sets", {"values.yaml": BASE, "x.yaml": "a: {b: file}\n"}, ["--set-literal", "a.b=literal", "--set-string", "a.b=1", "--set", "a.b=2", "-f", "x.yaml", "--set-json", "a.b=3"])
case("order of sets 2", {"values.yaml": BASE, "x.yaml": "a: {b: file}\n"}, ["--set", "a.b=2", "-f", "x.yaml", "--set-json", "a.b=3"])

# ---- value files ----
case("two files", {"x.yaml": "a: {b: 1, c: 2}\nl: [1]\n", "y.yaml": "a: {b: null, d: 3}\nl: [2]\n"}, ["-f", "x.yaml", "--values", "y.yaml"])
case("file of several documents", {"x.yaml": "a: 1\nb: {c: 1}\n---\nb: {d: 2}\n--- # comment\na: 3\n"}, ["-f", "x.yaml"])
case("values of several documents", {"values.yaml": "---\na: 1\nb: {c: 1}\n---\nb: {d: 2}\n---\n---\na: 3\n"})
case("bad separator", {"values.yaml": "a: 1\n--- b\n"})
case("separator that is text", {"values.yaml": "a: |\n  x\n---b\n"})
case("file is a list", {"x.yaml": "- a\n"}, ["-f", "x.yaml"])
case("file is text", {"x.yaml": "text\n"}, ["-f", "x.yaml"])
case("file is no yaml", {"x.yaml": "a: b: c\n"}, ["-f", "x.yaml"])
case("file missing", {}, ["-f", "nope.yaml"])
case("file empty", {"x.yaml": "# nothing\n"}, ["-f", "x.yaml"])
case("values is a list", {"values.yaml": "- a\n"})
case("values is no yaml", {"values.yaml": "a: [\n"})
case("values numbers", {"values.yaml": "a: 1\nb: 1.0\nc: 1e3\nd: 0x10\ne: 017\nf: 12345678901234567890\ng: 1_000\nh: -0\ni: .5\nj: 1e21\nk: 1e-7\nt: 2001-01-01\ny: yes\nz: ~\n"})
case("values byte order mark", {"values.yaml": "\ufeffa: 1\n"})
case("crlf values", {"values.yaml": "a: 1\r\nb: |\r\n  x\r\n  y\r\n"})

# ---- Chart.yaml ----
for name, chart in {
    "no name": "apiVersion: v2\nversion: 1.0.0\n", "no version": "apiVersion: v2\nname: c\n", "version 1": "name: c\nversion: 1\n", "version 1.10": "name: c\nversion: 1.10\n",
    "version v1.2": "name: c\nversion: v1.2\n", "version bad": "name: c\nversion: x.y\n", "version big": "name: c\nversion: 123456789.5\n", "name path": "name: a/b\nversion: 1.0.0\n", "name dot": "name: .\nversion: 1.0.0\n", "name dots": "name: ..\nversion: 1.0.0\n",
    "name number": "name: 12\nversion: 1.0.0\n", "name bool": "name: yes\nversion: 1.0.0\n", "name list": "name: [a]\nversion: 1.0.0\n", "name map": "name: {a: b}\nversion: 1.0.0\n", "deprecated text": "name: c\nversion: 1.0.0\ndeprecated: \"yes\"\n", "deprecated": "name: c\nversion: 1.0.0\ndeprecated: true\n",
    "type": "name: c\nversion: 1.0.0\ntype: other\n", "library": "apiVersion: v2\nname: c\nversion: 1.0.0\ntype: library\n", "api v3": "apiVersion: v4\nname: c\nversion: 1.0.0\n", "empty": "", "not yaml": "a: b: c\n", "list": "- a\n", "text": "text\n",
    "sources text": "name: c\nversion: 1.0.0\nsources: x\n", "sources numbers": "name: c\nversion: 1.0.0\nsources: [1, true]\n", "sources nested": "name: c\nversion: 1.0.0\nsources: [[a]]\n", "maintainers text": "name: c\nversion: 1.0.0\nmaintainers: x\n", "maintainers null": "name: c\nversion: 1.0.0\nmaintainers: [null]\n", "maintainers texts": "name: c\nversion: 1.0.0\nmaintainers: [x]\n",
    "maintainers name": "name: c\nversion: 1.0.0\nmaintainers: [{name: [1]}]\n", "annotations": "name: c\nversion: 1.0.0\nannotations: {a: 1, b: true}\n", "annotations list": "name: c\nversion: 1.0.0\nannotations: [a]\n", "annotations nested": "name: c\nversion: 1.0.0\nannotations: {a: [b]}\n", "spaces": "name: c\nversion: 1.0.0\ndescription: \"a\\tb\\u00a0c\\u200bd\"\n",
    "case": "NAME: c\nVersion: 1.0.0\n", "deps null": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [null]\n", "deps text": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [x]\n", "deps twice": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: a, version: 1.0.0}, {name: b, alias: a, version: 1.0.0}]\n",
    "deps alias": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: a, alias: \"x y\", version: 1.0.0}]\n", "deps missing": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: a, version: 1.0.0}]\n", "deps no name": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{version: 1.0.0}]\n",
    "kube": "name: c\nversion: 1.0.0\nkubeVersion: \">=1.20.0-0\"\n", "kube bad": "name: c\nversion: 1.0.0\nkubeVersion: \"x\"\n", "kube not": "name: c\nversion: 1.0.0\nkubeVersion: \"<1.20\"\n", "import text": "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies: [{name: a, import-values: x}]\n"}.items():
    case(f"chart {name}", {"templates/v.yaml": "v: {{ .Chart | toJson | squote }}\n"}, chart=chart)
case("chart missing", chart=None)
case("chart with a byte order mark", chart="\ufeff" + CHART)

# ---- what lies in a chart ----
case("helmignore", {".helmignore": "*.bak\n/top.txt\ndir/\n# c\n!keep.me.not\n", "x.bak": "", "top.txt": "", "sub/top.txt": "", "dir/x": "", "keep.me.not": "", "templates/.hidden": "{{ fail \"read\" }}", "templates/v.yaml": "v: {{ range $k, $v := .Files }}{{ $k }} {{ end }}\n"})
case("helmignore positive", {".helmignore": "*.bak\n/top.txt\ndir/\nsub/*.txt\n[a-c].x\n", "x.bak": "", "top.txt": "", "sub/top.txt": "", "sub/deep/a.txt": "", "dir/x": "", "b.x": "", "d.x": "", "templates/v.yaml": "v: {{ range $k, $v := .Files }}{{ $k }} {{ end }}\n"})
case("helmignore double star", {".helmignore": "a/**\n"})
case("helmignore bad pattern", {".helmignore": "a[\n"})
case("irregular subchart", {"charts/README.md": "x"})
case("broken tgz", {"charts/s-1.0.0.tgz": "x"})
case("subchart tgz", {"charts/s-1.0.0.tgz": tgz({"s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "s/values.yaml": "k: 1\n", "s/templates/a.yaml": "sub: {{ .Values.k }}\n"})})
for name, files in {"absolute": {"s//etc/x": "a"}, "up": {"s/../../x": "a"}, "base": {"Chart.yaml/x": "a"}, "drive": {"s/c:/x": "a"}, "nothing": {}, "backslash": {"s\\Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "s\\templates\\a.yaml": "x: 1\n"}, "no base": {"s": "x"},
                    "link": {"s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "s/link": (tarfile.SYMTYPE, "/etc/passwd"), "s/templates/a.yaml": "x: {{ .Files.Get \"link\" | quote }}\n"}, "hard link": {"s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "s/link": (tarfile.LNKTYPE, "s/Chart.yaml"), "s/templates/a.yaml": "x: {{ .Files.Get \"link\" | quote }}\n"}}.items():
    case(f"tgz {name}", {"charts/s-1.0.0.tgz": tgz(files)})
case("prov file", {"charts/s.tgz.prov": "x", "templates/v.yaml": "v: {{ range $k, $v := .Files }}{{ $k }} {{ end }}\n"})
case("requirements v1", {"requirements.yaml": "dependencies: [{name: s, version: 1.x, condition: s.on}]\n", "values.yaml": "s: {on: false}\n", "charts/s/Chart.yaml": "name: s\nversion: 1.2.0\n", "charts/s/templates/a.yaml": "sub: 1\n"}, chart="name: c\nversion: 1.0.0\n")
case("requirements v2", {"requirements.yaml": "dependencies: [{name: s, version: 1.x, condition: s.on}]\n", "values.yaml": "s: {on: false}\n", "charts/s/Chart.yaml": "name: s\nversion: 1.2.0\n", "charts/s/templates/a.yaml": "sub: 1\n"})
case("library subchart", {"charts/l/Chart.yaml": "apiVersion: v2\nname: l\nversion: 1.0.0\ntype: library\n", "charts/l/templates/_x.tpl": "{{ define \"l.x\" }}from l{{ end }}", "charts/l/templates/bad.yaml": "{{ fail \"not parsed\" }}", "templates/v.yaml": "v: {{ include \"l.x\" . }}\n"})

# ---- coalescing ----
SUB = {"charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "charts/s/templates/v.yaml": "s: {{ .Values | toJson | squote }}\n"}
DEP = CHART + "dependencies: [{name: s, version: 1.0.0%s}]\n"
for name, parent, sub, args in [
    ("plain", "s: {a: 1}\n", "a: 2\nb: 3\n", []), ("nulls", "s: {a: null, c: {d: null}}\nx: null\n", "a: 2\nb: null\nc: {d: 1, e: null}\n", []), ("user nulls", "s: {a: 1}\nx: 1\ny: {z: 1}\n", "a: 2\nb: 3\nc: {d: 1}\n", ["--set", "s.a=null,s.b=null,s.c.d=null,x=null,y.z=null,nope=null"]),
    ("user null of table", "y: {z: 1}\n", "c: {d: 1}\n", ["--set", "y=null,s.c=null"]), ("table over text", "a: text\n", "", ["--set", "a.b=1"]), ("text over table", "a: {b: 1}\n", "", ["--set", "a=text"]), ("sub is text", "s: text\n", "", []), ("sub is list", "s: [a, 1, null]\n", "", []), ("sub is false", "s: false\n", "", []), ("sub is null", "s: null\n", "a: 1\n", []), ("sub is number", "s: 1.5\n", "", []),
    ("globals shared below", "global: {t: {u: {x: 1}}}\ns: {global: {t: {u: {y: 2}}}}\n", "global: {t: {u: {w: 5, n: null}, n: null}, v: {k: {l: 1}}}\n", []), ("globals of both with nulls", "global: {a: null, t: {n: null, x: 1}}\n", "global: {t: {n: 1, x: null}, a: 2}\n", []),
    ("nulls in tables of both", "s: {m: {n: null, k: 1}}\nt: {n: null, u: {n: null}}\n", "m: {n: 1, q: {z: null}}\nd: {n: null, e: {f: null, g: 2}}\n", []), ("nulls in tables and the user's", "s: {m: {n: null, k: 1}}\nt: {n: null, u: {n: null, k: {l: null}}}\n", "m: {n: 1, q: {z: null}}\nd: {n: null, e: {f: null, g: 2}}\n", ["--set", "t.u.m=null,s.m.k=null,s.d.e.h=1,t.u.k.q=3"]),
    ("globals", "global: {a: 1, t: {x: 1}}\ns: {global: {a: 2, t: {y: 2}, z: 3}}\n", "global: {a: 3, q: 4, t: {w: 5}}\n", []), ("globals text", "global: text\n", "", []), ("sub global text", "global: {a: 1}\ns: {global: text}\n", "", []), ("globals conflict", "global: {a: {b: 1}}\ns: {global: {a: text}}\n", "", []), ("globals user", "global: {a: 1}\n", "", ["--set", "global.a=null,global.b=2"]),
    ("lists", "s: {l: [1]}\n", "l: [2, 3]\n", []), ("deep", "s: {a: {b: {c: 1, n: null}}}\n", "a: {b: {c: 2, d: 3, n: 4}, e: null}\n", ["--set", "s.a.b.d=null"]), ("numbers", "a: 5\n", "k: 1\n", ["--set", "s.k=2,b=3", "--set-json", "c=4"])]:
    case(f"coalesce {name}", dict(SUB, **{"values.yaml": parent, "charts/s/values.yaml": sub}), args)
    case(f"coalesce {name}, listed", dict(SUB, **{"values.yaml": parent, "charts/s/values.yaml": sub}), args, chart=DEP % "")

# ---- dependencies ----
for name, extra, parent, sub, args in [
    ("condition true", ", condition: s.on", "s: {on: true}\n", "", []), ("condition false", ", condition: s.on", "s: {on: false}\n", "", []), ("condition of the subchart", ", condition: s.on", "", "on: false\n", []), ("condition text", ", condition: s.on", "s: {on: \"false\"}\n", "", []), ("two conditions", ", condition: \"x.y,s.on\"", "s: {on: false}\nx: {y: true}\n", "", []), ("condition table", ", condition: \"s,s.on\"", "s: {on: false}\n", "", []), ("conditions with blanks", ", condition: \" x.y, s.on \"", "s: {on: false}\n", "", []),
    ("condition set", ", condition: s.on", "s: {on: true}\n", "", ["--set", "s.on=false"]), ("tags", ", tags: [a, b]", "tags: {a: false}\n", "", []), ("tags both", ", tags: [a, b]", "tags: {a: false, b: true}\n", "", []), ("tags text", ", tags: [a]", "tags: {a: \"false\"}\n", "", []), ("tags and condition", ", tags: [a], condition: s.on", "tags: {a: false}\ns: {on: true}\n", "", []), ("tags set", ", tags: [a]", "", "", ["--set", "tags.a=false"]),
    ("alias", ", alias: t", "t: {a: 1}\ns: {a: 2}\n", "a: 3\nb: 4\n", []), ("alias condition", ", alias: t, condition: t.on", "t: {on: false}\n", "", []), ("import", ", import-values: [{child: c.d, parent: p.q}]", "p: {q: {x: 1}}\n", "c: {d: {x: 2, y: 3}}\n", []), ("import root", ", import-values: [{child: c, parent: .}]", "x: 1\n", "c: {x: 2, y: 3}\n", []), ("import exports", ", import-values: [e, nope]", "x: 1\n", "exports: {e: {x: 2, y: {z: null}}}\n", []), ("import of a global", ", import-values: [{child: global, parent: g}]", "global: {a: 1}\n", "", []),
    ("import user", ", import-values: [{child: c, parent: p}]", "", "c: {x: 2, y: 3}\n", ["--set", "p.x=9,s.c.y=null"]), ("import odd", ", import-values: [1, {child: 1}, {a: b}]", "", "c: {x: 2}\n", []), ("version outside", "", "", "", []), ("import twice", ", import-values: [{child: a, parent: p}, {child: b, parent: p}]", "", "a: {x: 1}\nb: {x: 2, y: 3}\n", [])]:
    chart = DEP % extra
    if name == "version outside":
        chart = chart.replace("1.0.0%s", "").replace("version: 1.0.0,", "").replace("{name: s, version: 1.0.0", "{name: s, version: 2.x")
    case(f"dependency {name}", dict(SUB, **{"values.yaml": parent, "charts/s/values.yaml": sub}), args, chart=chart)
case("two aliases", dict(SUB, **{"values.yaml": "t: {a: 1}\nu: {a: 2}\n", "charts/s/values.yaml": "a: 0\n", "charts/s/charts/g/Chart.yaml": "apiVersion: v2\nname: g\nversion: 1.0.0\n", "charts/s/charts/g/templates/v.yaml": "g: {{ .Values | toJson | squote }} {{ .Template.Name }}\n"}), chart=CHART + "dependencies: [{name: s, alias: t, version: 1.0.0}, {name: s, alias: u, version: 1.0.0}]\n")
case("three levels", dict(SUB, **{"values.yaml": "s: {g: {on: false, v: 1}}\nglobal: {x: 1}\n", "charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\ndependencies: [{name: g, version: 1.x.x, condition: g.on, import-values: [{child: e, parent: f}]}]\n", "charts/s/charts/g/Chart.yaml": "apiVersion: v2\nname: g\nversion: 1.0.0\n", "charts/s/charts/g/values.yaml": "on: true\ne: {q: 1}\n", "charts/s/charts/g/templates/v.yaml": "g: {{ .Values | toJson | squote }}\n"}), chart=DEP % "")
case("three levels on", dict(SUB, **{"values.yaml": "s: {g: {on: true, v: 1}}\nglobal: {x: 1}\n", "charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\ndependencies: [{name: g, version: 1.x.x, condition: g.on, import-values: [{child: e, parent: f}]}]\n", "charts/s/charts/g/Chart.yaml": "apiVersion: v2\nname: g\nversion: 1.0.0\n", "charts/s/charts/g/values.yaml": "on: true\ne: {q: 1}\n", "charts/s/charts/g/templates/v.yaml": "g: {{ .Values | toJson | squote }}\n"}), chart=DEP % ", import-values: [{child: f, parent: up}]")

# ---- objects ----
for i, text in enumerate(['.Capabilities.KubeVersion', '.Capabilities.KubeVersion.Version', '.Capabilities.KubeVersion.GitVersion', '.Capabilities.KubeVersion.Major', '.Capabilities.KubeVersion.Minor', '.Capabilities.APIVersions', '.Capabilities.APIVersions.Has "apps/v1"', '.Capabilities.APIVersions.Has "x/v1"', '.Capabilities.APIVersions.Has "a.b/v1/Kind"', 'typeOf .Capabilities', 'typeOf .Capabilities.APIVersions', 'typeOf .Values', 'typeOf .', 'typeOf .Files', 'typeOf .Release', 'typeOf .Template', 'typeOf .Chart', 'typeOf .Release.Revision',
                          '.Release | toJson', '.Template | toJson', '.Subcharts', '.Capabilities.Nope', '.Release.Nope', '.Chart.Nope', '.Nope', '.Values.nope.nope', '.Chart.Maintainers', '.Chart.Annotations', 'kindOf .Chart.Dependencies', '.Chart.IsRoot', 'len .Capabilities.APIVersions', '.Capabilities.KubeVersion.Nope', '.Capabilities.HelmVersion.KubeClientVersion', '.Capabilities.HelmVersion.Nope', 'len .', 'keys . | sortAlpha']):
    case(f"object {i}", {"templates/v.yaml": "v: |\n  {{ %s }}\n" % text}, ["--namespace", "ns", "--api-versions", "x/v1,y/v1", "-a", "a.b/v1/Kind"], chart=CHART + "appVersion: \"1.0\"\nannotations: {a: b}\nmaintainers: [{name: x, email: y}]\n")
for v in ["1.28", "v1.28.3", "v1.28.3-gke.100", "1.28.3+k3s1", "1", "x", "v1.02.3", "1.28.x", "1.28.99999999999999999999", "v1.30.0-rc.1", " 1.2"]:
    case(f"kube version {v}", {"templates/v.yaml": "v: {{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Major }} {{ .Capabilities.KubeVersion.Minor }} {{ semverCompare \">=1.28-0\" .Capabilities.KubeVersion.Version }}\n"}, ["--kube-version", v])
FILES = {"a.txt": "one\ntwo\n", "d/b.txt": "x", "d/e/c.json": "{}", "empty": "", "bin": {"b64": "AP8B"}}
for i, text in enumerate(['.Files.Get "a.txt"', '.Files.Get "nope"', '.Files.GetBytes "d/b.txt"', '.Files.Lines "a.txt"', '.Files.Lines "nope"', '(.Files.Glob "d/*").AsConfig', '(.Files.Glob "**").AsConfig', '(.Files.Glob "d/**").AsSecrets', '(.Files.Glob "nope").AsConfig', '(.Files.Glob "[").AsConfig', '(.Files.Glob "{a,d/b}.txt").AsConfig', 'range $k, $v := .Files.Glob "**.txt" }}{{ $k }}={{ $v | toString }} {{ end', '.Files.Nope', 'len .Files', '.Files.Get', '.Files.Get "a.txt" "b"', 'index .Files "a.txt"', '.Files.AsSecrets', 'typeOf (.Files.Get "a.txt")', 'typeOf (.Files.Glob "*")', '.Files.bin | b64enc', 'toYaml .Files', '.Files.empty']):
    case(f"files {i}", dict(FILES, **{"templates/v.yaml": "v: |\n{{ %s }}\n" % text}))

# ---- manifests ----
CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
for name, files, args in [
    ("separators", {"templates/a.yaml": "a: 1\n---\n\n---   \nb: 2\n--- # comment\nc: 3\n---d: 4\n  ---\n"}, []), ("comment only", {"templates/a.yaml": "# nothing\n"}, []), ("blank", {"templates/a.yaml": "  \n\n"}, []), ("text", {"templates/a.txt": "plain text\n"}, []), ("list", {"templates/a.yaml": "- a\n"}, []), ("kind list", {"templates/a.yaml": "kind: [a]\n"}, []), ("metadata text", {"templates/a.yaml": "metadata: x\n"}, []), ("annotations list", {"templates/a.yaml": "metadata: {annotations: [a]}\n"}, []), ("annotation list", {"templates/a.yaml": "metadata: {annotations: {a: [b]}}\n"}, []), ("annotation bool", {"templates/a.yaml": "metadata: {annotations: {helm.sh/hook: true}}\n"}, []), ("bad yaml", {"templates/a.yaml": "a: b: c\n"}, []), ("bad yaml 2", {"templates/a.yaml": "a: 1\n---\nb: [\n"}, []), ("tab", {"templates/a.yaml": "a:\n\tb: 1\n"}, []), ("duplicate", {"templates/a.yaml": "a: 1\na: 2\n"}, []),
    ("kinds", {"templates/z.yaml": "kind: Zeta\n---\nkind: Alpha\n---\nkind: Service\n---\nkind: Namespace\n---\nkind: CustomResourceDefinition\n---\nkind: Ingress\n---\nkind: ValidatingWebhookConfiguration\n---\nkind: Secret\n---\nkind: Alpha\nn: 2\n", "templates/a.yaml": CM}, []),
    ("hooks", {"templates/h.yaml": "kind: Job\nmetadata: {name: j, annotations: {helm.sh/hook: \"pre-install,Post-Install\", helm.sh/hook-weight: \"5\"}}\n---\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n---\nkind: Pod\nmetadata: {name: s, annotations: {helm.sh/hook: test-success}}\n---\nkind: ConfigMap\nmetadata: {name: u, annotations: {helm.sh/hook: \"pre-install,nope\"}}\n---\nkind: A\nmetadata: {name: e, annotations: {helm.sh/hook: \"\"}}\n"}, [])]:
    case(f"manifest {name}", files, args, dump=False)
    if name in ("hooks", "kinds", "comment only"):
        for flag in [["--no-hooks"], ["--skip-tests"], ["--include-crds"], ["--skip-crds"], ["--is-upgrade"], ["--hide-notes"]]:
            case(f"manifest {name} {flag[0]}", dict(files, **{"crds/a.yaml": "crd: 1\n", "crds/b.txt": "x", "templates/NOTES.txt": "notes\n"}), flag, dump=False)
SHOW = {"templates/a.yaml": CM, "templates/b.yaml": "kind: B\n---\nkind: C\n", "templates/d/e.yaml": "kind: E\n", "charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "charts/s/templates/a.yaml": "kind: S\n", "templates/h.yaml": "kind: Job\nmetadata: {name: j, annotations: {helm.sh/hook: pre-install}}\n"}
for show in ["templates/a.yaml", "templates/b.yaml", "templates/*.yaml", "templates/nope.yaml", "charts/s/templates/a.yaml", "templates/d/e.yaml", "templates/h.yaml", "*"]:
    case(f"show only {show}", SHOW, ["--show-only", show], dump=False)
case("show only two", SHOW, ["-s", "templates/b.yaml", "-s", "templates/a.yaml"], dump=False)
for release in ["Bad", "a..b", "a-", "a" * 54, "a" * 53, "a.b-c"]:
    case(f"release {release}", {}, release=release)
case("notes of a subchart", dict(SUB, **{"templates/NOTES.txt": "x", "charts/s/templates/NOTES.txt": "{{ fail \"in notes\" }}"}))
case("execution order", dict(SUB, **{"templates/a.yaml": "a: {{ .Values.x | default 0 }}{{ $_ := set .Values \"x\" 1 }}\n", "templates/b.yaml": "b: {{ .Values.x | default 0 }}{{ $_ := set .Values \"x\" 2 }}\n", "charts/s/templates/w.yaml": "{{ $_ := set .Values \"y\" 7 }}w: 1\n"}))
for i, text in enumerate(['{{ include "nope" . }}', '{{ fail "stop" }}', '{{ required "need it" .Values.nope }}', '{{ .Values.a.b.c }}', '{{ nope }}', '{{ if }}', '{{ include "a" . }}', '{{ tpl "{{ .x }" . }}', '{{ tpl "{{ fail \\"in tpl\\" }}" . }}', '{{ tpl "{{ .Values.a.b.c }}" . }}', '{{ template "nope" }}', '{{ index .Values.l 5 }}', '{{ lookup "v1" "Pod" "" "" }}', '{{ define "x" }}{{ .a.b.c }}{{ end }}{{ template "x" . }}', '{{ define "x" }}{{ .a.b.c }}{{ end }}{{ include "x" . }}', '{{ define "x" }}{{ fail "deep" }}{{ end }}{{ define "y" }}{{ include "x" . }}{{ end }}{{ include "y" . }}', '{{ define "x" }}{{ index (list) 1 }}{{ end }}{{ include "x" . }}', '{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}', '{{ 1 | required "x" }}{{ required "" "" }}', '{{ getHostByName "localhost" }}', '{{ .Values.nope.x }}', '{{ (index .Values "a").b }}', '{{ include "x" }}', '{{ "<no value>" }} {{ .Values.none }}', '{{ mustToJson . | len | gt 10 }}', '{{ regexMatch "(" "x" }}', '{{ mustRegexMatch "(" "x" }}', '{{ atoi "x" }}', '{{ divf 1 0 }}', '{{ div 1 0 }}', '{{ fromYaml "a: b: c" }}', '{{ range .Values.l }}{{ end', "{{ \"unclosed }}", '{{ end }}', '{{ $x }}', '{{ .Release.Name | nope }}', '{{ include "t.x" (dict "a" 1) }}']):
    case(f"failing {i}", {"templates/v.yaml": "v: x\nw: " + text + "\n", "values.yaml": "l: [1]\n"})

# ---- schemas ----
def schema(name, s, values, args=()):
    case(f"schema {name}", {"values.schema.json": s if isinstance(s, str) else json.dumps(s), "values.yaml": values}, args)


S7 = "http://json-schema.org/draft-07/schema#"
for name, s, values in [
    ("type", {"properties": {"a": {"type": "string"}}}, "a: 1\n"), ("types", {"properties": {"a": {"type": ["string", "null"]}}}, "a: 1\n"), ("types 3", {"properties": {"a": {"type": ["string", "null", "boolean"]}}}, "a: 1\n"), ("integer", {"properties": {"a": {"type": "integer"}}}, "a: 1.5\n"), ("integer 1.0", {"properties": {"a": {"type": "integer"}}}, "a: 1.0\n"), ("required", {"required": ["x", "y"]}, "a: 1\n"), ("required one", {"required": ["x"]}, "a: 1\n"), ("enum", {"properties": {"a": {"enum": [1, "x", None]}}}, "a: y\n"), ("enum one", {"properties": {"a": {"enum": ["x"]}}}, "a: y\n"), ("enum objects", {"properties": {"a": {"enum": [{"a": 1}, [1]]}}}, "a: y\n"), ("const", {"properties": {"a": {"const": 5}}}, "a: y\n"), ("const object", {"properties": {"a": {"const": {"a": 1}}}}, "a: y\n"),
    ("minimum", {"properties": {"a": {"minimum": 5}}}, "a: 1\n"), ("maximum", {"properties": {"a": {"maximum": 5.5}}}, "a: 6.25\n"), ("exclusive", {"properties": {"a": {"exclusiveMinimum": 5, "exclusiveMaximum": 5}}}, "a: 5\n"), ("multiple", {"properties": {"a": {"multipleOf": 2}}}, "a: 3\n"), ("multiple of a fraction", {"properties": {"a": {"multipleOf": 0.1}}}, "a: 0.35\n"), ("third", {"properties": {"a": {"minimum": 0.333333333333}}}, "a: 0.1\n"), ("lengths", {"properties": {"a": {"minLength": 5}}}, "a: abc\n"), ("maxlength", {"properties": {"a": {"maxLength": 2}}}, "a: äöü\n"), ("pattern", {"properties": {"a": {"pattern": "^[a-z]+$"}}}, "a: A\n"), ("pattern bad", {"properties": {"a": {"pattern": "("}}}, "a: A\n"), ("items", {"properties": {"a": {"items": {"type": "string"}}}}, "a: [x, 1]\n"), ("minitems", {"properties": {"a": {"minItems": 2}}}, "a: [x]\n"), ("maxitems", {"properties": {"a": {"maxItems": 1}}}, "a: [x, y]\n"), ("unique", {"properties": {"a": {"uniqueItems": True}}}, "a: [x, y, x]\n"), ("contains", {"properties": {"a": {"contains": {"type": "string"}}}}, "a: [1, 2]\n"), ("mincontains", {"properties": {"a": {"contains": {"type": "string"}, "minContains": 2}}}, "a: [x, 2]\n"), ("maxcontains", {"properties": {"a": {"contains": {"type": "string"}, "maxContains": 1}}}, "a: [x, y]\n"), ("prefix", {"properties": {"a": {"prefixItems": [{"type": "string"}], "items": False}}}, "a: [1, 2]\n"), ("tuple", {"$schema": S7, "properties": {"a": {"items": [{"type": "string"}], "additionalItems": False}}}, "a: [x, 2, 3]\n"), ("tuple schema", {"$schema": S7, "properties": {"a": {"items": [{"type": "string"}], "additionalItems": {"type": "string"}}}}, "a: [x, 2]\n"),
    ("additional", {"properties": {"a": {}}, "additionalProperties": False}, "b: 1\n"), ("additional schema", {"additionalProperties": {"type": "string"}}, "b: 1\n"), ("pattern properties", {"patternProperties": {"^x": {"type": "string"}}}, "x1: 1\n"), ("property names", {"propertyNames": {"maxLength": 2}}, "abc: 1\n"), ("minprops", {"minProperties": 2}, "a: 1\n"), ("maxprops", {"properties": {"a": {"maxProperties": 0}}}, "a: {b: 1}\n"), ("dependencies", {"$schema": S7, "dependencies": {"a": ["b"]}}, "a: 1\n"), ("dependencies schema", {"$schema": S7, "dependencies": {"a": {"required": ["b"]}}}, "a: 1\n"), ("dependent required", {"dependentRequired": {"a": ["b", "c"]}}, "a: 1\n"), ("dependent schemas", {"dependentSchemas": {"a": {"required": ["b"]}}}, "a: 1\n"), ("unevaluated", {"properties": {"a": True}, "unevaluatedProperties": False}, "b: 1\n"), ("unevaluated all of", {"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False}, "a: 1\nb: 1\n"), ("unevaluated items", {"properties": {"a": {"prefixItems": [True], "unevaluatedItems": False}}}, "a: [1, 2]\n"),
    ("all of", {"properties": {"a": {"allOf": [{"type": "string"}, {"minimum": 5}]}}}, "a: 1\n"), ("all of one", {"properties": {"a": {"allOf": [{"type": "string"}]}}}, "a: 1\n"), ("any of", {"properties": {"a": {"anyOf": [{"type": "string"}, {"minimum": 5}]}}}, "a: 1\n"), ("one of none", {"properties": {"a": {"oneOf": [{"type": "string"}, {"minimum": 5}]}}}, "a: 1\n"), ("one of two", {"properties": {"a": {"oneOf": [{"type": "number"}, {"minimum": 0}]}}}, "a: 1\n"), ("not", {"properties": {"a": {"not": {"type": "number"}}}}, "a: 1\n"), ("if then", {"if": {"required": ["a"]}, "then": {"required": ["b"]}}, "a: 1\n"), ("if else", {"if": {"required": ["x"]}, "else": {"required": ["b"]}}, "a: 1\n"), ("false", {"properties": {"a": False}}, "a: 1\n"), ("whole false", "false", "a: 1\n"), ("true", "true", "a: 1\n"),
    ("ref", {"properties": {"a": {"$ref": "#/definitions/x"}}, "definitions": {"x": {"type": "string"}}}, "a: 1\n"), ("ref group", {"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"minimum": 5, "multipleOf": 2}}}, "a: 1\n"), ("ref sibling", {"properties": {"a": {"$ref": "#/$defs/x", "type": "boolean"}}, "$defs": {"x": {"type": "string"}}}, "a: 1\n"), ("ref sibling 7", {"$schema": S7, "properties": {"a": {"$ref": "#/definitions/x", "type": "boolean"}}, "definitions": {"x": {"type": "number"}}}, "a: 1\n"), ("ref missing", {"properties": {"a": {"$ref": "#/definitions/x"}}}, "a: 1\n"), ("ref recursive", {"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"k": {"$ref": "#/$defs/n"}, "v": {"type": "string"}}}}}, "k: {k: {v: 1}}\n"), ("ref cycle", {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "k: 1\n"), ("ref self", {"properties": {"a": {"$ref": "#"}}, "required": ["b"]}, "a: {}\nb: 1\n"), ("ref anchor", {"properties": {"a": {"$ref": "#foo"}}, "$defs": {"x": {"$anchor": "foo", "type": "string"}}}, "a: 1\n"), ("ref escaped", {"properties": {"a": {"$ref": "#/$defs/x~1y%20z"}}, "$defs": {"x/y z": {"type": "string"}}}, "a: 1\n"), ("ref id", {"$id": "http://example.com/root.json", "properties": {"a": {"$ref": "item.json"}}, "$defs": {"x": {"$id": "item.json", "type": "string"}}}, "a: 1\n"), ("dynamic ref", {"$dynamicRef": "#n", "$defs": {"n": {"$dynamicAnchor": "n", "required": ["b"]}}}, "a: 1\n"), ("urn", {"properties": {"a": {"$ref": "urn:x:y"}}}, "a: 1\n"), ("remote file", {"properties": {"a": {"$ref": "file:///nope/x.json"}}}, "a: 1\n"),
    ("draft 4", {"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"a": {"minimum": 5, "exclusiveMinimum": True}}}, "a: 5\n"), ("draft 4 id", {"$schema": "http://json-schema.org/draft-04/schema#", "id": "http://x/y", "properties": {"a": {"type": "integer"}}}, "a: 1.5\n"), ("draft 6", {"$schema": "http://json-schema.org/draft-06/schema#", "properties": {"a": {"const": 5}}}, "a: 6\n"), ("draft 2019", {"$schema": "https://json-schema.org/draft/2019-09/schema", "properties": {"a": {"items": [{"type": "string"}]}}}, "a: [5]\n"), ("draft relative", {"$schema": "nope", "type": "object"}, "a: 6\n"), ("draft number", {"$schema": 5, "type": "object"}, "a: 6\n"),
    ("not json", "{", "a: 1\n"), ("not json 2", "{\"a\": }", "a: 1\n"), ("more json", "{} {}", "a: 1\n"), ("array", "[]", "a: 1\n"), ("text", "\"x\"", "a: 1\n"), ("bad type", {"type": "nope"}, "a: 1\n"), ("bad type 2", {"type": 5}, "a: 1\n"), ("bad required", {"required": "a"}, "a: 1\n"), ("bad properties", {"properties": {"a": 5}}, "a: 1\n"), ("bad minimum", {"properties": {"a": {"minimum": "x"}}}, "a: 1\n"), ("bad minlength", {"properties": {"a": {"minLength": -1}}}, "a: 1\n"), ("bad enum", {"enum": "x"}, "a: 1\n"), ("bad all of", {"allOf": []}, "a: 1\n"), ("bad multiple", {"multipleOf": 0}, "a: 1\n"),
    ("formats", {"properties": {"a": {"format": "ipv4"}}}, "a: x\n"), ("formats 7", {"$schema": S7, "properties": {"a": {"format": "ipv4"}}}, "a: x\n"), ("formats 7 date", {"$schema": S7, "properties": {"a": {"format": "date"}}}, "a: x\n"), ("regex format", {"$schema": S7, "properties": {"a": {"format": "regex"}}}, "a: \"(\"\n"), ("content", {"$schema": S7, "properties": {"a": {"contentEncoding": "base64", "contentMediaType": "application/json"}}}, "a: x\n"), ("nested", {"properties": {"a": {"properties": {"b": {"items": {"required": ["c"]}}}}}}, "a: {b: [{c: 1}, {}]}\n"), ("quotes", {"properties": {"a'b": {"type": "string"}, "c/d~e": {"type": "string"}}}, "\"a'b\": 1\n"), ("slash", {"properties": {"c/d~e": {"type": "string"}}}, "\"c/d~e\": 1\n"), ("big", {"properties": {"a": {"maximum": 10}}}, "a: 12345678901234567890\n"), ("exponent", {"properties": {"a": {"maximum": 1e2}}}, "a: 1e300\n"), ("ok", {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}, "a: 1\n"), ("bool schema", {"properties": {"a": {"not": True}}}, "a: 1\n"), ("null", {"properties": {"a": {"type": "string"}}}, "a: null\n"), ("nested any", {"properties": {"a": {"anyOf": [{"type": "object", "required": ["x"]}, {"allOf": [{"type": "string"}, {"type": "boolean"}]}]}}}, "a: 1\n"), ("uneval anyof", {"anyOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"b": True}, "required": ["b"]}], "unevaluatedProperties": False}, "b: 1\nc: 2\n")]:
    schema(name, s, values)
schema("skipped", {"required": ["x"]}, "a: 1\n", ["--skip-schema-validation"])
case("schema of a subchart", dict(SUB, **{"charts/s/values.schema.json": '{"required":["k"]}', "values.schema.json": '{"required":["x"]}'}))
case("schema of a subchart only", dict(SUB, **{"charts/s/values.schema.json": '{"required":["k"]}'}))
case("schema of a disabled subchart", dict(SUB, **{"charts/s/values.schema.json": '{"required":["k"]}', "values.yaml": "s: {on: false}\n"}), chart=DEP % ", condition: s.on")

# ---- where Helm 3 and Helm 4 part ----
FULL = """apiVersion: v2
name: c
version: 1.2.3+build
description: a chart
home: https://x.example
icon: https://x.example/i.png
appVersion: "2.0"
kubeVersion: ">= 1.20"
keywords: [k, l]
sources: [https://s.example]
maintainers: [{name: n, email: e@x, url: https://u.example}, {name: m}]
annotations: {b: two, a: one}
type: application
condition: c.d
tags: t
dependencies: [{name: s, version: 1.0.0, repository: "file://x", condition: s.on, tags: [t, u], import-values: [e, {child: f, parent: g}], alias: z}]
"""
SUBZ = {"charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "charts/s/values.yaml": "exports: {e: {x: 1}}\nf: {y: 2}\n", "charts/s/templates/v.yaml": "s: {{ .Chart | toJson | squote }} {{ .Chart.IsRoot }} {{ .Chart.Name }}\n"}
for i, text in enumerate([".Chart | toJson", ".Chart | toYaml | nindent 2", ".Chart | toPrettyJson | nindent 2", "list .Chart (dict \"b\" 1 \"a\" 2) | toJson", "dict \"z\" .Chart \"a\" .Values \"k\" .Capabilities.KubeVersion | toJson", ".Capabilities.KubeVersion | toJson", ".Chart.Metadata.Name", ".Chart.Metadata | toJson", ".Chart.name", ".Chart.Version", "typeOf .Chart.Maintainers", "typeOf .Chart.Dependencies", "typeOf .Chart.Sources", "typeOf .Chart.Annotations", "typeOf .Chart.Metadata", "kindOf .Chart", "(index .Chart.Maintainers 0).Name", "(index .Chart.Maintainers 0).name", "range .Chart.Maintainers }}{{ .Name }} {{ .Email }} {{ .URL }},{{ end", "range .Chart.Dependencies }}{{ .Name }} {{ .Version }} {{ .Repository }} {{ .Condition }} {{ .Tags }} {{ .Enabled }} {{ .ImportValues }} {{ .Alias }} {{ typeOf . }} {{ typeOf .Tags }}{{ end", ".Chart.Dependencies | toJson", ".Chart.Maintainers | toJson", "range $k, $v := .Chart }}{{ $k }} {{ end", "hasKey .Chart \"Name\"", "get .Chart \"Name\"", "index .Chart \"Name\"", "index .Chart.Annotations \"a\"", ".Chart.Annotations", ".Chart.Keywords", ".Chart.Keywords | join \",\"", ".Chart.Deprecated", ".Chart.Type", ".Chart.KubeVersion", ".Chart.Tags", ".Chart.Condition", "len .Chart", "empty .Chart", "default 1 .Chart | toJson", "merge (dict) .Chart", ".Chart.Validate", "eq .Chart .Chart", "deepEqual .Chart .Chart", "printf \"%T\" .Chart", "mustToYaml .Values", "mustToJson .Values", "mustToToml .Values", "mustToYaml (dict \"f\" (list))", "toToml .Values", "toToml (list 1)", "toToml 1", "toYamlPretty .Values", "toYaml (dict \"a\" 1.0 \"b\" 1e20 \"c\" \"1\")", "range 3 }}{{ . }}{{ end", "range $i := .Values.n }}{{ $i }}{{ end", "eq 1 \"a\"", "lt 1 1.5", ".Values.m | toJson", "fromToml \"a = 1\" | toJson", "fromJsonArray \"[1,{}]\" | toJson", "fromYaml \"a: 1\\n---\\na: 2\" | toJson", "fromYamlArray \"- 1\" | toJson", "typeOf (fromYaml \"a: 1\")", ".Capabilities.HelmVersion.KubeClientVersion", "typeOf .Capabilities.KubeVersion", "typeOf .Capabilities.HelmVersion", "kindOf .Capabilities.KubeVersion", "toYaml .Release", "lookup \"v1\" \"Secret\" \"a\" \"b\" | toJson", "getHostByName \"localhost\"", ".Values.AsMap | toJson", "(.Values.Table \"t\") | toJson", "(.Values.Table \"nope\")", "(.Values.PathValue \"t.x\")", "(.Values.PathValue \"t\")", ".Values.YAML | nindent 2"]):
    case(f"level object {i}", dict(SUBZ, **{"values.yaml": "n: 3\nt: {x: 1.5}\nm: [1, a, null, {q: true}]\n", "templates/v.yaml": "v: |\n  {{ %s }}\n" % text}), ["--kube-version", "v1.31.4-gke.1"], chart=FULL)
for v in ["72445e2", "1e0", "1E3", "12e-1", "1.0", "2.50", "1e21", "0x1e", "017", "1_0e1", "+1e2", ".5e1", "1e2.3"]:
    case(f"level written {v}", {"templates/v.yaml": "v: {{ .Chart.AppVersion }}\n"}, chart=f"apiVersion: v2\nname: c\nversion: {v}\nappVersion: {v}\n")
    case(f"level written elsewhere {v}", {"templates/v.yaml": "v: {{ .Chart.AppVersion }} {{ .Chart.Annotations }} {{ .Chart.Keywords }}\n"}, chart=CHART + f"appVersion: {v}\nannotations: {{a: {v}}}\nkeywords: [{v}]\n")
for i, text in enumerate(["a: 1\n---\n---\nb: 2\n", "---\n---\na: 1\n", "a: 1\n---", "a: 1\n--- \n", "a: 1\n---b: 2\n", "a: 1\n\n\n---\t\n\n\nb: 2\n\n", "  a: 1\n---\n  b: 2\n", "a: 1\n  \n---\n", "a: |\n  x\n\n", "a: |+\n  x\n\n\n---\nb: |\n  ---\n  y\n", "\u00a0a: 1\n---\nb: 1\u00a0\n", "---# c\na: 1\n", "# only\n---\n# comments\n", "a: 1\r\n---\r\nb: 2\r\n", "a: 1\n----\nb: 1\n", "a: 1\n---\f\nb: 2\n", "a: 1\n---\n---\n---\nb: 1\n"]):
    case(f"level split {i}", {"templates/a.yaml": text}, dump=False)
    case(f"level split {i} shown", {"templates/a.yaml": text}, ["-s", "templates/a.yaml"], dump=False)
for i, (parent, sub, args) in enumerate([("a: null\n", "", []), ("a: {b: null, c: 1}\n", "", []), ("a: {b: null, c: 1}\n", "", ["--set", "a.d=1"]), ("a: {b: {c: null}}\n", "", ["--set", "a.b.d=null"]), ("a: {b: {c: 1}}\n", "", ["--set", "a.b.c=null,a.b.e=null,z=null"]), ("s: {a: null}\n", "a: null\n", []), ("s: {a: {b: null}}\n", "a: {b: 1, c: null}\n", []), ("s: {a: {b: null}}\n", "a: {b: null, c: null}\n", ["--set", "s.a.c=null"]), ("", "a: null\nb: {c: null}\n", []), ("", "a: null\nb: {c: null}\n", ["--set", "s.b.d=1,s.a=null"]), ("global: {a: null}\n", "global: {a: 1, b: null}\n", []), ("global: {a: 1}\n", "global: {a: null}\n", ["--set", "global.a=null,s.global.b=null"]), ("a: 1\n---\na: 2\n", "b: 1\n---\nb: 2\n", [])]):
    for chart in ["", DEP % "", DEP % ", import-values: [{child: a, parent: p}]"]:
        case(f"level coalesce {i} {len(chart)}", dict(SUB, **{"values.yaml": parent, "charts/s/values.yaml": sub}), args, chart=chart or CHART)
for i, text in enumerate(["{{ define \"x\" }}{{ .a.b }}{{ end }}{{ include \"x\" . }}", "{{ tpl \"{{ include \\\"nope\\\" . }}\" . }}", "{{ tpl \"{{ tpl .Values.t . }}\" . }}", "{{ fail \"a: b: c\" }}", "{{ required \"multi\\nline\" nil }}", "{{ .Values.s | required \"x\" | nope }}", "{{ include \"a\" }}", "{{ index .Values \"s\" \"t\" }}", "{{ .Values.s.t.u }}", "{{ template \"nope\" . }}", "{{ toYaml . | fromJson | len }}", "{{ call .Values.s }}", "{{ range .Values.s }}{{ end }}", "{{ len 3 }}", "{{ slice \"abc\" 5 }}", "{{ \"a\" | repeat 3 | b64dec }}", "{{ mustFromJson \"{\" }}", "{{ mustToDate \"x\" \"y\" }}", "{{ semverCompare \"x\" \"1\" }}", "{{ genCA 1 2 }}", "{{ include \"self\" . }}{{ define \"self\" }}{{ include \"self\" . }}{{ end }}", "{{ tpl .Values.t . }}", "{{ printf \"%d\" \"x\" }}", "{{ .Values.s.x }}", "{{ (lookup \"v1\" \"Pod\" \"\" \"\").items.x }}", "{{ break }}", "{{ range .Values.l }}{{ break }}{{ end }}", "{{ with $x := 1 }}{{ $y }}{{ end }}", "{{ block \"b\" . }}{{ fail \"in block\" }}{{ end }}", "{{ /* c */ }}", "{{- /* c */ -}}", "{{ 0x1p4 }} {{ 1_000 }} {{ 'a' }}", "{{ else }}", "{{ if .x }}{{ else if }}{{ end }}", "{{ template }}", "{{ define x }}{{ end }}", "{{ .a b", "{{ $ := 1 }}", "{{ nil }}", "{{ eq 1 nil }}", "{{ eq .Values.l .Values.l }}", "{{ eq .Values .Values }}", "{{ lt \"a\" 1 }}", "{{ and .a .b.c.d }}", "{{ not }}", "{{ or }}", "{{ index .Values.l \"a\" }}"]):
    case(f"level failing {i}", {"templates/v.yaml": "v: x\nw: " + text + "\n", "values.yaml": "l: [1]\ns: text\nt: \"{{ .a.b.c }}\"\n"})
case("level webhooks", {"templates/a.yaml": "\n---\n".join("kind: " + k for k in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService", "IngressClass", "PriorityClass", "NetworkPolicy", "PodDisruptionBudget", "ServiceAccount", "SecretList", "StorageClass", "ClusterRoleList", "HorizontalPodAutoscaler", "Unknown", "CronJob", "List"]) + "\n"}, dump=False)
case("level hook weights", {"templates/h.yaml": "\n---\n".join("kind: Job\nmetadata: {name: j%s, annotations: {helm.sh/hook: %s, helm.sh/hook-weight: \"%s\"}}" % (n, h, w) for n, h, w in [(1, "post-install", 5), (2, "pre-install", -5), (3, "pre-install", "x"), (4, "test", 0), (5, "pre-delete", 99), (6, "pre-install", 5)]) + "\n"}, dump=False)
case("level symlinks", {"real.txt": "x", "templates/l.yaml": {"link": "v.yaml"}, "link.txt": {"link": "real.txt"}, "d": {"link": "templates"}})
case("level dangling link", {"link.txt": {"link": "nope"}})
case("level no templates", dump=False)
case("level values without a chart's", {"values.yaml": ""})
for name, text in {"bool": "true", "number": "5", "anchors": "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n", "duplicate": "a: 1\na: 2\n", "duplicate map": "a: {b: 1}\na: {c: 2}\n", "tags": "a: !!str 1\nb: !!binary aGk=\nc: !x y\n", "odd keys": "1: a\ntrue: b\nnull: c\n1.5: d\n? [a]\n: e\n", "merge odd": "a: {<<: 1}\n", "tab": "a:\t1\n", "end": "a: 1\n...\nb: 2\n", "directive": "%YAML 1.1\n---\na: yes\n", "second broken": "a: 1\n---\nb: [\n", "second list": "a: 1\n---\n- b\n", "nan": "a: .nan\n", "inf": "a: -.inf\n", "huge": "a: 1e400\n", "octal": "a: 0o17\nb: 017\nc: 0b11\n", "time": "a: 2001-01-01T00:00:00Z\nb: 12:30:45\n"}.items():
    case(f"level values {name}", {"values.yaml": text})
    case(f"level values file {name}", {"x.yaml": text}, ["-f", "x.yaml"])
for v in ["v1.31.4-gke.1", "1.31", "v1.31.0+k3s1", "1.31.4.5", "v1.31.4-alpha.1+b"]:
    case(f"level kube version {v}", {"templates/v.yaml": "v: {{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.GitVersion }} {{ semverCompare \"<1.31.4\" .Capabilities.KubeVersion.Version }}\n"}, ["--kube-version", v], chart=CHART + "kubeVersion: \">= 1.31.0\"\n")
    case(f"level kube version refused {v}", {}, ["--kube-version", v], chart=CHART + "kubeVersion: \">= 1.32.0\"\n")
for line in ["a[0", "a[0]b[1", "a.b[1", "a[0][1", "a[", "a]=1", "a[0]={b", "a=1,b[0"]:
    for flag in ["--set", "--set-string", "--set-json", "--set-literal"]:
        case(f"level {flag} {line}", {"values.yaml": BASE}, [flag, line])
case("level --set-json object", {"values.yaml": BASE}, ["--set-json", "{\"a\":{\"b\":2,\"z\":null},\"n\":{\"k\":1}}"])
case("level --set-json object and more", {"values.yaml": BASE}, ["--set-json", "{\"a\":1},b=2"])
for name, files in {"no Chart.yaml": {"s/x": "a"}, "ok": {"s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "s/templates/a.yaml": "x: 1\n"}, "other name": {"t/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "t/templates/a.yaml": "x: 1\n"}, "bad Chart.yaml": {"s/Chart.yaml": "- a\n"}, "dot name": {"s/Chart.yaml": "apiVersion: v2\nname: ..\nversion: 1.0.0\n"}}.items():
    case(f"level tgz {name}", {"charts/s-1.0.0.tgz": tgz(files)})

# ---- command lines ----
for flag in [["--dry-run"], ["--dry-run=client"], ["--dry-run=none"], ["--dry-run=x"], ["--dry-run="], ["--dry-run=true"], ["--wait"], ["--wait=true"], ["--wait=watcher"], ["--wait=x"], ["--atomic"], ["--force"], ["--force-replace"], ["--server-side"], ["--render-subchart-notes"], ["--validate=false"], ["--nope"], ["-Z"], ["--set"], ["--no-hooks=x"], ["--kube-version"], ["-n"], ["--skip-tests", "--no-hooks"], ["--color=never"], ["--jsonpath", "x"], ["--timeout", "x"], ["--timeout", "5m"], ["--labels", "a"], ["-l", "a=b"], ["--burst-limit", "x"], ["--qps", "1.5"], ["--force-replace", "--force-conflicts"], ["--generate-name"], ["--name-template", "x"], ["extra"], ["extra", "more"]]:
    command("template flag " + " ".join(flag), ["template", "r", "$D"] + flag, {"Chart.yaml": CHART, "templates/v.yaml": DUMP, "templates/NOTES.txt": "notes"})
GOOD = CHART + "icon: https://x.example/i.png\n"
OBJ = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def lint(name, files=None, flags=(), chart=GOOD):
    f = {"Chart.yaml": chart, "values.yaml": "a: 1\n", "templates/a.yaml": OBJ}
    f.update(files or {})
    command("lint " + name, ["lint", "$D"] + list(flags), {k: v for k, v in f.items() if v is not None})


lint("fine")
lint("fine quiet", {}, ["--quiet"])
lint("icon", {}, [], CHART)
lint("icon quiet", {}, ["--quiet"], CHART)
lint("icon strict", {}, ["--strict"], CHART)
lint("no Chart.yaml", {"Chart.yaml": None})
lint("no values", {"values.yaml": None})
lint("no templates", {"templates/a.yaml": None})
lint("no templates strict", {"templates/a.yaml": None}, ["--strict"])
lint("templates is a file", {"templates/a.yaml": None, "templates": "x"})
lint("no templates quiet", {"templates/a.yaml": None}, ["--quiet"])
for i, chart in enumerate(["- a\n", "a: [\n", "", "name: c\n", "apiVersion: v3x\nname: c\nversion: 1.0.0\n", "apiVersion: v1\nname: c\nversion: 1.0.0\ntype: application\n", "apiVersion: v1\nname: c\nversion: 1.0.0\ndependencies: [{name: s, version: 1.0.0}]\n", "name: a/b\nversion: 1.0.0\n", GOOD.replace("0.1.0", "1"), GOOD.replace("0.1.0", "v1.2"), GOOD.replace("0.1.0", "x.y"), GOOD.replace("0.1.0", "0.0.0"), GOOD.replace("0.1.0", "0.0.0-0"), GOOD.replace("0.1.0", "1.2.3.4"), GOOD.replace("0.1.0", "01.2.3"), GOOD + "appVersion: 1.5\n", GOOD + "appVersion: [a]\n", GOOD + "appVersion: true\n", GOOD + "maintainers: [{email: a}]\n", GOOD + "maintainers: [null]\n", GOOD + "maintainers: [{name: a, email: b}]\n", GOOD + "maintainers: [{name: a, email: b@c.example}]\n", GOOD + "maintainers: [{name: a, email: b@c}]\n", GOOD + "maintainers: [{name: a, email: \"b c@d.example\"}]\n", GOOD + "maintainers: [{name: a, url: b}]\n", GOOD + "maintainers: [{name: a, url: \"https://b.example/x\"}]\n", GOOD + "maintainers: [{name: a, url: \"b.example\"}]\n", GOOD + "maintainers: [{name: a, url: \"http://\"}]\n", GOOD + "sources: [x]\n", GOOD + "sources: [\"\"]\n", GOOD + "sources: [\"https://x\", \"git@x:y\"]\n", GOOD + "sources: [\"/x\"]\n", CHART + "icon: x\n", CHART + "icon: \"data:image/png;base64,xx\"\n", CHART + "icon: \"https://a b\"\n", GOOD + "nope: 1\n", GOOD + "z: 1\nb: {c: 1}\n", GOOD + "maintainers: [{name: a, x: 1}]\n", GOOD + "dependencies: [{name: s, version: 1.0.0, q: 1}]\n", GOOD + "name: d\n", GOOD + "Icon: https://y.example\n", GOOD + "annotations: {a: [b]}\n", GOOD + "type: library\n", GOOD + "type: other\n", GOOD + "deprecated: true\n", GOOD + "kubeVersion: \"<1.0\"\n", GOOD + "dependencies: [{name: s, version: 1.0.0}, {name: s, version: 2.0.0}]\n", GOOD + "dependencies: [{name: s, version: 1.0.0}, {name: t, version: 2.0.0, alias: s}]\n"]):
    lint(f"chart {i}", {}, [], chart)
for name, files, chart in [("unlisted", {"charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n"}, GOOD), ("missing", {}, GOOD + "dependencies: [{name: s, version: 1.0.0}, {name: t, version: 1.0.0}]\n"), ("both", {"charts/u/Chart.yaml": "apiVersion: v2\nname: u\nversion: 1.0.0\n"}, GOOD + "dependencies: [{name: s, version: 1.0.0}]\n"), ("broken", {"charts/s/Chart.yaml": "- a\n"}, GOOD), ("no chart", {"charts/s/x": ""}, GOOD)]:
    lint(f"dependencies {name}", files, [], chart)
    lint(f"dependencies {name} with subcharts", files, ["--with-subcharts"], chart)
lint("with subcharts", {"charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "charts/s/charts/t/Chart.yaml": "apiVersion: v2\nname: t\nversion: x\n", "charts/u-1.0.0.tgz": tgz({"u/Chart.yaml": "apiVersion: v2\nname: u\nversion: 1.0.0\n", "u/templates/a.yaml": "a: [\n"})}, ["--with-subcharts"])
lint("with subcharts quiet", {"charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n"}, ["--with-subcharts", "--quiet"])
for name, text in {"list": "- a\n", "bad": "a: [\n", "text": "x\n", "empty": "", "two": "a: 1\n---\nb: 2\n"}.items():
    lint(f"values {name}", {"values.yaml": text})
lint("schema", {"values.schema.json": '{"required":["x"],"properties":{"a":{"type":"string"}}}'})
lint("schema met by --set", {"values.schema.json": '{"required":["x"]}'}, ["--set", "x=1"])
lint("schema skipped", {"values.schema.json": '{"required":["x"]}'}, ["--skip-schema-validation"])
lint("schema broken", {"values.schema.json": '{"type": 5}'})
lint("schema of a subchart", {"charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "charts/s/values.schema.json": '{"required":["x"]}'})
lint("schema empty", {"values.schema.json": ""})
for name, text in {"indent": "  a: 1\n", "tab": "\ta: 1\n", "bad": "a: [\n", "bad second": "a: 1\n---\nb: [\n", "text": "x\n", "list": "- a\n", "number": "5\n", "null": "null\n", "comment": "# x\n", "two": OBJ + "---\n" + OBJ, "json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "A_b"}}', "json bad": '{"a": }', "fail": "{{ fail \"x\" }}", "required": "{{ required \"need\" .Values.x }}", "include": "{{ include \"x\" . }}", "nil": "{{ .Values.x.y }}", "syntax": "{{ if }}", "release": "r: {{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.IsInstall }} {{ .Release.IsUpgrade }} {{ .Release.Revision }}\nkind: A\nmetadata: {name: A}\n", "capabilities": "kind: A\nmetadata: {name: \"{{ .Capabilities.KubeVersion }}_\"}\n", "release time": "# {{ \"x\" }} .Release.Time\n" + OBJ, "crd hook": "# helm.sh/hook: crd-install\n" + OBJ}.items():
    lint(f"template {name}", {"templates/a.yaml": text})
    lint(f"template {name} strict", {"templates/a.yaml": text}, ["--strict"])
for name in ["a.yml", "a.YAML", "a.txt", "a.tpl", "a", "a.json", "a.tar.gz", "NOTES.txt", "_h.tpl", "d/b.yaml"]:
    lint(f"file {name}", {"templates/a.yaml": None, "templates/" + name: "a: [\n"})
    lint(f"file with a name {name}", {"templates/a.yaml": None, "templates/" + name: "kind: A\nmetadata: {name: A}\n"})
for kind in ["ConfigMap", "Service", "Namespace", "Role", "ClusterRoleBinding", "CertificateSigningRequest", "ServiceAccount", "Nope", ""]:
    for n in ["ok", "A", "a/b", "a%", "a.b", "-a", "1a", "", "x" * 64, "x" * 254, "..", "a_b"]:
        lint(f"name {kind} {n[:3]}{len(n)}", {"templates/a.yaml": f"apiVersion: x/v1\nkind: {kind}\nmetadata: {{name: \"{n}\"}}\n"})
for name, text in {"metadata text": "metadata: x\n", "metadata list": "metadata: [a]\n", "name number": "metadata: {name: 5}\n", "name list": "metadata: {name: [a]}\n", "namespace map": "metadata: {namespace: {a: b}}\n", "kind list": "kind: [a]\n", "kind number": "kind: 5\n", "apiVersion bool": "apiVersion: true\n", "upper keys": "KIND: Service\nMetadata: {NAME: A}\n", "metadata null": "kind: A\nmetadata: null\n"}.items():
    lint(f"head {name}", {"templates/a.yaml": text})
for kind in ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job"]:
    lint(f"selector {kind}", {"templates/a.yaml": f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: a}}\n"})
    lint(f"selector there {kind}", {"templates/a.yaml": f"apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: a}}\n# matchLabels\n"})
lint("list annotation", {"templates/a.yaml": "apiVersion: v1\nkind: List\nmetadata: {name: a}\nitems: [{metadata: {annotations: {helm.sh/resource-policy: keep}}}]\n"})
lint("list without it", {"templates/a.yaml": "apiVersion: v1\nkind: List\nmetadata: {name: a}\nitems: [{metadata: {annotations: {b: keep}}}, {}]\n"})
lint("list of texts", {"templates/a.yaml": "apiVersion: v1\nkind: List\nmetadata: {name: a}\nitems: [a]\n"})
lint("list number annotation", {"templates/a.yaml": "apiVersion: v1\nkind: List\nmetadata: {name: a}\nitems: [{metadata: {annotations: {b: 5}}}]\n"})
for api, kind in [("extensions/v1beta1", "Ingress"), ("extensions/v1beta1", "Deployment"), ("apps/v1beta1", "Deployment"), ("apps/v1beta2", "StatefulSet"), ("apps/v1beta1", "Nope"), ("policy/v1beta1", "PodDisruptionBudget"), ("policy/v1beta1", "PodSecurityPolicy"), ("batch/v1beta1", "CronJob"), ("autoscaling/v2beta1", "HorizontalPodAutoscaler"), ("autoscaling/v2beta2", "HorizontalPodAutoscaler"), ("networking.k8s.io/v1beta1", "Ingress"), ("rbac.authorization.k8s.io/v1beta1", "Role"), ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"), ("v1", "ComponentStatus"), ("v1", "Endpoints"), ("storagemigration.k8s.io/v1alpha1", "StorageVersionMigration"), ("certificates.k8s.io/v1beta1", "ClusterTrustBundle"), ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"), ("resource.k8s.io/v1beta2", "DeviceTaintRule"), ("scheduling.k8s.io/v1alpha1", "PriorityClass"), ("apps/v1", "Deployment"), ("x.example/v1", "Ingress")]:
    for flags in [[], ["--kube-version", "1.15"], ["--kube-version", "v1.22.3"], ["--kube-version", "1.50", "--strict"]]:
        lint(f"deprecated {api} {kind} {' '.join(flags)}", {"templates/a.yaml": f"apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\n# matchLabels\n"}, flags)
for name, files in {"fine": {"crds/a.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: A_}\n"}, "kind": {"crds/a.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: X\n"}, "group": {"crds/a.yaml": "apiVersion: v1\nkind: CustomResourceDefinition\n"}, "both": {"crds/a.yaml": "apiVersion: v1\nkind: X\n---\na: 1\n---\n"}, "bad": {"crds/a.yaml": "a: [\n", "crds/b.yaml": "kind: X\n"}, "template": {"crds/a.yaml": "{{ if .x }}\na: 1\n{{ end }}\n"}, "other file": {"crds/a.txt": "x"}, "file": {"crds": "x"}, "of a subchart": {"charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "charts/s/crds/a.yaml": "kind: X\n"}, "folder": {"crds/d/a.yaml": "kind: X\n"}}.items():
    lint(f"crds {name}", files)
lint("bad --set", {}, ["--set", "a"])
lint("bad kube version", {}, ["--kube-version", "x"])
lint("unknown flag", {}, ["--include-crds"])
lint("namespace", {"templates/a.yaml": "kind: A\nmetadata: {name: \"{{ .Release.Namespace }}_\"}\n"}, ["-n", "ns"])
command("lint two", ["lint", "$D/a", "$D/b"], {"a/Chart.yaml": GOOD, "b/Chart.yaml": CHART, "b/values.yaml": ""})
command("lint two quiet", ["lint", "$D/a", "$D/b", "--quiet"], {"a/Chart.yaml": GOOD, "b/Chart.yaml": CHART, "b/values.yaml": "", "b/templates/a.yaml": OBJ})
command("lint relative", ["lint", "a"], {"a/Chart.yaml": GOOD + "dependencies: [{name: s, version: 1.0.0}]\n"})
command("lint nothing", ["lint"], {"Chart.yaml": GOOD})
command("lint missing", ["lint", "nope"], {})
command("lint tgz", ["lint", "a.tgz"], {"a.tgz": tgz({"c/Chart.yaml": CHART, "c/templates/a.yaml": "a: [\n"})})
command("lint tgz missing", ["lint", "b.tgz"], {})
command("lint tgz that is none", ["lint", "a.tgz"], {"a.tgz": "x"})

# ---- show and dependency list ----
SHOWN = {"Chart.yaml": FULL.replace("dependencies:", "# ").split("# ")[0] + "deprecated: true\n", "values.yaml": "# comment\na: 1\n", "README.md": "# Read\n", "crds/a.yaml": "crd: 1\n", "crds/b.yaml": "---\ncrd: 2\n", "templates/a.yaml": OBJ, "charts/s/Chart.yaml": "apiVersion: v2\nname: s\nversion: 1.0.0\n", "charts/s/crds/c.yaml": "crd: 3\n"}
for what in ["all", "chart", "crds", "readme", "values"]:
    command(f"show {what}", ["show", what, "$D"], SHOWN)
    command(f"show {what} of a bare chart", ["show", what, "$D"], {"Chart.yaml": CHART})
    command(f"show {what} of empty files", ["show", what, "$D"], {"Chart.yaml": CHART, "values.yaml": "", "README.md": "", "crds/a.yaml": ""})
    command(f"show {what} of an archive", ["show", what, "c.tgz"], {"c.tgz": tgz({"c/Chart.yaml": CHART, "c/values.yaml": "x: 1\n", "c/readme": "r"})})
    command(f"show {what} of nothing", ["show", what], {})
    command(f"show {what} of two", ["show", what, "a", "b"], {})
    command(f"show {what} missing", ["show", what, "./nope"], {})
    command(f"show {what} broken", ["show", what, "$D"], {"Chart.yaml": "- a\n"})
    command(f"inspect {what}", ["inspect", what, "$D"], SHOWN)
for readme in ["readme.txt", "README", "ReadMe.MD", "readme.rst"]:
    command(f"show readme {readme}", ["show", "readme", "$D"], {"Chart.yaml": CHART, readme: "text\n"})
command("show chart with dependencies", ["show", "chart", "$D"], {"Chart.yaml": FULL})
command("show chart of v1", ["show", "chart", "$D"], {"Chart.yaml": "name: c\nversion: 1\nextra: 1\n", "requirements.yaml": "dependencies: [{name: s, version: 1.x}]\n"})
command("show unknown flag", ["show", "chart", "$D", "--jsonpath", "x"], {"Chart.yaml": CHART})
command("show with a link", ["show", "values", "$D"], {"Chart.yaml": CHART, "values.yaml": {"link": "v.yaml"}, "v.yaml": "b: 2\n"})
S1 = "apiVersion: v2\nname: s\nversion: 1.0.0\n"
DEPS = CHART + "dependencies:\n- {name: s, version: %s, repository: \"https://x.example\"}\n- {name: longer-name, version: \">= 2\", repository: \"\"}\n"
for name, files in {"missing": {"Chart.yaml": DEPS % "1.0.0"}, "unpacked": {"Chart.yaml": DEPS % "1.0.0", "charts/s/Chart.yaml": S1}, "unpacked wrong": {"Chart.yaml": DEPS % "2.0.0", "charts/s/Chart.yaml": S1}, "unpacked bad constraint": {"Chart.yaml": DEPS % "\"x y\"", "charts/s/Chart.yaml": S1}, "packed": {"Chart.yaml": DEPS % "1.x", "charts/s-1.0.0.tgz": tgz({"s/Chart.yaml": S1})}, "packed wrong": {"Chart.yaml": DEPS % "2.x", "charts/s-1.0.0.tgz": tgz({"s/Chart.yaml": S1})}, "two": {"Chart.yaml": DEPS % "1.x", "charts/s-1.0.0.tgz": tgz({"s/Chart.yaml": S1}), "charts/s-1.1.0.tgz": tgz({"s/Chart.yaml": S1})}, "one and another's": {"Chart.yaml": DEPS % "1.x", "charts/s-1.0.0.tgz": tgz({"s/Chart.yaml": S1}), "charts/s-x-1.1.0.tgz": tgz({"s-x/Chart.yaml": S1.replace("name: s", "name: s-x")})}, "misnamed": {"Chart.yaml": DEPS % "1.x", "charts/s-1.0.0.tgz": tgz({"s/Chart.yaml": S1.replace("name: s", "name: t")})}, "none": {"Chart.yaml": CHART}, "empty list": {"Chart.yaml": CHART + "dependencies: []\n"}, "unlisted": {"Chart.yaml": DEPS % "1.0.0", "charts/u/Chart.yaml": S1.replace("name: s", "name: u"), "charts/README.md": "x"}, "v1": {"Chart.yaml": "name: c\nversion: 1.0.0\n", "requirements.yaml": "dependencies: [{name: s, version: 1.x, repository: r}]\n"}, "alias": {"Chart.yaml": CHART + "dependencies: [{name: s, version: 1.0.0, alias: t, repository: \"file://../s\"}]\n", "charts/s/Chart.yaml": S1}}.items():
    command(f"dependency list {name}", ["dependency", "list", "$D"], files)
command("dependency list here", ["dependency", "ls"], {"Chart.yaml": DEPS % "1.0.0"})
command("dep list narrow", ["dep", "list", "$D", "--max-col-width", "5"], {"Chart.yaml": DEPS % "1.0.0"})
command("dependency list bad width", ["dep", "list", "$D", "--max-col-width", "x"], {"Chart.yaml": DEPS % "1.0.0"})
command("dependency list of two", ["dependency", "list", "a", "b"], {})
command("dependency list broken", ["dependency", "list", "$D"], {"Chart.yaml": "- a\n"})
command("dependency list nowhere", ["dependency", "list", "./nope"], {})
command("dependency list unknown flag", ["dependency", "list", "$D", "--set", "a=b"], {"Chart.yaml": CHART})
