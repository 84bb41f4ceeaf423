/* Documents, hooks, order, and the text that `helm template` prints of them. */
#include "render/helm_manifests.h"

#include <stdlib.h>
#include <string.h>

#include "lang/glob.h"
#include "value/text.h"
#include "value/yaml.h"

/* ---- split ---- */

/* Bytes of a Unicode space at the start of s, or 0. */
static size_t space_len(str s)
{
    static const str wide[] = {
        STR_INIT("\xc2\x85"),     STR_INIT("\xc2\xa0"),     STR_INIT("\xe1\x9a\x80"),
        STR_INIT("\xe2\x80\xa8"), STR_INIT("\xe2\x80\xa9"), STR_INIT("\xe2\x80\xaf"),
        STR_INIT("\xe2\x81\x9f"), STR_INIT("\xe3\x80\x80"),
    };
    if (!s.len)
        return 0;
    unsigned char c = (unsigned char)s.at[0];
    if (c == ' ' || (c >= 9 && c <= 13))
        return 1;
    if (c < 0x80)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(wide); i++)
        if (str_starts(s, wide[i]))
            return wide[i].len;
    if (s.len >= 3 && memcmp(s.at, "\xe2\x80", 2) == 0 && (unsigned char)s.at[2] <= 0x8a)
        return 3;
    return 0;
}

static str trim_left(str s)
{
    for (size_t n; (n = space_len(s)) > 0;)
        s = str_from(s, n);
    return s;
}

static str trim_right(str s)
{
    for (;;) {
        size_t n = 0;
        for (size_t len = 1; len <= 3 && len <= s.len && !n; len++)
            if (space_len(str_from(s, s.len - len)) == len)
                n = len;
        if (!n)
            return s;
        s.len -= n;
    }
}

static void add_piece(str piece, enum helm_level level, struct arena *a, struct helm_strs *ret)
{
    piece = trim_left(piece);
    if (level == HELM_LEVEL_3)
        piece = trim_right(piece);
    if (piece.len)
        vec_push(a, ret, piece);
}

static bool is_re_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Helm 3: `(?:^|\s*\n)---\s*`. The blanks behind one separator are taken, so a "---" in the next
 * line has no newline left before it and is text. */
static void split_3(str text, struct arena *a, struct helm_strs *ret)
{
    str rest = trim_right(trim_left(text));
    const char *from = rest.at, *end = rest.at + rest.len;
    for (const char *p = from; p < end; p++) {
        if (end - p < 3 || memcmp(p, "---", 3) != 0 ||
            (p != rest.at && (p == from || p[-1] != '\n')))
            continue;
        add_piece(str_mem(from, (size_t)(p - from)), HELM_LEVEL_3, a, ret);
        for (from = p + 3; from < end && is_re_space(*from);)
            from++;
        p = from - 1;
    }
    if (from < end)
        add_piece(str_mem(from, (size_t)(end - from)), HELM_LEVEL_3, a, ret);
}

void helm_manifests_split(str text, enum helm_level level, struct arena *a, struct helm_strs *ret)
{
    str rest = trim_left(text);
    if (level == HELM_LEVEL_3) {
        split_3(text, a, ret);
        return;
    }
    const char *from = rest.at, *end = rest.at + rest.len;
    for (const char *line = from; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        if (end - line >= 3 && memcmp(line, "---", 3) == 0) {
            add_piece(str_mem(from, (size_t)(line - from)), level, a, ret);
            for (line += 3; line < end && (*line == ' ' || *line == '\t');)
                line++;
            from = line;
        }
        line = next ? next + 1 : end;
    }
    if (from < end)
        add_piece(str_mem(from, (size_t)(end - from)), level, a, ret);
}

/* ---- head ---- */

#define HOOK STR("helm.sh/hook")
#define METADATA_TYPE                                                                              \
    "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string "                   \
    "\"json:\\\"annotations\\\"\" }"

struct head {
    str kind;
    value annotations; /* absent, or a map */
};

static const char *json_name(value v)
{
    static const char *const names[] = {
        [VALUE_NONE] = "null",     [VALUE_NULL] = "null",   [VALUE_BOOL] = "bool",
        [VALUE_INT] = "number",    [VALUE_UINT] = "number", [VALUE_DOUBLE] = "number",
        [VALUE_STRING] = "string", [VALUE_LIST] = "array",  [VALUE_MAP] = "object",
    };
    return names[value_type(v)];
}

/* encoding/json's choice: the exact key, else one that differs in case only; the later one wins. */
static value field(value map, const char *name)
{
    value v = value_get(map, str_of(name));
    for (struct value_iter it = value_iter(map); !value_exists(v) && value_next(&it);)
        if (it.key.len == strlen(name) && str_ieq(it.key, str_of(name)))
            v = it.val;
    return v;
}

static bool is_container(value v) { return value_is_map(v) || value_is_list(v); }

#define MISFIT(v, path, type)                                                                      \
    err_set(err, ERR_INVALID,                                                                      \
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal %s into Go "     \
            "struct field " path " of type " type,                                                 \
            json_name(v))

static str text_of(struct arena *a, value v)
{
    return value_is_string(v) ? value_str(v) : value_is_nil(v) ? STR("") : helm_scalar_text(a, v);
}

static int read_metadata(value v, struct head *ret, struct err *err)
{
    if (value_is_nil(v))
        return 0;
    if (!value_is_map(v))
        return MISFIT(v, "SimpleHead.metadata", METADATA_TYPE);
    value annotations = field(v, "annotations"), name = field(v, "name");
    if (!value_is_nil(annotations) && !value_is_map(annotations))
        return MISFIT(annotations, ".metadata.annotations", "map[string]string");
    for (struct value_iter it = value_iter(annotations); value_next(&it);)
        if (is_container(it.val))
            return MISFIT(it.val, ".metadata.annotations", "string");
    if (is_container(name))
        return MISFIT(name, ".metadata.name", "string");
    ret->annotations = annotations;
    return 0;
}

static int read_head(value v, enum helm_level level, struct arena *a, struct head *ret,
                     struct err *err)
{
    *ret = (struct head){.kind = STR("")};
    if (value_is_nil(v))
        return 0;
    if (!value_is_map(v))
        return err_set(err, ERR_INVALID,
                       "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal %s "
                       "into Go value of type %s.SimpleHead",
                       json_name(v), level == HELM_LEVEL_3 ? "releaseutil" : "util");
    value version = field(v, "apiVersion"), kind = field(v, "kind");
    if (is_container(version))
        return MISFIT(version, "SimpleHead.apiVersion", "string");
    if (is_container(kind))
        return MISFIT(kind, "SimpleHead.kind", "string");
    ret->kind = text_of(a, kind);
    return read_metadata(field(v, "metadata"), ret, err);
}

/* ---- hooks ---- */

static const str hook_events[] = {
    STR_INIT("pre-install"),  STR_INIT("post-install"),  STR_INIT("pre-delete"),
    STR_INIT("post-delete"),  STR_INIT("pre-upgrade"),   STR_INIT("post-upgrade"),
    STR_INIT("pre-rollback"), STR_INIT("post-rollback"), STR_INIT("test"),
    STR_INIT("test-success"),
};

/* false: one of the names is unknown. */
static bool read_events(str text, bool *ret_is_test)
{
    str rest = text, one;
    while (str_next(&rest, ',', &one)) {
        size_t i = 0;
        one = trim_right(trim_left(one));
        while (i < ARRAY_LEN(hook_events) && !str_ieq(one, hook_events[i]))
            i++;
        if (i == ARRAY_LEN(hook_events))
            return false;
        *ret_is_test = *ret_is_test || str_starts(hook_events[i], STR("test"));
    }
    return true;
}

/* ---- sort ---- */

static const char *const install_order[] = {
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    /* Helm 4 */
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
};
#define WEBHOOKS 2

struct ranked {
    struct helm_manifest m;
    size_t rank, at;
};

static size_t rank_of(str kind, enum helm_level level)
{
    size_t n = ARRAY_LEN(install_order) - (level == HELM_LEVEL_3 ? WEBHOOKS : 0);
    for (size_t i = 0; i < n; i++)
        if (str_is(kind, install_order[i]))
            return i;
    return n;
}

static int compare_ranked(const void *pa, const void *pb)
{
    const struct ranked *a = pa, *b = pb;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    int by_kind = str_cmp(a->m.kind, b->m.kind);
    if (by_kind)
        return by_kind;
    return a->at < b->at ? -1 : 1;
}

static void sort_by_kind(struct helm_manifests *m, enum helm_level level, struct arena *a)
{
    struct ranked *r = ARENA_ARRAY(a, struct ranked, m->n + 1);
    for (size_t i = 0; i < m->n; i++)
        r[i] = (struct ranked){m->at[i], rank_of(m->at[i].kind, level), i};
    qsort(r, m->n, sizeof(*r), compare_ranked);
    for (size_t i = 0; i < m->n; i++)
        m->at[i] = r[i].m;
}

static str quoted(struct arena *a, str s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    text_quote(s, &b);
    return arena_str(a, buf_str(&b));
}

static int add_document(str path, str text, struct arena *a, struct helm_log *log,
                        struct helm_output *io, struct err *err)
{
    struct helm_manifest m = {.path = path, .text = text};
    struct head head;
    /* What is applied later is the printed text, which ends in a newline. */
    str printed = str_ends(text, STR("\n")) ? text : ARENA_CAT(a, text, STR("\n"));
    int rc = yaml_parse(printed, NULL, a, &m.object, err);
    if (rc)
        rc = err_wrap(err, "error converting YAML to JSON");
    else
        rc = read_head(m.object, log->level, a, &head, err);
    if (rc)
        return err_wrap(err, "YAML parse error on %.*s", STR_FMT(path));
    m.kind = head.kind;
    value hook = value_get(head.annotations, HOOK);
    if (!value_exists(hook)) {
        vec_push(a, &io->manifests, m);
        return 0;
    }
    str events = text_of(a, hook);
    if (read_events(events, &m.is_test))
        vec_push(a, &io->hooks, m);
    else {
        helm_log_add(log, "INFO", STR("skipping unknown hooks"), "hookTypes", events, NULL);
        helm_log_add3(log, "manifest_sorter.go:199: ", "info: skipping unknown hook: %.*s",
                      STR_FMT(quoted(a, events)));
    }
    return 0;
}

static int compare_paths(const void *pa, const void *pb)
{
    return str_cmp(((const struct helm_rendered *)pa)->path,
                   ((const struct helm_rendered *)pb)->path);
}

int helm_manifests_sort(const struct helm_rendered *at, size_t n, enum helm_level level,
                        struct arena *a, struct helm_log *log, struct helm_output *io,
                        struct err *err)
{
    struct helm_rendered *by_path = arena_copy(a, at, n * sizeof(*at));
    if (n)
        qsort(by_path, n, sizeof(*by_path), compare_paths);
    for (size_t i = 0; i < n; i++) {
        struct helm_strs pieces = {0};
        if (str_ends(by_path[i].path, STR("NOTES.txt")))
            continue;
        helm_manifests_split(by_path[i].text, level, a, &pieces);
        for (size_t j = 0; j < pieces.n; j++) {
            int rc = add_document(by_path[i].path, pieces.at[j], a, log, io, err);
            if (rc)
                return rc;
        }
    }
    sort_by_kind(&io->manifests, level, a);
    sort_by_kind(&io->hooks, level, a);
    return 0;
}

/* ---- print ---- */

static void print_one(struct buf *b, str path, str text)
{
    buf_addz(b, "---\n# Source: ");
    buf_add(b, path);
    buf_addc(b, '\n');
    buf_add(b, text);
    buf_addc(b, '\n');
}

/* "# Source: [^/]+/(.+)" in a piece of the output. */
static bool source_of(str piece, str *ret)
{
    str mark = STR("# Source: "), rest = piece;
    for (ptrdiff_t at; (at = str_find(rest, mark)) >= 0;) {
        rest = str_from(rest, (size_t)at + mark.len);
        str line, chart, path, tail;
        str_cut(rest, '\n', &line, &tail);
        if (str_cut(line, '/', &chart, &path) && chart.len && path.len) {
            *ret = path;
            return true;
        }
    }
    return false;
}

static int print_selected(const struct helm_print *p, str all, struct arena *a, struct buf *out,
                          struct err *err)
{
    struct helm_strs pieces = {0};
    helm_manifests_split(all, p->level, a, &pieces);
    size_t start = out->len;
    for (size_t i = 0; i < p->n_show_only; i++) {
        bool missing = true;
        for (size_t j = 0; j < pieces.n; j++) {
            str path;
            bool matched = false;
            struct err ignored;
            if (!source_of(pieces.at[j], &path) ||
                path_match(p->show_only[i], path, &matched, &ignored) || !matched)
                continue;
            missing = false;
            buf_addz(out, "---\n");
            buf_add(out, pieces.at[j]);
            buf_addc(out, '\n');
        }
        if (missing) {
            out->len = start;
            return err_set(err, ERR_NOT_FOUND, "could not find template %.*s in chart",
                           STR_FMT(p->show_only[i]));
        }
    }
    return 0;
}

int helm_print(const struct helm_output *h, const struct helm_print *p, struct arena *a,
               struct buf *out, struct err *err)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    CLEANUP(buf_done) struct buf all = BUF_INIT;
    for (size_t i = 0; p->include_crds && i < h->n_crds; i++)
        print_one(&b, h->crd[i].file, helm_file_data(h->crd[i].content));
    for (size_t i = 0; i < h->manifests.n; i++)
        print_one(&b, h->manifests.at[i].path, h->manifests.at[i].text);
    int rc = buf_check(&b, "rendered text", err);
    if (rc)
        return rc;
    buf_add(&all, trim_right(trim_left(buf_str(&b))));
    buf_addc(&all, '\n');
    for (size_t i = 0; !p->no_hooks && i < h->hooks.n; i++)
        if (!p->skip_tests || !h->hooks.at[i].is_test)
            print_one(&all, h->hooks.at[i].path, h->hooks.at[i].text);
    if (p->n_show_only)
        rc = print_selected(p, arena_str(a, buf_str(&all)), a, out, err);
    else
        buf_add(out, buf_str(&all));
    return rc ? rc : buf_check(out, "rendered text", err);
}
