/* Waiting for an application, with a line for each resource that changes. */
#include "base/time.h"
#include "cli/app.h"
#include "cli/table.h"

struct waiting {
    struct cli *c;
    struct app_name name;
    const struct app_wait *w;
    str url, qualified; /* "ns/name" */
    value app, operation;
    bool refresh;       /* an operation ran: read once more before the end */
    struct table table; /* progress lines */
    VEC(struct app_resource) seen;
    int exit_code;
    bool over;    /* nothing more to wait for */
    bool show;    /* and the application is to be shown */
    str went_bad; /* the health that a resource had before it became Degraded */
};

static bool shows_text(const struct app_wait *w)
{
    return !str_is(w->format, "json") && !str_is(w->format, "yaml");
}

/* ---- conditions ---- */

static bool operation_in_progress(value app)
{
    value state = value_path(app, "status.operationState");
    usec reconciled, finished;
    if (value_is_map(value_getz(app, "operation")))
        return true;
    if (!value_is_map(state))
        return false;
    if (!time_parse(value_str(value_getz(state, "finishedAt")), &finished))
        return true;
    if (value_bool(value_path(state, "operation.sync.dryRun")))
        return false;
    return !time_parse(value_path_str(app, "status.reconciledAt"), &reconciled) ||
           reconciled < finished;
}

static bool is_hydrated(value app)
{
    value now = value_path(app, "status.sourceHydrator.currentOperation");
    value last = value_path(app, "status.sourceHydrator.lastSuccessfulOperation");
    return value_is_map(now) && value_is_map(last) &&
           str_is(value_str(value_getz(now, "phase")), "Hydrated") &&
           value_equal(value_getz(now, "sourceHydrator"), value_getz(last, "sourceHydrator")) &&
           value_equal(value_getz(now, "drySHA"), value_getz(last, "drySHA"));
}

static bool is_ready(const struct waiting *g, value app, str health, str status)
{
    const struct app_wait *w = g->w;
    bool health_ok = !(w->suspended || w->health || w->degraded) ||
                     (w->health && str_is(health, "Healthy")) ||
                     (w->suspended && str_is(health, "Suspended")) ||
                     (w->degraded && str_is(health, "Degraded"));
    return !w->gone && health_ok && (!w->sync || str_is(status, "Synced")) &&
           (!w->operation || !value_is_map(value_getz(app, "operation"))) &&
           (!w->hydrated || is_hydrated(app));
}

static bool fulfilled(const struct waiting *g, value app)
{
    if (g->w->operation && operation_in_progress(app))
        return false;
    if (!g->w->only || !g->w->only->list.n)
        return is_ready(g, app, value_path_str(app, "status.health.status"),
                        value_path_str(app, "status.sync.status"));
    struct app_resources all = app_resources(g->c, app, g->w->only);
    for (size_t i = 0; i < all.n; i++)
        if (!is_ready(g, app, all.at[i].health, all.at[i].status))
            return false;
    return true;
}

/* ---- the end ---- */

static void show_final(struct waiting *g)
{
    struct cli *c = g->c;
    struct err err;
    value app;
    if (g->refresh && !app_fetch(c, g->name, "normal", &app, &err))
        g->app = app;
    if (cli_print_value(c, app_ordered(c, g->app), g->w->format))
        return;
    fputc('\n', c->out);
    app_show_summary(c, g->app, g->url, false);
    fputc('\n', c->out);
    if (g->w->operation)
        app_show_operation(c, value_path(g->app, "status.operationState"));
    if (!app_known_format(g->w->format)) {
        g->exit_code =
            cli_fatal(c, CLI_EXIT_ERROR, "unknown output format: %.*s", STR_FMT(g->w->format));
    } else if (app_show_body(c, g->app, g->w->format, &err)) {
        g->exit_code = cli_error(c, &err);
    }
}

/* Callbacks only note the end: requests are made when the stream is over. */
static bool end(struct waiting *g, bool show)
{
    g->over = true;
    g->show = show;
    return true;
}

static int finish(struct waiting *g)
{
    if (g->show)
        show_final(g);
    if (g->went_bad.at)
        return cli_fatal(g->c, CLI_EXIT_ERROR,
                         "application '%.*s' health state has transitioned from %.*s to Degraded",
                         STR_FMT(g->qualified), STR_FMT(g->went_bad));
    return g->exit_code;
}

/* ---- progress ---- */

static void print_row(struct waiting *g, const struct app_resource *r)
{
    char time[40];
    struct tm tm;
    time_t now = (time_t)(time_wall_now() / USEC_PER_SEC);
    localtime_r(&now, &tm);
    size_t n = strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S%z", &tm);
    if (n > 2) { /* +0000 is +00:00 */
        memmove(time + n - 1, time + n - 2, 3);
        time[n - 2] = ':';
    }
    table_add(&g->table, "%s\t%5.*s\t%10.*s\t%10.*s\t%20.*s\t%8.*s\t%7.*s\t%10.*s\t%.*s", time,
              STR_FMT(r->group), STR_FMT(r->kind), STR_FMT(r->namespace), STR_FMT(r->name),
              STR_FMT(r->status), STR_FMT(r->health), STR_FMT(r->hook), STR_FMT(r->message));
}

static bool update(str *field, str now)
{
    if (!now.len || str_eq(*field, now))
        return false;
    *field = now;
    return true;
}

static bool merge(struct app_resource *old, const struct app_resource *now)
{
    bool changed = update(&old->status, now->status);
    changed |= update(&old->health, now->health);
    changed |= update(&old->hook, now->hook);
    return update(&old->message, now->message) || changed;
}

static struct app_resource *find_seen(struct waiting *g, const struct app_resource *r)
{
    for (size_t i = 0; i < g->seen.n; i++) {
        struct app_resource *s = &g->seen.at[i];
        if (str_eq(s->group, r->group) && str_eq(s->kind, r->kind) &&
            str_eq(s->namespace, r->namespace) && str_eq(s->name, r->name))
            return s;
    }
    return NULL;
}

static bool went_bad(const struct waiting *g, const struct app_resource *old,
                     const struct app_resource *now)
{
    return g->w->health && str_is(now->health, "Degraded") && !str_is(old->health, "Degraded") &&
           !str_is(old->health, "Unknown");
}

/* True: a resource went bad and the waiting is over. */
static bool show_progress(struct waiting *g)
{
    struct app_resources all = app_resources(g->c, g->app, g->w->only);
    for (size_t i = 0; i < all.n; i++) {
        struct app_resource *old = find_seen(g, &all.at[i]);
        if (!old) {
            vec_push(g->c->arena, &g->seen, all.at[i]);
            print_row(g, &all.at[i]);
            continue;
        }
        if (went_bad(g, old, &all.at[i])) {
            g->went_bad = old->health.at ? old->health : STR("");
            return end(g, true);
        }
        if (merge(old, &all.at[i]))
            print_row(g, old);
    }
    if (shows_text(g->w))
        table_print(&g->table, g->c->out);
    fflush(g->c->out);
    return false;
}

static bool on_event(void *arg, value result)
{
    struct waiting *g = arg;
    value app = value_getz(result, "application");
    if (!value_is_map(app))
        return false;
    g->app = app;
    g->operation = value_path(app, "status.operationState");
    if (g->w->gone && str_is(value_str(value_getz(result, "type")), "DELETED")) {
        fprintf(g->c->out, "Application '%.*s' deleted\n", STR_FMT(app_qualified(g->c, app)));
        return end(g, false);
    }
    value operation = value_getz(app, "operation");
    if (value_is_map(operation) && !value_bool(value_path(operation, "sync.dryRun")))
        g->refresh = true;
    if (fulfilled(g, app))
        return end(g, true);
    return show_progress(g);
}

static int timed_out(struct waiting *g)
{
    struct err err;
    value app;
    bool text = shows_text(g->w);
    if (text)
        fputs("\nThis is the state of the app after wait timed out:\n", g->c->out);
    if (app_fetch(g->c, g->name, "", &app, &err))
        return cli_error(g->c, &err);
    g->app = app;
    g->refresh = false;
    if (text)
        fputs("\nThe command timed out waiting for the conditions to be met.\n", g->c->out);
    show_final(g);
    return cli_fatal(g->c, CLI_EXIT_ERROR,
                     "timed out (%lds) waiting for app \"%.*s\" match desired state",
                     (long)g->w->timeout_s, STR_FMT(g->qualified));
}

static int watch(struct waiting *g)
{
    usec until = g->w->timeout_s ? time_monotonic_now() + g->w->timeout_s * USEC_PER_SEC : 0;
    struct err err = {0};
    while (!g->over) {
        const struct remote_query query[] = {
            {"name", g->name.name},
            {"appNamespace", g->name.namespace},
            {"resourceVersion", value_path_str(g->app, "metadata.resourceVersion")},
        };
        usec left = until ? until - time_monotonic_now() : 0;
        if (until && left <= 0)
            return timed_out(g);
        const struct remote_request req = {.method = METHOD_GET,
                                           .path = STR("/api/v1/stream/applications"),
                                           .query = query,
                                           .n_query = ARRAY_LEN(query),
                                           .timeout_us = left};
        int r = remote_listen(g->c, &req, on_event, g, &err);
        if (r == -ERR_TIMEOUT)
            return timed_out(g);
        if (r && r != -ERR_UNAVAILABLE)
            return cli_error(g->c, &err);
        if (!g->over) /* the server ended the stream: ask again, not at once */
            nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    }
    return finish(g);
}

int app_wait(struct cli *c, struct app_name name, const struct app_wait *w, value *ret_app,
             value *ret_operation)
{
    struct waiting g = {.c = c, .name = name, .w = w};
    struct err err;
    g.qualified =
        name.namespace.len ? ARENA_CAT(c->arena, name.namespace, STR("/"), name.name) : name.name;
    g.url = app_url(c, g.qualified);
    table_init(&g.table, c->arena, 5, 2);
    if (shows_text(w)) {
        static const struct app_resource head = {STR_INIT("GROUP"),     STR_INIT("KIND"),
                                                 STR_INIT("NAMESPACE"), STR_INIT("NAME"),
                                                 STR_INIT("STATUS"),    STR_INIT("HEALTH"),
                                                 STR_INIT("HOOK"),      STR_INIT("MESSAGE")};
        table_add(&g.table, "%s\t%5.*s\t%10.*s\t%10.*s\t%20.*s\t%8.*s\t%7.*s\t%10.*s\t%.*s",
                  "TIMESTAMP", STR_FMT(head.group), STR_FMT(head.kind), STR_FMT(head.namespace),
                  STR_FMT(head.name), STR_FMT(head.status), STR_FMT(head.health),
                  STR_FMT(head.hook), STR_FMT(head.message));
    }
    if (app_fetch(c, name, "", &g.app, &err))
        return cli_error(c, &err);
    g.operation = value_path(g.app, "status.operationState");
    if (!w->gone && fulfilled(&g, g.app)) {
        show_final(&g); /* without a line of progress: upstream never flushes the heading */
    } else {
        g.exit_code = watch(&g);
    }
    if (ret_app)
        *ret_app = g.app;
    if (ret_operation)
        *ret_operation = g.operation;
    return g.exit_code;
}
