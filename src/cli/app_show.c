/* Applications as text. */
#include "base/time.h"
#include "cli/app.h"
#include "value/text.h"
#include "cli/table.h"

static void line(struct cli *c, const char *label, str text)
{
    fprintf(c->out, "%-20s%.*s\n", label, STR_FMT(text));
}

str app_url(struct cli *c, str name)
{
    value settings = VALUE_ABSENT;
    struct err err;
    static const struct remote_query none[1];
    if (remote_call(c, METHOD_GET, STR("/api/v1/settings"), none, 0, VALUE_ABSENT, &settings, &err))
        settings = VALUE_ABSENT;
    str url = value_str(value_getz(settings, "url"));
    if (!url.len) {
        str server = c->plaintext ? c->server : str_trim_suffix(c->server, STR(":443"));
        url = ARENA_CAT(c->arena, c->plaintext ? STR("http://") : STR("https://"), server);
    }
    return ARENA_CAT(c->arena, url, STR("/applications/"), name);
}

static str join(struct cli *c, value list, const char *separator)
{
    str text = STR("");
    for (struct value_iter it = value_iter(list); value_next(&it);)
        text = ARENA_CAT(c->arena, text, it.i ? str_of(separator) : STR(""), value_str(it.val));
    return text;
}

static void show_source(struct cli *c, value source)
{
    static const struct {
        const char *label, *field;
    } rows[] = {{"- Repo:", "repoURL"},
                {"  Target:", "targetRevision"},
                {"  Path:", "path"},
                {"  Ref:", "ref"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        str text = value_str(value_get(source, str_of(rows[i].field)));
        if (text.len || i < 2)
            line(c, rows[i].label, text);
    }
    value files = value_path(source, "helm.valueFiles");
    if (value_len(files))
        line(c, "  Helm Values:", join(c, files, ","));
    str prefix = value_path_str(source, "kustomize.namePrefix");
    if (prefix.len)
        line(c, "  Name Prefix:", prefix);
}

static bool is_hex(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789abcdefABCDEF", s.at[i]))
            return false;
    return true;
}

#define PARAMETER_MAX 80 /* characters of a parameter that are shown */

/* A full or abbreviated commit id says itself which commit it is. */
static bool is_commit(str revision)
{
    return revision.len >= 7 && revision.len <= 40 && is_hex(revision);
}

static str sync_text(struct cli *c, value app)
{
    str status = value_path_str(app, "status.sync.status"), text = status;
    str target = value_str(value_getz(app_source(app, 0), "targetRevision"));
    str revision = value_path_str(app, "status.sync.revision");
    if (str_is(status, "Synced"))
        text = ARENA_CAT(c->arena, status, STR(" to "), target);
    else if (str_is(status, "OutOfSync"))
        text = ARENA_CAT(c->arena, status, STR(" from "), target);
    if (!is_commit(target) && revision.len > 7)
        text = ARENA_CAT(c->arena, text, STR(" ("), str_sub(revision, 0, 7), STR(")"));
    return text;
}

static size_t count_kind(value windows, const char *kind)
{
    size_t n = 0;
    for (struct value_iter it = value_iter(windows); value_next(&it);)
        n += str_is(value_str(value_getz(it.val, "kind")), kind);
    return n;
}

/* A deny window is open, or there are allow windows and none is. */
static str windows_status(value state)
{
    value active = value_getz(state, "activeWindows"), all = value_getz(state, "assignedWindows");
    size_t deny = count_kind(active, "deny"), allow = count_kind(active, "allow");
    if (!deny && (allow || count_kind(all, "allow") == 0))
        return STR("Sync Allowed");
    return value_bool(value_getz(state, "canSync")) ? STR("Manual Allowed") : STR("Sync Denied");
}

/* The windows of the project that hold for the application, as its own line or two. */
static void show_windows(struct cli *c, value app)
{
    struct app_name name = {value_path_str(app, "metadata.name"),
                            value_path_str(app, "metadata.namespace")};
    const struct remote_query query[] = {{"appNamespace", name.namespace}};
    value state = VALUE_ABSENT;
    struct err err;
    str text = STR("");
    if (remote_get(c, app_path(c, name, "/syncwindows"), query, &state, &err))
        state = VALUE_ABSENT;
    value assigned = value_getz(state, "assignedWindows");
    for (struct value_iter it = value_iter(assigned); value_next(&it);)
        text = ARENA_CAT(c->arena, text, it.i ? STR(",") : STR(""),
                         value_str(value_getz(it.val, "kind")), STR(":"),
                         value_str(value_getz(it.val, "schedule")), STR(":"),
                         value_str(value_getz(it.val, "duration")));
    line(c, "SyncWindow:", windows_status(state));
    if (value_len(assigned))
        line(c, "Assigned Windows:", text);
}

void app_show_summary(struct cli *c, value app, str url, bool windows)
{
    size_t n = app_n_sources(app);
    str policy = app_sync_policy(app);
    line(c, "Name:", app_qualified(c, app));
    line(c, "Project:", value_path_str(app, "spec.project"));
    line(c, "Server:", app_server(app));
    line(c, "Namespace:", value_path_str(app, "spec.destination.namespace"));
    line(c, "URL:", url);
    fputs(n ? "Sources:\n" : "Source:\n", c->out);
    for (size_t i = 0; i < MAX_OF(n, (size_t)1); i++)
        show_source(c, app_source(app, i));
    if (windows)
        show_windows(c, app);
    else
        line(c, "SyncWindow:", STR("Sync Allowed"));
    line(c, "Sync Policy:",
         str_is(policy, "Auto-Prune") ? STR("Automated (Prune)")
         : str_is(policy, "Auto")     ? STR("Automated")
                                      : policy);
    line(c, "Sync Status:", sync_text(c, app));
    line(c, "Health Status:", value_path_str(app, "status.health.status"));
}

static void show_conditions(struct cli *c, value conditions)
{
    struct table t;
    table_init(&t, c->arena, 0, 2);
    table_add(&t, "CONDITION\tMESSAGE\tLAST TRANSITION");
    for (struct value_iter it = value_iter(conditions); value_next(&it);)
        table_add(&t, "%.*s\t%.*s\t%.*s", STR_FMT(value_str(value_getz(it.val, "type"))),
                  STR_FMT(value_str(value_getz(it.val, "message"))),
                  STR_FMT(app_time(c, value_getz(it.val, "lastTransitionTime"))));
    fputc('\n', c->out);
    table_print(&t, c->out);
    fputc('\n', c->out);
}

static usec time_or(value v, usec otherwise)
{
    usec at;
    return time_parse(value_str(v), &at) ? at : otherwise;
}

void app_show_operation(struct cli *c, value state)
{
    value result = value_getz(state, "syncResult");
    value started = value_getz(state, "startedAt"), finished = value_getz(state, "finishedAt");
    if (!value_is_map(state))
        return;
    if (value_is_map(result)) {
        bool many =
            value_len(value_getz(result, "sources")) && value_len(value_getz(result, "revisions"));
        line(c, "Operation:", STR("Sync"));
        line(c, "Sync Revision:",
             many ? join(c, value_getz(result, "revisions"), ", ")
                  : value_str(value_getz(result, "revision")));
    }
    usec now = time_wall_now(), took = time_or(finished, now) - time_or(started, now);
    line(c, "Phase:", value_str(value_getz(state, "phase")));
    line(c, "Start:", app_time(c, started));
    line(c, "Finished:", app_time(c, finished));
    line(c, "Duration:", duration_str(c->arena, took / USEC_PER_SEC * USEC_PER_SEC));
    str message = value_str(value_getz(state, "message"));
    if (message.len)
        line(c, "Message:", message);
}

/* At most 60 characters; "..." tells of more. */
/* At most PARAMETER_MAX characters; "..." tells of more. */
static str cut(struct cli *c, str s)
{
    size_t n = 0, keep = s.len;
    for (size_t i = 0; i < s.len;) {
        unsigned bytes = utf8_len(s.at + i, s.at + s.len);
        if (n++ == PARAMETER_MAX - 3)
            keep = i;
        i += bytes ? bytes : 1;
    }
    return n > PARAMETER_MAX ? ARENA_CAT(c->arena, str_sub(s, 0, keep), STR("...")) : s;
}

static void show_params(struct cli *c, value app, size_t source)
{
    value helm = value_getz(app_source(app, source), "helm");
    struct table t;
    if (!value_is_map(helm))
        return;
    fputs("\n\n", c->out);
    table_init(&t, c->arena, 0, 2);
    table_add(&t, "NAME\tVALUE");
    for (struct value_iter it = value_iter(value_getz(helm, "parameters")); value_next(&it);)
        table_add(&t, "%.*s\t%.*s", STR_FMT(value_str(value_getz(it.val, "name"))),
                  STR_FMT(cut(c, value_str(value_getz(it.val, "value")))));
    table_print(&t, c->out);
}

void app_show_header(struct cli *c, value app, bool operation, bool params, size_t source)
{
    value conditions = value_path(app, "status.conditions");
    value state = value_path(app, "status.operationState");
    app_show_summary(c, app, app_url(c, value_path_str(app, "metadata.name")), true);
    if (value_len(conditions))
        show_conditions(c, conditions);
    if (operation && value_is_map(state)) {
        fputc('\n', c->out);
        app_show_operation(c, state);
    }
    if (params)
        show_params(c, app, source);
}

void app_show_resources(struct cli *c, value app)
{
    struct table t;
    struct app_resources all = app_resources(c, app, NULL);
    table_init(&t, c->arena, 0, 2);
    table_add(&t, "GROUP\tKIND\tNAMESPACE\tNAME\tSTATUS\tHEALTH\tHOOK\tMESSAGE");
    for (size_t i = 0; i < all.n; i++) {
        const struct app_resource *r = &all.at[i];
        table_add(&t, "%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s", STR_FMT(r->group),
                  STR_FMT(r->kind), STR_FMT(r->namespace), STR_FMT(r->name), STR_FMT(r->status),
                  STR_FMT(r->health), STR_FMT(r->hook), STR_FMT(r->message));
    }
    table_print(&t, c->out);
}

/* ---- tree ---- */

#define TREE_DEPTH_MAX 40

struct tree {
    struct cli *c;
    value nodes;
    struct app_resources states;
    bool detailed;
    struct table table;
};

static const struct app_resource *state_of(const struct tree *t, value node)
{
    for (size_t i = t->states.n; i-- > 0;)
        if (str_eq(t->states.at[i].kind, value_str(value_getz(node, "kind"))) &&
            str_eq(t->states.at[i].name, value_str(value_getz(node, "name"))))
            return &t->states.at[i];
    return NULL;
}

static str first_parent(value node)
{
    return value_str(value_getz(value_at(value_getz(node, "parentRefs"), 0), "uid"));
}

/* How long ago, in the largest unit that fits ("9s", "3m", "2h", "5d"). */
static str age_of(struct cli *c, value node)
{
    usec at;
    if (!time_parse(value_str(value_getz(node, "createdAt")), &at))
        return STR("");
    int64_t s = (time_wall_now() - at) / USEC_PER_SEC;
    return s < 60      ? arena_printf(c->arena, "%lds", (long)s)
           : s < 3600  ? arena_printf(c->arena, "%ldm", (long)(s / 60))
           : s < 86400 ? arena_printf(c->arena, "%ldh", (long)(s / 3600))
                       : arena_printf(c->arena, "%ldd", (long)(s / 86400));
}

static void tree_row(struct tree *t, value node, str indent)
{
    const struct app_resource *r = state_of(t, node);
    str kind = value_str(value_getz(node, "kind")), name = value_str(value_getz(node, "name"));
    str status = r ? r->status : STR(""), message = r ? r->message : STR("");
    str health = r ? r->health : value_path_str(node, "health.status");
    if (t->detailed)
        table_add(&t->table, "%.*s%.*s/%.*s\t%.*s\t%.*s\t%.*s\t%.*s\t%.*s", STR_FMT(indent),
                  STR_FMT(kind), STR_FMT(name), STR_FMT(status), STR_FMT(health),
                  STR_FMT(age_of(t->c, node)), STR_FMT(message),
                  STR_FMT(value_path_str(node, "health.message")));
    else
        table_add(&t->table, "%.*s%.*s/%.*s\t%.*s\t%.*s\t%.*s", STR_FMT(indent), STR_FMT(kind),
                  STR_FMT(name), STR_FMT(status), STR_FMT(health), STR_FMT(message));
}

static size_t count_children(const struct tree *t, str uid)
{
    size_t n = 0;
    for (struct value_iter it = value_iter(t->nodes); value_next(&it);)
        n += str_eq(first_parent(it.val), uid);
    return n;
}

/* before: what stands in front of the children of the node whose uid is given. */
static void tree_below(struct tree *t, str uid, str before, unsigned depth)
{
    size_t left = depth < TREE_DEPTH_MAX ? count_children(t, uid) : 0;
    struct arena *a = t->c->arena;
    for (struct value_iter it = value_iter(t->nodes); left && value_next(&it);) {
        if (!str_eq(first_parent(it.val), uid))
            continue;
        bool last = --left == 0;
        tree_row(t, it.val, ARENA_CAT(a, before, last ? STR("└─") : STR("├─")));
        tree_below(t, value_str(value_getz(it.val, "uid")),
                   ARENA_CAT(a, before, last ? STR("  ") : STR("│ ")), depth + 1);
    }
}

int app_show_tree(struct cli *c, value app, bool detailed, struct err *err)
{
    struct app_name name = {value_path_str(app, "metadata.name"),
                            value_path_str(app, "metadata.namespace")};
    const struct remote_query query[] = {{"appNamespace", name.namespace}};
    struct tree t = {.c = c, .states = app_resources(c, app, NULL), .detailed = detailed};
    value tree;
    int r = remote_get(c, app_path(c, name, "/resource-tree"), query, &tree, err);
    if (r)
        return r;
    t.nodes = value_getz(tree, "nodes");
    if (!value_len(t.nodes))
        return 0;
    table_init(&t.table, c->arena, 0, 2);
    table_add(&t.table, detailed ? "KIND/NAME\tSTATUS\tHEALTH\tAGE\tMESSAGE\tREASON"
                                 : "KIND/NAME\tSTATUS\tHEALTH\tMESSAGE");
    for (struct value_iter it = value_iter(t.nodes); value_next(&it);) {
        if (value_len(value_getz(it.val, "parentRefs")))
            continue;
        tree_row(&t, it.val, STR(""));
        tree_below(&t, value_str(value_getz(it.val, "uid")), STR(""), 0);
    }
    fputc('\n', c->out);
    table_print(&t.table, c->out);
    return 0;
}

bool app_known_format(str format)
{
    static const char *const known[] = {"", "wide", "json", "yaml", "tree", "tree=detailed"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_is(format, known[i]))
            return true;
    return false;
}

int app_show_body(struct cli *c, value app, str format, struct err *err)
{
    if (str_starts(format, STR("tree")))
        return app_show_tree(c, app, str_is(format, "tree=detailed"), err);
    if (value_len(value_path(app, "status.resources"))) {
        fputc('\n', c->out);
        app_show_resources(c, app);
    }
    return 0;
}
