/* chart_fuzz.c: what Helm repositories and registries may answer, and the URLs they hand out. The
 * first byte says which reader is asked. */
#include <stdlib.h>
#include <string.h>

#include "source/chart_index.h"
#include "source/chart_index_rules.h"
#include "source/oci.h"
#include "source/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void fuzz_index(str text, struct arena *a)
{
    struct err err;
    const struct chart_entries *list;
    const struct chart_entry *e;
    struct chart_index *x = chart_index_parse(text);
    if (chart_index_find(x, STR("web"), &list, &err) == 0)
        must(!x->argo.kind);
    if (chart_index_pick(x, STR("http://h/c"), STR("web"), STR("1.x"), &e, &err) == 0)
        must(!x->helm.kind && e->valid && e->url.len);
    else
        must(err.kind != ERR_OK && err.text[0]);
    chart_index_unref(x);
    (void)go_time_complaint(text, a);
}

/* A URL that is read, printed and read again is the same one; what a reference resolves to has no
 * dots left that lead upwards. */
static void fuzz_url(str text, struct arena *a)
{
    struct url u, again, base;
    struct err err;
    str whole;
    if (url_parse(text, &u, &err) == 0 && u.scheme.len && u.has_authority) {
        must(url_parse(url_str(a, &u), &again, &err) == 0);
        must(str_eq(u.host, again.host) && str_eq(u.query, again.query));
        must(!u.user.len || !str_has(url_shown(a, text), ARENA_CAT(a, STR("//"), u.user)));
    }
    must(url_parse(STR("https://h:1/charts/?k=v"), &base, &err) == 0);
    if (url_parse(text, &u, &err) == 0 && !u.scheme.len) {
        u = url_resolve(a, &base, &u);
        must(!str_has(u.path, STR("/../")) && !str_ends(u.path, STR("/..")));
    }
    if (url_of_chart(a, STR("https://h/c"), text, &whole, &err) == 0)
        must(whole.len > 0 || !text.len);
    (void)web_proxy_for(a, &base, STR("http://p"), text);
}

static void fuzz_reference(str text, struct arena *a)
{
    struct oci_reference r;
    struct url u;
    struct err err;
    if (oci_reference_parse(text, a, &r, &err))
        return;
    must(url_parse(oci_url(a, &r, false, "tags", STR("list")), &u, &err) == 0);
    must(str_eq(u.host, r.registry) || str_is(r.registry, "docker.io"));
    must(r.repository.len && !str_has(r.repository, STR("..")));
}

static void fuzz_challenge(str text, struct arena *a)
{
    struct url registry, u;
    struct err err;
    str url;
    struct oci_challenge c = oci_challenge_parse(a, text);
    must(url_parse(STR("https://reg.example"), &registry, &err) == 0);
    if (c.scheme != OCI_AUTH_BEARER || oci_realm_check(c.realm, &registry, &err))
        return;
    must(oci_token_url(a, &c, STR("repository:x:pull"), &url, &err) == 0);
    must(url_parse(url, &u, &err) || str_ieq(u.scheme, STR("https")));
}

static void fuzz_answers(str text, struct arena *a)
{
    struct oci_manifest m;
    struct oci_tags tags = {0};
    struct url at;
    struct err err;
    str out;
    if (oci_manifest_parse(text, a, &m, &err) == 0)
        must(oci_is_digest(m.chart.len ? m.chart : m.next));
    if (oci_tags_parse(text, a, &tags, &err) == 0)
        for (size_t i = 0; i < tags.n; i++)
            must(str_find_char(tags.at[i], '_') < 0);
    if (oci_token_parse(text, a, &out, &err) == 0)
        must(out.len && str_find_char(out, '\n') < 0);
    must(url_parse(STR("https://reg.example/v2/x/tags/list"), &at, &err) == 0);
    if (oci_link_parse(a, text, &at, &out, &err) == 0 && out.len)
        must(str_has(out, STR(":")));
    (void)oci_complaint(a, STR("https://x"), 404, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(str, struct arena *) = {fuzz_index, fuzz_url, fuzz_reference,
                                                           fuzz_challenge, fuzz_answers};
    struct arena a;
    if (!size)
        return 0;
    arena_init(&a, (size_t)512 << 20);
    readers[data[0] % ARRAY_LEN(readers)](str_mem((const char *)data + 1, size - 1), &a);
    arena_done(&a);
    return 0;
}
