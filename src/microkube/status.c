/* microkube/status.c: answers that are errors, in the words of the API server. */
#include <inttypes.h>

#include "microkube/core.h"

str mk_resource_name(struct mk_ctx *c, const struct mk_resource *r)
{
    return r->group.len ? ARENA_CAT(c->a, r->plural, STR("."), r->group) : r->plural;
}

str mk_kind_name(struct arena *a, const struct mk_resource *r)
{
    return r->group.len ? ARENA_CAT(a, r->kind, STR("."), r->group) : r->kind;
}

static value new_status(struct mk_ctx *c, const char *status)
{
    value v = value_new_map(c->a);
    value_set_str(c->a, v, "kind", STR("Status"));
    value_set_str(c->a, v, "apiVersion", STR("v1"));
    value_set(c->a, v, STR("metadata"), value_new_map(c->a));
    value_set_str(c->a, v, "status", str_of(status));
    return v;
}

static void set_if(struct arena *a, value map, const char *key, str text)
{
    if (text.len)
        value_set_str(a, map, key, text);
}

static value details_of(struct mk_ctx *c, const struct mk_fault *f)
{
    value d = value_new_map(c->a);
    set_if(c->a, d, "name", f->name);
    set_if(c->a, d, "group", f->group);
    set_if(c->a, d, "kind", f->kind);
    set_if(c->a, d, "uid", f->uid);
    if (f->causes && f->causes->n) {
        value list = value_edit_list(c->a, d, STR("causes"));
        for (size_t i = 0; i < f->causes->n; i++) {
            const struct mk_cause *k = &f->causes->at[i];
            value cause = value_new_map(c->a);
            value_set_str(c->a, cause, "reason", str_of(k->reason));
            value_set_str(c->a, cause, "message", k->message);
            set_if(c->a, cause, "field", k->field);
            value_push(c->a, list, cause);
        }
    }
    if (f->retry_after_seconds)
        value_setz(c->a, d, "retryAfterSeconds", value_of_int(c->a, f->retry_after_seconds));
    return d;
}

int mk_fail(struct mk_ctx *c, const struct mk_fault *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str message = arena_vprintf(c->a, format, args);
    va_end(args);
    value v = new_status(c, "Failure");
    value_set_str(c->a, v, "message", message);
    value_set_str(c->a, v, "reason", str_of(f->reason));
    value details = details_of(c, f);
    if (value_len(details) || f->with_details)
        value_setz(c->a, v, "details", details);
    value_setz(c->a, v, "code", value_of_int(c->a, f->code));
    mk_answer_json(c, f->code, v);
    return -1;
}

int mk_bad_request(struct mk_ctx *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str message = arena_vprintf(c->a, format, args);
    va_end(args);
    return mk_fail(c, &(struct mk_fault){.code = 400, .reason = "BadRequest"}, "%.*s",
                   STR_FMT(message));
}

static struct mk_fault about(const struct mk_resource *r, int code, const char *reason, str name)
{
    return (struct mk_fault){.code = code,
                             .reason = reason,
                             .group = r->group,
                             .kind = r->plural,
                             .name = name};
}

int mk_not_found(struct mk_ctx *c, const struct mk_resource *r, str name)
{
    struct mk_fault f = about(r, 404, "NotFound", name);
    return mk_fail(c, &f, "%.*s \"%.*s\" not found", STR_FMT(mk_resource_name(c, r)),
                   STR_FMT(name));
}

int mk_conflict(struct mk_ctx *c, str name, const char *why)
{
    struct mk_fault f = about(c->r, 409, "Conflict", name);
    return mk_fail(c, &f, "Operation cannot be fulfilled on %.*s \"%.*s\": %s",
                   STR_FMT(mk_resource_name(c, c->r)), STR_FMT(name), why);
}

int mk_forbidden(struct mk_ctx *c, str name, const char *why)
{
    struct mk_fault f = about(c->r, 403, "Forbidden", name);
    return mk_fail(c, &f, "%.*s \"%.*s\" is forbidden: %s", STR_FMT(mk_resource_name(c, c->r)),
                   STR_FMT(name), why);
}

int mk_method_not_allowed(struct mk_ctx *c)
{
    return mk_fail(c,
                   &(struct mk_fault){.code = 405,
                                      .reason = "MethodNotAllowed",
                                      .with_details = true},
                   "the server does not allow this method on the requested resource");
}

int mk_internal(struct mk_ctx *c, const struct err *err)
{
    return mk_fail(c, &(struct mk_fault){.code = 500, .reason = "InternalError"},
                   "Internal error occurred: %s", err->text);
}

int mk_expired(struct mk_ctx *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    str message = arena_vprintf(c->a, format, args);
    va_end(args);
    return mk_fail(c, &(struct mk_fault){.code = 410, .reason = "Expired"}, "%.*s",
                   STR_FMT(message));
}

void mk_cause(struct mk_ctx *c, mk_causes *v, const char *reason, str field, const char *format,
              ...)
{
    va_list args;
    va_start(args, format);
    str message = arena_vprintf(c->a, format, args);
    va_end(args);
    vec_push(c->a, v, (struct mk_cause){field, reason, message});
}

int mk_invalid(struct mk_ctx *c, str name, const mk_causes *causes)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    for (size_t i = 0; i < causes->n; i++)
        buf_printf(&b, "%s%.*s: %.*s", i ? ", " : "", STR_FMT(causes->at[i].field),
                   STR_FMT(causes->at[i].message));
    struct mk_fault f = {.code = 422,
                         .reason = "Invalid",
                         .group = c->r->group,
                         .kind = c->r->kind,
                         .name = name,
                         .causes = causes};
    const char *open = causes->n > 1 ? "[" : "", *close = causes->n > 1 ? "]" : "";
    return mk_fail(c, &f, "%.*s \"%.*s\" is invalid: %s%.*s%s", STR_FMT(mk_kind_name(c->a, c->r)),
                   STR_FMT(name), open, STR_FMT(buf_str(&b)), close);
}

void mk_success_status(struct mk_ctx *c, value object)
{
    struct mk_fault f = {.name = object_name(object),
                         .group = c->r->group,
                         .kind = c->r->plural,
                         .uid = object_uid(object)};
    value v = new_status(c, "Success");
    value_setz(c->a, v, "details", details_of(c, &f));
    mk_answer_json(c, 200, v);
}

void mk_warn(struct mk_ctx *c, str text)
{
    str line = ARENA_CAT(c->a, STR("299 - "),
                         json_str(c->a, value_of_str(c->a, text), AUDIENCE_WIRE, JSON_NO_HTML));
    c->res->warning =
        c->res->warning.len ? ARENA_CAT(c->a, c->res->warning, STR("\n"), line) : line;
}
