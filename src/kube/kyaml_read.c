#include "kube/kyaml_read.h"

#include "base/map.h"
#include "value/text.h"

typedef VEC(struct yaml_node *) node_vec;

/* ---- aliases ---- */

/* Upstream copies what is in a map before it resolves it, and aliases stand for what they stood for
 * before: for nodes of the text as it was read, which change only where an alias stands for them,
 * or where only lists are around them. So nodes are told apart: those that an alias may reach
 * (`shared`), whose content is copied when they are maps, and copies. */
struct resolver {
    struct arena *a;
    struct err *err;
    size_t copied; /* nodes, for aliases and merges */
    unsigned depth, aliases;
};

static bool is_null(const struct yaml_node *n) { return str_is(n->tag, "!!null"); }

static size_t count(const struct yaml_node *n)
{
    size_t all = 1;
    for (size_t i = 0; i < n->n_children; i++)
        all += count(n->child[i]);
    return all;
}

static int copy(struct resolver *r, const struct yaml_node *n, struct yaml_node **ret)
{
    r->copied += r->aliases ? count(n) : 0;
    if (r->copied > YAML_ALIAS_NODES_MAX)
        return err_set(r->err, ERR_TOO_LARGE,
                       "yaml: line %u column %u: aliases stand for more than %d nodes", n->line,
                       n->column, YAML_ALIAS_NODES_MAX);
    *ret = yaml_node_copy(n, r->a);
    return 0;
}

static int inside_itself(struct resolver *r, const struct yaml_node *n)
{
    return err_set(r->err, ERR_INVALID,
                   "yaml: line %u column %u: anchor '%.*s' value contains itself", n->line,
                   n->column, STR_FMT(n->text));
}

/* What `<<` brings, the last first. */
static int merge_values(struct resolver *r, struct yaml_node *n, bool nested, node_vec *ret)
{
    if (n->kind == YAML_NODE_SCALAR)
        return err_set(r->err, ERR_INVALID,
                       "map merge requires map or sequence of maps as the value");
    if (n->kind == YAML_NODE_ALIAS && !n->alias)
        return inside_itself(r, n);
    if (n->kind == YAML_NODE_ALIAS && n->alias->kind != YAML_NODE_MAP)
        return err_set(r->err, ERR_INVALID,
                       "invalid map merge: received alias for a non-map value");
    if (n->kind != YAML_NODE_LIST) {
        vec_push(r->a, ret, n->kind == YAML_NODE_ALIAS ? n->alias : n);
        return 0;
    }
    if (nested)
        return err_set(r->err, ERR_INVALID, "invalid map merge: received a nested sequence");
    for (size_t i = 0; i < n->n_children; i++) {
        int rc = merge_values(r, n->child[i], true, ret);
        if (rc)
            return rc;
    }
    for (size_t i = 0, j = ret->n; i + 1 < j; i++) {
        struct yaml_node *other = ret->at[--j];
        ret->at[j] = ret->at[i];
        ret->at[i] = other;
    }
    return 0;
}

/* The value of the one key that is a merge, NULL when there is none. */
static int merge_key(struct resolver *r, const struct yaml_node *map, struct yaml_node **ret)
{
    *ret = NULL;
    for (size_t i = 0; i + 1 < map->n_children; i += 2) {
        if (!str_is(map->child[i]->tag, "!!merge"))
            continue;
        if (*ret)
            return err_set(r->err, ERR_INVALID, "duplicate merge key");
        *ret = map->child[i + 1];
    }
    return 0;
}

/* Where the first key of each name is. Those without a name may lose their place to null ones, so
 * the first of them is looked for. */
struct key_index {
    struct map at; /* 1 + index */
    size_t nameless;
};

static void index_keys(struct arena *a, const struct yaml_node *map, struct key_index *ret)
{
    ret->nameless = 0;
    map_init(&ret->at, a);
    for (size_t i = 0; i + 1 < map->n_children; i += 2)
        if (!map_has(&ret->at, map->child[i]->text))
            map_set(&ret->at, map->child[i]->text, (void *)(i + 1));
}

static ptrdiff_t key_at(struct key_index *index, const struct yaml_node *map, str name)
{
    if (name.len)
        return (ptrdiff_t)(uintptr_t)map_find(&index->at, name) - 1;
    while (index->nameless < map->n_children && map->child[index->nameless]->text.len)
        index->nameless += 2;
    return index->nameless < map->n_children ? (ptrdiff_t)index->nameless : -1;
}

/* Entries of `from` take the place of those of their name, or come last. A key that is null has no
 * name, though it may be written. */
static void set_entries(struct resolver *r, struct yaml_node *map, struct key_index *index,
                        const struct yaml_node *from)
{
    struct key_index own;
    index_keys(r->a, from, &own);
    for (size_t i = 0; i + 1 < from->n_children; i += 2) {
        struct yaml_node *const *entry = from->child + key_at(&own, from, from->child[i]->text);
        str name = is_null(entry[0]) ? STR("") : entry[0]->text;
        ptrdiff_t at = key_at(index, map, name);
        if (at >= 0) {
            map->child[at] = entry[0];
            map->child[at + 1] = entry[1];
            continue;
        }
        if (!map_has(&index->at, entry[0]->text))
            map_set(&index->at, entry[0]->text, (void *)(map->n_children + 1));
        yaml_node_push(map, yaml_node_copy(entry[0], r->a), r->a);
        yaml_node_push(map, yaml_node_copy(entry[1], r->a), r->a);
    }
}

static bool has_null_key(const struct yaml_node *map)
{
    for (size_t i = 0; i + 1 < map->n_children; i += 2)
        if (is_null(map->child[i]))
            return true;
    return false;
}

/* The map's own entries are set once more behind what it merges: they win. */
static int merge_all(struct resolver *r, struct yaml_node *map)
{
    struct yaml_node *from, *given = NULL, own;
    node_vec maps = {0};
    struct key_index index;
    int rc = merge_key(r, map, &from);
    if (rc == 0 && from)
        rc = merge_values(r, from, false, &maps);
    if (rc)
        return rc;
    ptrdiff_t at = yaml_node_find(map, STR("<<")); /* whatever it is, as upstream */
    if (at >= 0)
        yaml_node_remove(map, (size_t)at, 2);
    if (!maps.n && !has_null_key(map))
        return 0;
    own = *map;
    own.child = arena_copy(r->a, map->child, map->n_children * sizeof(struct yaml_node *));
    index_keys(r->a, map, &index);
    r->aliases++;
    for (size_t i = 0; rc == 0 && i < maps.n; i++)
        if ((rc = copy(r, maps.at[i], &given)) == 0 && given)
            set_entries(r, map, &index, given);
    r->aliases--;
    if (rc == 0)
        set_entries(r, map, &index, &own);
    return rc;
}

static int copy_children(struct resolver *r, struct yaml_node *map)
{
    struct yaml_node **child = ARENA_ARRAY(r->a, struct yaml_node *, map->n_children);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < map->n_children; i++)
        rc = copy(r, map->child[i], &child[i]);
    map->child = child;
    map->cap_children = map->n_children;
    return rc;
}

static int resolve(struct resolver *r, struct yaml_node *n, bool shared, struct yaml_node **ret);

static int resolve_alias(struct resolver *r, struct yaml_node *n, struct yaml_node **ret)
{
    struct yaml_node *target;
    if (!n->alias)
        return inside_itself(r, n);
    r->aliases++;
    int rc = resolve(r, n->alias, true, &target);
    rc = rc ? rc : copy(r, target, ret);
    r->aliases--;
    return rc;
}

static int resolve(struct resolver *r, struct yaml_node *n, bool shared, struct yaml_node **ret)
{
    if (r->depth > VALUE_DEPTH_MAX)
        return err_set(r->err, ERR_TOO_LARGE,
                       "yaml: line %u column %u: nested deeper than %d levels", n->line, n->column,
                       VALUE_DEPTH_MAX);
    if (n->kind == YAML_NODE_ALIAS) {
        r->depth++;
        int rc = resolve_alias(r, n, ret);
        r->depth--;
        return rc;
    }
    bool map = n->kind == YAML_NODE_MAP;
    int rc = map && shared ? copy_children(r, n) : 0;
    n->anchor = STR("");
    *ret = n;
    r->depth++;
    rc = rc || !map ? rc : merge_all(r, n);
    for (size_t i = 0; rc == 0 && i < n->n_children; i++)
        rc = resolve(r, n->child[i], shared && !map, &n->child[i]);
    r->depth--;
    return rc;
}

static bool has_alias(const struct yaml_node *n)
{
    bool found = n->kind == YAML_NODE_ALIAS;
    for (size_t i = 0; !found && i < n->n_children; i++)
        found = has_alias(n->child[i]);
    return found;
}

int kyaml_resolve_aliases(struct yaml_node *n, struct arena *a, struct yaml_node **ret,
                          struct err *err)
{
    struct resolver r = {.a = a, .err = err};
    return resolve(&r, n, has_alias(n), ret);
}

/* ---- parts ---- */

typedef VEC(str) str_vec;

static str without_returns(struct arena *a, str text)
{
    if (!memchr(text.at, '\r', text.len))
        return text;
    char *at = arena_alloc(a, text.len), *w = at;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '\r' || i + 1 == text.len || text.at[i + 1] != '\n')
            *w++ = text.at[i];
    return str_mem(at, (size_t)(w - at));
}

/* As Go's strings.TrimSpace. */
static bool is_space(uint32_t c)
{
    return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

static str trim(str s)
{
    uint32_t c;
    size_t end = 0, begin = s.len;
    for (size_t i = 0, n; i < s.len; i += n) {
        n = utf8_decode(s.at + i, s.at + s.len, &c);
        if (is_space(c))
            continue;
        begin = MIN_OF(begin, i);
        end = i + n;
    }
    return begin < end ? str_sub(s, begin, end - begin) : STR("");
}

static int PRINTF(4, 5)
    fail(const struct yaml_input *in, struct err *err, int kind, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (in->name.len)
        return err_set(err, kind, "%.*s: %s", STR_FMT(in->name), text);
    return err_set(err, kind, "%s", text);
}

static size_t line_of(str text, size_t at)
{
    size_t n = 1;
    for (size_t i = 0; i < at; i++)
        n += text.at[i] == '\n';
    return n;
}

/* The next line that begins with --- and ends; *ret_end is behind it. -1: there is none. */
static ptrdiff_t separator(str text, size_t from, size_t *ret_end)
{
    for (;;) {
        ptrdiff_t at = str_find(str_from(text, from), STR("\n---"));
        if (at < 0)
            return -1;
        size_t begin = from + (size_t)at;
        ptrdiff_t end = str_find_char(str_from(text, begin + 4), '\n');
        if (end < 0)
            return -1;
        *ret_end = begin + 4 + (size_t)end + 1;
        return (ptrdiff_t)begin;
    }
}

/* The parts of a text, each with its last line break. */
static int split(str text, const struct yaml_input *in, struct arena *a, str_vec *ret,
                 struct err *err)
{
    size_t from = 0, end = 0;
    ptrdiff_t at;
    while (text.len && (at = separator(text, from, &end)) >= 0) {
        str line = trim(str_sub(text, (size_t)at, end - (size_t)at));
        str behind = trim(str_from(line, 3));
        if (behind.len && behind.at[0] != '#')
            return fail(in, err, ERR_INVALID, "invalid document separator: %.*s", STR_FMT(line));
        if (ret->n == YAML_DOCUMENTS_MAX)
            return fail(in, err, ERR_TOO_LARGE, "yaml: line %zu column 1: more than %d documents",
                        line_of(text, (size_t)at + 1), YAML_DOCUMENTS_MAX);
        vec_push(a, ret, str_sub(text, from, (size_t)at + 1 - from));
        from = end;
    }
    if (text.len)
        vec_push(a, ret, str_from(text, from));
    return 0;
}

/* ---- documents ---- */

struct found {
    struct yaml_document d;
    size_t part;
};

typedef VEC(struct found) found_vec;

static str kind_of(const struct yaml_node *n)
{
    const struct yaml_node *kind = yaml_node_get(n, STR("kind"));
    return kind && !is_null(kind) ? kind->text : STR("");
}

static bool is_wrapped(const struct yaml_node *n)
{
    str kind = kind_of(n);
    return (str_is(kind, "List") || str_is(kind, "ResourceList")) &&
           (yaml_node_get(n, STR("items")) || yaml_node_get(n, STR("functionConfig")));
}

static int parse_part(str part, const struct yaml_input *in, struct arena *a,
                      struct yaml_document *ret, struct err *err)
{
    struct yaml_input nameless = *in;
    struct err fault = {0};
    nameless.name = STR("");
    int rc = yaml_document_parse(part, &nameless, a, ret, &fault);
    if (rc == -ERR_TOO_LARGE)
        return fail(in, err, ERR_TOO_LARGE, "%s", fault.text);
    return rc ? fail(in, err, ERR_INVALID, "MalformedYAMLError: %s", fault.text) : 0;
}

static int read_parts(const str_vec *parts, const struct yaml_input *in, struct arena *a,
                      found_vec *ret, struct err *err)
{
    for (size_t i = 0; i < parts->n; i++) {
        struct found f = {.part = i};
        int rc = parse_part(parts->at[i], in, a, &f.d, err);
        if (rc)
            return rc;
        if (!f.d.root || is_null(f.d.root))
            continue;
        if (parts->n > 1 || !is_wrapped(f.d.root)) {
            vec_push(a, ret, f);
            continue;
        }
        const struct yaml_node *items = yaml_node_get(f.d.root, STR("items"));
        for (size_t j = 0; items && j < items->n_children; j++)
            vec_push(a, ret, (struct found){{items->child[j], STR(""), STR("")}, i});
    }
    return 0;
}

int kyaml_read(str text, const struct yaml_input *in, struct arena *a, kyaml_document_fn *document,
               void *arg, struct err *err)
{
    static const struct yaml_input defaults;
    str_vec parts = {0};
    found_vec found = {0};
    in = in ? in : &defaults;
    size_t bytes_max = in->bytes_max ? in->bytes_max : YAML_BYTES_MAX;
    if (text.len > bytes_max)
        return fail(in, err, ERR_TOO_LARGE, "yaml: line 1 column 1: text is larger than %zu bytes",
                    bytes_max);
    int rc = split(without_returns(a, text), in, a, &parts, err);
    rc = rc ? rc : read_parts(&parts, in, a, &found, err);
    struct resolver r = {.a = a, .err = err};
    bool aliases = false; /* items of a List may have anchors that others name */
    for (size_t i = 0; !aliases && i < found.n; i++)
        aliases = has_alias(found.at[i].d.root);
    for (size_t i = 0; rc == 0 && i < found.n; i++)
        rc = resolve(&r, found.at[i].d.root, aliases, &found.at[i].d.root);
    for (size_t i = 0; rc == 0 && i < found.n; i++)
        rc = document(arg, &found.at[i].d, found.at[i].part, err);
    return rc;
}
