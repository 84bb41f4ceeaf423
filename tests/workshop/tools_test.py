#!/usr/bin/env python3
"""The tools that judge the code, judged: each must see the fault it is there for."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tap"))
import tap  # noqa: E402

TOOLS = tap.SOURCE / "tools"


def run(*cmd, **env):
    p = subprocess.run([str(c) for c in cmd], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       env=dict(os.environ, **env))
    return p.returncode, p.stdout


def tree(files):
    top = Path(tempfile.mkdtemp(prefix="tiphys-tools-"))
    for name, text in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if text.startswith("#!"):
            path.chmod(0o755)
    return top


@tap.test
def the_tree_keeps_the_table_of_layers():
    code, out = run(TOOLS / "layers")
    tap.equal(code, 0, out)


@tap.test
def every_library_of_the_build_is_installed_by_bootstrap():
    wanted = set()
    for path in [tap.SOURCE / "meson.build", *(tap.SOURCE / "src").rglob("meson.build")]:
        for name, rest in re.findall(r"dependency\('([^']+)'([^)]*)\)", path.read_text()):
            if "required: false" not in rest and name != "threads":
                wanted.add(name)
    assert len(wanted) > 5, wanted
    _, listed = run(TOOLS / "bootstrap", "--list")
    packages = {line.split()[1] for line in listed.splitlines() if line.startswith(("build", "test"))}
    for name in sorted(wanted):
        code, folder = run("pkg-config", "--variable=pcfiledir", name)
        tap.equal(code, 0, f"pkg-config does not know {name}: {folder}")
        code, owner = run("dpkg", "-S", f"{folder.strip()}/{name}.pc")
        tap.equal(code, 0, owner)
        owner = owner.split(":")[0]
        assert owner in packages, f"tools/bootstrap does not install {owner}, which the build needs for '{name}'"


@tap.test
def an_include_upwards_is_found():
    top = tree({"src/value/a.h": '#include "base/b.h"\n#include "net/c.h"\n', "src/base/b.h": "", "src/net/c.h": ""})
    code, out = run(TOOLS / "layers", top / "src")
    tap.equal(code, 1)
    tap.contains(out, "src/value/a.h:2: #include \"net/c.h\": value/ may not include net/")


@tap.test
def api_and_controllers_may_not_see_each_other():
    top = tree({"src/api/a.c": '#include "controllers/b.h"\n', "src/controllers/b.h": '#include "api/c.h"\n', "src/api/c.h": ""})
    code, out = run(TOOLS / "layers", top / "src")
    tap.equal((code, out.count("may not include")), (1, 2), out)


@tap.test
def a_folder_that_is_no_room_is_found():
    code, out = run(TOOLS / "layers", tree({"src/utils/a.c": ""}) / "src")
    tap.equal(code, 1)
    tap.contains(out, "'utils' is no room")


@tap.test
def limits_counts_lines_branches_and_parameters_of_a_function():
    top = tree({"a.c": """static int f(int a, int (*b)(int, int), struct x c[])
{
    if (a && b)
        return 1;
    switch (a) {
    case 1: case 2: return a ? 2 : 3;
    default: break;
    }
    /* if while */ char *s = "if (x) {";
    for (;;) {
    }
}
struct table t[] = {{1, f(2)}, {2, 3}};
int g(void) { return 0; }
"""})
    code, out = run(TOOLS / "limits", "--functions", top / "a.c")
    tap.contains(out, "f lines=12 cyclomatic=6 parameters=3")
    tap.contains(out, "g lines=1 cyclomatic=1 parameters=0")
    tap.equal(out.count("\n"), 2, out)


@tap.test
def a_function_past_a_limit_is_named_with_its_line():
    body = "".join(f"    if (a == {i})\n        a++;\n" for i in range(25))
    top = tree({"a.c": "\nint f(int a)\n{\n" + body + "}\n"})
    code, out = run(TOOLS / "limits", top / "a.c")
    tap.equal(code, 1)
    tap.contains(out, "a.c:2: f: cyclomatic is 26, the limit is 20")


def suite_of(script):
    """tools/run-tests over a tree whose only test program is this shell script."""
    top = tree({"tests/golden/x_test": "#!/bin/sh\n" + script, "build/x": ""})
    code, out = run(TOOLS / "run-tests", "--build", tap.BUILD, "golden", TIPHYS_TESTS_OF=str(top))
    return code, out.splitlines()[-1]


@tap.test
def passing_tests_are_counted():
    tap.equal(suite_of("echo 1..2; echo ok 1 - a; echo ok 2 - b"), (0, "2 passed, 0 failed"))


@tap.test
def a_failing_test_fails_the_run():
    tap.equal(suite_of("echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1"), (1, "1 passed, 1 failed"))


@tap.test
def a_skip_and_a_to_do_are_failures():
    tap.equal(suite_of("echo 1..3; echo 'ok 1 - a # SKIP no kubectl'; echo 'not ok 2 - b # TODO later'; echo ok 3; exit 1"),
              (1, "1 passed, 2 failed"))


@tap.test
def a_program_without_tests_is_a_failure():
    tap.equal(suite_of("echo 1..0 '# SKIP nothing here'")[1], "0 passed, 1 failed")
    tap.equal(suite_of("true")[1], "0 passed, 1 failed")


@tap.test
def a_plan_that_is_not_kept_is_a_failure():
    tap.equal(suite_of("echo 1..3; echo ok 1 - a"), (1, "1 passed, 1 failed"))


@tap.test
def a_crash_after_the_last_test_is_a_failure():
    tap.equal(suite_of("echo 1..1; echo ok 1 - a; kill -SEGV $$"), (1, "1 passed, 1 failed"))


@tap.test
def an_exit_code_that_contradicts_the_tests_is_a_failure():
    tap.equal(suite_of("echo 1..1; echo ok 1 - a; exit 3"), (1, "1 passed, 1 failed"))
    tap.equal(suite_of("echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 0"), (1, "1 passed, 2 failed"))


@tap.test
def a_suite_that_does_not_exist_is_a_failure():
    code, out = run(TOOLS / "run-tests", "--build", tap.BUILD, "no-such-suite")
    tap.equal((code, out.splitlines()[-1]), (1, "0 passed, 1 failed"))


tap.main()
