/* tests/bench/codec_bench.c: speed and size of the codecs of value/.
 *
 *   codec-bench OBJECTS.jsonl [SECONDS [ROW]]
 *
 * OBJECTS holds one JSON object a line; all are worked in rotation. "in" is bytes to a frozen
 * document that is freed again, "out" a frozen document to bytes. Prints one line a row: name,
 * MB/s, and what was counted. */
#include <malloc.h>
#include <time.h>

#include "value/doc.h"
#include "value/json.h"
#include "value/yaml.h"

#define OBJECTS_MAX 4096

struct objects {
    struct arena arena; /* of the texts */
    str text[OBJECTS_MAX], yaml[OBJECTS_MAX];
    struct doc *doc[OBJECTS_MAX];
    size_t n, bytes;
};

static struct buf out_buf = BUF_INIT;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void read_objects(struct objects *o, const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    struct err err;
    while (f && o->n < OBJECTS_MAX && (len = getline(&line, &cap, f)) > 0) {
        str text = str_trim(str_mem(line, (size_t)len));
        o->text[o->n] = arena_str(&o->arena, text);
        if (json_parse_doc(o->text[o->n], NULL, &o->doc[o->n], &err)) {
            fprintf(stderr, "codec-bench: %s: %s\n", path, err.text);
            exit(1);
        }
        buf_reset(&out_buf);
        yaml_print(doc_root(o->doc[o->n]), YAML_SIGS, AUDIENCE_WIRE, &out_buf);
        o->yaml[o->n] = arena_str(&o->arena, buf_str(&out_buf));
        o->bytes += text.len;
        o->n++;
    }
    free(line);
    if (!f || o->n == 0) {
        fprintf(stderr, "codec-bench: %s: no objects\n", path);
        exit(1);
    }
    fclose(f);
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
    printf("%-24s %8.0f MB/s  %7.2f us/KB\n", name, best, 1e3 / best * 1.024);
}

/* One digest of all trees, printed with sorted keys: to be compared with that of another program.
 */
static void print_trees(const struct objects *o)
{
    struct sha256_stream *all = sha256_open();
    struct arena a;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    for (size_t i = 0; i < o->n; i++) {
        print_sorted_each(o, i);
        sha256_add(all, buf_str(&out_buf));
        sha256_add(all, STR("\n"));
    }
    for (size_t i = 0; i < o->n; i++)
        sha256_add(all, o->yaml[i]);
    struct sha256 sum = sha256_close(all);
    printf("trees %.*s\n", STR_FMT(hex_str(&a, sum.byte, sizeof(sum.byte))));
    arena_done(&a);
}

int main(int argc, char **argv)
{
    static struct objects o;
    if (argc < 2) {
        fprintf(stderr, "usage: codec-bench OBJECTS.jsonl [SECONDS]\n");
        return 2;
    }
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 2;
    only = argc > 3 ? argv[3] : NULL;
    arena_init(&o.arena, (size_t)1 << 30);
    read_objects(&o, argv[1]);
    size_t frozen = 0, packed = 0;
    for (size_t i = 0; i < o.n; i++) {
        struct buf b = BUF_INIT;
        doc_pack(o.doc[i], &b);
        frozen += doc_bytes(o.doc[i]);
        packed += b.len;
        buf_done(&b);
    }
    printf("%zu objects, %zu bytes of JSON; frozen %.3f, packed %.3f of that\n", o.n, o.bytes,
           (double)frozen / (double)o.bytes, (double)packed / (double)o.bytes);
    print_trees(&o);
    measure("json in", parse_each, &o, seconds);
    measure("json out", print_each, &o, seconds);
    measure("json out, keys sorted", print_sorted_each, &o, seconds);
    measure("yaml in", yaml_in_each, &o, seconds);
    measure("yaml out", yaml_out_each, &o, seconds);
    measure("list in, by pieces", list_each, &o, seconds);
    measure("digest", digest_each, &o, seconds);
    measure("thaw", thaw_each, &o, seconds);
    measure("unpack", unpack_each, &o, seconds);
    return 0;
}
