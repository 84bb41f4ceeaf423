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

fault("a late answer reaches the next call in its place", "src/event/call.c",
      "s->gen == c.gen && s->state", "s->gen && s->state", "event/event_test")
fault("a lease is kept though it could not be renewed", "src/control/lease.c",
      "static void on_deadline(void *arg) { set_held(arg, false); }", "static void on_deadline(void *arg) { (void)arg; }",
      "control/lease_test")
fault("an old answer replaces a newer object", "src/kube/object.c",
      "        return x > y;", "        return x != y;", "control/informer_test")
fault("an expired watch goes on from its old version", "src/cluster/reflector.c",
      "    if (why->kind == ERR_GONE) {\n        buf_reset(&r->version);", "    if (why->kind == ERR_GONE) {", "cluster/mirror_test")
fault("what a new list does not have stays in the mirror", "src/cluster/mirror.c",
      "    if (s->listed) /* nothing can be gone after the first list */", "    if (!s)", "cluster/mirror_test")
fault("an object made again by its old name counts as changed", "src/cluster/mirror.c",
      "    if (replaced) {", "    if (replaced && !m) {", "cluster/mirror_test")
fault("children of an owner that went first are lost", "src/cluster/mirror_store.c",
      "    if (!r->node.children)\n        return;", "    if (r)\n        return;", "cluster/mirror_test")
fault("a change below an application's object concerns nobody", "src/cluster/mirror_query.c",
      "    if (subject.len || depth == MIRROR_OWNER_DEPTH_MAX)", "    if (subject.len || depth < MIRROR_OWNER_DEPTH_MAX)",
      "cluster/mirror_test")
fault("a new kind is not discovered", "src/cluster/mirror.c",
      "k->makes_kinds = makes_kinds(from);", "k->makes_kinds = false;", "cluster/mirror_test")

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
      "manifests/manifests_test")
fault("a cached answer is given for another tree", "src/manifests/cache.c",
      "        if (sha256_eq(&q->answer[i].trees, trees))", "        if (trees)", "manifests/manifests_test")
fault("a link out of the repository is followed", "src/files/files.c",
      "    if (str_starts(target, STR(\"/\")))\n        return true;", "    if (true)\n        return false;", "files/files_test")
fault("what was read is not recorded", "src/files/files.c",
      "    if (f->reads)\n        read_set_add(", "    if (false)\n        read_set_add(", "render/directory_test")
fault("other credentials share a repository folder", "src/source/repo.c",
      "        if (fields[i].credential)\n            add_part(", "        if (false)\n            add_part(", "source/source_test")
fault("the same question is asked again while it is under way", "src/source/source.c",
      "    if (r->asking) {\n        s->stats.n_joined++;\n        return;\n    }", "", "source/source_test")
fault("a git that hangs is waited for", "src/source/git_run.c",
      "        kill(-r->pid, SIGKILL);", "        kill(-r->pid, 0);", "source/source_test")
fault("a render worker may open any file", "src/manifests/jail_lock.c",
      "        rc = landlock(folder, n_folders, err);", "        rc = jail_landlock_version() ? 0 : landlock(folder, n_folders, err);", "manifests/jail_test")
fault("a render worker may run memory it wrote", "src/manifests/jail_lock.c",
      "    {SCMP_SYS(mmap), 2, PROT_EXEC, 0},", "    {SCMP_SYS(mmap), 2, 0, 0},", "manifests/jail_test")
fault("an answer that is not sealed is mapped", "src/manifests/jail_frame.c",
      "    if (seals < 0 || (seals & SEALS) != SEALS)", "    if (false && seals)", "manifests/jail_test")
fault("a source that keeps failing is rendered each time", "src/manifests/job.c",
      "    return q->n_failures >= m->options.failures_before_pause &&", "    return false && q->n_failures &&", "manifests/manifests_test")
fault("a poll tells every time what moved once", "src/manifests/poll.c",
      "    memcpy(i->seen, row.revision, sizeof(i->seen));", "", "manifests/manifests_test")

# --- values and their codecs

fault("the data of a Secret is shown to people", "src/value/json/print.c",
      "if (str_is(key, \"data\") || str_is(key, \"stringData\"))", "if (str_is(key, \"data\"))", "value/value_test")
fault("the last applied Secret is shown in its annotation", "src/value/json/print.c",
      "return str_is(key, LAST_APPLIED) ? MASK_OBJECT_TEXT : MASK_NOTHING;", "return MASK_NOTHING;", "value/value_test")
fault("a sensitive mark is lost in freezing", "src/value/doc.c",
      "value_is_sensitive(v) ? TAPE_SENSITIVE : 0", "value_is_sensitive(v) ? 0u : 0", "value/value_test")
fault("< and > are printed as they are", "src/value/json/print.c",
      "    if (c < 0x20 || html)", "    if (c < 0x20)", "value/value_golden_test")
fault("U+2028 is printed as it is", "src/value/json/print.c",
      "rune == 0x2028 || rune == 0x2029", "rune == 0x2029", "value/value_golden_test")
fault("1e21 is printed without exponent", "src/value/number.c",
      "d >= 1e21", "d >= 1e22", "value/value_golden_test")
fault("a small number is printed without exponent", "src/value/number.c",
      "d < 1e-6", "d < 1e-7", "value/value_golden_test")
fault("a lone surrogate is kept", "src/value/json/string.c",
      "    *ret = 0xfffd;\n    return 0;", "    return 0;", "value/value_golden_test")
fault("a duplicate key: the first wins", "src/value/build.c",
      "            c->c.entry[i].val = child;", "            continue;", "value/value_golden_test")
fault("a strict reader lets a duplicate key pass", "src/value/json/rare.c",
      "return r->strict ? failed(r, say_duplicate(r, f, at, key)) : true;", "return true;", "value/value_golden_test")
fault("a key that is twice among many is not found", "src/value/tape_write.c",
      "            *ret_duplicate = true;", "            *ret_duplicate = false;", "value/value_test")
fault("a merge patch keeps nulls in what it adds", "src/value/merge_patch.c",
      "bool drop = map && value_is_null(it.val);", "bool drop = false;", "value/value_golden_test")
fault("a merge patch does not remove", "src/value/merge_patch.c",
      "            value_remove(target, it.key);", "            (void)old;", "value/value_golden_test")
fault("a three-way patch forgets removals", "src/value/merge_patch.c",
      "filtered(a, removals, true)", "value_new_map(a)", "value/value_golden_test")
fault("an explicit empty map is lost in a three-way patch", "src/value/merge_patch.c",
      "value_is_map(it.val) && value_len(it.val) > 0", "value_is_map(it.val)", "value/value_golden_test")
fault("negative indices of a JSON patch are refused", "src/value/json_patch.c",
      "i < -(int64_t)slots)", "i < 0)", "value/value_golden_test")
fault("a JSON patch tests numbers by value", "src/value/json_patch.c",
      "value_identical(v, want)", "value_equal(v, want)", "value/value_golden_test")
fault("a copied part of a JSON patch is shared", "src/value/json_patch.c",
      "v = value_exists(v) ? value_fork(p->arena, v) : value_null(p->arena);", "v = value_exists(v) ? v : value_null(p->arena);", "value/value_golden_test")
fault("an item of a list gets no kind", "src/value/json/stream.c",
      "int r = json_parse_item(text, kind,", "int r = json_parse_item(text, list ? STR(\"\") : kind,", "value/json_stream_test")
fault("an escaped quote ends a string of a stream", "src/value/json/scan.c",
      "b.quote & ~escaped_bits(b.back, &s->escaped)", "(escaped_bits(b.back, &s->escaped), b.quote)", "value/json_stream_test")
fault("depth is not bounded", "src/value/json/parse.c",
      "s.frame >= r->frames + VALUE_DEPTH_MAX", "s.frame > r->frames + VALUE_DEPTH_MAX", "value/value_test")
fault("a required field may be missing", "src/value/bind/check.c",
      "f->flags & BIND_REQUIRED && !(c->flags", "f->flags & BIND_REQUIRED && (c->flags", "value/bind_test")
fault("an unknown field passes", "src/value/bind/check.c",
      "if (c->flags & BIND_REFUSE_UNKNOWN && !keep_unknown)", "if (c->flags & BIND_REFUSE_UNKNOWN && keep_unknown)", "value/bind_test")
fault("defaults overwrite what is there", "src/value/bind/bind.c",
      "if (f->fallback && (!value_exists(was) || null_counts_as_missing))", "if (f->fallback && (f->fallback || null_counts_as_missing))", "value/bind_test")
fault("equal numbers have different digests", "src/value/doc.c",
      "JSON_SORT_KEYS | JSON_CANONICAL_NUMBERS", "JSON_SORT_KEYS", "value/value_test")
fault("an edit writes into its frozen original's tree", "src/value/build.c",
      "    if (v.doc || t < VALUE_LIST)\n        return held(a, v);", "    if (true)\n        return held(a, v);", "value/value_golden_test")

# --- the loop, judged by the stories

fault("prune is skipped", "src/plan/sync.c",
      "    if (!r->opt.prune)\n", "    if (r)\n", "e2e/loop_test:a_removed_file_is_pruned")
fault("selfHeal is ignored", "src/plan/autosync.c",
      "        if (!app->self_heal)\n", "        if (app)\n", "e2e/loop_test:a_foreign_edit_is_healed")
fault("everything may be pruned", "src/plan/autosync.c",
      "app->auto_prune && !app->allow_empty && all_need_pruning", "app->auto_prune && false && all_need_pruning", "e2e/loop_test:pruning_everything")
fault("a sync leaves no history", "src/controllers/application/operation.c",
      "    if (end.history) {", "    if (end.history && !app) {", "e2e/loop_test:a_new_application")
fault("the operation is never taken away", "src/controllers/application/operation.c",
      "    app->wanted.clear_operation = end.clear;", "    app->wanted.clear_operation = false;", "e2e/loop_test:a_new_application")
fault("the refresh annotation stays", "src/controllers/application/refresh.c",
      "    want_normal_spec(app, e);\n    if (asked)", "    want_normal_spec(app, e);\n    if (asked && !app)", "e2e/loop_test:a_refresh_by_annotation")
fault("a cascade deletes nothing", "src/controllers/application/deletion.c",
      "    return n ? STAGE_WAITS : STAGE_DONE;", "    forget_actions(run->app);\n    return STAGE_DONE;",
      "e2e/loop_test:deleting_with_the_finalizer")
fault("the objects do not wait for the PreDelete hook", "src/controllers/application/deletion_hooks.c",
      "    if (create_missing(run, phase) > 0)\n        return STAGE_WAITS;", "    if (create_missing(run, phase) > 0)\n        return STAGE_DONE;",
      "e2e/deletion_test:a_predelete_hook_runs_before")
fault("a failed PreDelete hook holds nothing", "src/controllers/application/deletion_hooks.c",
      "    if (failed.len) {", "    if (failed.len > 100000) {",
      "e2e/deletion_test:a_predelete_hook_runs_before")
fault("hooks for the end leave no finalizer", "src/controllers/application/refresh.c",
      "    app->wanted.finalizers_add = wish & ~present;", "    app->wanted.finalizers_add = 0;",
      "e2e/deletion_test:a_hook_for_the_end")
fault("an application without its project is cascaded", "src/controllers/application/deletion.c",
      "    } else if (project_error.len) {", "    } else if (project_error.len > 100000) {",
      "e2e/deletion_test:an_application_whose_project_is_gone")
fault("nobody waits until the clusters are known", "src/controllers/application/controller.c",
      "    if (w->ready && !w->ready(w->arg))\n        return;", "    if (w->ready && !w->ready(w->arg))\n        (void)w;",
      "sim/sim_test")
fault("live objects without their managedFields", "src/api/managed.c",
      "        if (same && value_exists(object_managed_fields(object)))", "        if (same && !value_exists(object_managed_fields(object)))",
      "api/api_test")

fault("a row compared by itself counts twice", "src/controllers/application/compared.c",
      "        compare_tally_remove(&c->tally, &k->verdict);\n", "", "sim/sim_test")
fault("a row that changed is not compared again", "src/controllers/application/compared.c",
      "    if (there ? str_is(seen.resource_version, k->live) : !k->live[0])", "    if (there || !k->live[0])", "sim/sim_test")
fault("a body that was not kept never comes", "src/cluster/mirror_bodies.c",
      "    timer_init(&f->again, m->loop, fetch, f);\n    fetch(f);", "    timer_init(&f->again, m->loop, fetch, f);", "cluster/mirror_test")
fault("an answer does not move with a commit that changed nothing it read", "src/manifests/poll.c",
      "                answer_moves(poll->m, i, p);", "                (void)answer_moves;", "manifests/manifests_test")

# --- crashes

fault("a key that ended the process twice is worked again", "src/controllers/application/held.c",
      "    if (!quarantine_holds(q, key))", "    if (!quarantine_holds(q, key) || key.len)", "e2e/crash_test:an_application_that_ends")
fault("a key that ended the process is not noted", "src/control/quarantine.c",
      "        q->file->len = (uint32_t)key.len;", "        q->file->len = 0;", "control/quarantine_test")
fault("a crash is never forgotten", "src/control/quarantine.c",
      "    if (r)\n        drop(q, r);", "    if (r && !q)\n        drop(q, r);", "control/quarantine_test")
fault("the hash of the first password is stored before it is shown", "src/main/bootstrap.c",
      "    add(b, first, SHOW);\n    add(b, secret, COMPLETE);", "    add(b, secret, COMPLETE);\n    add(b, first, SHOW);",
      "e2e/crash_test:the_undisturbed", "e2e/crash_test:a_first_start")
fault("a commit is answered before it is durable", "src/microkube/store.c",
      "    int rc = db_put(mk, s, &row, rv, doc_root(doc), err);",
      "    int rc = rv % 7 ? db_put(mk, s, &row, rv, doc_root(doc), err) : 0;",
      "e2e/crash_test:the_undisturbed", "e2e/crash_test:a_restart_keeps")
