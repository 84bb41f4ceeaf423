"""tests/tap/tap.py: what a test driver in Python needs to speak TAP. Standard library only.

    import tap
    @tap.test
    def a_removed_file_is_pruned():     # the name is the sentence that is reported
        tap.equal(got, wanted)
    tap.main()

A test fails by raising anything; the traceback is printed as a TAP comment. Tests run in the order of the
file. Arguments on the command line choose tests by substring. main() exits with 1 if one failed.
"""
import os
import sys
import time
import traceback
from pathlib import Path

SOURCE = Path(os.environ.get("TIPHYS_SOURCE_ROOT") or Path(__file__).resolve().parent.parent.parent)
BUILD = Path(os.environ.get("TIPHYS_BUILD_ROOT") or SOURCE / "build")

_tests = []
_finally = []


class Failed(AssertionError):
    pass


def test(function):
    _tests.append(function)
    return function


def at_end(function):
    """Runs after the last test, also when tests failed."""
    _finally.append(function)
    return function


def true(condition, message="is not true"):
    if not condition:
        raise Failed(message)


def equal(got, wanted, what=""):
    if got != wanted:
        raise Failed(f"{what or 'value'}: got {got!r}, wanted {wanted!r}")


def contains(text, part, what=""):
    if part not in text:
        raise Failed(f"{what or 'text'}: {part!r} is not in {text!r}")


def comment(text):
    for line in str(text).rstrip().splitlines():
        print("# " + line)
    sys.stdout.flush()


def main():
    chosen = [t for t in _tests if not sys.argv[1:] or any(a in t.__name__ for a in sys.argv[1:])]
    print(f"1..{len(chosen)}", flush=True)
    failed = 0
    try:
        for n, t in enumerate(chosen, 1):
            name = t.__name__.strip("_").replace("_", " ")
            started = time.monotonic()
            try:
                t()
                print(f"ok {n} - {name}", flush=True)
            except Exception as e:  # any exception is a failure of this test only
                failed += 1
                print(f"not ok {n} - {name}", flush=True)
                comment(traceback.format_exc() if not isinstance(e, Failed) else f"{_where(e)}: {e}")
            if time.monotonic() - started > 1:
                comment(f"{time.monotonic() - started:.1f} s")
    finally:
        for f in reversed(_finally):
            f()
    sys.exit(1 if failed else 0)


def _where(e):
    frames = [f for f in traceback.extract_tb(e.__traceback__) if Path(f.filename) != Path(__file__)]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
