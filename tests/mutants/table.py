"""tests/mutants/table.py: the faults that tools/mutants switches in. One row each: a name, where, what becomes what, and the
tests (arguments of tools/run-tests) of which at least one must fail."""

FAULTS = []


def fault(name, file, find, replace, *tests):
    FAULTS.append({"name": name, "file": file, "find": find, "replace": replace, "tests": list(tests)})


# --- the machinery below the controllers

fault("an effect starts before it is announced", "src/control/steps.c",
      "(p->announced || !p->step[i].kind->effect)", "(p->announced || p)", "control/steps_test")
fault("a step that is not wanted any more goes on", "src/control/steps.c",
      "        if (planned(p, r->step.id)) {", "        if (planned(p, r->step.id) || p) {", "control/steps_test")
fault("a step that runs is started again", "src/control/steps.c",
      "if (!find(s, p->step[i].id) && (", "if (s && (", "control/steps_test")
fault("a key added while it is worked on is lost", "src/control/workqueue.c",
      "        it->dirty = true; /* workqueue_done puts it in line */", "        it->dirty = false;", "control/workqueue_test")
fault("retries do not back off", "src/control/workqueue.c",
      "        d *= 2;", "        d *= 1;", "control/workqueue_test")
fault("the queue has no bound", "src/control/workqueue.c",
      "q->n_live >= q->config.keys_max", "q->n_live >= (size_t)-1", "control/workqueue_test")

# --- reading the desired state

fault("recurse is ignored", "src/render/directory.c",
      '.recurse = value_bool(value_getz(options, "recurse"))', ".recurse = false", "render/directory_test")
fault("exclude is ignored", "src/render/directory.c",
      "if (w->exclude.len && glob_matches(w->exclude, relative, STR(\"\")))", "if (w->exclude.len && false)", "render/directory_test")
fault("include is ignored", "src/render/directory.c",
      "if (w->include.len && !glob_matches(w->include, relative, STR(\"\")))", "if (w->include.len && false)", "render/directory_test")
fault("every file counts as a manifest", "src/render/directory.c",
      "if (!w->any_extension && !has_extension(e->name))", "if (!w->any_extension && !(has_extension(e->name) || true))", "render/directory_test")
fault("the size of all files together is not bounded", "src/render/directory.c",
      "        w->bytes_left -= c->text.len;", "        w->bytes_left -= 0;", "render/directory_test")
fault("a file that is new in a folder concerns nobody", "src/manifests/index.c",
      "        while (path.len) {\n            path = files_path_folder(path);", "        while (false) {\n            path = files_path_folder(path);",
      "e2e/loop_test:a_file_added")
fault("a cached answer is given for another tree", "src/manifests/cache.c",
      "        if (strcmp(q->answer[i].tree, tree) == 0)", "        if (tree)", "manifests/manifests_test")
