/* kube/names.c: each rule is a small automaton; the regular expressions appear only in the texts.
 */
#include "kube/names.h"

#define LABEL_RE "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define QUALIFIED_RE "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

static bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
static bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }

static void say(struct buf *why, size_t start, const char *joint, const char *prefix,
                const char *text)
{
    if (!why)
        return;
    if (why->len > start)
        buf_addz(why, joint);
    buf_addz(why, prefix);
    buf_addz(why, text);
}

static void say_too_long(struct buf *why, size_t start, const char *joint, const char *prefix,
                         int max, const char *unit)
{
    if (!why)
        return;
    say(why, start, joint, prefix, "must be no more than ");
    buf_printf(why, "%d %s", max, unit);
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? */
static bool matches_label(str s)
{
    if (!s.len || !is_lower_alnum(s.at[0]) || !is_lower_alnum(s.at[s.len - 1]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_lower_alnum(s.at[i]) && s.at[i] != '-')
            return false;
    return true;
}

static bool matches_subdomain(str s)
{
    str piece;
    if (!s.len)
        return false;
    while (str_next(&s, '.', &piece))
        if (!matches_label(piece))
            return false;
    return true;
}

static bool matches_qualified(str s)
{
    if (!s.len || !is_alnum(s.at[0]) || !is_alnum(s.at[s.len - 1]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.at[i]) && s.at[i] != '-' && s.at[i] != '_' && s.at[i] != '.')
            return false;
    return true;
}

bool kube_is_dns_label(str s, const char *joint, struct buf *why)
{
    size_t start = why ? why->len : 0;
    bool ok = true;
    if (s.len > KUBE_LABEL_BYTES_MAX) {
        ok = false;
        say_too_long(why, start, joint, "", KUBE_LABEL_BYTES_MAX, "characters");
    }
    if (matches_label(s))
        return ok;
    if (matches_subdomain(s))
        say(why, start, joint, "", "must not contain dots");
    else
        say(why, start, joint, "",
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
            "and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
            "regex used for validation is '" LABEL_RE "')");
    return false;
}

static bool check_subdomain(str s, size_t start, const char *joint, const char *prefix,
                            struct buf *why)
{
    bool ok = true;
    if (s.len > KUBE_SUBDOMAIN_BYTES_MAX) {
        ok = false;
        say_too_long(why, start, joint, prefix, KUBE_SUBDOMAIN_BYTES_MAX,
                     *prefix ? "bytes" : "characters");
    }
    if (matches_subdomain(s))
        return ok;
    say(why, start, joint, prefix,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex "
        "used for validation is '" LABEL_RE "(\\." LABEL_RE ")*')");
    return false;
}

bool kube_is_dns_subdomain(str s, const char *joint, struct buf *why)
{
    return check_subdomain(s, why ? why->len : 0, joint, "", why);
}

bool kube_is_dns1035_label(str s, const char *joint, struct buf *why)
{
    size_t start = why ? why->len : 0;
    bool ok = true;
    if (s.len > KUBE_LABEL_BYTES_MAX) {
        ok = false;
        say_too_long(why, start, joint, "", KUBE_LABEL_BYTES_MAX, "characters");
    }
    if (matches_label(s) && s.at[0] >= 'a')
        return ok;
    say(why, start, joint, "",
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
        "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
        "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')");
    return false;
}

#define QUALIFIED_TEXT                                                                             \
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "    \
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "         \
    "validation is '" QUALIFIED_RE "')"

bool kube_is_label_key(str s, const char *joint, struct buf *why)
{
    size_t start = why ? why->len : 0;
    str prefix, name, rest;
    bool ok = true;
    if (!str_cut(s, '/', &prefix, &name)) {
        name = s;
    } else if (str_cut(name, '/', &rest, &rest)) {
        say(why, start, joint, "a valid label key ", QUALIFIED_TEXT);
        if (why)
            buf_addz(why, " with an optional DNS subdomain prefix and '/' (e.g. "
                          "'example.com/MyName')");
        return false;
    } else if (!prefix.len) {
        say(why, start, joint, "prefix part ", "must be non-empty");
        ok = false;
    } else if (!check_subdomain(prefix, start, joint, "prefix part ", why)) {
        ok = false;
    }
    if (!name.len) {
        say(why, start, joint, "name part ", "must be non-empty");
        ok = false;
    } else if (name.len > KUBE_LABEL_BYTES_MAX) {
        say_too_long(why, start, joint, "name part ", KUBE_LABEL_BYTES_MAX, "bytes");
        ok = false;
    }
    if (!matches_qualified(name)) {
        say(why, start, joint, "name part ", QUALIFIED_TEXT);
        ok = false;
    }
    return ok;
}

bool kube_is_label_value(str s, const char *joint, struct buf *why)
{
    size_t start = why ? why->len : 0;
    bool ok = true;
    if (s.len > KUBE_LABEL_BYTES_MAX) {
        ok = false;
        say_too_long(why, start, joint, "", KUBE_LABEL_BYTES_MAX, "bytes");
    }
    if (!s.len || matches_qualified(s))
        return ok;
    say(why, start, joint, "",
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
        "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
        "'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
    return false;
}

bool kube_is_config_key(str s, const char *joint, struct buf *why)
{
    size_t start = why ? why->len : 0;
    bool ok = true, chars = s.len > 0;
    if (s.len > KUBE_SUBDOMAIN_BYTES_MAX) {
        ok = false;
        say_too_long(why, start, joint, "", KUBE_SUBDOMAIN_BYTES_MAX, "characters");
    }
    for (size_t i = 0; i < s.len; i++)
        chars = chars && (is_alnum(s.at[i]) || s.at[i] == '-' || s.at[i] == '_' || s.at[i] == '.');
    if (!chars) {
        say(why, start, joint, "",
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
            "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
            "'[-._a-zA-Z0-9]+')");
        ok = false;
    }
    if (str_is(s, ".") || str_is(s, "..")) {
        say(why, start, joint, "", str_is(s, ".") ? "must not be '.'" : "must not be '..'");
        ok = false;
    } else if (str_starts(s, STR(".."))) {
        say(why, start, joint, "", "must not start with '..'");
        ok = false;
    }
    return ok;
}

bool kube_is_path_segment(str s, const char *joint, struct buf *why)
{
    size_t start = why ? why->len : 0;
    bool ok = true;
    if (str_is(s, ".") || str_is(s, "..")) {
        say(why, start, joint, "", str_is(s, ".") ? "may not be '.'" : "may not be '..'");
        return false;
    }
    if (str_find_char(s, '/') >= 0) {
        say(why, start, joint, "", "may not contain '/'");
        ok = false;
    }
    if (str_find_char(s, '%') >= 0) {
        say(why, start, joint, "", "may not contain '%'");
        ok = false;
    }
    return ok;
}
