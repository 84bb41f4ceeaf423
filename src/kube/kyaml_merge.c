/* kube/kyaml_merge.c: a walk over both trees at once, as kyaml's walk.Walker with merge2.Merger.
 *
 * Both inputs are thawed first: the walk takes nodes of either into the result and changes them in
 * place, as upstream does. Where the object has no node yet, the patch's becomes both sides of the
 * walk, so nulls and directives inside it are carried out on itself. The association of list items
 * has quirks that users see (kustomize.md, 12.2); it follows upstream step by step. */
#include "kube/kyaml_merge.h"

#include "value/json.h"
#include "value/style.h"

struct kyaml_type;

struct kyaml_field {
    str name, keys; /* of a list's items, comma-separated; "": items are scalars */
    bool merge;     /* its list merges by item */
    const struct kyaml_type *type;
};

struct kyaml_type {
    const struct kyaml_field *field;
    size_t n_fields;
    const struct kyaml_type *elem; /* of lists and maps */
};

struct kyaml_kind {
    str api_version, kind;
    const struct kyaml_type *type;
};

#include "kube/kyaml_table.inc"

#define KEYS_MAX 4

typedef VEC(str) str_vec;
typedef VEC(value) value_vec;

struct walk {
    const struct kyaml_merge *how;
    struct arena *a;
    struct err *err;
    unsigned depth;
    str path; /* dotted, of the node */
};

/* What is known of a node: its type, and whether it is a list that merges. */
struct known {
    const struct kyaml_type *type;
    const struct kyaml_field *field;
    bool of_kind; /* it is in an object of a known kind: nothing is inferred */
};

static int walk(struct walk *w, struct known known, value dest, value origin, value *ret);

/* ---- nodes ---- */

static bool missing(value v) { return value_is_nil(v); }
static bool is_scalar(value v) { return value_exists(v) && value_type(v) < VALUE_LIST; }

/* The text of a scalar as it stands in the file; of other nodes "". */
static str text_of(struct walk *w, value v)
{
    if (value_is_string(v))
        return value_str(v);
    if (value_is_null(v))
        return value_style(v) & VALUE_STYLE_EMPTY ? STR("") : STR("null");
    if (!is_scalar(v))
        return STR("");
    str literal = value_literal(v);
    return literal.len ? literal : json_str(w->a, v, AUDIENCE_WIRE, 0);
}

static bool is_empty(value v)
{
    return missing(v) || ((value_is_map(v) || value_is_list(v)) && !value_len(v));
}

static bool is_empty_map(value v) { return missing(v) || (value_is_map(v) && !value_len(v)); }

/* What a text means when nothing says that it is one. */
static value plain_scalar(struct walk *w, str text)
{
    struct json_input in = {.keep_literals = true};
    value v;
    if (json_parse(text, &in, w->a, &v, NULL) == 0 && is_scalar(v) && !value_is_string(v))
        return v;
    return value_of_str(w->a, text);
}

/* The scalar, or the container, as it is written in the place of `old`. */
static value restyled(struct walk *w, value v, value old)
{
    unsigned style = value_style(old) & ~(unsigned)VALUE_STYLE_EMPTY;
    bool number = is_scalar(v) && !value_is_string(v);
    if (missing(v) || (number && !(style & VALUE_STYLE_QUOTED)))
        return v;
    if (number)
        v = value_of_str(w->a, text_of(w, v));
    if (!v.doc)
        value_set_style(v, style);
    return v;
}

static const char *kind_name(value v)
{
    return value_is_map(v) ? "MappingNode" : value_is_list(v) ? "SequenceNode" : "ScalarNode";
}

static int wrong_kind(struct walk *w, value v, const char *want)
{
    return err_set(w->err, ERR_INVALID,
                   "wrong node kind: expected %s but got %s: node contents:\n%.*s", want,
                   kind_name(v),
                   STR_FMT(is_scalar(v) ? text_of(w, v) : json_str(w->a, v, AUDIENCE_WIRE, 0)));
}

static int need_kind(struct walk *w, value v, const char *want)
{
    return missing(v) || strcmp(kind_name(v), want) == 0 ? 0 : wrong_kind(w, v, want);
}

/* ---- what is known ---- */

static struct known known_field(struct known k, str name)
{
    const struct kyaml_type *t = k.type;
    for (size_t i = 0; t && i < t->n_fields; i++)
        if (str_eq(t->field[i].name, name))
            return (struct known){t->field[i].type, &t->field[i], true};
    return (struct known){t && !t->n_fields ? t->elem : NULL, NULL, k.of_kind};
}

/* The kind of an object that stands where nothing is known of the type. */
static struct known known_kind(struct known k, value v)
{
    str api_version = value_path_str(v, "apiVersion"), kind = value_path_str(v, "kind");
    size_t low = 0, high = ARRAY_LEN(kyaml_kinds);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = str_cmp(kyaml_kinds[mid].api_version, api_version);
        c = c ? c : str_cmp(kyaml_kinds[mid].kind, kind);
        if (!c)
            return (struct known){kyaml_kinds[mid].type, NULL, true};
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return k;
}

static bool is_known(struct known k) { return k.type || k.field; }

/* All items have a `name`. */
static bool has_names(value list)
{
    for (struct value_iter it = value_iter(list); value_next(&it);)
        if (!value_exists(value_getz(it.val, "name")))
            return false;
    return true;
}

static bool merges_by_item(const struct walk *w, struct known k, value dest, value origin)
{
    if (is_known(k))
        return k.field && k.field->merge;
    return w->how->infer_lists && !k.of_kind &&
           ((!missing(dest) && has_names(dest)) || (!missing(origin) && has_names(origin)));
}

/* ---- directives ---- */

enum directive { MERGE, REPLACE, DELETE };

static int directive_of(struct walk *w, str text, enum directive *ret)
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

static int map_directive(struct walk *w, value origin, enum directive *ret)
{
    value v = value_getz(origin, "$patch");
    *ret = MERGE;
    if (!value_exists(v))
        return 0;
    int r = directive_of(w, text_of(w, v), ret);
    if (r == 0)
        value_remove(origin, STR("$patch"));
    return r;
}

static int set_element(struct walk *w, value list, value element, const str *key, size_t n_keys,
                       const str *val, size_t n_vals);

static int list_directive(struct walk *w, value origin, enum directive *ret)
{
    const str key = STR("$patch");
    *ret = MERGE;
    for (struct value_iter it = value_iter(origin); value_next(&it);) {
        value v = value_get(it.val, key);
        if (!value_exists(v))
            continue;
        if (value_len(it.val) > 1)
            return 0; /* it is the item's */
        str text = text_of(w, v);
        int r = directive_of(w, text, ret);
        return r ? r : set_element(w, origin, VALUE_ABSENT, &key, 1, &text, 1);
    }
    return 0;
}

/* ---- maps ---- */

static int visit_map(struct walk *w, value dest, value origin, value *ret)
{
    enum directive d;
    struct err ignored, *err = w->err;
    *ret = VALUE_ABSENT;
    if (missing(dest)) {
        w->err = &ignored;
        int r = map_directive(w, origin, &d);
        w->err = err;
        if (r == 0 && d == DELETE)
            return 0;
        *ret = value_exists(origin) ? origin : dest;
        return 0;
    }
    if (value_is_null(origin))
        return 0;
    int r = map_directive(w, origin, &d);
    if (r == 0 && d != DELETE)
        *ret = d == REPLACE ? origin : dest;
    return r;
}

static void collect_names(struct arena *a, value v, str_vec *ret)
{
    for (struct value_iter it = value_iter(v); value_is_map(v) && value_next(&it);)
        vec_push(a, ret, it.key);
}

/* A null that was written down stays when the patch says nothing of it. */
static bool keeps_null(value dest, value origin, value v)
{
    return value_is_null(v) && !value_exists(origin) && value_is_null(dest) &&
           !(value_style(dest) & VALUE_STYLE_EMPTY);
}

static int walk_field(struct walk *w, struct known k, str name, value dest, value from,
                      value origin)
{
    value x = value_get(from, name), y = value_get(origin, name), v;
    str path = w->path;
    w->path = path.len ? ARENA_CAT(w->a, path, STR("."), name) : name;
    int r = walk(w, known_field(k, name), x, y, &v);
    w->path = path;
    if (r)
        return r;
    value old = value_get(dest, name);
    if (!value_exists(v) || (value_is_null(v) && !keeps_null(x, y, v)))
        value_remove(dest, name);
    else if (value_exists(old))
        value_set(w->a, dest, name, restyled(w, v, old));
    else
        value_set(w->a, dest, name, v);
    return 0;
}

static int walk_map(struct walk *w, struct known k, value dest, value origin, value *ret)
{
    str_vec names = {0};
    int r = visit_map(w, dest, origin, ret);
    if (r || !value_is_map(*ret))
        return r;
    dest = *ret;
    collect_names(w->a, dest, &names);
    collect_names(w->a, origin, &names);
    if (names.n)
        qsort(names.at, names.n, sizeof(*names.at), str_cmp_qsort);
    for (size_t i = 0; r == 0 && i < names.n; i++)
        if (!i || !str_eq(names.at[i], names.at[i - 1]))
            r = walk_field(w, k, names.at[i], dest, dest, origin);
    return r;
}

/* ---- items of lists ---- */

struct tuple {
    str val[KEYS_MAX];
    size_t n;
};

typedef VEC(struct tuple) tuple_vec;

/* Does an item have that text at that key ("": the item itself; a key with "": anything)? */
static int item_has(struct walk *w, value item, str key, str text, bool *ret)
{
    *ret = false;
    if (missing(item))
        return 0;
    if (!key.len) {
        *ret = str_eq(text_of(w, item), text);
        return need_kind(w, item, "ScalarNode");
    }
    value v = value_get(item, key);
    *ret = value_exists(v) && (!text.len || str_eq(text_of(w, v), text));
    return need_kind(w, item, "MappingNode");
}

/* Put an element in the place of those that match, or at the end; absent: remove them. Nulls and
 * empty maps go in any case. Keys without a value repeat what the last one with a value said. */
static int set_element(struct walk *w, value list, value element, const str *key, size_t n_keys,
                       const str *val, size_t n_vals)
{
    bool of_maps = key[0].len && n_vals && val[0].len, replaced = false;
    value_vec kept = {0};
    for (struct value_iter it = value_iter(list); value_next(&it);) {
        bool match = false, found = true;
        if (is_empty_map(it.val))
            continue;
        if (!value_is_map(it.val) && of_maps) {
            vec_push(w->a, &kept, it.val);
            continue;
        }
        for (size_t j = 0; j < n_keys && found; j++) {
            int r = j < n_vals ? item_has(w, it.val, key[j], val[j], &match) : 0;
            if (r)
                return r;
            found = match;
        }
        replaced = replaced || found;
        if (!found && n_vals)
            vec_push(w->a, &kept, it.val);
        else if (found && value_exists(element))
            vec_push(w->a, &kept, element);
    }
    while (value_len(list))
        value_remove_at(list, value_len(list) - 1);
    for (size_t i = 0; i < kept.n; i++)
        value_push(w->a, list, kept.at[i]);
    if (!missing(element) && !replaced)
        value_push(w->a, list, element);
    return 0;
}

/* The first item that has all these values; absent when there is none. */
static value find_item(struct walk *w, value list, const str *key, const struct tuple *t)
{
    for (struct value_iter it = value_iter(list); value_is_list(list) && value_next(&it);) {
        bool all = true;
        if (!key[0].len) {
            if (str_eq(text_of(w, it.val), t->val[0]))
                return it.val;
            continue;
        }
        if (!value_is_map(it.val) && !missing(it.val))
            continue;
        for (size_t j = 0; j < t->n && all; j++) {
            value v = value_get(it.val, key[j]);
            all = value_exists(v) && str_eq(text_of(w, v), t->val[j]);
        }
        if (all)
            return it.val;
    }
    return VALUE_ABSENT;
}

static bool same_tuple(const struct tuple *x, const struct tuple *y)
{
    bool same = x->n == y->n;
    for (size_t i = 0; same && i < x->n; i++)
        same = str_eq(x->val[i], y->val[i]);
    return same;
}

static void add_tuple(struct walk *w, tuple_vec *to, const struct tuple *t)
{
    for (size_t i = 0; i < to->n; i++)
        if (same_tuple(&to->at[i], t))
            return;
    vec_push(w->a, to, *t);
}

static void collect_tuples(struct walk *w, value list, const str *key, size_t n_keys, tuple_vec *to)
{
    for (struct value_iter it = value_iter(list); value_is_list(list) && value_next(&it);) {
        struct tuple t = {.n = n_keys};
        for (size_t j = 0; j < n_keys; j++) {
            value v = key[j].len ? value_get(it.val, key[j]) : it.val;
            t.val[j] = key[j].len && is_empty(v) ? STR("") : text_of(w, v);
        }
        if (n_keys)
            add_tuple(w, to, &t);
    }
}

/* Tuples that agree in one value and differ only where one of them has none are the same. */
static bool merged_tuple(const struct tuple *x, const struct tuple *y, struct tuple *ret)
{
    bool common = false;
    *ret = *x;
    for (size_t i = 0; i < x->n; i++) {
        if (str_eq(x->val[i], y->val[i]))
            common = true;
        else if (x->val[i].len && y->val[i].len)
            return false;
        else if (!x->val[i].len)
            ret->val[i] = y->val[i];
    }
    return common;
}

static void merge_tuples(tuple_vec *v)
{
    for (size_t i = 0; i < v->n; i++) {
        struct tuple of_i = v->at[i], both; /* upstream goes on with the tuple as it was */
        for (size_t j = 0; j < v->n; j++)
            if (merged_tuple(&of_i, &v->at[j], &both))
                v->at[i] = v->at[j] = both;
    }
}

/* The keys for which any of the tuples has a value (none: all of them), and t's values for those.
 */
static size_t valid_keys(const tuple_vec *all, const struct tuple *t, const str *key, str *ret_key,
                         struct tuple *ret)
{
    bool has[KEYS_MAX] = {0};
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++)
        for (size_t j = 0; j < t->n; j++)
            has[j] = has[j] || all->at[i].val[j].len;
    for (size_t j = 0; j < t->n; j++)
        if (has[j]) {
            ret->val[n] = t->val[j];
            ret_key[n++] = key[j];
        }
    if (!n)
        for (; n < t->n; n++) {
            ret->val[n] = t->val[n];
            ret_key[n] = key[n];
        }
    ret->n = n;
    return n;
}

/* Items of one list after those of the other, each in the place of its like. */
static int append_items(struct walk *w, value to, value from, const str *key, size_t n_keys)
{
    value_vec items = {0};
    for (struct value_iter it = value_iter(from); value_next(&it);)
        vec_push(w->a, &items, it.val);
    for (size_t i = 0; i < items.n; i++) {
        str val[KEYS_MAX];
        size_t n = 0;
        int r = 0;
        if (!key[0].len) {
            str text = text_of(w, items.at[i]);
            r = set_element(w, to, items.at[i], key, 1, &text, 1);
            if (r)
                return r;
            continue;
        }
        for (size_t j = 0; j < n_keys; j++) {
            if ((r = need_kind(w, items.at[i], "MappingNode")))
                return r;
            value v = value_get(items.at[i], key[j]);
            if (value_exists(v))
                val[n++] = text_of(w, v);
            else
                value_push(w->a, to, items.at[i]);
        }
        if (n_keys > 1)
            r = set_element(w, to, VALUE_ABSENT, key, n_keys, val, n);
        if (r == 0)
            r = set_element(w, to, items.at[i], key, n_keys, val, n);
        if (r)
            return r;
    }
    return 0;
}

/* The item that one tuple stands for, merged, goes to `added`; or its like goes from dest. */
static int merge_item(struct walk *w, struct known elem, const str *key, const struct tuple *t,
                      value dest, value origin, value added)
{
    str own_key[KEYS_MAX];
    struct tuple own;
    tuple_vec alone = {0};
    value v;
    add_tuple(w, &alone, t);
    valid_keys(&alone, t, key, own_key, &own);
    str path = w->path;
    w->path = STR(""); /* messages inside an item name the way from it */
    int r =
        walk(w, elem, find_item(w, dest, own_key, &own), find_item(w, origin, own_key, &own), &v);
    w->path = path;
    if (r)
        return r;
    if (is_empty_map(v))
        return set_element(w, dest, VALUE_ABSENT, key, t->n, t->val, t->n);
    for (size_t j = 0; j < t->n; j++) {
        if (value_is_map(v) && !value_exists(value_get(v, key[j])) && t->val[j].len)
            value_set(w->a, v, key[j], plain_scalar(w, t->val[j]));
    }
    return set_element(w, added, v, key, t->n, t->val, t->n);
}

static int merge_items(struct walk *w, struct known k, const str *key, size_t n_keys, value dest,
                       value origin)
{
    bool append = w->how->append;
    const struct kyaml_type *list = k.field ? k.field->type : NULL;
    struct known elem = {list ? list->elem : NULL, NULL, k.of_kind};
    tuple_vec tuples = {0};
    value added = value_new_list(w->a);
    str valid[KEYS_MAX];
    size_t n_valid = 0;
    collect_tuples(w, append ? dest : origin, key, n_keys, &tuples);
    collect_tuples(w, append ? origin : dest, key, n_keys, &tuples);
    if (n_keys > 1)
        merge_tuples(&tuples);
    for (size_t i = 0; i < tuples.n; i++) {
        struct tuple t;
        n_valid = valid_keys(&tuples, &tuples.at[i], key, valid, &t);
        int r = merge_item(w, elem, valid, &t, dest, origin, added);
        if (r)
            return r;
    }
    if (!tuples.n)
        return 0;
    if (append)
        return append_items(w, dest, added, valid, n_valid);
    int r = append_items(w, added, dest, valid, n_valid);
    while (r == 0 && value_len(dest))
        value_remove_at(dest, value_len(dest) - 1);
    for (struct value_iter it = value_iter(added); r == 0 && value_next(&it);)
        value_push(w->a, dest, it.val);
    return r;
}

/* ---- lists ---- */

static int visit_list(struct walk *w, value dest, value origin, value *ret)
{
    enum directive d = MERGE;
    *ret = VALUE_ABSENT;
    if (missing(dest)) {
        *ret = origin;
        return 0;
    }
    if (value_is_null(origin))
        return 0;
    int r = list_directive(w, origin, &d);
    if (r == 0 && d != DELETE)
        *ret = d == REPLACE ? origin : dest;
    return r;
}

/* The key that inferred lists have in common. */
static int inferred_key(struct walk *w, value dest, value origin, str *ret)
{
    const value side[2] = {dest, origin};
    str key = STR("");
    for (int i = 0; i < 2; i++) {
        if (!value_len(side[i]))
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

static int walk_list(struct walk *w, struct known k, value dest, value origin, value *ret)
{
    str key[KEYS_MAX] = {STR("")};
    size_t n = 0;
    if (!merges_by_item(w, k, dest, origin)) {
        *ret = value_exists(origin) ? origin : dest;
        return 0;
    }
    int r = visit_list(w, dest, origin, ret);
    if (r || !value_is_list(*ret))
        return r;
    if (is_known(k)) {
        str rest = k.field->keys;
        while (rest.len && n < KEYS_MAX && str_next(&rest, ',', &key[n]))
            n++;
    } else {
        r = inferred_key(w, *ret, origin, &key[n++]);
    }
    return r ? r : merge_items(w, k, key, n ? n : 1, *ret, origin);
}

static int walk_kind(struct walk *w, struct known k, value dest, value origin, value *ret)
{
    value first = missing(dest) ? origin : dest;
    if (missing(first) || value_is_map(first)) {
        int r = need_kind(w, dest, "MappingNode");
        r = r ? r : need_kind(w, origin, "MappingNode");
        return r ? r : walk_map(w, k, dest, origin, ret);
    }
    int r = need_kind(w, origin, kind_name(first));
    if (r)
        return r;
    if (value_is_list(first))
        return walk_list(w, k, dest, origin, ret);
    *ret = value_exists(origin) ? origin : dest;
    return 0;
}

static int walk(struct walk *w, struct known k, value dest, value origin, value *ret)
{
    if (w->depth > VALUE_DEPTH_MAX)
        return err_set(w->err, ERR_TOO_LARGE, "nested deeper than %d levels", VALUE_DEPTH_MAX);
    if (!is_known(k))
        k = known_kind(k, dest);
    if (!is_known(k))
        k = known_kind(k, origin);
    w->depth++;
    int r = walk_kind(w, k, dest, origin, ret);
    w->depth--;
    return r;
}

int kyaml_merge(value object, value patch, const struct kyaml_merge *how, struct arena *a,
                value *ret, struct err *err)
{
    static const struct kyaml_merge kustomize;
    struct err scratch;
    struct walk w = {.how = how ? how : &kustomize, .a = a, .err = err ? err : &scratch};
    value dest = value_exists(object) ? value_thaw(a, object) : object;
    value origin = value_exists(patch) ? value_thaw(a, patch) : patch;
    return walk(&w, (struct known){NULL, NULL, false}, dest, origin, ret);
}
