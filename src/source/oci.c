/* oci.c: see oci.h. */
#include "source/oci.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "net/http.h"
#include "value/json.h"

#define CONFIG_TYPE "application/vnd.cncf.helm.config.v1+json"
#define CHART_TYPE "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
#define LEGACY_CHART_TYPE "application/tar+gzip"
#define SCOPES_MAX 64
#define TAGS_MAX 1000000

/* ---- references ---- */

static bool is_word(char c) { return islower((unsigned char)c) || isdigit((unsigned char)c); }

/* [a-z0-9]+(?:(?:[._]|__|[-]*)[a-z0-9]+)* */
static bool is_repository_part(str s)
{
    size_t i = 0;
    if (!s.len || !is_word(s.at[0]) || !is_word(s.at[s.len - 1]))
        return false;
    while (i < s.len) {
        size_t from = i;
        while (i < s.len && !is_word(s.at[i]))
            i++;
        str gap = str_sub(s, from, i - from);
        bool dashes = true;
        for (size_t j = 0; j < gap.len; j++)
            dashes &= gap.at[j] == '-';
        if (!dashes && !str_is(gap, ".") && !str_is(gap, "_") && !str_is(gap, "__"))
            return false;
        while (i < s.len && is_word(s.at[i]))
            i++;
    }
    return true;
}

static bool is_repository(str s)
{
    str part;
    while (str_next(&s, '/', &part))
        if (!is_repository_part(part))
            return false;
    return true;
}

static bool is_tag(str s)
{
    if (!s.len || s.len > OCI_TAG_BYTES_MAX || s.at[0] == '.' || s.at[0] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!isalnum((unsigned char)s.at[i]) && !strchr("_.-", s.at[i]))
            return false;
    return true;
}

bool oci_is_digest(str d)
{
    if (d.len != OCI_DIGEST_BYTES || !str_starts(d, STR("sha256:")))
        return false;
    for (size_t i = 7; i < d.len; i++)
        if (!isdigit((unsigned char)d.at[i]) && (d.at[i] < 'a' || d.at[i] > 'f'))
            return false;
    return true;
}

static bool is_registry(str s)
{
    struct url u;
    struct arena a;
    arena_init(&a, (size_t)1 << 20);
    bool ok = s.len && str_find_char(s, '@') < 0 &&
              url_parse(ARENA_CAT(&a, STR("https://"), s), &u, &(struct err){0}) == 0 &&
              str_eq(u.host, s);
    arena_done(&a);
    return ok;
}

static str replaced(struct arena *a, str s, char from, char to)
{
    char *z = arena_cstr(a, s);
    for (size_t i = 0; i < s.len; i++)
        if (z[i] == from)
            z[i] = to;
    return str_mem(z, s.len);
}

int oci_reference_parse(str text, struct arena *a, struct oci_reference *ret, struct err *err)
{
    struct oci_reference r = {0};
    str rest = str_trim_prefix(text, STR("oci://"));
    if (!str_cut(rest, '/', &r.registry, &rest))
        return err_set(err, ERR_INVALID, "invalid reference: missing registry or repository");
    (void)str_cut(rest, '@', &rest, &r.digest);
    (void)str_cut(rest, ':', &r.repository, &r.tag);
    r.tag = replaced(a, r.tag, '+', '_');
    if (!is_registry(r.registry))
        return err_set(err, ERR_INVALID, "invalid reference: invalid registry \"%.*s\"",
                       STR_FMT(str_sub(r.registry, 0, 256)));
    if (!is_repository(r.repository))
        return err_set(err, ERR_INVALID, "invalid reference: invalid repository \"%.*s\"",
                       STR_FMT(str_sub(r.repository, 0, 256)));
    if (r.tag.len && !is_tag(r.tag))
        return err_set(err, ERR_INVALID, "invalid reference: invalid tag \"%.*s\"",
                       STR_FMT(str_sub(r.tag, 0, 256)));
    if (r.digest.len && !oci_is_digest(r.digest))
        return err_set(err, ERR_INVALID, "invalid reference: invalid digest \"%.*s\"",
                       STR_FMT(str_sub(r.digest, 0, 256)));
    *ret = r;
    return 0;
}

str oci_url(struct arena *a, const struct oci_reference *r, bool plain_http, const char *kind,
            str part)
{
    str host = str_is(r->registry, "docker.io") ? STR("registry-1.docker.io") : r->registry;
    return ARENA_CAT(a, plain_http ? STR("http://") : STR("https://"), host, STR("/v2/"),
                     r->repository, STR("/"), str_of(kind), STR("/"), part);
}

/* ---- authentication ---- */

static bool is_token_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static str take_token(str *rest)
{
    size_t n = 0;
    while (n < rest->len && is_token_char(rest->at[n]))
        n++;
    str token = str_sub(*rest, 0, n);
    *rest = str_from(*rest, n);
    return token;
}

static void skip_blanks(str *rest)
{
    while (rest->len && (rest->at[0] == ' ' || rest->at[0] == '\t'))
        *rest = str_from(*rest, 1);
}

/* A quoted string with Go's simple escapes; false when it has no end. */
static bool take_quoted(struct arena *a, str *rest, str *ret)
{
    char *out = arena_alloc(a, rest->len + 1);
    size_t n = 0;
    for (size_t i = 1; i < rest->len; i++) {
        char c = rest->at[i];
        if (c == '"') {
            *ret = str_mem(out, n);
            *rest = str_from(*rest, i + 1);
            return true;
        }
        if (c == '\n')
            return false;
        if (c == '\\') {
            static const char from[] = "abfnrtv\\\"", to[] = "\a\b\f\n\r\t\v\\\"";
            const char *at = ++i < rest->len && rest->at[i] ? strchr(from, rest->at[i]) : NULL;
            if (!at)
                return false;
            c = to[at - from];
        }
        out[n++] = c;
    }
    return false;
}

static bool take_parameter(struct arena *a, str *rest, struct oci_challenge *c)
{
    str text = STR("");
    skip_blanks(rest);
    str key = take_token(rest);
    skip_blanks(rest);
    if (!key.len || !str_starts(*rest, STR("=")))
        return false;
    *rest = str_from(*rest, 1);
    skip_blanks(rest);
    if (str_starts(*rest, STR("\""))) {
        if (!take_quoted(a, rest, &text))
            return false;
    } else if (!(text = take_token(rest)).len) {
        return false;
    }
    if (str_is(key, "realm"))
        c->realm = text;
    else if (str_is(key, "service"))
        c->service = text;
    else if (str_is(key, "scope"))
        c->scope = text;
    skip_blanks(rest);
    if (!str_starts(*rest, STR(",")))
        return false;
    *rest = str_from(*rest, 1);
    return true;
}

struct oci_challenge oci_challenge_parse(struct arena *a, str header)
{
    struct oci_challenge c = {0};
    str rest = header, scheme = take_token(&rest);
    if (str_ieq(scheme, STR("basic"))) {
        c.scheme = OCI_AUTH_BASIC;
    } else if (str_ieq(scheme, STR("bearer"))) {
        c.scheme = OCI_AUTH_BEARER;
        while (take_parameter(a, &rest, &c)) {
        }
    }
    return c;
}

/* Loopback, link-local, private, multicast on the link, unspecified. */
static bool is_inner_v4(const uint8_t *b)
{
    return b[0] == 127 || b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
           (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
           (b[0] == 224 && b[1] == 0 && b[2] == 0) || !(b[0] | b[1] | b[2] | b[3]);
}

static bool is_inner_address(str host)
{
    uint8_t b[16];
    static const uint8_t zero[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    char z[INET6_ADDRSTRLEN + 1];
    if (!host.len || host.len >= sizeof(z))
        return false;
    memcpy(z, host.at, host.len);
    z[host.len] = 0;
    if (inet_pton(AF_INET, z, b) == 1)
        return is_inner_v4(b);
    if (inet_pton(AF_INET6, z, b) != 1)
        return false;
    if (!memcmp(b, mapped, sizeof(mapped)))
        return is_inner_v4(b + 12);
    bool loopback_or_none = !memcmp(b, zero, 15) && b[15] <= 1;
    return loopback_or_none || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || (b[0] & 0xfe) == 0xfc ||
           (b[0] == 0xff && (b[1] & 0x0f) == 2);
}

int oci_realm_check(str realm, const struct url *registry, struct err *err)
{
    struct url u;
    struct err why;
    char quoted[1200];
    str shown = url_quoted(str_sub(realm, 0, 300), quoted, sizeof(quoted));
    if (url_parse(realm, &u, &why))
        return err_set(err, ERR_INVALID, "failed to parse bearer realm \"%.*s\": %s",
                       STR_FMT(shown), why.text);
    if (!url_is_http(&u))
        return err_set(err, ERR_FORBIDDEN, "bearer realm \"%.*s\" uses unsupported scheme \"%.*s\"",
                       STR_FMT(shown), STR_FMT(u.scheme));
    if (str_ieq(u.scheme, STR("http")) && str_ieq(registry->scheme, STR("https")))
        return err_set(err, ERR_FORBIDDEN,
                       "bearer realm \"%.*s\" uses http but registry was contacted over https",
                       STR_FMT(shown));
    str host = url_hostname(&u);
    if (is_inner_address(host) && !str_eq(host, url_hostname(registry)))
        return err_set(err, ERR_FORBIDDEN,
                       "bearer realm host \"%.*s\" is a loopback, link-local, private, or "
                       "unspecified address",
                       STR_FMT(host));
    return 0;
}

/* Scopes sorted and without doubles; actions stay as they were written. */
static size_t scopes_of(str hint, str asked, str *ret)
{
    size_t n = 0, kept = 0;
    str piece;
    if (hint.len)
        ret[n++] = hint;
    while (asked.len && str_next(&asked, ' ', &piece))
        if (piece.len && n < SCOPES_MAX)
            ret[n++] = piece;
    qsort(ret, n, sizeof(*ret), str_cmp_qsort);
    for (size_t i = 0; i < n; i++)
        if (!kept || !str_eq(ret[kept - 1], ret[i]))
            ret[kept++] = ret[i];
    return kept;
}

int oci_token_url(struct arena *a, const struct oci_challenge *c, str hint, str *ret,
                  struct err *err)
{
    struct url u;
    str scope[SCOPES_MAX];
    CLEANUP(buf_done) struct buf query = BUF_INIT;
    int rc = url_parse(c->realm, &u, err);
    if (rc)
        return rc;
    size_t n = scopes_of(hint, c->scope, scope);
    buf_addz(&query, "?");
    buf_add(&query, u.query);
    for (size_t i = 0; i < n; i++)
        http_query_add(&query, "scope", scope[i]);
    if (c->service.len)
        http_query_add(&query, "service", c->service);
    str q = str_from(buf_str(&query), 1);
    u.query = arena_str(a, str_trim_prefix(q, STR("&")));
    *ret = url_str(a, &u);
    return 0;
}

static int parse_json(str json, struct arena *a, value *ret, struct err *err)
{
    if (!str_trim(json).len)
        return err_set(err, ERR_INVALID, "failed to decode response: EOF");
    int rc = json_parse(json, &(struct json_input){.bare_errors = true}, a, ret, err);
    if (rc && str_has(err_str(err), STR("unexpected end of JSON input")))
        return err_set(err, ERR_INVALID, "failed to decode response: unexpected EOF");
    return rc ? err_wrap(err, "failed to decode response") : 0;
}

int oci_token_parse(str json, struct arena *a, str *ret, struct err *err)
{
    value v;
    int rc = parse_json(json, a, &v, err);
    if (rc)
        return rc;
    str token = value_str(value_getz(v, "access_token"));
    if (!token.len)
        token = value_str(value_getz(v, "token"));
    if (!token.len)
        return err_set(err, ERR_UNAUTHENTICATED, "empty token returned");
    if (!http_header_is_clean(token))
        return err_set(err, ERR_INVALID, "the token holds bytes that HTTP does not allow");
    *ret = token;
    return 0;
}

/* ---- tags ---- */

static int misfit(value v, const char *wanted, struct err *err)
{
    const char *is = value_is_string(v)            ? "string"
                     : value_is_list(v)            ? "array"
                     : value_is_map(v)             ? "object"
                     : value_type(v) == VALUE_BOOL ? "bool"
                                                   : "number";
    return err_set(err, ERR_INVALID,
                   "failed to decode response: json: cannot unmarshal %s into Go %s", is, wanted);
}

int oci_tags_parse(str json, struct arena *a, struct oci_tags *io, struct err *err)
{
    value v;
    int rc = parse_json(json, a, &v, err);
    if (rc)
        return rc;
    value tags = value_getz(v, "tags");
    if (!value_is_nil(v) && !value_is_map(v))
        return misfit(v, "value of type struct { Tags []string \"json:\\\"tags\\\"\" }", err);
    if (!value_is_nil(tags) && !value_is_list(tags))
        return misfit(tags, "struct field .tags of type []string", err);
    for (struct value_iter it = value_iter(tags); value_next(&it);) {
        if (!value_is_string(it.val) && !value_is_null(it.val))
            return misfit(it.val, "struct field .tags of type string", err);
        if (io->n >= TAGS_MAX)
            return err_set(err, ERR_TOO_LARGE, "the registry has more than %d tags", TAGS_MAX);
        vec_push(a, io, replaced(a, value_str(it.val), '_', '+'));
    }
    return 0;
}

int oci_link_parse(struct arena *a, str header, const struct url *at, str *ret, struct err *err)
{
    str link, shown = str_sub(header, 0, 300);
    struct url u;
    *ret = STR("");
    if (!header.len)
        return 0;
    if (header.at[0] != '<')
        return err_set(err, ERR_INVALID, "invalid next link \"%.*s\": missing '<'", STR_FMT(shown));
    if (!str_cut(str_from(header, 1), '>', &link, &(str){0}))
        return err_set(err, ERR_INVALID, "invalid next link \"%.*s\": missing '>'", STR_FMT(shown));
    int rc = url_parse(link, &u, err);
    if (rc)
        return rc;
    u = url_resolve(a, at, &u);
    *ret = url_str(a, &u);
    return 0;
}

/* ---- manifests ---- */

static bool has_type(value descriptor, const char *type)
{
    return str_is(value_str(value_getz(descriptor, "mediaType")), type);
}

static value chart_layer(value layers)
{
    value found = VALUE_ABSENT;
    for (struct value_iter it = value_iter(layers); value_next(&it);)
        if (has_type(it.val, CHART_TYPE) || has_type(it.val, LEGACY_CHART_TYPE))
            found = it.val;
    return found;
}

int oci_manifest_parse(str json, struct arena *a, struct oci_manifest *ret, struct err *err)
{
    value v;
    struct oci_manifest m = {0};
    int rc = json_parse(json, &(struct json_input){.bare_errors = true}, a, &v, err);
    if (rc)
        return rc;
    value list = value_getz(v, "manifests"), layers = value_getz(v, "layers");
    if (value_len(list) && !value_len(layers)) {
        m.next = value_str(value_getz(value_at(list, 0), "digest"));
        if (!oci_is_digest(m.next))
            return err_set(err, ERR_INVALID, "invalid checksum digest format");
        *ret = m;
        return 0;
    }
    if (!has_type(value_getz(v, "config"), CONFIG_TYPE))
        return err_set(err, ERR_INVALID, "could not load config with mediatype " CONFIG_TYPE);
    value layer = chart_layer(layers);
    if (!value_exists(layer))
        return err_set(err, ERR_INVALID,
                       "manifest does not contain a layer with mediatype " CHART_TYPE);
    m.chart = value_str(value_getz(layer, "digest"));
    int64_t size = value_int(value_getz(layer, "size"));
    if (!oci_is_digest(m.chart))
        return err_set(err, ERR_INVALID, "invalid checksum digest format");
    if (size < 0)
        return err_set(err, ERR_INVALID, "invalid descriptor size");
    m.bytes = (uint64_t)size;
    *ret = m;
    return 0;
}

/* ---- complaints ---- */

/* As Go's %v shows what encoding/json has decoded. */
static str go_str(struct arena *a, value v)
{
    str out = STR("");
    if (value_is_string(v))
        return value_str(v);
    if (value_is_nil(v))
        return STR("<nil>");
    if (!value_is_map(v) && !value_is_list(v))
        return json_str(a, v, AUDIENCE_WIRE, 0);
    bool map = value_is_map(v);
    if (map)
        value_sort_keys(a, v, false);
    for (struct value_iter it = value_iter(v); value_next(&it);)
        out = ARENA_CAT(a, out, it.i ? STR(" ") : STR(""), map ? it.key : STR(""),
                        map ? STR(":") : STR(""), go_str(a, it.val));
    return ARENA_CAT(a, map ? STR("map[") : STR("["), out, STR("]"));
}

static str one_complaint(struct arena *a, value e)
{
    str code = replaced(a, value_str(value_getz(e, "code")), '_', ' ');
    char *z = arena_cstr(a, code);
    for (size_t i = 0; i < code.len; i++)
        z[i] = (char)tolower((unsigned char)z[i]);
    str message = value_str(value_getz(e, "message"));
    value detail = value_getz(e, "detail");
    code = str_mem(z, code.len);
    if (!message.len)
        return code;
    str text = ARENA_CAT(a, code, STR(": "), message);
    if (!value_is_nil(detail))
        text = ARENA_CAT(a, text, STR(": "), go_str(a, detail));
    return text;
}

str oci_complaint(struct arena *a, str url, int status, str body)
{
    value v = VALUE_ABSENT;
    str text = STR("");
    if (body.len && json_parse(str_sub(body, 0, 8192), NULL, a, &v, &(struct err){0}))
        v = VALUE_ABSENT;
    for (struct value_iter it = value_iter(value_getz(v, "errors")); value_next(&it);)
        text = ARENA_CAT(a, text, text.len ? STR("; ") : STR(""), one_complaint(a, it.val));
    if (!text.len)
        text = str_of(http_status_text(status));
    return arena_printf(a, "GET \"%.*s\": response status code %d: %.*s", STR_FMT(url), status,
                        STR_FMT(str_sub(text, 0, 1000)));
}
