/* git_url.c: URLs as git may see them, and its complaints in the words users know. */
#include <string.h>

#include "base/digest.h"
#include "source/git_run.h"

static str percent_decode(struct arena *a, str s)
{
    char *at = arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '%' && i + 2 < s.len && hex_digit(s.at[i + 1]) >= 0 &&
            hex_digit(s.at[i + 2]) >= 0) {
            at[n++] = (char)(hex_digit(s.at[i + 1]) * 16 + hex_digit(s.at[i + 2]));
            i += 2;
        } else {
            at[n++] = s.at[i];
        }
    }
    return str_mem(at, n);
}

str git_url_local_path(str url)
{
    if (str_starts(url, STR("/")))
        return url;
    return str_starts(url, STR("file:///")) ? str_from(url, sizeof("file://") - 1) : STR("");
}

static str host_part(str url) /* "user:pw@host:port" of a URL with a scheme */
{
    str rest = str_from(url, (size_t)str_find(url, STR("://")) + 3), host, path;
    str_cut(rest, '/', &host, &path);
    return host;
}

int git_url(str url, struct arena *a, char **ret, str *ret_user, str *ret_password, struct err *err)
{
    static const char *const schemes[] = {"https://", "http://", "ssh://", "git://", "file:///"};
    size_t i = 0;
    if (url.len == 0)
        return err_set(err, ERR_NOT_FOUND, "repository not found");
    for (size_t k = 0; k < url.len; k++)
        if ((unsigned char)url.at[k] < ' ')
            return err_set(err, ERR_INVALID, "repository URL holds a control character");
    while (i < ARRAY_LEN(schemes) && !str_starts(url, str_of(schemes[i])))
        i++;
    ptrdiff_t colon = str_find_char(url, ':'), at = str_find_char(url, '@');
    bool scp = i == ARRAY_LEN(schemes) && str_find(url, STR("://")) < 0 && at > 0 && colon > at;
    if (str_starts(url, STR("-")) || str_find(url, STR("::")) >= 0)
        return err_set(err, ERR_INVALID, "repository URL '%.*s' is of a form that is not allowed",
                       STR_FMT(str_sub(url, 0, 200)));
    if (i == ARRAY_LEN(schemes) && !scp && !str_starts(url, STR("/"))) {
        if (str_find(url, STR("://")) >= 0)
            return err_set(err, ERR_INVALID, "unsupported scheme \"%.*s\"",
                           STR_FMT(str_sub(url, 0, (size_t)str_find(url, STR("://")))));
        return err_set(err, ERR_NOT_FOUND, "repository not found");
    }
    if (i < 2) { /* http(s): user and password go to the credential helper */
        str host = host_part(url), userinfo, bare;
        if (str_rcut(host, '@', &userinfo, &bare)) {
            str user, password;
            str_cut(userinfo, ':', &user, &password);
            *ret_user = percent_decode(a, user);
            *ret_password = percent_decode(a, password);
            size_t scheme = strlen(schemes[i]);
            url = ARENA_CAT(a, str_sub(url, 0, scheme), str_from(url, scheme + userinfo.len + 1));
        }
    }
    *ret = arena_cstr(a, url);
    return 0;
}

/* ---- complaints ---- */

static str line_with(str text, str needle)
{
    str rest = text, line;
    while (str_next(&rest, '\n', &line))
        if (str_has(line, needle))
            return line;
    return STR("");
}

/* "Failed to connect to HOST port N" -> HOST:N */
static str connect_address(struct arena *a, str complaint)
{
    str line = line_with(complaint, STR("Failed to connect to "));
    ptrdiff_t from = str_find(line, STR("connect to "));
    if (from < 0)
        return STR("");
    str host, port, rest;
    line = str_from(line, (size_t)from + sizeof("connect to ") - 1);
    str_cut(line, ' ', &host, &rest);
    rest = str_trim_prefix(rest, STR("port "));
    str_cut(rest, ' ', &port, &rest);
    return ARENA_CAT(a, host, STR(":"), str_trim_suffix(port, STR(":")));
}

static str unresolved_host(struct arena *a, str complaint)
{
    str line = line_with(complaint, STR("resolve host"));
    ptrdiff_t from = str_find(line, STR("resolve host"));
    str host = from < 0 ? STR("") : str_from(line, (size_t)from + sizeof("resolve host") - 1);
    host = str_trim(str_trim_prefix(host, STR("name")));
    host = str_trim(str_trim_prefix(host, STR(":")));
    ptrdiff_t end = str_find_char(host, ':');
    return arena_str(a, end >= 0 ? str_sub(host, 0, (size_t)end) : host);
}

enum wording { PLAIN, CONNECT, LOOKUP, TLS, STATUS };

static const struct {
    const char *sign; /* in git's complaint */
    int kind;
    enum wording wording;
    const char *text; /* go-git's words */
} signs[] = {
    {"could not read Username", ERR_UNAUTHENTICATED, PLAIN, "authentication required"},
    {"could not read Password", ERR_UNAUTHENTICATED, PLAIN, "authentication required"},
    {"terminal prompts disabled", ERR_UNAUTHENTICATED, PLAIN, "authentication required"},
    {"Authentication failed", ERR_UNAUTHENTICATED, PLAIN, "authentication required"},
    {"returned error: 401", ERR_UNAUTHENTICATED, PLAIN, "authentication required"},
    {"returned error: 403", ERR_FORBIDDEN, PLAIN, "authorization failed"},
    {"Permission denied (", ERR_UNAUTHENTICATED, PLAIN,
     "ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no "
     "supported methods remain"},
    {"Host key verification failed", ERR_FORBIDDEN, PLAIN,
     "ssh: handshake failed: knownhosts: key is unknown"},
    {"Could not resolve host", ERR_UNAVAILABLE, LOOKUP, "no such host"},
    {"not resolve hostname", ERR_UNAVAILABLE, LOOKUP, "no such host"},
    {"certificate", ERR_UNAVAILABLE, TLS,
     "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
    {"Connection timed out", ERR_UNAVAILABLE, CONNECT, "i/o timeout"},
    {"Timeout was reached", ERR_UNAVAILABLE, CONNECT, "i/o timeout"},
    {"Failed to connect to", ERR_UNAVAILABLE, CONNECT, "connect: connection refused"},
    {"Connection refused", ERR_UNAVAILABLE, CONNECT, "connect: connection refused"},
    {"does not appear to be a git repository", ERR_NOT_FOUND, PLAIN, "repository not found"},
    {"not a git repository", ERR_NOT_FOUND, PLAIN, "repository not found"},
    {"returned error: 404", ERR_NOT_FOUND, PLAIN, "repository not found"},
    {"Repository not found", ERR_NOT_FOUND, PLAIN, "repository not found"},
    {"not found", ERR_NOT_FOUND, PLAIN, "repository not found"},
    {"does not exist", ERR_NOT_FOUND, PLAIN, "repository not found"},
    {"returned error: 5", ERR_UNAVAILABLE, STATUS, ""},
};

static str status_code(str complaint)
{
    str line = line_with(complaint, STR("returned error: "));
    ptrdiff_t at = str_find(line, STR("returned error: "));
    return at < 0 ? STR("") : str_sub(line, (size_t)at + sizeof("returned error: ") - 1, 3);
}

/* git's own last word, without its "fatal: ". */
static str last_word(str complaint)
{
    str line = line_with(complaint, STR("fatal: "));
    if (line.len == 0)
        line = str_trim(complaint);
    ptrdiff_t at = str_find(line, STR("fatal: "));
    return at < 0 ? line : str_from(line, (size_t)at + sizeof("fatal: ") - 1);
}

int git_complaint(str complaint, str url, struct err *err)
{
    struct arena a;
    arena_init(&a, (size_t)1 << 20);
    char *shown = NULL;
    str user = STR(""), password = STR("");
    if (git_url(url, &a, &shown, &user, &password, NULL))
        shown = arena_cstr(&a, STR("repository"));
    size_t i = 0;
    while (i < ARRAY_LEN(signs) && !str_has(complaint, str_of(signs[i].sign)))
        i++;
    int rc;
    if (i == ARRAY_LEN(signs)) {
        str word = last_word(complaint);
        rc = err_set(err, ERR_UNAVAILABLE, "%.*s", STR_FMT(word.len ? word : STR("git failed")));
    } else {
        str address = connect_address(&a, complaint), host = unresolved_host(&a, complaint);
        str prefix = STR("");
        if (str_starts(str_of(shown), STR("http")))
            prefix = arena_printf(&a, "Get \"%s/info/refs?service=git-upload-pack\": ", shown);
        switch (signs[i].wording) {
        case CONNECT:
            rc = err_set(err, signs[i].kind, "%.*sdial tcp %.*s: %s", STR_FMT(prefix),
                         STR_FMT(address), signs[i].text);
            break;
        case LOOKUP:
            rc = err_set(err, signs[i].kind, "%.*sdial tcp: lookup %.*s: %s", STR_FMT(prefix),
                         STR_FMT(host), signs[i].text);
            break;
        case TLS: rc = err_set(err, signs[i].kind, "%.*s%s", STR_FMT(prefix), signs[i].text); break;
        case STATUS:
            rc = err_set(err, signs[i].kind,
                         "unexpected client error: unexpected requesting "
                         "\"%s/info/refs?service=git-upload-pack\" status code: %.*s",
                         shown, STR_FMT(status_code(complaint)));
            break;
        default: rc = err_set(err, signs[i].kind, "%s", signs[i].text); break;
        }
    }
    arena_done(&a);
    return rc;
}
