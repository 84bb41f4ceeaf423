/* argo/need.h: what a pure room lacks to give its answer, as data.
 *
 * render/ and plan/ never call out. They answer a result, an error, or a list of needs; the asker,
 * which alone has network and credentials, fulfils the whole batch and calls again with the
 * answers, at most NEED_ROUNDS_MAX times. Two needs with equal need_key are the same need: an asker
 * fetches it once, and a pure room finds its answer by that key. All text is borrowed from the
 * arena of the call that stated the need. Threads: plain data. */
#ifndef ARGO_NEED_H
#define ARGO_NEED_H

#include "base/arena.h"
#include "base/digest.h"
#include "value/value.h"

#define NEED_ROUNDS_MAX 8
#define NEEDS_MAX 4096     /* in one answer */
#define NEED_TEXT_MAX 4096 /* bytes of a URL, name or version; longer ones nobody asks for */

enum need_kind {
    NEED_CHART,   /* a Helm chart archive: answered by a files tree */
    NEED_REMOTE,  /* a remote base or file (Kustomize, value files by URL): a files tree or bytes */
    NEED_LIVE,    /* a live object in full, managedFields included: a document or absence */
    NEED_DRY_RUN, /* what the API server would make of an object: a document or the server's refusal
                   */
    NEED_SCHEMA,  /* the OpenAPI schema of a kind: a document or absence */
    NEED_EVAL,    /* a jq or Lua program over one document: a document or the program's error */
};

struct need_object { /* an object of the destination cluster */
    str group, version, kind, namespace, name;
};

struct need {
    enum need_kind kind;
    union {
        struct {
            /* repo_url as written: a URL, "oci://...", "@name". name empty: the repository itself,
             * answered by its URL. version: exact or constraint, as written in the source. */
            str repo_url, name, version;
        } chart;
        struct {
            str url, revision; /* revision empty: the default one; a plain file has none */
        } remote;
        struct need_object live;
        struct {
            struct need_object of;
            value object;      /* what would be sent */
            str field_manager; /* of a server-side apply */
            bool force;
        } dry_run;
        struct {
            str group, version, kind;
        } schema;
        struct {
            enum need_language { NEED_JQ, NEED_LUA } language;
            str program;
            value input;
        } eval;
    };
};

struct need_list {
    struct need *at;
    size_t n, cap; /* a VEC(struct need): vec_push(arena, &list, need) */
};

/* SHA-256 over the kind and all its arguments (documents by value_digest). */
struct sha256 need_key(const struct need *n);
/* For "waiting for" and log lines: "chart web 1.2.3 from https://..."; never a document's content.
 */
str need_str(struct arena *a, const struct need *n);

#endif
