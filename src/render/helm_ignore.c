/* .helmignore: one pattern a line, read in order; see render/helm_chart.h. */
#include <string.h>

#include "lang/glob.h"
#include "render/helm_chart.h"

struct rule {
    str pattern;
    str tail; /* what every name that matches ends in */
    bool negate, only_folders, base_only;
};

struct helm_ignore {
    struct arena *arena;
    VEC(struct rule) rules;
};

struct helm_ignore *helm_ignore_new(struct arena *a)
{
    struct helm_ignore *g = ARENA_NEW(a, struct helm_ignore);
    g->arena = a;
    return g;
}

/* The literal end of a pattern: most rules are "*.bak" or a name, most files end otherwise. */
static str literal_tail(str pattern)
{
    size_t from = pattern.len;
    while (from && !strchr("*?[]\\", pattern.at[from - 1]))
        from--;
    bool has_class = str_find_char(pattern, '[') >= 0 || str_find_char(pattern, '\\') >= 0;
    return has_class ? STR("") : str_from(pattern, from);
}

static int add_rule(struct helm_ignore *g, str line, struct err *err)
{
    bool matched = false;
    line = str_trim(line);
    if (!line.len || line.at[0] == '#')
        return 0;
    if (str_has(line, STR("**")))
        return err_set(err, ERR_INVALID, "double-star (**) syntax is not supported");
    int rc = path_match(line, STR("abc"), &matched, err);
    if (rc)
        return rc;
    struct rule r = {.pattern = line};
    if (str_starts(r.pattern, STR("!"))) {
        r.negate = true;
        r.pattern = str_from(r.pattern, 1);
    }
    if (str_ends(r.pattern, STR("/"))) {
        r.only_folders = true;
        r.pattern.len--;
    }
    if (str_starts(r.pattern, STR("/")))
        r.pattern = str_from(r.pattern, 1);
    else
        r.base_only = str_find_char(r.pattern, '/') < 0;
    r.tail = literal_tail(r.pattern);
    vec_push(g->arena, &g->rules, r);
    return 0;
}

void helm_ignore_add_defaults(struct helm_ignore *g)
{
    struct err err;
    int rc = add_rule(g, STR("templates/.?*"), &err);
    (void)rc; /* a literal pattern that parses */
}

int helm_ignore_parse(str text, struct arena *a, struct helm_ignore **ret, struct err *err)
{
    struct helm_ignore *g = helm_ignore_new(a);
    str rest = str_trim_prefix(text, STR("\xef\xbb\xbf")), line;
    while (str_next(&rest, '\n', &line)) {
        int rc = add_rule(g, line, err);
        if (rc)
            return rc;
    }
    *ret = g;
    return 0;
}

static bool rule_matches(const struct rule *r, str path)
{
    bool matched = false;
    struct err err;
    str name = r->base_only ? files_path_base(path) : path;
    return str_ends(name, r->tail) && !path_match(r->pattern, name, &matched, &err) && matched;
}

bool helm_ignore_match(const struct helm_ignore *g, str path, bool is_folder)
{
    if (!path.len)
        return false;
    for (size_t i = 0; i < g->rules.n; i++) {
        const struct rule *r = &g->rules.at[i];
        if (r->negate) {
            /* A negated rule ignores what it does NOT match, at once. */
            if ((r->only_folders && !is_folder) || !rule_matches(r, path))
                return true;
            continue;
        }
        if (r->only_folders && !is_folder)
            continue;
        if (rule_matches(r, path))
            return true;
    }
    return false;
}
