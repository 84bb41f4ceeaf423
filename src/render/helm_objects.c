/* Go types of Helm, one family a level: their names show in `typeOf` and in errors. */
#include "render/helm_objects.h"

#include "base/buf.h"
#include "lang/glob.h"
#include "lang/template_func.h"
#include "value/text.h"
#include "value/yaml.h"

#define LEVELS 2

struct helm_build {
    str version, go_version, kube_client_version;
};

/* What the released binaries say of themselves. */
static const struct helm_build builds[LEVELS] = {
    [HELM_LEVEL_4] = {STR_INIT("v4.2.4"), STR_INIT("go1.26"), STR_INIT("v1.36")},
    [HELM_LEVEL_3] = {STR_INIT("v3.19.4"), STR_INIT("go1.24"), STR_INIT("")},
};
static const str default_kube[LEVELS] = {STR_INIT("v1.36.0"), STR_INIT("v1.34.0")};
static const str default_minor[LEVELS] = {STR_INIT("36"), STR_INIT("34")};

struct helm_capabilities {
    enum helm_level level;
    struct helm_kube_version kube;
    tval apis;
    struct helm_build build;
};

/* Groups that client-go and apiextensions register, in their order. */
static const str apis_4[] = {
    STR_INIT("v1"),
    STR_INIT("admissionregistration.k8s.io/v1"),
    STR_INIT("admissionregistration.k8s.io/v1alpha1"),
    STR_INIT("admissionregistration.k8s.io/v1beta1"),
    STR_INIT("internal.apiserver.k8s.io/v1alpha1"),
    STR_INIT("apps/v1"),
    STR_INIT("apps/v1beta1"),
    STR_INIT("apps/v1beta2"),
    STR_INIT("authentication.k8s.io/v1"),
    STR_INIT("authentication.k8s.io/v1alpha1"),
    STR_INIT("authentication.k8s.io/v1beta1"),
    STR_INIT("authorization.k8s.io/v1"),
    STR_INIT("authorization.k8s.io/v1beta1"),
    STR_INIT("autoscaling/v1"),
    STR_INIT("autoscaling/v2"),
    STR_INIT("batch/v1"),
    STR_INIT("batch/v1beta1"),
    STR_INIT("certificates.k8s.io/v1"),
    STR_INIT("certificates.k8s.io/v1beta1"),
    STR_INIT("certificates.k8s.io/v1alpha1"),
    STR_INIT("coordination.k8s.io/v1alpha2"),
    STR_INIT("coordination.k8s.io/v1beta1"),
    STR_INIT("coordination.k8s.io/v1"),
    STR_INIT("discovery.k8s.io/v1"),
    STR_INIT("discovery.k8s.io/v1beta1"),
    STR_INIT("events.k8s.io/v1"),
    STR_INIT("events.k8s.io/v1beta1"),
    STR_INIT("extensions/v1beta1"),
    STR_INIT("flowcontrol.apiserver.k8s.io/v1"),
    STR_INIT("flowcontrol.apiserver.k8s.io/v1beta1"),
    STR_INIT("flowcontrol.apiserver.k8s.io/v1beta2"),
    STR_INIT("flowcontrol.apiserver.k8s.io/v1beta3"),
    STR_INIT("networking.k8s.io/v1"),
    STR_INIT("networking.k8s.io/v1beta1"),
    STR_INIT("node.k8s.io/v1"),
    STR_INIT("node.k8s.io/v1alpha1"),
    STR_INIT("node.k8s.io/v1beta1"),
    STR_INIT("policy/v1"),
    STR_INIT("policy/v1beta1"),
    STR_INIT("rbac.authorization.k8s.io/v1"),
    STR_INIT("rbac.authorization.k8s.io/v1beta1"),
    STR_INIT("rbac.authorization.k8s.io/v1alpha1"),
    STR_INIT("resource.k8s.io/v1"),
    STR_INIT("resource.k8s.io/v1beta2"),
    STR_INIT("resource.k8s.io/v1beta1"),
    STR_INIT("resource.k8s.io/v1alpha3"),
    STR_INIT("scheduling.k8s.io/v1alpha2"),
    STR_INIT("scheduling.k8s.io/v1beta1"),
    STR_INIT("scheduling.k8s.io/v1"),
    STR_INIT("storage.k8s.io/v1beta1"),
    STR_INIT("storage.k8s.io/v1"),
    STR_INIT("storage.k8s.io/v1alpha1"),
    STR_INIT("storagemigration.k8s.io/v1beta1"),
    STR_INIT("apiextensions.k8s.io/v1beta1"),
    STR_INIT("apiextensions.k8s.io/v1"),
};
static const str apis_3[] = {
    STR_INIT("v1"),
    STR_INIT("admissionregistration.k8s.io/v1"),
    STR_INIT("admissionregistration.k8s.io/v1alpha1"),
    STR_INIT("admissionregistration.k8s.io/v1beta1"),
    STR_INIT("internal.apiserver.k8s.io/v1alpha1"),
    STR_INIT("apps/v1"),
    STR_INIT("apps/v1beta1"),
    STR_INIT("apps/v1beta2"),
    STR_INIT("authentication.k8s.io/v1"),
    STR_INIT("authentication.k8s.io/v1alpha1"),
    STR_INIT("authentication.k8s.io/v1beta1"),
    STR_INIT("authorization.k8s.io/v1"),
    STR_INIT("authorization.k8s.io/v1beta1"),
    STR_INIT("autoscaling/v1"),
    STR_INIT("autoscaling/v2"),
    STR_INIT("autoscaling/v2beta1"),
    STR_INIT("autoscaling/v2beta2"),
    STR_INIT("batch/v1"),
    STR_INIT("batch/v1beta1"),
    STR_INIT("certificates.k8s.io/v1"),
    STR_INIT("certificates.k8s.io/v1beta1"),
    STR_INIT("certificates.k8s.io/v1alpha1"),
    STR_INIT("coordination.k8s.io/v1alpha2"),
    STR_INIT("coordination.k8s.io/v1beta1"),
    STR_INIT("coordination.k8s.io/v1"),
    STR_INIT("discovery.k8s.io/v1"),
    STR_INIT("discovery.k8s.io/v1beta1"),
    STR_INIT("events.k8s.io/v1"),
    STR_INIT("events.k8s.io/v1beta1"),
    STR_INIT("extensions/v1beta1"),
    STR_INIT("flowcontrol.apiserver.k8s.io/v1"),
    STR_INIT("flowcontrol.apiserver.k8s.io/v1beta1"),
    STR_INIT("flowcontrol.apiserver.k8s.io/v1beta2"),
    STR_INIT("flowcontrol.apiserver.k8s.io/v1beta3"),
    STR_INIT("networking.k8s.io/v1"),
    STR_INIT("networking.k8s.io/v1beta1"),
    STR_INIT("node.k8s.io/v1"),
    STR_INIT("node.k8s.io/v1alpha1"),
    STR_INIT("node.k8s.io/v1beta1"),
    STR_INIT("policy/v1"),
    STR_INIT("policy/v1beta1"),
    STR_INIT("rbac.authorization.k8s.io/v1"),
    STR_INIT("rbac.authorization.k8s.io/v1beta1"),
    STR_INIT("rbac.authorization.k8s.io/v1alpha1"),
    STR_INIT("resource.k8s.io/v1"),
    STR_INIT("resource.k8s.io/v1beta2"),
    STR_INIT("resource.k8s.io/v1beta1"),
    STR_INIT("resource.k8s.io/v1alpha3"),
    STR_INIT("scheduling.k8s.io/v1alpha1"),
    STR_INIT("scheduling.k8s.io/v1beta1"),
    STR_INIT("scheduling.k8s.io/v1"),
    STR_INIT("storage.k8s.io/v1beta1"),
    STR_INIT("storage.k8s.io/v1"),
    STR_INIT("storage.k8s.io/v1alpha1"),
    STR_INIT("storagemigration.k8s.io/v1alpha1"),
    STR_INIT("apiextensions.k8s.io/v1beta1"),
    STR_INIT("apiextensions.k8s.io/v1"),
};

/* ---- KubeVersion ---- */

static const struct helm_kube_version *kube_of(const void *object) { return object; }

static tval kube_version(const void *o, struct arena *a)
{
    (void)a;
    return template_str(kube_of(o)->version);
}
static tval kube_normalized(const void *o, struct arena *a)
{
    (void)a;
    return template_str(kube_of(o)->normalized);
}
static tval kube_major(const void *o, struct arena *a)
{
    (void)a;
    return template_str(kube_of(o)->major);
}
static tval kube_minor(const void *o, struct arena *a)
{
    (void)a;
    return template_str(kube_of(o)->minor);
}

static str kube_text(tval v, struct arena *a)
{
    (void)a;
    return kube_of(v.p)->normalized;
}

static int call_kube_string(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)arg, (void)n;
    *ret = template_str(kube_of(c->receiver.p)->normalized);
    return 0;
}

static int call_git_version(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)arg, (void)n;
    *ret = template_str(kube_of(c->receiver.p)->version);
    return 0;
}

static const struct template_field kube_fields_4[] = {{"Version", "Version", kube_version},
                                                      {"normalizedVersion", NULL, kube_normalized},
                                                      {"Major", "Major", kube_major},
                                                      {"Minor", "Minor", kube_minor},
                                                      {NULL, NULL, NULL}};
static const struct template_field kube_fields_3[] = {{"Version", "Version", kube_version},
                                                      {"Major", "Major", kube_major},
                                                      {"Minor", "Minor", kube_minor},
                                                      {NULL, NULL, NULL}};
static const struct template_method kube_methods[] = {{"String", "", call_kube_string},
                                                      {"GitVersion", "", call_git_version},
                                                      {NULL, NULL, NULL}};
static const struct template_type kube_types[LEVELS] = {
    [HELM_LEVEL_4] = {.kind = TEMPLATE_STRUCT,
                      .name = "common.KubeVersion",
                      .field = kube_fields_4,
                      .method = kube_methods,
                      .text = kube_text},
    [HELM_LEVEL_3] = {.kind = TEMPLATE_STRUCT,
                      .name = "chartutil.KubeVersion",
                      .field = kube_fields_3,
                      .method = kube_methods,
                      .text = kube_text},
};

/* ---- BuildInfo ---- */

static tval build_version(const void *o, struct arena *a)
{
    (void)a;
    return template_str(((const struct helm_build *)o)->version);
}
static tval build_nothing(const void *o, struct arena *a)
{
    (void)o, (void)a;
    return template_str(STR(""));
}
static tval build_go(const void *o, struct arena *a)
{
    (void)a;
    return template_str(((const struct helm_build *)o)->go_version);
}
static tval build_client(const void *o, struct arena *a)
{
    (void)a;
    return template_str(((const struct helm_build *)o)->kube_client_version);
}

static const struct template_field build_fields_4[] =
    {{"Version", "version,omitempty", build_version},
     {"GitCommit", "git_commit,omitempty", build_nothing},
     {"GitTreeState", "git_tree_state,omitempty", build_nothing},
     {"GoVersion", "go_version,omitempty", build_go},
     {"KubeClientVersion", "kube_client_version", build_client},
     {NULL, NULL, NULL}};
static const struct template_field build_fields_3[] =
    {{"Version", "version,omitempty", build_version},
     {"GitCommit", "git_commit,omitempty", build_nothing},
     {"GitTreeState", "git_tree_state,omitempty", build_nothing},
     {"GoVersion", "go_version,omitempty", build_go},
     {NULL, NULL, NULL}};
static const struct template_type build_types[LEVELS] = {
    [HELM_LEVEL_4] = {.kind = TEMPLATE_STRUCT,
                      .name = "version.BuildInfo",
                      .field = build_fields_4,
                      .comparable = true},
    [HELM_LEVEL_3] = {.kind = TEMPLATE_STRUCT,
                      .name = "version.BuildInfo",
                      .field = build_fields_3,
                      .comparable = true},
};

/* ---- VersionSet ---- */

static int call_has(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)n;
    str wanted = template_text(arg[0]);
    size_t all = template_len(c->receiver);
    int rc = template_charge(c, all);
    if (rc)
        return rc;
    bool found = false;
    for (size_t i = 0; i < all && !found; i++)
        found = str_eq(template_text(template_unwrap(template_at(c->receiver, i))), wanted);
    *ret = template_bool(found);
    return 0;
}

static const struct template_method set_methods[] = {{"Has", "s", call_has}, {NULL, NULL, NULL}};
static const struct template_type set_types[LEVELS] = {
    [HELM_LEVEL_4] = {.kind = TEMPLATE_SLICE,
                      .name = "common.VersionSet",
                      .elem = &TEMPLATE_T_STRING,
                      .underlying = &TEMPLATE_T_STRINGS,
                      .method = set_methods},
    [HELM_LEVEL_3] = {.kind = TEMPLATE_SLICE,
                      .name = "chartutil.VersionSet",
                      .elem = &TEMPLATE_T_STRING,
                      .underlying = &TEMPLATE_T_STRINGS,
                      .method = set_methods},
};

/* ---- Capabilities ---- */

static const struct helm_capabilities *caps_of(const void *object) { return object; }

static tval caps_kube(const void *o, struct arena *a)
{
    (void)a;
    return template_object(&kube_types[caps_of(o)->level], &caps_of(o)->kube);
}
static tval caps_apis(const void *o, struct arena *a)
{
    (void)a;
    return caps_of(o)->apis;
}
static tval caps_build(const void *o, struct arena *a)
{
    (void)a;
    return template_object(&build_types[caps_of(o)->level], &caps_of(o)->build);
}

static const struct template_field caps_fields[] = {{"KubeVersion", "KubeVersion", caps_kube},
                                                    {"APIVersions", "APIVersions", caps_apis},
                                                    {"HelmVersion", "HelmVersion", caps_build},
                                                    {NULL, NULL, NULL}};
static const struct template_type caps_types[LEVELS] = {
    [HELM_LEVEL_4] = {.kind = TEMPLATE_STRUCT, .name = "common.Capabilities", .field = caps_fields},
    [HELM_LEVEL_3] = {.kind = TEMPLATE_STRUCT,
                      .name = "chartutil.Capabilities",
                      .field = caps_fields},
};
static const struct template_type caps_pointers[LEVELS] = {
    [HELM_LEVEL_4] = {.kind = TEMPLATE_PTR,
                      .name = "*common.Capabilities",
                      .elem = &caps_types[HELM_LEVEL_4]},
    [HELM_LEVEL_3] = {.kind = TEMPLATE_PTR,
                      .name = "*chartutil.Capabilities",
                      .elem = &caps_types[HELM_LEVEL_3]},
};

/* ---- Values ---- */

static int call_values_yaml(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    struct err err;
    value v;
    (void)arg, (void)n;
    if (template_to_value(c->receiver, c->arena, &v, &err))
        return template_fail(c, "%s", err.text);
    struct buf *b = template_buf(c);
    yaml_print(v, YAML_SIGS, AUDIENCE_WIRE, b);
    return template_buf_tval(c, b, ret);
}

/* The table at a dotted path, under the name of Values; false: *ret_bad is none. */
static bool find_table(tval v, str path, tval *ret, str *ret_bad)
{
    const struct template_type *type = v.type;
    str rest = path;
    while (str_next(&rest, '.', ret_bad)) {
        v = template_unwrap(template_get(v, *ret_bad, NULL));
        if (template_kind(v) != TEMPLATE_MAP)
            return false;
    }
    *ret = v;
    ret->type = type;
    return true;
}

static int call_values_table(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str bad;
    (void)n;
    if (find_table(c->receiver, template_text(arg[0]), ret, &bad))
        return 0;
    return template_fail(c, "\"%.*s\" is not a table", STR_FMT(bad));
}

static int call_values_path(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    str path = template_text(arg[0]), folder, key, bad;
    tval table = c->receiver;
    bool found = false;
    (void)n;
    if (!path.len)
        return template_fail(c, "YAML path cannot be empty");
    if (str_rcut(path, '.', &folder, &key) && !find_table(table, folder, &table, &bad))
        return template_fail(c, "\"%.*s\" is not a value", STR_FMT(key));
    tval v = template_get(table, key, &found);
    if (!found || template_kind(template_unwrap(v)) == TEMPLATE_MAP)
        return template_fail(c, "\"%.*s\" is not a value", STR_FMT(key));
    *ret = v;
    return 0;
}

static int call_values_map(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)arg, (void)n;
    *ret = c->receiver;
    ret->type = &TEMPLATE_T_MAP;
    return 0;
}

static const struct template_method values_methods[] = {{"AsMap", "", call_values_map},
                                                        {"PathValue", "s", call_values_path},
                                                        {"Table", "s", call_values_table},
                                                        {"YAML", "", call_values_yaml},
                                                        {NULL, NULL, NULL}};

static const struct template_type values_types[LEVELS] = {
    [HELM_LEVEL_4] = {.kind = TEMPLATE_MAP,
                      .name = "common.Values",
                      .method = values_methods,
                      .elem = &TEMPLATE_T_INTERFACE,
                      .underlying = &TEMPLATE_T_MAP},
    [HELM_LEVEL_3] = {.kind = TEMPLATE_MAP,
                      .name = "chartutil.Values",
                      .method = values_methods,
                      .elem = &TEMPLATE_T_INTERFACE,
                      .underlying = &TEMPLATE_T_MAP},
};

tval helm_object_values(const struct helm_objects *x, value v)
{
    return template_view(x->arena, v, &values_types[x->level]);
}

tval helm_object_empty_values(const struct helm_objects *x)
{
    return template_map_new(x->arena, &values_types[x->level]);
}

tval helm_object_as_values(const struct helm_objects *x, tval v)
{
    v = template_unwrap(v);
    v.type = &values_types[x->level];
    return v;
}

/* ---- Files ---- */

static const struct template_type bytes_map_type = {.kind = TEMPLATE_MAP,
                                                    .name = "map[string][]uint8",
                                                    .elem = &TEMPLATE_T_BYTES};

static void fill_files(void *arg, tval map)
{
    const struct helm_files *files = arg;
    for (size_t i = 0; i < files->n; i++)
        template_put(map, files->at[i].name, template_bytes(helm_file_data(&files->at[i])));
}

/* One file's bytes; of a map that nobody has looked into only that one is read. at NULL: none. */
static str file_of(tval map, str name)
{
    const struct helm_files *late = template_map_late_arg(map, fill_files);
    for (size_t i = late ? late->n : 0; i-- > 0;)
        if (str_eq(late->at[i].name, name))
            return helm_file_data(&late->at[i]);
    tval v = late ? TEMPLATE_NO_VALUE : template_get(map, name, NULL);
    return v.type ? template_text(v) : (str){NULL, 0};
}

static int call_get(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)n;
    *ret = template_str(file_of(c->receiver, template_text(arg[0])));
    return template_charge(c, template_len(c->receiver) / 8);
}

static int call_get_bytes(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)n;
    *ret = template_bytes(file_of(c->receiver, template_text(arg[0])));
    return template_charge(c, template_len(c->receiver) / 8);
}

static int call_lines(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)n;
    VEC(str) lines = {0};
    str rest = file_of(c->receiver, template_text(arg[0])), line;
    if (!rest.at) {
        *ret = template_strings(c->arena, NULL, 0);
        return 0;
    }
    if (!rest.len)
        return template_fail(c, "runtime error: index out of range [-1]");
    int rc = template_charge(c, rest.len / 16);
    if (rc)
        return rc;
    rest = str_trim_suffix(rest, STR("\n"));
    while (str_next(&rest, '\n', &line))
        vec_push(c->arena, &lines, line);
    *ret = template_strings(c->arena, lines.at, lines.n);
    return 0;
}

static int call_glob(struct template_call *c, const tval *arg, size_t n, tval *ret);
static int call_as_config(struct template_call *c, const tval *arg, size_t n, tval *ret);
static int call_as_secrets(struct template_call *c, const tval *arg, size_t n, tval *ret);

static const struct template_method files_methods[] = {{"AsConfig", "", call_as_config},
                                                       {"AsSecrets", "", call_as_secrets},
                                                       {"Get", "s", call_get},
                                                       {"GetBytes", "s", call_get_bytes},
                                                       {"Glob", "s", call_glob},
                                                       {"Lines", "s", call_lines},
                                                       {NULL, NULL, NULL}};
static const struct template_type files_type = {.kind = TEMPLATE_MAP,
                                                .name = "engine.files",
                                                .elem = &TEMPLATE_T_BYTES,
                                                .underlying = &bytes_map_type,
                                                .method = files_methods};

static int glob_late(struct template_call *c, const struct helm_files *files, const struct glob *g,
                     tval *ret)
{
    struct helm_files *found = ARENA_NEW(c->arena, struct helm_files);
    int rc = template_charge(c, files->n * 8);
    for (size_t i = 0; !rc && i < files->n; i++)
        if (!g || glob_match(g, files->at[i].name))
            vec_push(c->arena, found, files->at[i]);
    *ret = template_map_late(c->arena, &files_type, found->n, fill_files, found);
    return rc;
}

static int call_glob(struct template_call *c, const tval *arg, size_t n_args, tval *ret)
{
    (void)n_args;
    const struct glob *g = NULL;
    struct err err;
    /* A pattern that is none matches everything. */
    if (glob_compile(template_text(arg[0]), STR("/"), c->arena, &g, &err))
        g = NULL;
    const struct helm_files *late = template_map_late_arg(c->receiver, fill_files);
    if (late)
        return glob_late(c, late, g, ret);
    size_t n;
    const str *key = template_keys(c->receiver, &n);
    tval out = template_map_new(c->arena, &files_type);
    int rc = template_charge(c, n * 8);
    for (size_t i = 0; !rc && i < n; i++)
        if (!g || glob_match(g, key[i]))
            template_put(out, key[i], template_get(c->receiver, key[i], NULL));
    *ret = out;
    return rc;
}

static str base64(struct arena *a, str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = arena_alloc(a, s.len / 3 * 4 + 5);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i += 3) {
        size_t left = s.len - i;
        uint32_t v = (uint32_t)(unsigned char)s.at[i] << 16;
        v |= left > 1 ? (uint32_t)(unsigned char)s.at[i + 1] << 8 : 0;
        v |= left > 2 ? (uint32_t)(unsigned char)s.at[i + 2] : 0;
        at[n++] = digits[v >> 18];
        at[n++] = digits[v >> 12 & 63];
        at[n++] = left > 1 ? digits[v >> 6 & 63] : '=';
        at[n++] = left > 2 ? digits[v & 63] : '=';
    }
    return str_mem(at, n);
}

/* encoding/json's text: what is no UTF-8 becomes U+FFFD. */
static str valid_utf8(struct arena *a, str s)
{
    if (utf8_valid(s))
        return s;
    char *at = arena_alloc(a, s.len * 3 + 1);
    size_t n = 0;
    for (const char *p = s.at, *end = s.at + s.len; p < end;) {
        uint32_t rune;
        p += utf8_decode(p, end, &rune);
        n += utf8_encode(rune, at + n);
    }
    return str_mem(at, n);
}

/* The base names with their content, as toYaml writes it. */
static int as_yaml(struct template_call *c, bool secret, tval *ret)
{
    size_t n, bytes = 0;
    const str *key = template_keys(c->receiver, &n);
    value map = value_new_map(c->arena);
    for (size_t i = 0; i < n; i++) {
        str text = template_text(template_get(c->receiver, key[i], NULL));
        bytes += text.len;
        int rc = template_charge(c, text.len / 8 + 1);
        if (rc)
            return rc;
        value_set(c->arena, map, files_path_base(key[i]),
                  value_of_str(c->arena,
                               secret ? base64(c->arena, text) : valid_utf8(c->arena, text)));
    }
    int rc = template_room(c, bytes * 4);
    if (rc)
        return rc;
    struct buf *b = template_buf(c);
    yaml_print(map, YAML_HELM, AUDIENCE_WIRE, b);
    str text;
    rc = template_buf_take(c, b, &text);
    if (!rc)
        *ret = template_str(str_trim_suffix(text, STR("\n")));
    return rc;
}

static int call_as_config(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)arg, (void)n;
    return as_yaml(c, false, ret);
}

static int call_as_secrets(struct template_call *c, const tval *arg, size_t n, tval *ret)
{
    (void)arg, (void)n;
    return as_yaml(c, true, ret);
}

tval helm_object_files(const struct helm_objects *x, const struct helm_files *files)
{
    void *arg = (void *)(uintptr_t)files;
    for (size_t i = 0; i < files->n; i++)
        if (files->at[i].late) /* of a folder: no name is there twice */
            return template_map_late(x->arena, &files_type, files->n, fill_files, arg);
    tval map = template_map_new(x->arena, &files_type);
    fill_files(arg, map);
    return map;
}

/* ---- Release and the rest ---- */

static tval release_object(struct arena *a, const struct helm_options *o)
{
    tval map = template_map_new(a, &TEMPLATE_T_MAP);
    template_put(map, STR("Name"), template_str(o->release));
    template_put(map, STR("Namespace"), template_str(o->namespace));
    template_put(map, STR("IsUpgrade"), template_bool(o->is_upgrade));
    template_put(map, STR("IsInstall"), template_bool(!o->is_upgrade));
    template_put(map, STR("Revision"), template_int(1));
    template_put(map, STR("Service"), template_strz("Helm"));
    return map;
}

static tval api_set(const struct helm_options *o, struct arena *a)
{
    const str *known = o->level == HELM_LEVEL_3 ? apis_3 : apis_4;
    size_t n = o->level == HELM_LEVEL_3 ? ARRAY_LEN(apis_3) : ARRAY_LEN(apis_4);
    tval *item = ARENA_ARRAY(a, tval, n + o->n_api_versions);
    for (size_t i = 0; i < n; i++)
        item[i] = template_str(known[i]);
    for (size_t i = 0; i < o->n_api_versions; i++)
        item[n + i] = template_str(o->api_version[i]);
    return template_list(a, &set_types[o->level], item, n + o->n_api_versions);
}

void helm_objects_init(struct helm_objects *x, const struct helm_options *o,
                       const struct helm_kube_version *kube, struct arena *a)
{
    struct helm_capabilities *caps = ARENA_NEW(a, struct helm_capabilities);
    *caps = (struct helm_capabilities){.level = o->level, .kube = *kube};
    caps->apis = api_set(o, a);
    caps->build = builds[o->level];
    *x = (struct helm_objects){.arena = a, .level = o->level};
    x->release = release_object(a, o);
    x->capabilities = template_object(&caps_pointers[o->level], caps);
}

/* ---- --kube-version ---- */

#define VERSION_PARTS_MAX 16

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Leading "1.2.3" of s; 0: none. */
static size_t number_len(str s)
{
    size_t n = 0;
    while (n < s.len && is_digit(s.at[n])) {
        while (n < s.len && is_digit(s.at[n]))
            n++;
        if (n + 1 >= s.len || s.at[n] != '.' || !is_digit(s.at[n + 1]))
            return n;
        n++;
    }
    return n;
}

int helm_kube_version_parse(str text, enum helm_level level, struct arena *a,
                            struct helm_kube_version *ret, struct err *err)
{
    if (!text.len) {
        *ret = (struct helm_kube_version){default_kube[level], default_kube[level], STR("1"),
                                          default_minor[level]};
        return 0;
    }
    str s = text;
    while (s.len && (s.at[0] == ' ' || (s.at[0] >= 9 && s.at[0] <= 13)))
        s = str_from(s, 1);
    s = str_trim_prefix(s, STR("v"));
    size_t n = number_len(s);
#define BAD(...) err_set(err, ERR_INVALID, "invalid kube version '%.*s': " __VA_ARGS__)
    if (!n)
        return BAD("could not parse \"%.*s\" as version", STR_FMT(text), STR_FMT(text));
    str rest = str_sub(s, 0, n), part, shown[VERSION_PARTS_MAX], all = STR("v");
    size_t parts = 0;
    while (parts < VERSION_PARTS_MAX && str_next(&rest, '.', &part)) {
        uint64_t number;
        if (!parts && part.len > 1 && part.at[0] == '0')
            return BAD("illegal zero-prefixed version component \"%.*s\" in \"%.*s\"",
                       STR_FMT(text), STR_FMT(part), STR_FMT(text));
        if (!str_to_u64(part, &number))
            return BAD("illegal non-numeric version component \"%.*s\" in \"%.*s\": "
                       "strconv.ParseUint: parsing \"%.*s\": value out of range",
                       STR_FMT(text), STR_FMT(part), STR_FMT(text), STR_FMT(part));
        shown[parts] = arena_printf(a, "%llu", (unsigned long long)number);
        all = ARENA_CAT(a, all, parts ? STR(".") : STR(""), shown[parts]);
        parts++;
    }
    if (parts < 2)
        return BAD("illegal version string \"%.*s\"", STR_FMT(text), STR_FMT(text));
#undef BAD
    str full = str_starts(text, STR("v")) ? text : ARENA_CAT(a, STR("v"), text);
    *ret = (struct helm_kube_version){level == HELM_LEVEL_3 ? all : full, all, shown[0], shown[1]};
    return 0;
}

int helm_kube_version_check(str text, enum helm_level level, struct arena *a, struct err *err)
{
    struct helm_kube_version ignored;
    return helm_kube_version_parse(text, level, a, &ignored, err);
}
