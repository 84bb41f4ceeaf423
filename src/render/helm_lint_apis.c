/* APIs that Kubernetes calls deprecated, as far as helm's client-go knows them. */
#include "render/helm_lint.h"
#include "render/helm_objects.h"

enum { BOTH, ONLY_4, ONLY_3 };

static const struct {
    const char *api_version, *kind;
    unsigned deprecated_minor, removed_minor; /* of Kubernetes 1; removed 0: not foreseen */
    const char *use;                          /* "group/version Kind", or NULL */
    unsigned levels;
} apis[] = {
/* clang-format off */
#include "render/helm_lint_apis.inc"
    /* clang-format on */
};

bool helm_lint_deprecated(str api_version, str kind, const struct helm_options *o, struct arena *a,
                          str *ret_text)
{
    struct helm_kube_version kube;
    struct err err;
    uint64_t major = 0, minor = 0;
    if (helm_kube_version_parse(o->kube_version, o->level, a, &kube, &err) ||
        !str_to_u64(kube.major, &major) || !str_to_u64(kube.minor, &minor) || !major)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(apis); i++) {
        if (apis[i].levels == (o->level == HELM_LEVEL_3 ? ONLY_4 : ONLY_3) ||
            !str_is(api_version, apis[i].api_version) || !str_is(kind, apis[i].kind))
            continue;
        if (major == 1 && minor < apis[i].deprecated_minor)
            return false;
        str removed = apis[i].removed_minor
                          ? arena_printf(a, ", unavailable in v1.%u+", apis[i].removed_minor)
                          : STR("");
        *ret_text = arena_printf(a, "%s %s is deprecated in v1.%u+%.*s%s%s", apis[i].api_version,
                                 apis[i].kind, apis[i].deprecated_minor, STR_FMT(removed),
                                 apis[i].use ? "; use " : "", apis[i].use ? apis[i].use : "");
        return true;
    }
    return false;
}
