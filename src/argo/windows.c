#include "argo/project.h"
#include "lang/cron.h"
#include "lang/glob.h"

static bool any_matches(value globs, str text)
{
    for (struct value_iter it = value_iter(globs); value_next(&it);)
        if (str_is(value_str(it.val), "*") || glob_matches(value_str(it.val), text, STR("")))
            return true;
    return false;
}

/* Applications, clusters, namespaces in this order: without andOperator the first list that matches
 * decides; with it every list that is set must match. */
static bool window_matches(value window, const struct app *app)
{
    value apps = value_getz(window, "applications"), clusters = value_getz(window, "clusters");
    value namespaces = value_getz(window, "namespaces");
    bool all = value_bool(value_getz(window, "andOperator"));
    const struct app_destination *d = &app->destination;
    bool by_app = any_matches(apps, app->name);
    bool by_cluster = (d->name.len && any_matches(clusters, d->name)) ||
                      (d->server.len && any_matches(clusters, d->server));
    bool by_namespace = any_matches(namespaces, d->namespace);
    if (!all)
        return by_app || by_cluster || by_namespace;
    if (!value_len(apps) && !value_len(clusters) && !value_len(namespaces))
        return false;
    return (by_app || !value_len(apps)) && (by_cluster || !value_len(clusters)) &&
           (by_namespace || !value_len(namespaces));
}

value project_windows(const struct project *p, const struct app *app,
                      const struct app_cluster *cluster, struct arena *a)
{
    value list = value_new_list(a);
    (void)cluster; /* upstream goes by the destination as it is written */
    for (struct value_iter it = value_iter(value_getz(p->spec, "syncWindows")); value_next(&it);)
        if (window_matches(it.val, app))
            value_push(a, list, it.val);
    return list;
}

struct window_time {
    struct cron cron;
    usec duration;
};

static int window_time(value window, struct window_time *ret, struct err *err)
{
    str schedule = value_str(value_getz(window, "schedule")),
        duration = value_str(value_getz(window, "duration"));
    struct err why;
    if (cron_parse(schedule, &ret->cron, &why))
        return err_set(err, ERR_INVALID, "cannot parse schedule '%.*s': %s", STR_FMT(schedule),
                       why.text);
    if (!duration_parse(duration, &ret->duration))
        return err_set(err, ERR_INVALID,
                       "cannot parse duration '%.*s': time: invalid duration \"%.*s\"",
                       STR_FMT(duration), STR_FMT(duration));
    return 0;
}

/* Offset of the window's zone. Upstream takes an unknown zone for UTC; so does this for all but
 * fixed offsets. NEEDSWORK: IANA zones need the zone files, which arrive by a port when api/ shows
 * windows. */
static usec window_offset(value window)
{
    str zone = value_str(value_getz(window, "timeZone"));
    int64_t hours;
    if (str_starts(zone, STR("Etc/GMT")) && str_to_i64(str_from(zone, 7), &hours) && hours >= -14 &&
        hours <= 14)
        return -hours * USEC_PER_HOUR;
    return 0;
}

int project_window_active(value window, usec now, struct err *err)
{
    struct window_time t;
    int rc = window_time(window, &t, err);
    if (rc)
        return rc;
    usec there = now + window_offset(window), next = cron_next(&t.cron, there - t.duration);
    return next && next < there;
}

static usec window_change(value window, usec now)
{
    struct window_time t;
    struct err ignored;
    if (window_time(window, &t, &ignored))
        return 0;
    usec offset = window_offset(window), there = now + offset,
         next = cron_next(&t.cron, there - t.duration);
    if (!next)
        return 0;
    return next < there ? next + t.duration - offset : next - offset;
}

struct windows_now {
    size_t n, deny, deny_manual, deny_overrun, allow, closed, closed_manual, closed_overrun;
};

static int count(value windows, usec at, struct windows_now *ret, struct err *err)
{
    *ret = (struct windows_now){0};
    for (struct value_iter it = value_iter(windows); value_next(&it);) {
        int active = project_window_active(it.val, at, err);
        if (active < 0)
            return active;
        bool deny = str_is(value_str(value_getz(it.val, "kind")), "deny");
        bool manual = value_bool(value_getz(it.val, "manualSync"));
        bool overrun = value_bool(value_getz(it.val, "syncOverrun"));
        ret->n++;
        if (deny && active) {
            ret->deny++;
            ret->deny_manual += manual;
            ret->deny_overrun += overrun;
        } else if (!deny && active) {
            ret->allow++;
        } else if (!deny) {
            ret->closed++;
            ret->closed_manual += manual;
            ret->closed_overrun += overrun;
        }
    }
    return 0;
}

/* 1 allowed, 0 blocked, <0 error. *ret_overrun: a running operation that was allowed at its start
 * may go on. */
static int can_sync_at(value windows, bool manual, usec at, bool *ret_overrun, struct err *err)
{
    struct windows_now w;
    *ret_overrun = false;
    int rc = count(windows, at, &w, err);
    if (rc)
        return rc;
    if (w.deny) {
        *ret_overrun = w.deny_overrun == w.deny;
        return manual && w.deny_manual == w.deny;
    }
    if (w.allow || !w.closed)
        return 1;
    *ret_overrun = w.closed_overrun == w.closed;
    return manual && w.closed_manual == w.closed;
}

void project_can_sync(const struct project *p, const struct app *app, bool manual, usec started_at,
                      usec now, struct arena *a, struct window_verdict *ret)
{
    value windows = project_windows(p, app, NULL, a);
    struct err err;
    bool overrun, ignored;
    *ret = (struct window_verdict){.allowed = true};
    if (!value_len(windows))
        return;
    int can = can_sync_at(windows, manual, now, &overrun, &err);
    if (!can && overrun && started_at)
        can = can_sync_at(windows, manual, started_at, &ignored, &err);
    ret->allowed = can > 0;
    if (can < 0) {
        ret->error = true;
        ret->error_text = arena_printf(a, "invalid sync windows: %s", err.text);
    }
    for (struct value_iter it = value_iter(windows); value_next(&it);) {
        usec at = window_change(it.val, now);
        if (at > now && (!ret->change_at || at < ret->change_at))
            ret->change_at = at;
    }
}
