/* lang/semver.c: versions and constraints. The regular expressions of the library are written out
 * as small readers; each takes the longest text, as they do on this grammar. */
#include "lang/semver.h"

struct text {
    const char *at, *end;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_identifier(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

static bool take(struct text *t, char c)
{
    if (t->at >= t->end || *t->at != c)
        return false;
    t->at++;
    return true;
}

/* identifier(.identifier)*; false and nothing taken when there is none. */
static bool identifiers(struct text *t, str *ret)
{
    const char *from = t->at, *p = from, *good = NULL;
    for (;;) {
        const char *part = p;
        while (p < t->end && is_identifier(*p))
            p++;
        if (p == part)
            break;
        good = p;
        if (p >= t->end || *p != '.')
            break;
        p++;
    }
    if (!good)
        return false;
    *ret = str_mem(from, (size_t)(good - from));
    t->at = good;
    return true;
}

/* "-pre" and "+meta", each optional. */
static void suffixes(struct text *t, str *ret_pre, str *ret_meta)
{
    *ret_pre = *ret_meta = (str){NULL, 0};
    struct text save = *t;
    if (!take(t, '-') || !identifiers(t, ret_pre))
        *t = save;
    save = *t;
    if (!take(t, '+') || !identifiers(t, ret_meta))
        *t = save;
}

/* ---- versions ---- */

static int invalid(struct err *err)
{
    return err_set(err, ERR_INVALID, "invalid semantic version");
}

static int number(str digits, uint64_t *ret, struct err *err)
{
    if (str_to_u64(digits, ret))
        return 0;
    return err_set(
        err, ERR_INVALID,
        "error parsing version segment: strconv.ParseUint: parsing \"%.*s\": value out of range",
        STR_FMT(digits));
}

static bool only_digits(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.at[i]))
            return false;
    return s.len > 0;
}

static int check_prerelease(str pre, struct err *err)
{
    str part;
    while (str_next(&pre, '.', &part)) {
        if (!part.len)
            return err_set(err, ERR_INVALID, "invalid prerelease string");
        if (only_digits(part) && part.len > 1 && part.at[0] == '0')
            return err_set(err, ERR_INVALID, "version segment starts with 0");
        for (size_t i = 0; i < part.len; i++)
            if (!is_identifier(part.at[i]))
                return err_set(err, ERR_INVALID, "invalid prerelease string");
    }
    return 0;
}

static int check_metadata(str meta, struct err *err)
{
    str part;
    while (str_next(&meta, '.', &part)) {
        bool good = part.len > 0;
        for (size_t i = 0; i < part.len; i++)
            good &= is_identifier(part.at[i]);
        if (!good)
            return err_set(err, ERR_INVALID, "invalid metadata string");
    }
    return 0;
}

static str digits(struct text *t)
{
    const char *from = t->at;
    while (t->at < t->end && is_digit(*t->at))
        t->at++;
    return str_mem(from, (size_t)(t->at - from));
}

int semver_parse(str text, struct semver *ret, struct err *err)
{
    struct semver v = {.original = text};
    uint64_t *numbers[] = {&v.major, &v.minor, &v.patch};
    str part[3] = {{NULL, 0}};
    struct text t = {text.at, text.at + text.len};
    size_t n = 0;
    if (text.len > SEMVER_BYTES_MAX)
        return invalid(err);
    take(&t, 'v');
    do {
        part[n] = digits(&t);
        if (!part[n].len)
            return invalid(err);
    } while (++n < 3 && take(&t, '.'));
    suffixes(&t, &v.prerelease, &v.metadata);
    if (t.at != t.end)
        return invalid(err);
    for (size_t i = 0; i < n; i++) {
        int r = number(part[i], numbers[i], err);
        if (r)
            return r;
    }
    int r = v.prerelease.len ? check_prerelease(v.prerelease, err) : 0;
    if (r)
        return r;
    *ret = v;
    return 0;
}

int semver_parse_strict(str text, struct semver *ret, struct err *err)
{
    struct semver v = {.original = text};
    uint64_t *numbers[] = {&v.major, &v.minor, &v.patch};
    str part[3], tail, head;
    if (!text.len)
        return err_set(err, ERR_INVALID, "version string empty");
    if (text.len > SEMVER_BYTES_MAX || !str_cut(text, '.', &part[0], &tail) ||
        !str_cut(tail, '.', &part[1], &part[2]))
        return invalid(err);
    if (str_cut(part[2], '+', &head, &v.metadata)) {
        part[2] = head;
        int r = check_metadata(v.metadata, err);
        if (r)
            return r;
    }
    if (str_cut(part[2], '-', &head, &v.prerelease)) {
        part[2] = head;
        int r = check_prerelease(v.prerelease, err);
        if (r)
            return r;
    }
    for (size_t i = 0; i < 3; i++) {
        if (part[i].len && !only_digits(part[i]))
            return err_set(err, ERR_INVALID, "invalid characters in version");
        if (part[i].len > 1 && part[i].at[0] == '0')
            return err_set(err, ERR_INVALID, "version segment starts with 0");
    }
    for (size_t i = 0; i < 3; i++)
        if (!part[i].len || !str_to_u64(part[i], numbers[i]))
            return err_set(err, ERR_INVALID, "strconv.ParseUint: parsing \"%.*s\": %s",
                           STR_FMT(part[i]), part[i].len ? "value out of range" : "invalid syntax");
    *ret = v;
    return 0;
}

static int compare_part(str a, str b)
{
    uint64_t x, y;
    if (str_eq(a, b))
        return 0;
    if (!a.len || !b.len)
        return a.len ? 1 : -1;
    bool number_a = only_digits(a) && str_to_u64(a, &x);
    bool number_b = only_digits(b) && str_to_u64(b, &y);
    if (number_a && number_b)
        return x > y ? 1 : -1;
    if (number_a != number_b)
        return number_a ? -1 : 1;
    return str_cmp(a, b) > 0 ? 1 : -1;
}

static int compare_prerelease(str a, str b)
{
    bool more_a = true, more_b = true;
    while (more_a || more_b) {
        str x = {NULL, 0}, y = {NULL, 0};
        more_a = more_a && str_next(&a, '.', &x);
        more_b = more_b && str_next(&b, '.', &y);
        int d = compare_part(x, y);
        if (d)
            return d;
    }
    return 0;
}

static int compare_number(uint64_t a, uint64_t b) { return a < b ? -1 : a > b; }

int semver_compare(const struct semver *a, const struct semver *b)
{
    int d = compare_number(a->major, b->major);
    if (!d)
        d = compare_number(a->minor, b->minor);
    if (!d)
        d = compare_number(a->patch, b->patch);
    if (d)
        return d;
    if (!a->prerelease.len || !b->prerelease.len)
        return (a->prerelease.len == 0) - (b->prerelease.len == 0);
    return compare_prerelease(a->prerelease, b->prerelease);
}

str semver_str(struct arena *a, const struct semver *v)
{
    return arena_printf(a, "%lu.%lu.%lu%s%.*s%s%.*s", (unsigned long)v->major,
                        (unsigned long)v->minor, (unsigned long)v->patch,
                        v->prerelease.len ? "-" : "", STR_FMT(v->prerelease),
                        v->metadata.len ? "+" : "", STR_FMT(v->metadata));
}

/* ---- constraints ---- */

enum operator_kind {
    OP_EQUAL,
    OP_NOT,
    OP_MORE,
    OP_LESS,
    OP_MORE_EQUAL,
    OP_LESS_EQUAL,
    OP_TILDE,
    OP_CARET
};

static const struct {
    str text;
    enum operator_kind op;
} operators[] = {
    /* longer ones first */
    {STR_INIT("!="), OP_NOT},        {STR_INIT(">="), OP_MORE_EQUAL},
    {STR_INIT("=>"), OP_MORE_EQUAL}, {STR_INIT("<="), OP_LESS_EQUAL},
    {STR_INIT("=<"), OP_LESS_EQUAL}, {STR_INIT("~>"), OP_TILDE},
    {STR_INIT("="), OP_EQUAL},       {STR_INIT(">"), OP_MORE},
    {STR_INIT("<"), OP_LESS},        {STR_INIT("~"), OP_TILDE},
    {STR_INIT("^"), OP_CARET},       {STR_INIT(""), OP_EQUAL},
};

struct term {
    enum operator_kind op;
    struct semver v;
    bool dirty, minor_dirty, patch_dirty; /* a wildcard, and where */
    bool last;                            /* of its group; groups are alternatives */
    bool pre;                             /* the group names a pre-release */
};

struct semver_constraint {
    struct term *term;
    size_t n;
};

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v'); }

static bool blanks(struct text *t)
{
    const char *from = t->at;
    while (t->at < t->end && is_blank(*t->at))
        t->at++;
    return t->at > from;
}

/* [0-9xX*|]+ */
static str wild(struct text *t)
{
    const char *from = t->at;
    while (t->at < t->end && (is_digit(*t->at) || strchr("xX*|", *t->at)))
        t->at++;
    return str_mem(from, (size_t)(t->at - from));
}

struct range_version {
    str whole, part[3], pre, meta;
};

/* A version with wildcards; false: there is none here. */
static bool range_version(struct text *t, struct range_version *ret)
{
    const char *from = t->at;
    *ret = (struct range_version){0};
    take(t, 'v');
    ret->part[0] = wild(t);
    if (!ret->part[0].len)
        return false;
    for (size_t i = 1; i < 3; i++) {
        struct text save = *t;
        if (take(t, '.'))
            ret->part[i] = wild(t);
        if (!ret->part[i].len) {
            *t = save;
            break;
        }
    }
    suffixes(t, &ret->pre, &ret->meta);
    ret->whole = str_mem(from, (size_t)(t->at - from));
    return true;
}

static bool is_wild(str s) { return !s.len || str_is(s, "x") || str_is(s, "X") || str_is(s, "*"); }

static int improper(str text, struct err *err)
{
    return err_set(err, ERR_INVALID, "improper constraint: %.*s", STR_FMT(text));
}

static int make_term(struct arena *a, enum operator_kind op, const struct range_version *rv,
                     struct term *ret, struct err *err)
{
    struct term term = {.op = op};
    str version;
    str dash = rv->pre.len ? STR("-") : STR("");
    if (is_wild(rv->part[0])) {
        term.dirty = true;
        version = ARENA_CAT(a, STR("0.0.0"), dash, rv->pre);
    } else if (is_wild(rv->part[1])) {
        term.dirty = term.minor_dirty = true;
        version = ARENA_CAT(a, rv->part[0], STR(".0.0"), dash, rv->pre);
    } else if (is_wild(rv->part[2])) {
        term.dirty = term.patch_dirty = true;
        version = ARENA_CAT(a, rv->part[0], STR("."), rv->part[1], STR(".0"), dash, rv->pre);
    } else {
        version = rv->whole;
    }
    if (semver_parse(version, &term.v, NULL))
        return err_set(err, ERR_INVALID, "constraint parser error");
    *ret = term;
    return 0;
}

static enum operator_kind take_operator(struct text *t)
{
    str rest = str_mem(t->at, (size_t)(t->end - t->at));
    size_t i = 0;
    while (!str_starts(rest, operators[i].text))
        i++;
    t->at += operators[i].text.len;
    return operators[i].op;
}

/* One alternative: terms separated by blanks or commas. */
static int parse_group(str group, struct arena *a, struct semver_constraint *c, struct err *err)
{
    struct text t = {group.at, group.at + group.len};
    VEC(struct term) terms = {0};
    bool pre = false;
    int r = 0; /* of a term; the group as a whole is looked at first */
    for (bool separated = true;; separated = blanks(&t)) {
        struct range_version rv;
        struct term term = {0};
        if (!terms.n)
            blanks(&t);
        else if (take(&t, ','))
            blanks(&t);
        else if (t.at == t.end)
            break;
        else if (!separated)
            return improper(group, err);
        enum operator_kind op = take_operator(&t);
        blanks(&t);
        if (!range_version(&t, &rv))
            return improper(group, err);
        r = r ? r : make_term(a, op, &rv, &term, err);
        pre |= term.v.prerelease.len > 0;
        vec_push(a, &terms, term);
    }
    if (r)
        return r;
    for (size_t i = 0; i < terms.n; i++) {
        terms.at[i].pre = pre;
        terms.at[i].last = i + 1 == terms.n;
    }
    c->term =
        arena_grow(a, c->term, c->n * sizeof(struct term), (c->n + terms.n) * sizeof(struct term));
    memcpy(c->term + c->n, terms.at, terms.n * sizeof(struct term));
    c->n += terms.n;
    return 0;
}

/* "1.2 - 2" becomes ">= 1.2, <= 2 ". */
static str rewrite_ranges(str text, struct arena *a)
{
    str out = {NULL, 0};
    size_t done = 0;
    for (size_t i = 0; i < text.len;) {
        struct text t = {text.at + i, text.at + text.len};
        struct range_version low, high;
        blanks(&t);
        if (range_version(&t, &low) && blanks(&t) && take(&t, '-') && blanks(&t) &&
            range_version(&t, &high)) {
            blanks(&t);
            out = ARENA_CAT(a, out, str_sub(text, done, i - done), STR(">= "), low.whole,
                            STR(", <= "), high.whole, STR(" "));
            done = i = (size_t)(t.at - text.at);
        } else {
            i++;
        }
    }
    return done ? ARENA_CAT(a, out, str_from(text, done)) : text;
}

int semver_constraint_parse(str text, struct arena *a, const struct semver_constraint **ret,
                            struct err *err)
{
    struct semver_constraint *c = ARENA_NEW(a, struct semver_constraint);
    if (text.len > SEMVER_CONSTRAINT_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "constraint is longer than %d bytes",
                       SEMVER_CONSTRAINT_BYTES_MAX);
    text = rewrite_ranges(text, a);
    for (size_t from = 0; from <= text.len;) {
        ptrdiff_t bar = str_find(str_from(text, from), STR("||"));
        str group = bar < 0 ? str_from(text, from) : str_sub(text, from, (size_t)bar);
        int r = parse_group(group, a, c, err);
        if (r)
            return r;
        if (bar < 0)
            break;
        from += (size_t)bar + 2;
    }
    *ret = c;
    return 0;
}

/* ---- checks ---- */

static bool check_tilde(const struct term *t, const struct semver *v)
{
    const struct semver *c = &t->v;
    if (semver_compare(v, c) < 0)
        return false;
    if (!c->major && !c->minor && !c->patch && !t->minor_dirty && !t->patch_dirty)
        return true;
    return v->major == c->major && (v->minor == c->minor || t->minor_dirty);
}

static bool check_caret(const struct term *t, const struct semver *v)
{
    const struct semver *c = &t->v;
    if (semver_compare(v, c) < 0)
        return false;
    if (c->major > 0 || t->minor_dirty)
        return v->major == c->major;
    if (v->major > 0)
        return false;
    if (c->minor > 0 || t->patch_dirty)
        return v->minor == c->minor;
    return v->minor == 0 && v->patch == c->patch;
}

static bool check_not(const struct term *t, const struct semver *v)
{
    const struct semver *c = &t->v;
    if (!t->dirty)
        return semver_compare(v, c) != 0;
    if (c->major != v->major)
        return true;
    if (t->minor_dirty)
        return false;
    if (c->minor != v->minor)
        return true;
    if (t->patch_dirty)
        return (v->prerelease.len || c->prerelease.len) &&
               compare_prerelease(v->prerelease, c->prerelease) != 0;
    return c->patch != v->patch || semver_compare(v, c) != 0;
}

static bool check_more(const struct term *t, const struct semver *v)
{
    const struct semver *c = &t->v;
    if (!t->dirty)
        return semver_compare(v, c) > 0;
    if (v->major != c->major)
        return v->major > c->major;
    if (t->minor_dirty)
        return false;
    if (t->patch_dirty)
        return v->minor > c->minor;
    return semver_compare(v, c) > 0;
}

static bool check_less_equal(const struct term *t, const struct semver *v)
{
    const struct semver *c = &t->v;
    if (!t->dirty)
        return semver_compare(v, c) <= 0;
    if (v->major != c->major)
        return v->major < c->major;
    return v->minor <= c->minor || t->minor_dirty;
}

static bool check_term(const struct term *t, const struct semver *v)
{
    if (v->prerelease.len && !t->pre)
        return false;
    switch (t->op) {
    case OP_EQUAL: return t->dirty ? check_tilde(t, v) : semver_compare(v, &t->v) == 0;
    case OP_NOT: return check_not(t, v);
    case OP_MORE: return check_more(t, v);
    case OP_LESS: return semver_compare(v, &t->v) < 0;
    case OP_MORE_EQUAL: return semver_compare(v, &t->v) >= 0;
    case OP_LESS_EQUAL: return check_less_equal(t, v);
    case OP_TILDE: return check_tilde(t, v);
    case OP_CARET: return check_caret(t, v);
    }
    return false;
}

bool semver_constraint_check(const struct semver_constraint *c, const struct semver *v)
{
    bool ok = true;
    for (size_t i = 0; i < c->n; i++) {
        ok = ok && check_term(&c->term[i], v);
        if (c->term[i].last) {
            if (ok)
                return true;
            ok = true;
        }
    }
    return false;
}

/* ---- choosing a tag ---- */

bool semver_is_constraint(str revision)
{
    struct semver v;
    struct arena a;
    const struct semver_constraint *c;
    if (!semver_parse(revision, &v, NULL))
        return false;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    bool is = !semver_constraint_parse(revision, &a, &c, NULL);
    arena_done(&a);
    return is;
}

static int highest(const struct semver_constraint *c, const str *tags, size_t n, str tag_prefix,
                   size_t *ret_index, struct err *err)
{
    struct semver best, v;
    size_t considered = 0;
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        struct err why = {0};
        if (!str_starts(tags[i], tag_prefix))
            continue;
        considered++;
        if (semver_parse(str_from(tags[i], tag_prefix.len), &v, &why)) {
            if (!str_is(err_str(&why), "invalid semantic version"))
                return err_set(err, ERR_INVALID, "invalid semver version in tags: %s", why.text);
            continue;
        }
        if (semver_constraint_check(c, &v) && (!found || semver_compare(&v, &best) > 0)) {
            best = v;
            found = true;
            *ret_index = i;
        }
    }
    if (!found)
        return err_set(err, ERR_NOT_FOUND, "version matching constraint not found in %zu tags",
                       considered);
    return 0;
}

int semver_highest(str constraint, const str *tags, size_t n, str tag_prefix, size_t *ret_index,
                   struct err *err)
{
    struct arena a;
    const struct semver_constraint *c;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    int r = semver_constraint_parse(constraint, &a, &c, err);
    if (r)
        r = err_wrap(err, "failed to determine semver constraint");
    else
        r = highest(c, tags, n, tag_prefix, ret_index, err);
    arena_done(&a);
    return r;
}
