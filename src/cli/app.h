/* cli/app.h: what the application commands share: names, fetching, showing, waiting. Private to the
 * room. */
#ifndef CLI_APP_H
#define CLI_APP_H

#include "cli/command.h"
#include "cli/remote.h"

struct app_name {
    str name, namespace; /* namespace empty: the server's */
};
/* "ns/name" or "name" with --app-namespace. */
struct app_name app_name_of(struct cli *c, str given);
str app_path(struct cli *c, struct app_name name,
             const char *rest); /* "/api/v1/applications/NAME..." */

/* GET of the application; refresh: "", "normal" or "hard". */
int app_fetch(struct cli *c, struct app_name name, const char *refresh, value *ret,
              struct err *err) MUST_CHECK;
/* Names ("ns/name") of the applications that the selector and projects match. */
int app_names(struct cli *c, str selector, const struct cli_given *projects, str *ret_names,
              size_t names_max, size_t *ret_n, struct err *err) MUST_CHECK;
#define APP_NAMES_MAX 10000

str app_qualified(struct cli *c, value app); /* "argocd/shop" */
str app_server(value app);
value app_source(value app, size_t i); /* i-th of spec.sources, or spec.source */
size_t app_n_sources(value app);
/* With fields in the order of Go's structs, as -o json shows them; v is an application or a list of
 * them. */
value app_ordered(struct cli *c, value v);
str app_sync_policy(value app); /* "Manual", "Auto", "Auto-Prune" */

/* ---- showing ---- */

str app_url(struct cli *c, str name);
/* windows: ask for the sync windows, too. */
void app_show_summary(struct cli *c, value app, str url, bool windows);
/* source: whose parameters, from 0. */
void app_show_header(struct cli *c, value app, bool operation, bool params, size_t source);
/* --source-name as --source-position (from 1), of several sources; 0 or an exit code (told). */
int app_named_position(struct cli *c, value sources, int64_t *io_position);
void app_show_operation(struct cli *c, value operation_state);
void app_show_resources(struct cli *c, value app);
/* The resource tree below the application's own objects; err when it cannot be had. */
int app_show_tree(struct cli *c, value app, bool detailed, struct err *err) MUST_CHECK;
/* The part behind the header in the format of -o; false: unknown format. */
bool app_known_format(str format);
int app_show_body(struct cli *c, value app, str format, struct err *err) MUST_CHECK;
str app_time(struct cli *c, value time); /* as Go prints a time: "2024-01-01 00:00:00 +0000 UTC" */

/* What is known of one resource: its status and what the last operation did to it. */
struct app_resource {
    str group, kind, namespace, name, status, health, hook, message;
};
struct app_resources {
    struct app_resource *at;
    size_t n;
};
/* With --resource filters, when given. */
struct app_resources app_resources(struct cli *c, value app, const struct cli_given *only);
bool app_resource_is_selected(struct cli *c, const struct cli_given *only, str group, str kind,
                              str namespace, str name);
/* "GROUP:KIND:NAME" and so on; 0 or an exit code (told). */
int app_check_selection(struct cli *c, const struct cli_given *only);

/* ---- waiting ---- */

struct app_wait {
    bool sync, health, suspended, degraded, operation, hydrated, gone;
    int64_t timeout_s; /* 0: no end */
    const struct cli_given *only;
    str format; /* -o */
};
/* Until the conditions hold, with progress lines. *ret_operation: the operation state as it was
 * then. Exit code (told). */
int app_wait(struct cli *c, struct app_name name, const struct app_wait *w, value *ret_app,
             value *ret_operation);

/* ---- spec options ---- */

extern const struct cli_flag app_spec_flags[];
/* Put the flags that were given into spec (building); *ret_changed counts them. 0 or an exit code
 * (told). */
int app_apply_options(struct cli *c, value spec, size_t position, size_t *ret_changed);
/* Those of them that are entries of lists and maps of one source (app_entries.c). */
bool app_has_entries(const struct cli *c);
int app_apply_entries(struct cli *c, value source, size_t *io_changed);
/* A file, or standard input for "-". */
int app_read_text(struct cli *c, str path, str *ret, struct err *err) MUST_CHECK;

#endif
