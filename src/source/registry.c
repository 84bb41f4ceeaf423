/* registry.c: tags and charts of an OCI registry; see chart_impl.h.
 *
 * A request first goes without credentials (with those the registry last took in this op). A 401 of
 * the registry itself brings a challenge: Basic credentials are sent there, a Bearer realm is asked
 * for a token. Then the request is made once more. A 401 of another origin, where a redirect led,
 * is an answer like any other. */
#include <string.h>
#include <unistd.h>

#include "source/chart_impl.h"

static const char manifest_types[] =
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "
    "application/vnd.oci.artifact.manifest.v1+json";

static void fail(struct op *op, int kind, str text)
{
    struct registry_talk *t = &op->registry;
    op_fail(op, kind, "%.*s%.*s", STR_FMT(t->context), STR_FMT(text));
}

/* oras-go names the step of the copy that went wrong. */
#define STEP_REFERENCE STR("failed to perform \"FetchReference\" on source: ")
#define STEP_MANIFEST STR("failed to perform \"Successors\" on source: ")
#define STEP_LAYER STR("failed to perform \"Fetch\" on source: ")
#define STEP_PUSH STR("failed to perform \"Push\" on destination: ")

static void fail_at(struct op *op, str step, int kind, str text)
{
    op->registry.context = step;
    fail(op, kind, text);
}

static void fail_err(struct op *op, const struct err *err) { fail(op, err->kind, err_str(err)); }

static int kind_of_status(int status)
{
    if (status == 401)
        return ERR_UNAUTHENTICATED;
    if (status == 403)
        return ERR_FORBIDDEN;
    if (status == 404)
        return ERR_NOT_FOUND;
    if (status == 429)
        return ERR_BUSY;
    return status >= 500 ? ERR_UNAVAILABLE : ERR_INVALID;
}

static void complain(struct op *op, str url, const struct web_answer *a)
{
    fail(op, kind_of_status(a->status), oci_complaint(&op->arena, url, a->status, a->body));
}

/* ---- one request, with login ---- */

static void send_request(struct op *op);

/* What went wrong while logging in for a request is told behind it. */
static void login_failed(struct op *op, int kind, str text)
{
    struct arena *a = &op->arena;
    fail(op, kind, ARENA_CAT(a, STR("GET \""), op->registry.request.url, STR("\": "), text));
}

static void token_arrived(void *arg, int rc, const struct web_answer *a, const struct err *why)
{
    struct op *op = arg;
    struct err err;
    str token;
    if (rc) {
        login_failed(op, why->kind, err_str(why));
    } else if (a->status != 200) {
        login_failed(op, kind_of_status(a->status),
                     oci_complaint(&op->arena, a->url, a->status, a->body));
    } else if (oci_token_parse(a->body, &op->arena, &token, &err)) {
        login_failed(op, err.kind,
                     ARENA_CAT(&op->arena, STR("GET \""), a->url, STR("\": "), err_str(&err)));
    } else {
        op->registry.authorization = ARENA_CAT(&op->arena, STR("Bearer "), token);
        send_request(op);
    }
}

static void login_bearer(struct op *op, const struct oci_challenge *c, const struct url *registry)
{
    struct registry_talk *t = &op->registry;
    struct err err;
    str url;
    str hint = ARENA_CAT(&op->arena, STR("repository:"), t->ref.repository, STR(":pull"));
    if (oci_realm_check(c->realm, registry, &err) ||
        oci_token_url(&op->arena, c, hint, &url, &err)) {
        login_failed(op, err.kind, err_str(&err));
        return;
    }
    const struct source_repo *r = &op->repo;
    bool known = t->may_login && (r->username.len || r->password.len);
    web_get(op_web(op),
            &(struct web_request){.url = url,
                                  .authorization =
                                      known ? web_basic(&op->arena, r->username, r->password)
                                            : STR(""),
                                  .bytes_max = (size_t)1 << 20,
                                  .fd = -1},
            token_arrived, op);
}

static void login_basic(struct op *op)
{
    const struct source_repo *r = &op->repo;
    bool may = op->registry.may_login;
    if (!may || (!r->username.len && !r->password.len)) {
        login_failed(op, ERR_UNAUTHENTICATED, STR("basic credential not found"));
    } else if (!r->username.len || !r->password.len) {
        login_failed(op, ERR_UNAUTHENTICATED, STR("missing username or password for basic auth"));
    } else {
        op->registry.authorization = web_basic(&op->arena, r->username, r->password);
        send_request(op);
    }
}

/* True: a login is under way, or the op has ended. */
static bool login(struct op *op, const struct web_answer *a)
{
    struct registry_talk *t = &op->registry;
    struct url registry;
    struct err err;
    if (a->status != 401 || t->challenged || a->redirected_away)
        return false;
    struct oci_challenge c =
        oci_challenge_parse(&op->arena, http_header_find(&a->header, "www-authenticate"));
    c.realm = arena_str(&op->arena, c.realm);
    c.service = arena_str(&op->arena, c.service);
    c.scope = arena_str(&op->arena, c.scope);
    t->challenged = true;
    if (c.scheme == OCI_AUTH_NONE || url_parse(t->request.url, &registry, &err))
        return false;
    if (c.scheme == OCI_AUTH_BASIC)
        login_basic(op);
    else
        login_bearer(op, &c, &registry);
    return true;
}

static void request_arrived(void *arg, int rc, const struct web_answer *a, const struct err *err)
{
    struct op *op = arg;
    if (rc)
        fail_err(op, err);
    else if (!login(op, a))
        op->registry.then(op, a);
}

static void send_request(struct op *op)
{
    struct web_request r = op->registry.request;
    r.authorization = op->registry.authorization;
    web_get(op_web(op), &r, request_arrived, op);
}

static void ask(struct op *op, struct web_request request,
                void (*then)(struct op *op, const struct web_answer *a))
{
    struct registry_talk *t = &op->registry;
    t->request = request;
    t->then = then;
    t->challenged = false;
    send_request(op);
}

static void talk_begin(struct op *op, bool may_login, str context)
{
    struct registry_talk *t = &op->registry;
    bool bearer = may_login && op->repo.bearer_token.len && !op->repo.username.len;
    *t = (struct registry_talk){
        .may_login = may_login,
        .context = context,
        .authorization = bearer ? op_authorization(op) : STR(""),
        .plain_http = op->repo.oci_force_http,
    };
}

/* ---- tags ---- */

static void tags_page(struct op *op);

static void tags_end(struct op *op)
{
    const struct oci_tags *tags = &op->registry.tags;
    struct chart_versions *v = chart_versions_new(tags->at, tags->n);
    v->asked_at = loop_now(op->charts->loop);
    known_put(op->charts, OP_TAGS, op->key, chart_versions_ref(v), tags->n * 64);
    op_end(op, &(struct outcome){.result = v});
    chart_versions_unref(v);
}

static void tags_arrived(struct op *op, const struct web_answer *a)
{
    struct registry_talk *t = &op->registry;
    struct url at;
    struct err err;
    if (a->status != 200) {
        complain(op, t->request.url, a);
        return;
    }
    if (oci_tags_parse(a->body, &op->arena, &t->tags, &err)) {
        fail(op, err.kind,
             ARENA_CAT(&op->arena, STR("GET \""), t->request.url, STR("\": "), err_str(&err)));
        return;
    }
    if (url_parse(arena_str(&op->arena, a->url), &at, &err) ||
        oci_link_parse(&op->arena, http_header_find(&a->header, "link"), &at, &t->page, &err)) {
        fail_err(op, &err);
        return;
    }
    if (!t->page.len)
        tags_end(op);
    else if (++t->n_pages >= CHART_TAG_PAGES_MAX)
        fail(op, ERR_TOO_LARGE,
             arena_printf(&op->arena, "the list of tags has more than %d pages",
                          CHART_TAG_PAGES_MAX));
    else
        tags_page(op);
}

/* A next page of another origin gets no credentials. */
static void tags_page(struct op *op)
{
    struct registry_talk *t = &op->registry;
    struct url first, next;
    struct err err;
    str home = oci_url(&op->arena, &t->ref, t->plain_http, "tags", STR("list"));
    if (url_parse(home, &first, &err) || url_parse(t->page, &next, &err)) {
        fail_err(op, &err);
        return;
    }
    if (!url_same_origin(&first, &next)) {
        t->authorization = STR("");
        t->may_login = false;
    }
    ask(op, (struct web_request){.url = t->page, .bytes_max = CHART_MANIFEST_BYTES_MAX, .fd = -1},
        tags_arrived);
}

void tags_start(struct op *op)
{
    struct registry_talk *t = &op->registry;
    struct err err;
    str base = str_trim_prefix(str_trim_prefix(op->repo.url, STR("oci://")), STR("https://"));
    base = str_trim_suffix(base, STR("/"));
    talk_begin(op, true, STR("failed to get tags: "));
    str name = op->chart.len ? ARENA_CAT(&op->arena, base, STR("/"), op->chart) : base;
    if (oci_reference_parse(name, &op->arena, &t->ref, &err)) {
        t->context = STR("failed to initialize repository: ");
        fail_err(op, &err);
        return;
    }
    t->page = oci_url(&op->arena, &t->ref, t->plain_http, "tags", STR("list"));
    tags_page(op);
}

/* ---- charts ---- */

static void layer_arrived(struct op *op, const struct web_answer *a)
{
    struct registry_talk *t = &op->registry;
    struct sha256 wanted;
    if (a->status == 404) {
        fail(op, ERR_NOT_FOUND, ARENA_CAT(&op->arena, t->manifest.chart, STR(": not found")));
    } else if (a->status != 200) {
        complain(op, t->request.url, a);
    } else if (a->bytes != t->manifest.bytes) {
        fail(op, ERR_INVALID,
             arena_printf(&op->arena, "GET \"%.*s\": mismatch Content-Length",
                          STR_FMT(t->request.url)));
    } else if (!hex_parse(str_from(t->manifest.chart, 7), wanted.byte, sizeof(wanted.byte)) ||
               !sha256_eq(&wanted, &a->digest)) {
        fail_at(op, STEP_PUSH, ERR_INVALID, STR("mismatched digest"));
    } else {
        op->url = ARENA_CAT(&op->arena, STR("oci://"), t->ref.registry, STR("/"), t->ref.repository,
                            t->ref.tag.len ? STR(":") : STR(""), t->ref.tag);
        archive_arrived(op, a);
    }
}

static void layer_ask(struct op *op)
{
    struct registry_talk *t = &op->registry;
    struct err err;
    if (t->manifest.bytes > op->charts->o.archive_bytes_max) {
        fail_at(op, STR(""), ERR_TOO_LARGE,
                arena_printf(&op->arena, "the chart's layer is larger than %zu bytes",
                             op->charts->o.archive_bytes_max));
        return;
    }
    if (archive_begin(op, &err)) {
        op_end_err(op, &err);
        return;
    }
    str url = oci_url(&op->arena, &t->ref, t->plain_http, "blobs", t->manifest.chart);
    t->context = STEP_LAYER;
    ask(op, (struct web_request){.url = url, .bytes_max = (size_t)t->manifest.bytes, .fd = op->fd},
        layer_arrived);
}

static void manifest_ask(struct op *op, str reference);

/* The digest of what was asked for by digest, or of what the registry says it gives. */
static bool manifest_is_what_it_says(const struct registry_talk *t, const struct web_answer *a,
                                     str asked)
{
    struct sha256 wanted;
    str says = http_header_find(&a->header, "docker-content-digest");
    str digests[] = {oci_is_digest(asked) ? asked : STR(""), oci_is_digest(says) ? says : STR("")};
    (void)t;
    for (size_t i = 0; i < ARRAY_LEN(digests); i++)
        if (digests[i].len &&
            (!hex_parse(str_from(digests[i], 7), wanted.byte, sizeof(wanted.byte)) ||
             !sha256_eq(&wanted, &a->digest)))
            return false;
    return true;
}

static void manifest_arrived(struct op *op, const struct web_answer *a)
{
    struct registry_talk *t = &op->registry;
    struct err err;
    str asked = t->manifest.next;
    str shown = ARENA_CAT(&op->arena, t->ref.registry, STR("/"), t->ref.repository,
                          oci_is_digest(asked) ? STR("@") : STR(":"), asked);
    if (a->status == 404) {
        fail(op, ERR_NOT_FOUND, ARENA_CAT(&op->arena, shown, STR(": not found")));
    } else if (a->status != 200) {
        complain(op, t->request.url, a);
    } else if (!manifest_is_what_it_says(t, a, asked)) {
        fail_at(op, STEP_MANIFEST, ERR_INVALID, STR("mismatched digest"));
    } else if (oci_manifest_parse(a->body, &op->arena, &t->manifest, &err)) {
        fail_at(op, STR(""), err.kind, err_str(&err));
    } else if (!t->manifest.chart.len && t->following) {
        fail_at(op, STR(""), ERR_INVALID, STR("an image index that leads to an image index"));
    } else if (!t->manifest.chart.len) {
        t->following = true;
        manifest_ask(op, t->manifest.next);
    } else {
        layer_ask(op);
    }
}

static void manifest_ask(struct op *op, str reference)
{
    struct registry_talk *t = &op->registry;
    t->manifest = (struct oci_manifest){.next = reference};
    t->context = STEP_REFERENCE;
    ask(op,
        (struct web_request){.url = oci_url(&op->arena, &t->ref, t->plain_http, "manifests",
                                            reference),
                             .accept = str_of(manifest_types),
                             .bytes_max = CHART_MANIFEST_BYTES_MAX,
                             .fd = -1},
        manifest_arrived);
}

void registry_pull(struct op *op, str reference, bool may_login)
{
    struct registry_talk *t = &op->registry;
    struct err err;
    talk_begin(op, may_login, STR(""));
    if (oci_reference_parse(reference, &op->arena, &t->ref, &err)) {
        fail_err(op, &err);
        return;
    }
    str version = op->version;
    char *tag = arena_cstr(&op->arena, version);
    for (size_t i = 0; i < version.len; i++)
        if (tag[i] == '+')
            tag[i] = '_';
    if (t->ref.tag.len && version.len && !str_is(t->ref.tag, tag)) {
        fail(op, ERR_INVALID,
             arena_printf(&op->arena, "chart reference and version mismatch: %.*s is not %.*s",
                          STR_FMT(version), STR_FMT(t->ref.tag)));
        return;
    }
    if (!t->ref.tag.len)
        t->ref.tag = str_mem(tag, version.len);
    manifest_ask(op, t->ref.digest.len ? t->ref.digest : t->ref.tag);
}
