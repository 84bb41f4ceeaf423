/* kube/kyaml_merge.c: a walk over both trees at once, as kyaml's walk.Walker with merge2.Merger.
 *
 * Both inputs are copied first: the walk takes nodes of either into the result and changes them in
 * place, as upstream does. Where the object has no node yet, the patch's becomes both sides of the
 * walk, so nulls and directives inside it are carried out on itself. Lists that merge by item are
 * kyaml_list.c's. */
#include "kube/kyaml_merge.h"

#include "base/map.h"
#include "kube/kyaml_walk.h"

#define LOOKED_THROUGH_MAX 32 /* fields of a map that need no index */

typedef VEC(str) str_vec;

/* ---- nodes ---- */

bool kyaml_is_missing(const struct yaml_node *n) { return !n || str_is(n->tag, "!!null"); }

bool kyaml_is_empty_map(const struct yaml_node *n)
{
    return kyaml_is_missing(n) || (n->kind == YAML_NODE_MAP && !n->n_children);
}

static int wrong_kind(struct kyaml_walk *w, const struct yaml_node *n, enum yaml_node_kind want)
{
    static const char *const name[] = {[YAML_NODE_SCALAR] = "ScalarNode",
                                       [YAML_NODE_LIST] = "SequenceNode",
                                       [YAML_NODE_MAP] = "MappingNode",
                                       [YAML_NODE_ALIAS] = "AliasNode"};
    struct buf text;
    buf_init(&text, ERR_TEXT_MAX);
    yaml_node_print(n, w->a, &text);
    int r = err_set(w->err, ERR_INVALID,
                    "wrong node kind: expected %s but got %s: node contents:\n%.*s", name[want],
                    name[n->kind], STR_FMT(buf_str(&text)));
    buf_done(&text);
    return r;
}

int kyaml_need_kind(struct kyaml_walk *w, const struct yaml_node *n, enum yaml_node_kind want)
{
    return kyaml_is_missing(n) || n->kind == want ? 0 : wrong_kind(w, n, want);
}

/* ---- what both sides of a node say ---- */

/* The patch's comments go to the object, which keeps its own where the patch has none. */
static void set_comments(struct kyaml_walk *w, struct yaml_node *dest,
                         const struct yaml_node *origin)
{
    if (!dest || !origin || dest == origin || !origin->comments)
        return;
    struct yaml_comments c =
        dest->comments ? *dest->comments : (struct yaml_comments){STR(""), STR(""), STR("")};
    c.head = origin->comments->head.len ? origin->comments->head : c.head;
    c.line = origin->comments->line.len ? origin->comments->line : c.line;
    c.foot = origin->comments->foot.len ? origin->comments->foot : c.foot;
    dest->comments = arena_copy(w->a, &c, sizeof(c));
}

/* An empty collection takes the style of what is merged into it. */
static void set_style(struct yaml_node *dest, const struct yaml_node *origin)
{
    if (dest && origin && dest->kind != YAML_NODE_SCALAR && !dest->n_children)
        dest->style = origin->style;
}

static void meet(struct kyaml_walk *w, struct yaml_node *dest, const struct yaml_node *origin)
{
    set_comments(w, dest, origin);
    set_style(dest, origin);
}

/* ---- directives ---- */

enum directive { MERGE, REPLACE, DELETE };

static int directive_of(struct kyaml_walk *w, str text, enum directive *ret)
{
    static const char *const name[] =
        {[MERGE] = "merge", [REPLACE] = "replace", [DELETE] = "delete"};
    for (size_t i = 0; i < ARRAY_LEN(name); i++)
        if (str_is(text, name[i])) {
            *ret = (enum directive)i;
            return 0;
        }
    return err_set(w->err, ERR_INVALID, "unknown patch strategy '%.*s'", STR_FMT(text));
}

static int map_directive(struct kyaml_walk *w, struct yaml_node *origin, enum directive *ret)
{
    *ret = MERGE;
    if (kyaml_is_missing(origin) || origin->kind != YAML_NODE_MAP)
        return 0;
    ptrdiff_t i = yaml_node_find(origin, STR("$patch"));
    int r = i < 0 ? 0 : directive_of(w, origin->child[i + 1]->text, ret);
    if (r == 0 && i >= 0)
        yaml_node_remove(origin, (size_t)i, 2);
    return r;
}

static int list_directive(struct kyaml_walk *w, struct yaml_node *origin, enum directive *ret)
{
    const str key = STR("$patch");
    *ret = MERGE;
    for (size_t i = 0; origin && i < origin->n_children; i++) {
        const struct yaml_node *item = origin->child[i];
        const struct yaml_node *v = kyaml_is_missing(item) ? NULL : yaml_node_get(item, key);
        if (!v)
            continue;
        if (item->n_children > 2)
            return 0; /* it is the item's */
        str text = v->text;
        int r = directive_of(w, text, ret);
        return r ? r : kyaml_set_element(w, origin, NULL, &key, 1, &text, 1);
    }
    return 0;
}

/* ---- fields ---- */

/* Where the fields of a map are. Fields that were removed leave NULL until the walk of the map is
 * over, so places stay. */
struct fields {
    struct yaml_node *map;
    struct map at; /* name -> 1 + index of its key, when they are many */
    bool indexed;
};

static struct fields fields_of(struct kyaml_walk *w, struct yaml_node *map)
{
    struct fields f = {.map = map && map->kind == YAML_NODE_MAP ? map : NULL};
    if (!f.map || map->n_children <= 2 * LOOKED_THROUGH_MAX)
        return f;
    f.indexed = true;
    map_init(&f.at, w->a);
    for (size_t i = 0; i + 1 < map->n_children; i += 2)
        if (!map_has(&f.at, map->child[i]->text))
            map_set(&f.at, map->child[i]->text, (void *)(i + 1));
    return f;
}

/* Where a field's key stands, its value behind it; NULL: there is none. Until the map grows. */
static struct yaml_node **field_at(const struct fields *f, str name)
{
    if (f->indexed) {
        uintptr_t at = (uintptr_t)map_find(&f->at, name);
        return at ? f->map->child + at - 1 : NULL;
    }
    for (size_t i = 0; f->map && i + 1 < f->map->n_children; i += 2)
        if (f->map->child[i] && str_eq(f->map->child[i]->text, name))
            return f->map->child + i;
    return NULL;
}

static void remove_gaps(struct yaml_node *map)
{
    size_t n = 0;
    for (size_t i = 0; i < map->n_children; i++)
        if (map->child[i])
            map->child[n++] = map->child[i];
    map->n_children = n;
}

/* A text that YAML 1.1 takes for something else is quoted. */
static void quote_if_needed(struct kyaml_walk *w, struct yaml_node *n)
{
    if (n->kind == YAML_NODE_SCALAR && (!n->tag.len || str_is(n->tag, "!!str")) && !n->style &&
        yaml_node_reads_otherwise(n->text, w->a))
        n->style = VALUE_STYLE_DOUBLE;
}

/* `to` becomes what v is, in its own style. */
static void replace_node(struct kyaml_walk *w, struct yaml_node *to, struct yaml_node *v)
{
    if (to == v)
        return;
    v->style = to->style;
    *to = *v;
    to->child = arena_copy(w->a, v->child, v->n_children * sizeof(struct yaml_node *));
    to->cap_children = v->n_children;
}

void kyaml_set_field(struct kyaml_walk *w, struct yaml_node *map, str name, struct yaml_node *v)
{
    ptrdiff_t i = yaml_node_find(map, name);
    quote_if_needed(w, v);
    if (i >= 0) {
        replace_node(w, map->child[i + 1], v);
        return;
    }
    yaml_node_push(map, yaml_node_new(w->a, YAML_NODE_SCALAR, name), w->a);
    yaml_node_push(map, v, w->a);
}

static void collect_names(struct arena *a, const struct yaml_node *n, str_vec *ret)
{
    for (size_t i = 0; n && n->kind == YAML_NODE_MAP && i + 1 < n->n_children; i += 2)
        vec_push(a, ret, n->child[i]->text);
}

/* What is known of a field's value: a comment of it or of its key goes before its type. */
static struct kyaml_known known_value(struct kyaml_walk *w, struct kyaml_known k, str name,
                                      struct yaml_node *const *dest,
                                      struct yaml_node *const *origin)
{
    struct yaml_node *const *side[2] = {dest, origin};
    for (int i = 0; i < 2; i++)
        for (int j = 1; side[i] && j >= 0; j--) {
            struct kyaml_known said = kyaml_known_comment(side[i][j], w->a);
            if (kyaml_is_known(said))
                return said;
        }
    return kyaml_known_field(k, name);
}

static int walk_field(struct kyaml_walk *w, struct kyaml_known k, str name,
                      const struct fields *dest, const struct fields *origin)
{
    struct yaml_node **to = field_at(dest, name), **from = field_at(origin, name), *v;
    struct yaml_node *x = to ? to[1] : NULL, *y = from ? from[1] : NULL;
    unsigned key_style = from ? from[0]->style : 0;
    str path = w->path;
    w->path = path.len ? ARENA_CAT(w->a, path, STR("."), name) : name;
    int r = kyaml_walk(w, known_value(w, k, name, to, from), x, y, &v);
    w->path = path;
    if (r)
        return r;
    /* a null that was written down stays: it is a node of its own then */
    if (!v || (kyaml_is_missing(v) && (v == x || v == y))) {
        if (to)
            to[0] = to[1] = NULL;
        return 0;
    }
    quote_if_needed(w, v);
    if (to) {
        replace_node(w, to[1], v);
        return 0;
    }
    struct yaml_node *key = yaml_node_new(w->a, YAML_NODE_SCALAR, name);
    key->style = v == y ? key_style : 0;
    yaml_node_push(dest->map, key, w->a);
    yaml_node_push(dest->map, v, w->a);
    return 0;
}

/* ---- maps ---- */

static int visit_map(struct kyaml_walk *w, struct yaml_node *dest, struct yaml_node *origin,
                     struct yaml_node **ret)
{
    enum directive d;
    struct err ignored, *err = w->err;
    *ret = NULL;
    meet(w, dest, origin);
    if (kyaml_is_missing(dest)) {
        w->err = &ignored;
        int r = map_directive(w, origin, &d);
        w->err = err;
        if (r == 0 && d == DELETE)
            return 0;
        *ret = origin;
        if (!origin && dest && dest->text.len) {
            *ret = yaml_node_new(w->a, YAML_NODE_SCALAR, dest->text);
            (*ret)->tag = STR("!!null");
        }
        return 0;
    }
    if (origin && kyaml_is_missing(origin))
        return 0;
    int r = map_directive(w, origin, &d);
    if (r == 0 && d != DELETE)
        *ret = d == REPLACE ? origin : dest;
    return r;
}

static int walk_map(struct kyaml_walk *w, struct kyaml_known k, struct yaml_node *dest,
                    struct yaml_node *origin, struct yaml_node **ret)
{
    str_vec names = {0};
    int r = visit_map(w, dest, origin, ret);
    if (r || !*ret || (*ret)->kind != YAML_NODE_MAP)
        return r;
    dest = *ret;
    collect_names(w->a, dest, &names);
    if (origin != dest)
        collect_names(w->a, origin, &names);
    if (names.n)
        qsort(names.at, names.n, sizeof(*names.at), str_cmp_qsort);
    struct fields to = fields_of(w, dest), from = origin == dest ? to : fields_of(w, origin);
    for (size_t i = 0; r == 0 && i < names.n; i++)
        if (!i || !str_eq(names.at[i], names.at[i - 1]))
            r = walk_field(w, k, names.at[i], &to, &from);
    remove_gaps(dest);
    return r;
}

/* ---- lists ---- */

static int visit_list(struct kyaml_walk *w, bool by_item, struct yaml_node *dest,
                      struct yaml_node *origin, struct yaml_node **ret)
{
    enum directive d = MERGE;
    meet(w, dest, origin);
    *ret = origin ? origin : dest;
    if (!by_item)
        return 0;
    *ret = NULL;
    if (kyaml_is_missing(dest)) {
        *ret = origin;
        return 0;
    }
    if (origin && kyaml_is_missing(origin))
        return 0;
    int r = list_directive(w, origin, &d);
    if (r == 0 && d != DELETE)
        *ret = d == REPLACE ? origin : dest;
    return r;
}

/* All items have a `name`. */
static bool has_names(const struct yaml_node *list)
{
    for (size_t i = 0; i < list->n_children; i++)
        if (!yaml_node_get(list->child[i], STR("name")))
            return false;
    return true;
}

static bool merges_by_item(const struct kyaml_walk *w, struct kyaml_known k,
                           const struct yaml_node *dest, const struct yaml_node *origin)
{
    if (kyaml_is_known(k))
        return k.field && k.field->merge;
    return w->how->infer_lists && !k.of_kind &&
           ((!kyaml_is_missing(dest) && has_names(dest)) ||
            (!kyaml_is_missing(origin) && has_names(origin)));
}

/* The key that inferred lists have in common. */
static int inferred_key(struct kyaml_walk *w, const struct yaml_node *dest,
                        const struct yaml_node *origin, str *ret)
{
    const struct yaml_node *side[2] = {dest, origin};
    str key = STR("");
    for (int i = 0; i < 2; i++) {
        if (!side[i] || !side[i]->n_children)
            continue;
        str found = has_names(side[i]) ? STR("name") : STR("");
        if (key.len && !str_eq(key, found))
            return err_set(w->err, ERR_INVALID, "conflicting merge keys [%.*s,%.*s] for field %.*s",
                           STR_FMT(key), STR_FMT(found), STR_FMT(w->path));
        key = found;
    }
    if (!key.len)
        return err_set(w->err, ERR_INVALID, "no merge key found for field %.*s", STR_FMT(w->path));
    *ret = key;
    return 0;
}

static int walk_list(struct kyaml_walk *w, struct kyaml_known k, struct yaml_node *dest,
                     struct yaml_node *origin, struct yaml_node **ret)
{
    str key[KYAML_KEYS_MAX] = {STR("")};
    size_t n = 0;
    bool by_item = merges_by_item(w, k, dest, origin);
    int r = visit_list(w, by_item, dest, origin, ret);
    if (r || !by_item || !*ret || (*ret)->kind != YAML_NODE_LIST)
        return r;
    if (kyaml_is_known(k)) {
        str rest = k.field->keys;
        while (rest.len && n < KYAML_KEYS_MAX && str_next(&rest, ',', &key[n]))
            n++;
    } else {
        r = inferred_key(w, *ret, origin, &key[n++]);
    }
    return r ? r : kyaml_merge_items(w, k, key, n ? n : 1, origin, ret);
}

/* ---- any node ---- */

static int walk_scalar(struct kyaml_walk *w, struct yaml_node *dest, struct yaml_node *origin,
                       struct yaml_node **ret)
{
    meet(w, dest, origin);
    *ret = origin ? origin : dest;
    return 0;
}

static int walk_kind(struct kyaml_walk *w, struct kyaml_known k, struct yaml_node *dest,
                     struct yaml_node *origin, struct yaml_node **ret)
{
    const struct yaml_node *first = kyaml_is_missing(dest) ? origin : dest;
    *ret = NULL;
    if (kyaml_is_missing(first))
        return walk_map(w, k, dest, origin, ret);
    if (first->kind == YAML_NODE_ALIAS)
        return 0;
    int r = kyaml_need_kind(w, origin, first->kind);
    if (r)
        return r;
    if (first->kind == YAML_NODE_MAP)
        return walk_map(w, k, dest, origin, ret);
    if (first->kind == YAML_NODE_LIST)
        return walk_list(w, k, dest, origin, ret);
    return walk_scalar(w, dest, origin, ret);
}

static str meta_of(const struct yaml_node *n, str name)
{
    const struct yaml_node *v = yaml_node_get(n, name);
    return kyaml_is_missing(v) ? STR("") : v->text;
}

/* An object that stands where nothing is known of the type. */
static struct kyaml_known known_object(struct kyaml_known k, const struct yaml_node *n)
{
    if (kyaml_is_known(k) || kyaml_is_missing(n))
        return k;
    return kyaml_known_kind(k, meta_of(n, STR("apiVersion")), meta_of(n, STR("kind")));
}

static struct kyaml_known known_said(struct kyaml_walk *w, const struct yaml_node *dest,
                                     const struct yaml_node *origin)
{
    struct kyaml_known said = {NULL, NULL, false};
    if (!kyaml_is_missing(dest))
        said = kyaml_known_comment(dest, w->a);
    if (!kyaml_is_known(said) && !kyaml_is_missing(origin))
        said = kyaml_known_comment(origin, w->a);
    return said;
}

int kyaml_walk(struct kyaml_walk *w, struct kyaml_known k, struct yaml_node *dest,
               struct yaml_node *origin, struct yaml_node **ret)
{
    if (w->depth > VALUE_DEPTH_MAX)
        return err_set(w->err, ERR_TOO_LARGE, "nested deeper than %d levels", VALUE_DEPTH_MAX);
    struct kyaml_known said = known_said(w, dest, origin);
    k = kyaml_is_known(said) ? said : known_object(known_object(k, dest), origin);
    w->depth++;
    int r = walk_kind(w, k, dest, origin, ret);
    w->depth--;
    return r;
}

int kyaml_merge(const struct yaml_node *object, const struct yaml_node *patch,
                const struct kyaml_merge *how, struct arena *a, struct yaml_node **ret,
                struct err *err)
{
    static const struct kyaml_merge kustomize;
    struct err scratch;
    struct kyaml_walk w = {.how = how ? how : &kustomize, .a = a, .err = err ? err : &scratch};
    return kyaml_walk(&w, (struct kyaml_known){NULL, NULL, false}, yaml_node_copy(object, a),
                      yaml_node_copy(patch, a), ret);
}
