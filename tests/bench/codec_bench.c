/* tests/bench/codec_bench.c: speed and size of the codecs of value/.
 *
 *   codec-bench SECONDS OBJECTS.jsonl [FILE.yaml...]
 *
 * OBJECTS holds one JSON object a line, FILE a stream of YAML documents; all objects of a file are
 * worked in rotation. "in" is bytes to a frozen document that is freed again, "out" a frozen
 * document to bytes. Prints what the inputs are and one line a row: name, MB by CPU second, and the
 * number of allocations by object. ROW=text in the environment: only rows whose name begins so. */
#include <malloc.h>
#include <time.h>

#include "kube/strategic.h"
#include "value/doc.h"
#include "value/json.h"
#include "value/yaml.h"

#define OBJECTS_MAX 4096
#define SETS_MAX 8

struct objects {
    struct arena arena; /* of the texts */
    str text[OBJECTS_MAX], yaml[OBJECTS_MAX];
    struct doc *doc[OBJECTS_MAX];
    size_t n, bytes, yaml_bytes;
};

static struct buf out_buf = BUF_INIT;

/* Every malloc and realloc of this program is counted. */
static size_t allocations;
void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n)
{
    allocations++;
    return __real_malloc(n);
}
void *__wrap_realloc(void *p, size_t n)
{
    allocations++;
    return __real_realloc(p, n);
}

/* CPU seconds of this process. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void refuse(const char *path, const char *why)
{
    fprintf(stderr, "codec-bench: %s: %s\n", path, why);
    exit(1);
}

static str read_file(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "r");
    struct buf b;
    buf_init(&b, (size_t)1 << 30);
    char piece[1 << 16];
    size_t n;
    if (!f)
        refuse(path, "cannot be read");
    while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
        buf_add(&b, str_mem(piece, n));
    fclose(f);
    str text = arena_str(a, buf_str(&b));
    buf_done(&b);
    return text;
}

/* An object from its JSON or its YAML; the other text is made from it. */
static void add_object(struct objects *o, const char *path, str json, str yaml)
{
    struct err err;
    struct doc **doc = &o->doc[o->n];
    if (o->n == OBJECTS_MAX)
        refuse(path, "too many objects");
    if (json.len ? json_parse_doc(json, NULL, doc, &err) : yaml_parse_doc(yaml, NULL, doc, &err))
        refuse(path, err.text);
    if (!json.len)
        json = json_str(&o->arena, doc_root(*doc), AUDIENCE_WIRE, 0);
    buf_reset(&out_buf);
    yaml_print(doc_root(*doc), YAML_SIGS, AUDIENCE_WIRE, &out_buf);
    o->text[o->n] = json;
    o->yaml[o->n] = arena_str(&o->arena, buf_str(&out_buf));
    o->bytes += json.len;
    o->yaml_bytes += out_buf.len;
    o->n++;
}

static void read_objects(struct objects *o, const char *path)
{
    arena_init(&o->arena, (size_t)1 << 30);
    str rest = read_file(&o->arena, path), one;
    bool yaml = str_ends(str_of(path), STR(".yaml"));
    while (yaml ? rest.len > 0 : str_next(&rest, '\n', &one)) {
        ptrdiff_t end = yaml ? str_find(rest, STR("---\n")) : -1;
        if (yaml) {
            one = end >= 0 ? str_sub(rest, 0, (size_t)end) : rest;
            rest = end >= 0 ? str_from(rest, (size_t)end + 4) : STR("");
        }
        if (one.len)
            add_object(o, path, yaml ? STR("") : one, one);
    }
    if (o->n == 0)
        refuse(path, "no objects");
}

static size_t parse_each(const struct objects *o, size_t i)
{
    struct doc *d = NULL;
    if (json_parse_doc(o->text[i], NULL, &d, NULL))
        abort();
    doc_unref(d);
    return o->text[i].len;
}

static size_t print_each(const struct objects *o, size_t i)
{
    buf_reset(&out_buf);
    json_print(doc_root(o->doc[i]), AUDIENCE_WIRE, 0, &out_buf);
    return out_buf.len;
}

static size_t print_sorted_each(const struct objects *o, size_t i)
{
    buf_reset(&out_buf);
    json_print(doc_root(o->doc[i]), AUDIENCE_WIRE, JSON_SORT_KEYS, &out_buf);
    return out_buf.len;
}

static size_t yaml_in_each(const struct objects *o, size_t i)
{
    struct doc *d = NULL;
    if (yaml_parse_doc(o->yaml[i], NULL, &d, NULL))
        abort();
    doc_unref(d);
    return o->yaml[i].len;
}

static size_t yaml_out_each(const struct objects *o, size_t i)
{
    buf_reset(&out_buf);
    yaml_print(doc_root(o->doc[i]), YAML_SIGS, AUDIENCE_WIRE, &out_buf);
    return out_buf.len;
}

static size_t digest_each(const struct objects *o, size_t i)
{
    struct sha256 s = value_digest(doc_root(o->doc[i]));
    return o->text[i].len + (s.byte[0] & 0);
}

static size_t thaw_each(const struct objects *o, size_t i)
{
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    value_thaw(&a, doc_root(o->doc[i]));
    arena_done(&a);
    return o->text[i].len;
}

static size_t unpack_each(const struct objects *o, size_t i)
{
    static struct buf packed[OBJECTS_MAX];
    struct doc *d = NULL;
    if (packed[i].len == 0) {
        buf_init(&packed[i], BUF_BYTES_DEFAULT);
        doc_pack(o->doc[i], &packed[i]);
    }
    if (doc_unpack(buf_str(&packed[i]), &d, NULL))
        abort();
    doc_unref(d);
    return o->text[i].len;
}

static int drop(void *arg, struct doc *take_item, struct err *err)
{
    (void)arg, (void)err;
    doc_unref(take_item);
    return 0;
}

/* All objects as one LIST answer that arrives in pieces of 64 KiB; done when the first is asked
 * for. */
static size_t list_each(const struct objects *o, size_t i)
{
    static struct buf list = BUF_INIT;
    if (i > 0)
        return 0;
    if (list.len == 0) {
        buf_addz(&list, "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":[");
        for (size_t k = 0; k < o->n; k++) {
            buf_addz(&list, k ? "," : "");
            buf_add(&list, o->text[k]);
        }
        buf_addz(&list, "]}");
    }
    struct json_stream *s = json_stream_new(JSON_STREAM_LIST, 0, drop, NULL);
    for (str rest = buf_str(&list); rest.len; rest = str_from(rest, 65536))
        if (json_stream_add(s, str_sub(rest, 0, 65536), NULL))
            abort();
    if (json_stream_end(s, NULL, NULL))
        abort();
    json_stream_free(s);
    return list.len;
}

static const char *only; /* rows whose name begins so; NULL: all */

static void measure(const char *name, size_t (*each)(const struct objects *, size_t),
                    const struct objects *o, double seconds)
{
    double best = 0;
    if (only && strncmp(name, only, strlen(only)) != 0)
        return;
    for (size_t i = 0; i < o->n; i++)
        each(o, i);
    for (int run = 0; run < 5; run++) {
        size_t bytes = 0;
        double start = now(), t = 0;
        do {
            for (size_t i = 0; i < o->n; i++)
                bytes += each(o, i);
            t = now() - start;
        } while (t < seconds / 5);
        best = MAX_OF(best, (double)bytes / t / 1e6);
    }
    size_t before = allocations;
    for (size_t i = 0; i < o->n; i++)
        each(o, i);
    printf("%-24s %8.0f MB/s  %7.2f us/KB  %7.1f allocations by object\n", name, best,
           1e3 / best * 1.024, (double)(allocations - before) / (double)o->n);
}

/* ---- the patch of an apply ---- */

#define DEPLOYMENTS_MAX 64

static struct apply {
    struct doc *original, *modified, *live;
} applies[DEPLOYMENTS_MAX];

/* What was applied before, what is applied now, and what the server has, of each live Deployment.
 * The Go program makes the same. */
static size_t make_applies(const struct objects *o)
{
    static const char *const of_server[] = {"managedFields", "resourceVersion", "uid", "generation",
                                            "creationTimestamp"};
    size_t n = 0;
    for (size_t i = 0; i < o->n && n < DEPLOYMENTS_MAX; i++) {
        value live = doc_root(o->doc[i]);
        struct arena a;
        if (!str_is(value_path_str(live, "kind"), "Deployment"))
            continue;
        arena_init(&a, ARENA_BYTES_DEFAULT);
        value v = value_copy(&a, live), meta = value_edit_map(&a, v, STR("metadata"));
        value_remove(v, STR("status"));
        for (size_t k = 0; k < ARRAY_LEN(of_server); k++)
            value_remove(meta, str_of(of_server[k]));
        applies[n] = (struct apply){.original = doc_freeze(v, 0), .live = doc_ref(o->doc[i])};
        value_set_path(&a, v, "spec.replicas", value_of_int(&a, 7));
        value_set_path(&a, v, "metadata.labels.bench", value_of_str(&a, STR("yes")));
        value first = value_at(value_path(v, "spec.template.spec.containers"), 0);
        value_set_str(&a, first, "image", STR("registry.example/new:2"));
        applies[n++].modified = doc_freeze(v, 0);
        arena_done(&a);
    }
    return n;
}

static void patch_each(size_t i, bool print, const struct kube_schema *schema)
{
    struct arena a;
    value patch;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (kube_strategic_diff3(doc_root(applies[i].original), doc_root(applies[i].modified),
                             doc_root(applies[i].live), schema, &a, &patch, NULL))
        abort();
    if (print)
        json_print(patch, AUDIENCE_WIRE, JSON_SORT_KEYS, &out_buf);
    arena_done(&a);
}

static void measure_patches(const struct objects *o, double seconds)
{
    const struct kube_schema *schema =
        kube_schema_of_kind(STR("apps"), STR("v1"), STR("Deployment"));
    struct arena a;
    double best = 0;
    size_t n = make_applies(o);
    if (n == 0 || (only && strncmp("three-way", only, strlen(only)) != 0))
        return;
    buf_reset(&out_buf);
    for (size_t i = 0; i < n; i++)
        patch_each(i, true, schema);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    struct sha256 sum = sha256_of(buf_str(&out_buf));
    printf("patches %.*s\n", STR_FMT(hex_str(&a, sum.byte, sizeof(sum.byte))));
    arena_done(&a);
    for (int run = 0; run < 5; run++) {
        size_t done = 0;
        double start = now(), t = 0;
        while (t < seconds / 5) {
            for (size_t i = 0; i < n; i++)
                patch_each(i, false, schema);
            done += n;
            t = now() - start;
        }
        best = MAX_OF(best, (double)done / t);
    }
    size_t before = allocations;
    for (size_t i = 0; i < n; i++)
        patch_each(i, false, schema);
    printf("%-24s %8.2f us of %zu Deployments  %7.1f allocations each\n", "three-way patch",
           1e6 / best, n, (double)(allocations - before) / (double)n);
}

/* One digest of all trees, printed with sorted keys, and of their YAML: to be compared with that of
 * another program. */
static void print_trees(const struct objects *sets, size_t n)
{
    struct sha256_stream *all = sha256_open();
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    for (const struct objects *o = sets; o < sets + n; o++)
        for (size_t i = 0; i < o->n; i++) {
            print_sorted_each(o, i);
            sha256_add(all, buf_str(&out_buf));
            sha256_add(all, STR("\n"));
            sha256_add(all, o->yaml[i]);
        }
    struct sha256 sum = sha256_close(all);
    printf("trees %.*s\n", STR_FMT(hex_str(&a, sum.byte, sizeof(sum.byte))));
    arena_done(&a);
}

static void tell_inputs(const struct objects *o, const char *path)
{
    size_t frozen = 0, packed = 0;
    const char *name = strrchr(path, '/');
    for (size_t i = 0; i < o->n; i++) {
        struct buf b = BUF_INIT;
        doc_pack(o->doc[i], &b);
        frozen += doc_bytes(o->doc[i]);
        packed += b.len;
        buf_done(&b);
    }
    printf("inputs %s: %zu objects, %zu bytes of YAML, %zu of JSON; frozen %.3f, packed %.3f of "
           "the JSON\n",
           name ? name + 1 : path, o->n, o->yaml_bytes, o->bytes, (double)frozen / (double)o->bytes,
           (double)packed / (double)o->bytes);
}

int main(int argc, char **argv)
{
    static struct objects sets[SETS_MAX];
    size_t n_sets = (size_t)argc - 2;
    if (argc < 3 || n_sets > SETS_MAX) {
        fprintf(stderr, "usage: codec-bench SECONDS OBJECTS.jsonl [FILE.yaml...]\n");
        return 2;
    }
    double seconds = strtod(argv[1], NULL);
    only = getenv("ROW");
    for (size_t i = 0; i < n_sets; i++) {
        read_objects(&sets[i], argv[i + 2]);
        tell_inputs(&sets[i], argv[i + 2]);
    }
    print_trees(sets, n_sets);
    const struct objects *live = &sets[0];
    measure("json in", parse_each, live, seconds);
    measure("json out", print_each, live, seconds);
    measure("json out, keys sorted", print_sorted_each, live, seconds);
    measure("yaml in", yaml_in_each, live, seconds);
    measure("yaml out", yaml_out_each, live, seconds);
    for (size_t i = 1; i < n_sets; i++) {
        const char *file = strrchr(argv[i + 2], '/');
        char name[64];
        file = file ? file + 1 : argv[i + 2];
        snprintf(name, sizeof(name), "yaml in %.40s", file);
        measure(name, yaml_in_each, &sets[i], seconds);
        snprintf(name, sizeof(name), "yaml out %.40s", file);
        measure(name, yaml_out_each, &sets[i], seconds);
    }
    measure("list in, by pieces", list_each, live, seconds);
    measure("digest", digest_each, live, seconds);
    measure("thaw", thaw_each, live, seconds);
    measure("unpack", unpack_each, live, seconds);
    measure_patches(live, seconds);
    return 0;
}
