/* render/directory.h: a folder of plain YAML and JSON manifests -> objects. Pure.
 *
 * Walks `path` of a file tree in byte order, depth first, takes files by extension, exclude and
 * include globs, decodes every document, and expands lists. What counts, what is skipped in silence
 * and every error text is upstream's. Objects keep file and line for messages; no tracking metadata
 * is added (plan/ does that).
 *
 * Also detects what kind of source a folder is: Helm, Kustomize, Plugin and Jsonnet have rooms of
 * their own; until one exists they answer -ERR_UNSUPPORTED with a text that says so.
 *
 * Errors: -ERR_PRECONDITION for a file that cannot be decoded (gRPC FailedPrecondition, as
 * upstream: "Failed to unmarshal "cm.yaml": ..."), -ERR_INVALID for a bad path or options ("later:
 * app path does not exist"), -ERR_TOO_LARGE ("exceeded max combined manifest file size"),
 * -ERR_UNSUPPORTED, and those of files/. Threads: none of its own. Memory: the arena passed.
 * Source: Argo CD reposerver/repository/repository.go (findManifests,
 * getPotentiallyValidManifests), util/app/path. */
#ifndef RENDER_DIRECTORY_H
#define RENDER_DIRECTORY_H

#include "argo/need.h"
#include "files/files.h"
#include "value/value.h"

struct helm_cache;

#define RENDER_OBJECTS_MAX 200000
#define RENDER_NEEDS_MAX 256 /* charts and files of other servers of one source */
#define DIRECTORY_BYTES_DEFAULT                                                                    \
    ((size_t)10000000) /* --max-combined-directory-manifests-size 10M                              \
                        */

enum render_type {
    RENDER_DIRECTORY,
    RENDER_HELM,
    RENDER_KUSTOMIZE,
    RENDER_PLUGIN,
    RENDER_NOTHING, /* a source that others refer to, and no more */
};
/* "Directory", "Helm", "Kustomize", "Plugin", "": status.sourceType. */
str render_type_name(enum render_type t);

struct render_object {
    value object;  /* a map with a non-empty kind */
    str file;      /* relative to the repository root */
    uint32_t line; /* 1-based, of the document's first line; list items: of the item */
};

/* Result of any engine: objects, or needs (then objects are not complete). */
struct render_result {
    enum render_type type;
    struct render_object *object;
    size_t n_objects, cap_objects;
    struct need_list needs;
    str *warning; /* "skipped: link target missing: ..." */
    size_t n_warnings, cap_warnings;
};

/* Another source of the application, by the name under which value files may use it. */
struct render_ref {
    str name; /* "$values" */
    str repo_url;
    struct files *files; /* NULL: it was not brought, for nothing names it */
};

/* What was found for a need of an earlier round. */
struct render_supply {
    struct sha256 key; /* need_key */
    int error;         /* kind, or 0 */
    str text;          /* error: its text; else the exact version of a chart */
    str bytes;         /* a chart's archive, a file's content */
};

struct render_request {
    struct files *files; /* root of the repository; reads are recorded there */
    value source;        /* ApplicationSource as in the Application: path, directory, helm, ... */
    str app_name;        /* instance name (of .argocd-source-<app>.yaml) */
    str namespace;       /* destination */
    str project;
    str revision; /* resolved */
    str kube_version;
    const str *api_version; /* group/version and group/version/Kind */
    size_t n_api_versions;
    size_t combined_bytes_max; /* 0: DIRECTORY_BYTES_DEFAULT */
    bool allow_escaping_links;
    bool disable_helm, disable_kustomize, disable_jsonnet;
    const struct render_ref *ref;
    size_t n_refs;
    const struct render_supply *supply;
    size_t n_supplies;
    str value_file_schemes;        /* of value files by URL: "https, http" */
    struct helm_cache *helm_cache; /* parse trees of earlier jobs (render/helm_cache.h); or NULL */
};

/* The one door of render/: check the path, merge .argocd-source files, find the type, run its
 * engine. */
int render_source(const struct render_request *r, struct arena *a, struct render_result *ret,
                  struct err *err) MUST_CHECK;

/* The type of `source` (explicit section or what the folder holds). -ERR_INVALID: "multiple
 * application sources defined: Kustomize,Helm". */
int render_detect(const struct render_request *r, value source, str path, struct arena *a,
                  enum render_type *ret, struct err *err) MUST_CHECK;
/* `path` of a source against the tree: absolute, outside, missing, not a folder. ret_path: clean
 * path, links resolved. */
int render_app_path(struct files *f, str path, struct arena *a, str *ret_path,
                    struct err *err) MUST_CHECK;

/* The directory engine itself; `path` clean, `options` the source's directory section (may be
 * absent). */
int directory_render(const struct render_request *r, str path, value options, struct arena *a,
                     struct render_result *ret, struct err *err) MUST_CHECK;

/* The documents of one file, by its name's extension; appends to ret. `shown` is the name in
 * errors. For callers that have text and no tree (the CLI's --local). */
int directory_decode(str shown, str file, str text, struct arena *a, struct render_result *ret,
                     struct err *err) MUST_CHECK;

#endif
