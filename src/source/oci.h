/* source/oci.h: what a registry says, read: challenges, tokens, tags, manifests, complaints;
 * private to source/.
 *
 * All of it is hostile input: bounded, no recursion. Text goes into the arena. Pure. Source:
 * oras-go v2 (registry, remote/auth, remote/errcode) for reading and texts; helm pkg/registry for
 * which layer is the chart; OCI distribution and image specifications 1.1. */
#ifndef SOURCE_OCI_H
#define SOURCE_OCI_H

#include "base/arena.h"
#include "base/err.h"
#include "source/url.h"

#define OCI_TAG_BYTES_MAX 128
#define OCI_DIGEST_BYTES 71 /* "sha256:" and 64 digits */

struct oci_reference {
    str registry;   /* "host:port" */
    str repository; /* "charts/web" */
    str tag;        /* "1.2.3_b", or empty */
    str digest;     /* "sha256:...", or empty */
};
/* "host:port/repo[:tag][@sha256:...]", "oci://" in front allowed; "+" in a tag becomes "_".
 * -ERR_INVALID: "invalid reference: invalid repository "X"" ... */
int oci_reference_parse(str text, struct arena *a, struct oci_reference *ret,
                        struct err *err) MUST_CHECK;
/* "https://host/v2/repo/" + part; docker.io is reached at registry-1.docker.io. */
str oci_url(struct arena *a, const struct oci_reference *r, bool plain_http, const char *kind,
            str part);

enum oci_scheme { OCI_AUTH_NONE, OCI_AUTH_BASIC, OCI_AUTH_BEARER };
struct oci_challenge {
    enum oci_scheme scheme;
    str realm, service, scope;
};
/* A WWW-Authenticate field; what cannot be read ends the list of parameters. */
struct oci_challenge oci_challenge_parse(struct arena *a, str header);
/* May credentials go to this realm, asked for by this registry? -ERR_FORBIDDEN says why not. */
int oci_realm_check(str realm, const struct url *registry, struct err *err) MUST_CHECK;
/* URL of the token service with its query. `hint`: the scope the caller knows it needs. */
int oci_token_url(struct arena *a, const struct oci_challenge *c, str hint, str *ret,
                  struct err *err) MUST_CHECK;
int oci_token_parse(str json, struct arena *a, str *ret, struct err *err) MUST_CHECK;

/* Appended to the list, "_" as "+". */
struct oci_tags {
    str *at;
    size_t n, cap;
};
int oci_tags_parse(str json, struct arena *a, struct oci_tags *io, struct err *err) MUST_CHECK;
/* Where a Link field leads, relative to `at`; *ret empty: nowhere. */
int oci_link_parse(struct arena *a, str header, const struct url *at, str *ret,
                   struct err *err) MUST_CHECK;

struct oci_manifest {
    str chart;      /* digest of the chart's layer; empty: it is an index, see `next` */
    uint64_t bytes; /* of the layer */
    str next;       /* digest of the manifest to read instead */
};
int oci_manifest_parse(str json, struct arena *a, struct oci_manifest *ret,
                       struct err *err) MUST_CHECK;
bool oci_is_digest(str digest); /* sha256 only */

/* `GET "URL": response status code 404: name unknown: repository name not known to registry` */
str oci_complaint(struct arena *a, str url, int status, str body);

#endif
