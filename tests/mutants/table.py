"""tests/mutants/table.py: the faults that tools/mutants switches in. One row each: a name, where, what becomes what, and the
tests (arguments of tools/run-tests) of which at least one must fail."""

FAULTS = []


def fault(name, file, find, replace, *tests):
    FAULTS.append({"name": name, "file": file, "find": find, "replace": replace, "tests": list(tests)})


fault("arena memory is not zeroed when it grows", "src/base/arena.c", "        memset((char *)old + old_size, 0, new_size - old_size);\n", "", "base/base_test")
