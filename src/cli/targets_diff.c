/* Desired against live objects, each difference shown by diff(1); see targets.h. The comparison is
 * the server's own code (plan/): an object that another revision changes is shown as the sync would
 * leave it. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/targets.h"
#include "plan/compare.h"
#include "value/json.h"
#include "value/yaml.h"

struct pair {
    str key; /* "group/Kind/namespace/name" */
    struct kube_key of;
    value live, target; /* as they are shown */
};
typedef VEC(struct pair) pair_list;

/* ---- showing ---- */

static int write_yaml(const char *path, value v, struct err *err)
{
    struct buf out = BUF_INIT;
    int r = 0, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (value_exists(v))
        yaml_print(v, YAML_SIGS, AUDIENCE_WIRE, &out);
    if (fd < 0 || (out.len && write(fd, out.at, out.len) != (ssize_t)out.len))
        r = err_errno(err, errno, "write %s", path);
    if (fd >= 0)
        close(fd);
    buf_done(&out);
    return r;
}

/* KUBECTL_EXTERNAL_DIFF may hold arguments, too. */
#define DIFF_ARGS_MAX 32

static int run_diff(struct cli *c, const char *live, const char *target, struct err *err)
{
    const char *given = getenv("KUBECTL_EXTERNAL_DIFF");
    str rest = str_of(given && *given ? given : "diff"), one;
    char *argv[DIFF_ARGS_MAX + 3];
    size_t n = 0;
    while (str_next(&rest, ' ', &one))
        if (one.len && n < DIFF_ARGS_MAX)
            argv[n++] = arena_cstr(c->arena, one);
    argv[n++] = (char *)live;
    argv[n++] = (char *)target;
    argv[n] = NULL;
    pid_t pid;
    int status, e = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (e)
        return err_errno(err, e, "%s", argv[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

static int show_files(struct cli *c, str name, value live, value target, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = arena_cstr(c->arena, ARENA_CAT(c->arena, str_of(tmp && *tmp ? tmp : "/tmp"),
                                               STR("/argocd-diffXXXXXX")));
    if (!mkdtemp(dir))
        return err_errno(err, errno, "make a folder in %s", dir);
    char *files[] = {arena_cstr(c->arena, ARENA_CAT(c->arena, str_of(dir), STR("/"), name,
                                                    STR("-live.yaml"))),
                     arena_cstr(c->arena, ARENA_CAT(c->arena, str_of(dir), STR("/"), name))};
    int r = write_yaml(files[0], live, err);
    r = r ? r : write_yaml(files[1], target, err);
    fflush(c->out);
    r = r ? r : run_diff(c, files[0], files[1], err);
    unlink(files[0]);
    unlink(files[1]);
    rmdir(dir);
    return r;
}

static int by_key(const void *x, const void *y)
{
    return str_cmp(((const struct pair *)x)->key, ((const struct pair *)y)->key);
}

static int show(struct cli *c, pair_list *pairs, struct err *err)
{
    int rc = 0;
    if (pairs->n)
        qsort(pairs->at, pairs->n, sizeof(*pairs->at), by_key);
    for (size_t i = 0; i < pairs->n && !rc; i++) {
        const struct pair *p = &pairs->at[i];
        fprintf(c->out, "\n===== %.*s/%.*s %.*s/%.*s ======\n", STR_FMT(p->of.group),
                STR_FMT(p->of.kind), STR_FMT(p->of.ns), STR_FMT(p->of.name));
        rc = show_files(c, p->of.name, p->live, p->target, err);
    }
    return rc;
}

static void add_pair(struct cli *c, pair_list *pairs, struct kube_key key, value live, value target)
{
    const struct pair p = {kube_key_str(c->arena, key), key, live, target};
    vec_push(c->arena, pairs, p);
}

/* ---- as the server compared ---- */

static value state_of(struct cli *c, value item, const char *field)
{
    const struct json_input exact = {.exact_uint64 = true};
    str text = value_str(value_get(item, str_of(field)));
    value v;
    if (!text.len || str_is(text, "null") || json_parse(text, &exact, c->arena, &v, NULL))
        return VALUE_ABSENT;
    return v;
}

static void add_compared(struct cli *c, value item, pair_list *pairs)
{
    value live = state_of(c, item, "normalizedLiveState"),
          target = state_of(c, item, "predictedLiveState");
    bool has_live = value_exists(state_of(c, item, "liveState"));
    bool has_target = value_exists(state_of(c, item, "targetState"));
    if (value_bool(value_getz(item, "hook")) || (!has_live && !has_target))
        return;
    if (!has_target)
        target = VALUE_ABSENT;
    if (!has_live) {
        live = VALUE_ABSENT;
        target = state_of(c, item, "targetState");
    }
    if (has_live && has_target && value_equal(live, target))
        return;
    const struct kube_key key = {value_str(value_getz(item, "group")),
                                 value_str(value_getz(item, "kind")),
                                 value_str(value_getz(item, "namespace")),
                                 value_str(value_getz(item, "name"))};
    add_pair(c, pairs, key, live, target);
}

/* ---- compared here ---- */

/* Kinds are namespaced when a live object of theirs is: nothing else is known here. */
static struct plan_kind kind_of_live(const void *arg, str group, str version UNUSED, str kind)
{
    const value *managed = arg;
    for (struct value_iter it = value_iter(value_getz(*managed, "items")); value_next(&it);)
        if (str_eq(value_str(value_getz(it.val, "group")), group) &&
            str_eq(value_str(value_getz(it.val, "kind")), kind))
            return (struct plan_kind){true, value_str(value_getz(it.val, "namespace")).len > 0};
    return (struct plan_kind){true, false};
}

struct here { /* one comparison */
    struct cli *c;
    value managed;
    struct plan_kinds kinds;
    struct app view;
    struct settings settings;
    struct normalizer *rules;
    struct compare_desired desired;
    bool *used; /* of desired */
    pair_list *pairs;
};

static int diff_pair(struct here *h, value target, value live, struct err *err)
{
    struct arena *a = h->c->arena;
    const struct diff_input in = {.target = target,
                                  .live = live,
                                  .rules = h->rules,
                                  .settings = &h->settings};
    struct diff_result d = {0};
    int rc = diff_object(&in, a, &d, err);
    if (rc || (value_exists(live) && value_exists(target) && !d.modified))
        return rc;
    struct kube_key key = object_key(value_exists(live) ? live : target);
    add_pair(h->c, h->pairs, key, value_exists(live) ? d.normalized_live : VALUE_ABSENT,
             value_exists(target) ? d.predicted_live : VALUE_ABSENT);
    return 0;
}

static int compare_live(struct here *h, value live, struct err *err)
{
    struct kube_key key = object_key(live);
    value target = VALUE_ABSENT;
    if (object_is_hook(live) || object_ignored(live))
        return 0;
    for (size_t i = 0; i < h->desired.n; i++)
        if (kube_key_eq(h->desired.key[i], key)) {
            target = h->desired.object[i];
            h->used[i] = true;
        }
    return diff_pair(h, target, live, err);
}

static int compare_here(struct here *h, value app, const struct targets *t, struct err *err)
{
    struct cli *c = h->c;
    VEC(value) manifests = {0};
    app_view(app, h->settings.control_namespace, c->arena, &h->view);
    h->kinds = (struct plan_kinds){&h->managed, kind_of_live};
    const struct compare_context context = {.app = &h->view,
                                            .settings = &h->settings,
                                            .kinds = &h->kinds};
    for (size_t i = 0; i < t->n; i++)
        if (value_exists(t->object[i]))
            vec_push(c->arena, &manifests, t->object[i]);
    int rc = normalizer_new(&h->view, &h->settings, c->arena, &h->rules, err);
    if (!rc)
        rc = compare_targets(&context, manifests.at, manifests.n, c->arena, &h->desired, err);
    if (rc)
        return rc;
    h->used = ARENA_ARRAY(c->arena, bool, h->desired.n + 1);
    for (struct value_iter it = value_iter(value_getz(h->managed, "items"));
         !rc && value_next(&it);) {
        value live = state_of(c, it.val, "normalizedLiveState");
        bool secret = !object_group(live).len && str_is(object_kind(live), "Secret");
        if (value_exists(live) && !(secret && t->local))
            rc = compare_live(h, live, err);
    }
    for (size_t i = 0; i < h->desired.n && !rc; i++)
        if (!h->used[i])
            rc = diff_pair(h, h->desired.object[i], VALUE_ABSENT, err);
    return rc;
}

int targets_diff(struct cli *c, struct app_name name, value app, const struct target_choice *choice,
                 bool *ret_differs, struct err *err)
{
    const struct remote_query query[] = {{"appNamespace", name.namespace}};
    struct here *h = ARENA_NEW(c->arena, struct here);
    pair_list pairs = {0};
    struct targets t;
    *h = (struct here){.c = c, .pairs = &pairs};
    int rc = remote_get(c, app_path(c, name, "/managed-resources"), query, &h->managed, err);
    bool other = choice->revision.len || choice->local.len || choice->position.n;
    if (!rc && other) {
        rc = target_settings(c, &h->settings, err);
        const struct target_question q = {name, app, choice, &h->settings, h->managed};
        rc = rc ? rc : targets_get(c, &q, &t, err);
        rc = rc ? rc : compare_here(h, app, &t, err);
    } else if (!rc) {
        for (struct value_iter it = value_iter(value_getz(h->managed, "items")); value_next(&it);)
            add_compared(c, it.val, &pairs);
    }
    rc = rc ? rc : show(c, &pairs, err);
    *ret_differs = pairs.n > 0;
    return rc;
}
