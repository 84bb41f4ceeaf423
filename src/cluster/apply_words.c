/* cluster/apply_words.c: what kubectl prints of an apply, word by word. */
#include "cluster/apply_impl.h"
#include "kube/object.h"

#include <stdlib.h>

void apply_result_free(void *result)
{
    struct apply_result *r = result;
    if (!r)
        return;
    doc_unref(r->object);
    buf_done(&r->message);
    free(r);
}

str apply_object_name(struct arena *a, const struct kube_kind *kind, str group, str kind_name,
                      str name)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    str word = kind && kind->singular.len ? kind->singular : kind_name;
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        buf_addc(&b, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
    if (group.len) {
        buf_addc(&b, '.');
        buf_add(&b, group);
    }
    buf_addc(&b, '/');
    buf_add(&b, name);
    return arena_str(a, buf_str(&b));
}

const char *apply_word_of_change(const struct apply *p)
{
    switch (p->o.verb) {
    case APPLY_SERVER_SIDE: return "serverside-applied";
    case APPLY_REPLACE: return "replaced";
    case APPLY_UPDATE: return "updated";
    default: return "configured";
    }
}

/* kubectl's standard output and standard error as one text. */
void apply_say(struct apply *p, const struct doc *object, const char *what, struct buf *out)
{
    str name = apply_object_name(&p->arena, p->kind, p->target.gvk.group, p->target.gvk.kind,
                                 object ? object_name(doc_root(object)) : p->target.name);
    if (p->o.verb == APPLY_UPDATE && !str_is(str_of(what), "created"))
        name = ARENA_CAT(&p->arena, p->target.gvk.kind, STR("/"), p->target.name);
    buf_printf(out, "%.*s%.*s %s%s", STR_FMT(p->note), STR_FMT(name), what,
               p->o.dry_run ? " (dry run)" : "");
    str warnings = str_trim(buf_str(&p->warnings));
    if (warnings.len)
        buf_printf(out, ". %.*s", STR_FMT(warnings));
}

void apply_warn_unmarked(struct apply *p)
{
    buf_printf(&p->warnings,
               "Warning: resource %.*s/%.*s is missing the " APPLY_LAST_APPLIED
               " annotation which is required by  apply.  apply should only be used on resources "
               "created declaratively by either  create --save-config or  apply. The missing "
               "annotation will be patched automatically.\n",
               STR_FMT(p->kind ? p->kind->plural : STR("")), STR_FMT(p->target.name));
}

void apply_warn_if_deleting(struct apply *p, const struct doc *object)
{
    if (object && object_is_deleting(doc_root(object)))
        buf_printf(&p->warnings,
                   "Warning: Detected changes to resource %.*s which is currently being deleted.\n",
                   STR_FMT(p->target.name));
}

void apply_warn_not_migrated(struct apply *p, const struct err *err)
{
    buf_printf(&p->warnings,
               "Warning: server rejected managed fields migration to Server-Side Apply. This is "
               "non-fatal and will be retried next time you apply. Error: %s\n",
               err->text);
}

void apply_warn_not_applied_again(struct apply *p, const struct err *err)
{
    buf_printf(&p->warnings,
               "Warning: failed to re-apply configuration after performing Server-Side Apply "
               "migration. This is non-fatal and will be retried next time you apply. Error: %s\n",
               err->text);
}
