/* render/helm_chart.h: a Helm chart in memory, and how it is loaded.
 *
 * A chart is a list of files (path below the chart, bytes) that came out of a folder or a .tgz
 * archive, sorted into metadata, default values, schema, templates, subcharts and the rest. Loading
 * checks what helm checks with helm's texts; what helm reads without bound is bounded here.
 *
 * Everything lives in the arena passed; bytes of files are borrowed from it. Threads: none of its
 * own.
 *
 * Errors: -ERR_INVALID with helm's text, -ERR_TOO_LARGE for a bound, and those of files/.
 * Source: helm 4.2.4 pkg/chart/v2, pkg/chart/v2/loader, pkg/chart/loader/archive, pkg/ignore. */
#ifndef RENDER_HELM_CHART_H
#define RENDER_HELM_CHART_H

#include "base/attr.h"
#include "files/files.h"
#include "value/value.h"

#define HELM_FILE_BYTES_MAX ((size_t)5 * 1024 * 1024)    /* one file */
#define HELM_CHART_BYTES_MAX ((size_t)100 * 1024 * 1024) /* all files of an archive */
#define HELM_FILES_MAX 100000                            /* of one chart, subcharts included */
#define HELM_DEPTH_MAX 64                                /* subcharts in subcharts; folders */

/* Whose rules and words: helm 4.2's, or helm 3.19's where the two differ. */
enum helm_level { HELM_LEVEL_4, HELM_LEVEL_3 };

/* Reads what loading a chart does not need (.Files, crds/, what only people read) when somebody
 * asks. The chart holds it; `files` is set for each job, and cleared behind it. */
struct helm_reader {
    struct files *files;
    struct arena *arena; /* what is read lives here: as long as the chart */
    int rc;              /* of the first failure, or 0 */
    struct err err;
};

struct helm_late { /* a file that is read when somebody asks */
    struct helm_reader *reader;
    struct file_entry entry; /* with its resolved path */
    str data;                /* at NULL: not read yet */
};

struct helm_file {
    str name;               /* '/'-separated, below the chart */
    str data;               /* without a byte order mark; of a late file empty: helm_file_data */
    struct file_id id;      /* of the bytes, where files/ knows it */
    struct helm_late *late; /* or NULL */
    bool kept;              /* name and data live as long as the cache */
};
/* What import-values and the subcharts' defaults make of a chart's values, for each set of
 * subcharts that took part so far: the user has no say in it. Grows as renderings come; in the kept
 * chart's arena. */
struct helm_merges {
    struct arena *arena;
    struct helm_merge *first;
    unsigned n;
    size_t bytes; /* of their documents, which are not in the arena */
};

/* The bytes. A failure to read gives none and is the reader's. */
str helm_file_data(const struct helm_file *f);
struct helm_files {
    struct helm_file *at;
    size_t n, cap;
};

struct helm_strs {
    str *at;
    size_t n, cap;
};

struct helm_maintainer {
    str name, email, url;
};

struct helm_dependency {
    str name, version, repository, condition, alias;
    struct helm_strs tags;
    bool enabled;
    value import_values; /* list as written, or absent */
};

struct helm_metadata {
    str name, home, version, description, icon, api_version, condition, tags, app_version,
        kube_version, type;
    bool deprecated;
    struct helm_strs sources, keywords;
    struct {
        struct helm_maintainer *at;
        size_t n, cap;
    } maintainers;
    value annotations; /* map of strings, or absent */
    struct helm_dependency *dependency;
    size_t n_dependencies;
    bool has_dependencies; /* Go: the slice is not nil */
};

struct helm_lock {
    bool exists;
    str generated, digest;
    struct helm_dependency *dependency;
    size_t n_dependencies;
};

struct helm_chart {
    struct helm_metadata *metadata;
    struct helm_lock lock;
    struct helm_files templates;
    struct helm_files files; /* .Files: all that has no other role */
    struct helm_files raw;   /* every file */
    value values;            /* map, building or (of a chart that is kept) frozen; never absent */
    bool has_schema;
    str schema;
    struct helm_reader *reader; /* of a root with late files, else NULL */
    struct helm_merges *merges; /* of a root that is kept, else NULL */
    struct helm_chart *parent;  /* NULL: root */
    struct helm_chart **dependency;
    size_t n_dependencies, cap_dependencies;
};

/* What the user should be told: lines as slog prints them (`level=WARN msg="..."`), or at Helm 3's
 * level as log does (`coalesce.go:237: ...`). Loading a chart follows the level's rules. */
struct helm_log {
    struct arena *arena;
    enum helm_level level;
    bool any_version; /* Helm 4's commands that only look do not refuse unknown apiVersions */
    struct helm_strs lines;
};
/* One line of Helm 4; attr: pairs of key and value, a NULL key ends them. Nothing at level 3. */
void helm_log_add(struct helm_log *l, const char *severity, str msg, ...);
/* One line of Helm 3; place: "file.go:LINE: " or "WARNING: ". Nothing at level 4. */
void helm_log_add3(struct helm_log *l, const char *place, const char *format, ...) PRINTF(3, 4);

/* The chart in the folder `path` of f (links inside the tree are followed). `shown` is the folder's
 * name in messages. log: not NULL, its level says which helm reads. */
int helm_load_folder(struct files *f, str path, str shown, struct arena *a, struct helm_log *log,
                     struct helm_chart **ret, struct err *err) MUST_CHECK;
/* The same with late files and frozen values, to be kept: all memory is the reader's arena; the
 * reader lives as long. */
int helm_load_folder_late(struct helm_reader *r, str path, str shown, struct helm_log *log,
                          struct helm_chart **ret, struct err *err) MUST_CHECK;
/* The chart in the bytes of a .tgz. `shown` as above; empty: the archive of a subchart. */
int helm_load_archive(str bytes, str shown, struct arena *a, struct helm_log *log,
                      struct helm_chart **ret, struct err *err) MUST_CHECK;
/* A chart out of its files; the array is reordered and borrowed. */
int helm_load_files(struct helm_files *files, struct arena *a, struct helm_log *log,
                    struct helm_chart **ret, struct err *err) MUST_CHECK;

/* The regular files of a gzipped tar archive, first path component dropped, in archive order. */
int helm_archive_read(str bytes, struct arena *a, struct helm_files *ret,
                      struct err *err) MUST_CHECK;

/* values.yaml or a -f file: all its documents merged (Helm 3: the first); a building map. Integers
 * become doubles, as Go's encoding/json reads them. */
int helm_values_parse(str text, enum helm_level level, struct arena *a, value *ret,
                      struct err *err) MUST_CHECK;
/* v as a document that lives as long as the arena. */
value helm_values_freeze(struct arena *a, value v);
/* Every integer of a building tree becomes a double. */
value helm_values_as_float(struct arena *a, value v);

/* ---- metadata ---- */

/* Decode Chart.yaml (or requirements.yaml) over *io. Text: "error converting YAML to JSON: ..." or
 * "error unmarshaling JSON: ...". */
int helm_metadata_parse(str text, enum helm_level level, struct arena *a, struct helm_metadata *io,
                        struct err *err) MUST_CHECK;
int helm_lock_parse(str text, enum helm_level level, struct arena *a, struct helm_lock *io,
                    struct err *err) MUST_CHECK;
/* What strict reading of Chart.yaml says more: duplicate keys, then the first unknown field. */
int helm_metadata_strict(str text, enum helm_level level, struct arena *a,
                         struct err *err) MUST_CHECK;
/* Check and clean; "validation: ...". */
int helm_metadata_check(struct arena *a, enum helm_level level, struct helm_metadata *m,
                        struct err *err) MUST_CHECK;

/* A scalar as sigs.k8s.io/yaml turns it into text where Go wants a string. */
str helm_scalar_text(struct arena *a, value v);

/* sub becomes a subchart of c. */
void helm_chart_add(struct arena *a, struct helm_chart *c, struct helm_chart *sub);

/* ---- asking ---- */

static inline str helm_chart_name(const struct helm_chart *c) { return c->metadata->name; }
/* "root/charts/sub". */
str helm_chart_path(struct arena *a, const struct helm_chart *c);
bool helm_chart_is_library(const struct helm_chart *c);
/* masterminds: constraint and version both parse and the version is in range. */
bool helm_is_compatible(struct arena *a, str constraint, str version);

struct helm_crd {
    str file; /* "root/charts/sub/crds/x.yaml" */
    const struct helm_file *content;
};
/* crds/ of the chart and of all its subcharts, in helm's order. */
size_t helm_chart_crds(struct arena *a, const struct helm_chart *c, struct helm_crd **ret);

/* .helmignore. */
struct helm_ignore;
int helm_ignore_parse(str text, struct arena *a, struct helm_ignore **ret,
                      struct err *err) MUST_CHECK;
/* The built-in rules; append them after the file's. */
void helm_ignore_add_defaults(struct helm_ignore *g);
bool helm_ignore_match(const struct helm_ignore *g, str path, bool is_folder);
/* No rules. */
struct helm_ignore *helm_ignore_new(struct arena *a);

#endif
