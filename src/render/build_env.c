/* $ARGOCD_APP_NAME and its like in parameters and names of files. */
#include <string.h>

#include "base/buf.h"
#include "files/read_set.h"
#include "render/helm_source.h"

static str variable(const struct render_request *r, value source, str name)
{
    const struct {
        const char *name;
        str text;
    } rows[] = {
        {"ARGOCD_APP_NAME", r->app_name},
        {"ARGOCD_APP_NAMESPACE", r->namespace},
        {"ARGOCD_APP_PROJECT_NAME", r->project},
        {"ARGOCD_APP_REVISION", r->revision},
        {"ARGOCD_APP_REVISION_SHORT", str_sub(r->revision, 0, 7)},
        {"ARGOCD_APP_REVISION_SHORT_8", str_sub(r->revision, 0, 8)},
        {"ARGOCD_APP_SOURCE_REPO_URL", value_str(value_getz(source, "repoURL"))},
        {"ARGOCD_APP_SOURCE_PATH", value_str(value_getz(source, "path"))},
        {"ARGOCD_APP_SOURCE_TARGET_REVISION", value_str(value_getz(source, "targetRevision"))},
    };
    if (str_is(name, "$"))
        return STR("$");
    /* The result holds for this commit only: a read that no other tree answers alike. */
    if (str_starts(name, STR("ARGOCD_APP_REVISION")) && r->files->reads) {
        struct file_id id = read_id_of_bytes(r->revision);
        read_set_add(r->files->reads, READ_FILE, FILE_REGULAR, &id, STR(".git/revision"));
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (str_is(name, rows[i].name))
            return rows[i].text;
    return STR("");
}

static bool is_name_byte(char c)
{
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_special(char c) { return c && strchr("*#$@!?-0123456789", c); }

/* The name at the start of s (behind '$') and how many bytes it takes; 0 bytes: '$' stays. */
static size_t name_at(str s, str *ret)
{
    *ret = STR("");
    if (!s.len)
        return 0;
    if (s.at[0] == '{') {
        ptrdiff_t close = str_find_char(s, '}');
        if (s.len > 2 && is_special(s.at[1]) && s.at[2] == '}') {
            *ret = str_sub(s, 1, 1);
            return 3;
        }
        if (close < 0)
            return 1; /* "${" without an end is dropped */
        *ret = str_sub(s, 1, (size_t)close - 1);
        return (size_t)close + 1;
    }
    if (is_special(s.at[0])) {
        *ret = str_sub(s, 0, 1);
        return 1;
    }
    size_t n = 0;
    while (n < s.len && is_name_byte(s.at[n]))
        n++;
    *ret = str_sub(s, 0, n);
    return n;
}

str build_env_expand(const struct render_request *r, value source, struct arena *a, str text)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT;
    if (str_find_char(text, '$') < 0)
        return text;
    for (size_t i = 0; i < text.len; i++) {
        str name;
        if (text.at[i] != '$') {
            buf_addc(&b, text.at[i]);
            continue;
        }
        size_t n = name_at(str_from(text, i + 1), &name);
        if (n)
            buf_add(&b, name.len ? variable(r, source, name) : STR(""));
        else
            buf_addc(&b, '$');
        i += n;
    }
    return arena_str(a, buf_str(&b));
}
