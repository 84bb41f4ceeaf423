/* argo/need.c */
#include "argo/need.h"

#include "value/doc.h"

static void add_text(struct sha256_stream *s, str text)
{
    uint64_t len = text.len; /* so that no two lists of texts read alike */
    sha256_add(s, str_mem((const char *)&len, sizeof(len)));
    sha256_add(s, text);
}

static void add_object(struct sha256_stream *s, const struct need_object *o)
{
    add_text(s, o->group);
    add_text(s, o->version);
    add_text(s, o->kind);
    add_text(s, o->namespace);
    add_text(s, o->name);
}

static void add_document(struct sha256_stream *s, value v)
{
    struct sha256 d = value_digest(v);
    sha256_add(s, str_mem((const char *)d.byte, sizeof(d.byte)));
}

struct sha256 need_key(const struct need *n)
{
    struct sha256_stream *s = sha256_open();
    char kind = (char)('a' + n->kind);
    sha256_add(s, str_mem(&kind, 1));
    switch (n->kind) {
    case NEED_CHART:
        add_text(s, n->chart.repo_url);
        add_text(s, n->chart.name);
        add_text(s, n->chart.version);
        break;
    case NEED_REMOTE:
        add_text(s, n->remote.url);
        add_text(s, n->remote.revision);
        break;
    case NEED_LIVE: add_object(s, &n->live); break;
    case NEED_DRY_RUN:
        add_object(s, &n->dry_run.of);
        add_text(s, n->dry_run.field_manager);
        add_text(s, n->dry_run.force ? STR("force") : STR(""));
        add_document(s, n->dry_run.object);
        break;
    case NEED_SCHEMA:
        add_text(s, n->schema.group);
        add_text(s, n->schema.version);
        add_text(s, n->schema.kind);
        break;
    case NEED_EVAL:
        add_text(s, n->eval.language == NEED_JQ ? STR("jq") : STR("lua"));
        add_text(s, n->eval.program);
        add_document(s, n->eval.input);
        break;
    }
    return sha256_close(s);
}

static str object_str(struct arena *a, const struct need_object *o)
{
    return arena_printf(a, "%.*s%s%.*s %.*s%s%.*s", STR_FMT(o->group), o->group.len ? "/" : "",
                        STR_FMT(o->kind), STR_FMT(o->namespace), o->namespace.len ? "/" : "",
                        STR_FMT(o->name));
}

str need_str(struct arena *a, const struct need *n)
{
    switch (n->kind) {
    case NEED_CHART:
        return arena_printf(a, "chart %.*s %.*s from %.*s", STR_FMT(n->chart.name),
                            STR_FMT(n->chart.version), STR_FMT(n->chart.repo_url));
    case NEED_REMOTE:
        return arena_printf(a, "%.*s%s%.*s", STR_FMT(n->remote.url),
                            n->remote.revision.len ? " at " : "", STR_FMT(n->remote.revision));
    case NEED_LIVE: return ARENA_CAT(a, STR("live "), object_str(a, &n->live));
    case NEED_DRY_RUN: return ARENA_CAT(a, STR("dry run of "), object_str(a, &n->dry_run.of));
    case NEED_SCHEMA:
        return arena_printf(a, "schema of %.*s/%.*s %.*s", STR_FMT(n->schema.group),
                            STR_FMT(n->schema.version), STR_FMT(n->schema.kind));
    case NEED_EVAL:
        return n->eval.language == NEED_JQ ? STR("a jq program's answer")
                                           : STR("a Lua program's answer");
    }
    return STR("");
}
