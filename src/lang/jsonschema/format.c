/* Formats that bind in drafts up to 7. */
#include <arpa/inet.h>
#include <string.h>

#include "lang/jsonschema/schema.h"
#include "lang/jsonschema/url.h"

#define SAY(...) (*why = arena_printf(a, __VA_ARGS__), false)

static bool all_digits(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

static size_t count_digits(str s)
{
    size_t n = 0;
    while (n < s.len && s.at[n] >= '0' && s.at[n] <= '9')
        n++;
    return n;
}

static bool is_letter_or_digit(char c)
{
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9');
}

static bool json_pointer(struct arena *a, str s, str *why)
{
    if (!s.len)
        return true;
    if (s.at[0] != '/')
        return SAY("not starting with /");
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] == '~' && (i + 1 >= s.len || (s.at[i + 1] != '0' && s.at[i + 1] != '1')))
            return SAY("~ must be followed by 0 or 1");
    return true;
}

static bool relative_json_pointer(struct arena *a, str s, str *why)
{
    size_t n = count_digits(s);
    if (!n)
        return SAY("must start with non-negative integer");
    if (n > 1 && s.at[0] == '0')
        return SAY("starts with zero");
    s = str_from(s, n);
    return str_is(s, "#") || json_pointer(a, s, why);
}

static bool uuid(struct arena *a, str s, str *why)
{
    static const size_t lens[] = {8, 4, 4, 4, 12};
    str rest = s, part;
    size_t n = 0;
    while (str_next(&rest, '-', &part))
        n++;
    if (n != ARRAY_LEN(lens))
        return SAY("must have %zu elements", ARRAY_LEN(lens));
    rest = s;
    for (size_t i = 0; str_next(&rest, '-', &part); i++) {
        if (part.len != lens[i])
            return SAY("element %zu must be %zu characters long", i + 1, lens[i]);
        for (size_t j = 0; j < part.len; j++)
            if (!is_letter_or_digit(part.at[j]) || (part.at[j] | 32) > 'f')
                return SAY("non-hex character '%c'", part.at[j]);
    }
    return true;
}

static bool duration_part(struct arena *a, str s, const char *all, str *why)
{
    const char *units = all;
    while (s.len) {
        size_t n = count_digits(s);
        if (!n)
            return SAY("missing number");
        s = str_from(s, n);
        if (!s.len)
            return SAY("missing unit");
        const char *at = s.at[0] ? strchr(units, s.at[0]) : NULL;
        if (!at)
            return s.at[0] && strchr(all, s.at[0]) ? SAY("unit '%c' out of order", s.at[0])
                                                   : SAY("invalid unit '%c'", s.at[0]);
        units = at + 1;
        s = str_from(s, 1);
    }
    return true;
}

static bool duration(struct arena *a, str s, str *why)
{
    if (!str_starts(s, STR("P")))
        return SAY("must start with P");
    s = str_from(s, 1);
    if (!s.len)
        return SAY("nothing after P");
    if (str_ends(s, STR("W"))) {
        s.len--;
        if (!s.len)
            return SAY("no number in week");
        return all_digits(s) || SAY("invalid week");
    }
    str date, time, more;
    bool has_time = str_cut(s, 'T', &date, &time);
    if (!duration_part(a, date, "YMD", why))
        return false;
    if (!has_time)
        return true;
    if (!time.len)
        return SAY("no time elements");
    if (str_cut(time, 'T', &time, &more))
        return SAY("more than one T");
    return duration_part(a, time, "HMS", why);
}

static bool ipv4(struct arena *a, str s, str *why)
{
    str rest = s, part;
    size_t n = 0;
    while (str_next(&rest, '.', &part))
        n++;
    if (n != 4)
        return SAY("expected four decimals");
    rest = s;
    while (str_next(&rest, '.', &part)) {
        int64_t i;
        if (part.len > 1 && part.at[0] == '0')
            return SAY("leading zeros");
        if (!str_to_i64(part, &i))
            return SAY("strconv.Atoi: parsing \"%.*s\": %s", STR_FMT(part),
                       all_digits(part) ? "value out of range" : "invalid syntax");
        if (i < 0 || i > 255)
            return SAY("decimal must be between 0 and 255");
    }
    return true;
}

static bool ipv6(struct arena *a, str s, str *why)
{
    unsigned char address[16];
    if (str_find_char(s, ':') < 0)
        return SAY("missing colon");
    if (str_find_char(s, '%') > 0)
        return SAY("zone id is not a part of ipv6 address");
    return inet_pton(AF_INET6, arena_cstr(a, s), address) == 1 ||
           SAY("ParseAddr(\"%.*s\"): unable to parse IP", STR_FMT(s));
}

static bool hostname(struct arena *a, str s, str *why)
{
    str rest = str_trim_suffix(s, STR(".")), label;
    if (rest.len > 253)
        return SAY("more than 253 characters long");
    while (str_next(&rest, '.', &label)) {
        if (label.len < 1 || label.len > 63)
            return SAY("label must be 1 to 63 characters long");
        if (label.at[0] == '-')
            return SAY("label starts with hyphen");
        if (label.at[label.len - 1] == '-')
            return SAY("label ends with hyphen");
        for (size_t i = 0; i < label.len; i++)
            if (!is_letter_or_digit(label.at[i]) && label.at[i] != '-')
                return SAY("invalid character '%c'", label.at[i]);
    }
    return true;
}

static bool email_local(struct arena *a, str local, str *why)
{
    if (local.len > 64)
        return SAY("local part more than 64 characters long");
    if (local.len > 1 && local.at[0] == '"') {
        str inner = str_sub(local, 1, local.len - 2);
        return (str_find_char(inner, '\\') < 0 && str_find_char(inner, '"') < 0) ||
               SAY("backslash and quote are not allowed within quoted local part");
    }
    if (str_starts(local, STR(".")))
        return SAY("starts with dot");
    if (str_ends(local, STR(".")))
        return SAY("ends with dot");
    if (str_has(local, STR("..")))
        return SAY("consecutive dots");
    for (size_t i = 0; i < local.len; i++)
        if (!is_letter_or_digit(local.at[i]) &&
            !(local.at[i] && strchr(".!#$%&'*+-/=?^_`{|}~", local.at[i])))
            return SAY("invalid character '%c'", local.at[i]);
    return true;
}

static bool email(struct arena *a, str s, str *why)
{
    str local, domain, inner = STR("");
    if (s.len > 254)
        return SAY("more than 255 characters long");
    if (!str_rcut(s, '@', &local, &domain))
        return SAY("missing @");
    if (!email_local(a, local, why))
        return false;
    if (str_starts(domain, STR("[")) && str_ends(domain, STR("]"))) {
        domain = str_sub(domain, 1, domain.len - 2);
        if (str_starts(domain, STR("IPv6:")))
            return ipv6(a, str_from(domain, 5), &inner) ||
                   SAY("invalid ipv6 address: %.*s", STR_FMT(inner));
        return ipv4(a, domain, &inner) || SAY("invalid ipv4 address: %.*s", STR_FMT(inner));
    }
    return hostname(a, domain, &inner) || SAY("invalid domain: %.*s", STR_FMT(inner));
}

static int64_t number_at(str s, size_t from, size_t len)
{
    int64_t n = -1;
    str part = str_sub(s, from, len);
    return part.len == len && all_digits(part) && str_to_i64(part, &n) ? n : -1;
}

static bool date(struct arena *a, str s, str *why)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const struct {
        size_t from, len;
        const char *layout;
    } parts[] = {{0, 4, "2006"}, {5, 2, "01"}, {8, 2, "02"}};
    int64_t n[3];
    for (size_t i = 0; i < 3; i++) {
        str rest = str_from(s, parts[i].from);
        n[i] = number_at(s, parts[i].from, parts[i].len);
        if (n[i] < 0)
            return SAY("parsing time \"%.*s\" as \"2006-01-02\": cannot parse \"%.*s\" as \"%s\"",
                       STR_FMT(s), STR_FMT(rest), parts[i].layout);
        if (i == 1 && (n[1] < 1 || n[1] > 12))
            return SAY("parsing time \"%.*s\": month out of range", STR_FMT(s));
        str after = str_from(s, parts[i].from + parts[i].len);
        if (i < 2 && !str_starts(after, STR("-")))
            return SAY("parsing time \"%.*s\" as \"2006-01-02\": cannot parse \"%.*s\" as \"-\"",
                       STR_FMT(s), STR_FMT(after));
    }
    if (s.len > 10)
        return SAY("parsing time \"%.*s\": extra text: \"%.*s\"", STR_FMT(s),
                   STR_FMT(str_from(s, 10)));
    bool leap = (n[0] % 4 == 0 && n[0] % 100 != 0) || n[0] % 400 == 0;
    int64_t last = days[n[1] - 1] + (n[1] == 2 && leap);
    return (n[2] >= 1 && n[2] <= last) ||
           SAY("parsing time \"%.*s\": day out of range", STR_FMT(s));
}

/* Minutes east of UTC are taken off *io_minutes. */
static bool time_offset(struct arena *a, str s, int64_t *io_minutes, str *why)
{
    if (s.len != 6)
        return SAY("offset must be 6 characters long");
    if (s.at[0] != '+' && s.at[0] != '-')
        return SAY("offset must begin with plus/minus");
    if (s.at[3] != ':')
        return SAY("missing colon in offset in correct place");
    int64_t h = number_at(s, 1, 2), m = number_at(s, 4, 2);
    if (h < 0 || m < 0)
        return SAY("invalid hour/min in offset");
    if (h > 23 || m > 59)
        return SAY("hour/min in offset out of range");
    *io_minutes += (s.at[0] == '+' ? -1 : 1) * (h * 60 + m);
    if (*io_minutes < 0)
        *io_minutes += 24 * 60;
    return true;
}

static bool time_of_day(struct arena *a, str s, str *why)
{
    if (s.len < 9)
        return SAY("less than 9 characters long");
    if (s.at[2] != ':' || s.at[5] != ':')
        return SAY("missing colon in correct place");
    int64_t h = number_at(s, 0, 2), m = number_at(s, 3, 2), sec = number_at(s, 6, 2);
    if (h < 0 || m < 0 || sec < 0)
        return SAY("invalid hour/min/sec");
    if (h > 23 || m > 59 || sec > 60)
        return SAY("hour/min/sec out of range");
    str rest = str_from(s, 8);
    if (str_starts(rest, STR("."))) {
        size_t n = count_digits(str_from(rest, 1));
        if (!n)
            return SAY("no digits in second fraction");
        rest = str_from(rest, n + 1);
    }
    int64_t minutes = h * 60 + m;
    if (!str_is(rest, "z") && !str_is(rest, "Z") && !time_offset(a, rest, &minutes, why))
        return false;
    return sec < 60 || (minutes / 60 == 23 && minutes % 60 == 59) || SAY("invalid leap second");
}

static bool date_time(struct arena *a, str s, str *why)
{
    str inner = STR("");
    if (s.len < 20)
        return SAY("less than 20 characters long");
    if ((s.at[10] | 32) != 't')
        return SAY("11th character must be t or T");
    if (!date(a, str_sub(s, 0, 10), &inner))
        return SAY("invalid date element: %.*s", STR_FMT(inner));
    return time_of_day(a, str_from(s, 11), &inner) ||
           SAY("invalid time element: %.*s", STR_FMT(inner));
}

static bool period(struct arena *a, str s, str *why)
{
    str start, end, inner = STR("");
    if (!str_cut(s, '/', &start, &end))
        return SAY("missing slash");
    if (str_starts(start, STR("P"))) {
        if (!duration(a, start, &inner))
            return SAY("invalid start duration: %.*s", STR_FMT(inner));
    } else {
        if (!date_time(a, start, &inner))
            return SAY("invalid start date-time: %.*s", STR_FMT(inner));
        if (str_starts(end, STR("P")))
            return duration(a, end, &inner) || SAY("invalid end duration: %.*s", STR_FMT(inner));
    }
    return date_time(a, end, &inner) || SAY("invalid end date-time: %.*s", STR_FMT(inner));
}

static bool is_escape(str s)
{
    if (s.len != 3)
        return false;
    for (size_t j = 1; j < 3; j++)
        if (!is_letter_or_digit(s.at[j]) || (s.at[j] | 32) > 'f')
            return false;
    return true;
}

/* Bytes of a scheme's name, or of the first part of a path. */
static size_t scheme_bytes(str s)
{
    size_t n = 0;
    while (n < s.len && (is_letter_or_digit(s.at[n]) || (s.at[n] && strchr("+-.", s.at[n]))))
        n++;
    return n;
}

/* What net/url refuses, by the usual ways to get it wrong. */
static bool url_parses(struct arena *a, str s, bool *ret_absolute, str *why)
{
    str quoted = schema_url_quote(a, s);
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
            return SAY("parse %.*s: net/url: invalid control character in URL", STR_FMT(quoted));
    size_t colon = scheme_bytes(s);
    bool has_colon = colon < s.len && s.at[colon] == ':';
    *ret_absolute = has_colon && colon && (s.at[0] | 32) >= 'a';
    if (has_colon && !colon)
        return SAY("parse %.*s: missing protocol scheme", STR_FMT(quoted));
    if (has_colon && !*ret_absolute)
        return SAY("parse %.*s: first path segment in URL cannot contain colon", STR_FMT(quoted));
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] == '%' && !is_escape(str_sub(s, i, 3)))
            return SAY("parse %.*s: invalid URL escape \"%.*s\"", STR_FMT(quoted),
                       STR_FMT(str_sub(s, i, 3)));
    return true;
}

static bool uri(struct arena *a, str s, str *why)
{
    bool absolute = false;
    return url_parses(a, s, &absolute, why) && (absolute || SAY("relative url"));
}

static bool uri_reference(struct arena *a, str s, str *why)
{
    bool absolute;
    if (str_find_char(s, '\\') >= 0)
        return SAY("contains \\");
    return url_parses(a, s, &absolute, why);
}

static bool uri_template(struct arena *a, str s, str *why)
{
    bool absolute, open = false;
    if (!url_parses(a, s, &absolute, why))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] != '{' && s.at[i] != '}')
            continue;
        if ((s.at[i] == '{') == open)
            return SAY("nested curly braces");
        open = !open;
    }
    return !open || SAY("no matching closing brace");
}

static bool semver_ids(struct arena *a, str s, const char *what, bool numeric, str *why)
{
    str rest = s, id;
    while (str_next(&rest, '.', &id)) {
        if (!id.len)
            return SAY("%s identifier is empty", what);
        for (size_t i = 0; i < id.len; i++)
            if (!is_letter_or_digit(id.at[i]) && id.at[i] != '-')
                return SAY("invalid character '%c' in %s identifier", id.at[i], what);
        if (numeric && all_digits(id) && id.len > 1 && id.at[0] == '0')
            return SAY("pre-release numeric identifier starts with zero");
    }
    return true;
}

static bool semver_format(struct arena *a, str s, str *why)
{
    static const char *const names[] = {"major", "minor", "patch"};
    str core, tail, part;
    if (str_cut(s, '+', &core, &tail)) {
        if (!tail.len)
            return SAY("build is empty");
        if (!semver_ids(a, tail, "build", false, why))
            return false;
    }
    if (str_cut(core, '-', &core, &tail) && !semver_ids(a, tail, "pre-release", true, why))
        return false;
    str rest = core;
    size_t n = 0;
    while (str_next(&rest, '.', &part))
        n++;
    if (n != 3)
        return SAY("versionCore must have 3 numbers separated by dot");
    rest = core;
    for (size_t i = 0; str_next(&rest, '.', &part); i++) {
        if (!part.len)
            return SAY("%s is empty", names[i]);
        if (part.len > 1 && part.at[0] == '0')
            return SAY("%s starts with zero", names[i]);
        if (!all_digits(part))
            return SAY("%s contains non-digit", names[i]);
    }
    return true;
}

static const struct format formats[] = {
    {"json-pointer", json_pointer},
    {"relative-json-pointer", relative_json_pointer},
    {"uuid", uuid},
    {"duration", duration},
    {"period", period},
    {"ipv4", ipv4},
    {"ipv6", ipv6},
    {"hostname", hostname},
    {"email", email},
    {"date", date},
    {"time", time_of_day},
    {"date-time", date_time},
    {"uri", uri},
    {"iri", uri},
    {"uri-reference", uri_reference},
    {"iri-reference", uri_reference},
    {"uri-template", uri_template},
    {"semver", semver_format},
};

const struct format *format_find(str name)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++)
        if (str_is(name, formats[i].name))
            return &formats[i];
    return NULL;
}
