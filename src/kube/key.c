/* kube/key.c */
#include "kube/key.h"

#include "base/buf.h"
#include "base/digest.h"

bool kube_gvk_eq(struct kube_gvk a, struct kube_gvk b)
{
    return str_eq(a.kind, b.kind) && str_eq(a.version, b.version) && str_eq(a.group, b.group);
}

bool kube_key_eq(struct kube_key a, struct kube_key b)
{
    return str_eq(a.name, b.name) && str_eq(a.ns, b.ns) && str_eq(a.kind, b.kind) &&
           str_eq(a.group, b.group);
}

int kube_key_cmp(struct kube_key a, struct kube_key b)
{
    int c = str_cmp(a.group, b.group);
    if (!c)
        c = str_cmp(a.kind, b.kind);
    if (!c)
        c = str_cmp(a.ns, b.ns);
    return c ? c : str_cmp(a.name, b.name);
}

uint64_t kube_key_hash(struct kube_key k)
{
    uint64_t h = hash64_mix(hash64(k.group), hash64(k.kind));
    return hash64_mix(hash64_mix(h, hash64(k.ns)), hash64(k.name));
}

struct kube_key kube_key_copy(struct arena *a, struct kube_key k)
{
    return (struct kube_key){arena_str(a, k.group), arena_str(a, k.kind), arena_str(a, k.ns),
                             arena_str(a, k.name)};
}

str kube_key_str(struct arena *a, struct kube_key k)
{
    return ARENA_CAT(a, k.group, STR("/"), k.kind, STR("/"), k.ns, STR("/"), k.name);
}

int kube_api_version_parse(str api_version, str *ret_group, str *ret_version, struct err *err)
{
    *ret_group = *ret_version = STR("");
    if (!api_version.len || str_is(api_version, "/"))
        return 0;
    str head, tail;
    if (!str_cut(api_version, '/', &head, &tail)) {
        *ret_version = api_version;
        return 0;
    }
    if (str_find_char(tail, '/') >= 0)
        return err_set(err, ERR_INVALID, "unexpected GroupVersion string: %.*s",
                       STR_FMT(api_version));
    *ret_group = head;
    *ret_version = tail;
    return 0;
}

str kube_api_version(struct arena *a, str group, str version)
{
    return group.len ? ARENA_CAT(a, group, STR("/"), version) : arena_str(a, version);
}

static bool path_byte_is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~:@$&+=", c));
}

static void add_segment(struct arena *a, str *io, str segment)
{
    if (!segment.len)
        return;
    size_t escaped = 0;
    for (size_t i = 0; i < segment.len; i++)
        escaped += path_byte_is_plain(segment.at[i]) ? 1 : 3;
    char *out = arena_alloc(a, escaped + 1), *p = out;
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.at[i];
        if (path_byte_is_plain((char)c)) {
            *p++ = (char)c;
        } else {
            *p++ = '%';
            *p++ = "0123456789ABCDEF"[c >> 4];
            *p++ = "0123456789ABCDEF"[c & 15];
        }
    }
    *io = ARENA_CAT(a, *io, STR("/"), str_mem(out, escaped));
}

str kube_resource_path_str(struct arena *a, const struct kube_resource_path *p)
{
    str out = p->group.len ? STR("/apis") : STR("/api");
    bool namespaces = str_is(p->plural, "namespaces") && !p->group.len;
    add_segment(a, &out, p->group);
    add_segment(a, &out, p->version);
    if (p->ns.len && !namespaces) {
        add_segment(a, &out, STR("namespaces"));
        add_segment(a, &out, p->ns);
    }
    add_segment(a, &out, p->plural);
    add_segment(a, &out, p->name);
    add_segment(a, &out, p->subresource);
    return out;
}

/* Subresources of a namespace; any other word after /namespaces/NAME/ is a resource inside it. */
static bool is_namespace_subresource(str s) { return str_is(s, "status") || str_is(s, "finalize"); }

#define PATH_PARTS_MAX 10

int kube_resource_path_parse(str path, struct kube_resource_path *ret, str *ret_rest,
                             struct err *err)
{
    str part[PATH_PARTS_MAX], rest = str_trim_prefix(path, STR("/")), piece;
    size_t n = 0, i = 0;
    struct kube_resource_path p = {STR(""), STR(""), STR(""), STR(""), STR(""), STR("")};
    *ret_rest = STR("");
    while (n < PATH_PARTS_MAX - 1 && str_next(&rest, '/', &piece))
        if (piece.len)
            part[n++] = piece;
    str tail = rest.at ? rest : STR("");
#define NEXT() (i < n ? part[i++] : STR(""))
    str root = NEXT();
    if (str_is(root, "apis"))
        p.group = NEXT();
    else if (!str_is(root, "api"))
        return err_set(err, ERR_NOT_FOUND, "not a resource path");
    p.version = NEXT();
    if (i >= n)
        return err_set(err, ERR_NOT_FOUND, "not a resource path");
    p.plural = NEXT();
    if (str_is(p.plural, "namespaces") && i < n) {
        p.ns = NEXT();
        if (i < n && !is_namespace_subresource(part[i]))
            p.plural = NEXT();
        else
            p.name = p.ns;
    }
    if (!p.name.len)
        p.name = NEXT();
    p.subresource = NEXT();
    if (i < n)
        *ret_rest = (str){part[i].at, (size_t)(path.at + path.len - part[i].at)};
    else
        *ret_rest = tail;
#undef NEXT
    *ret = p;
    return 0;
}
