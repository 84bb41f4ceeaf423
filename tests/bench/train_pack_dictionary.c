/* tests/bench/train_pack_dictionary.c: makes src/value/pack_dictionary.bin.
 *
 *   train-pack-dictionary OBJECTS.jsonl BYTES OUT
 *
 * OBJECTS: many live objects as an API server gives them, one a line; other ones than those the
 * benchmark measures. The samples are their tapes, because that is what is packed: a change of the
 * tape's layout needs a new dictionary. */
#include <zdict.h>

#include "value/json.h"
#include "value/tape.h"

#define SAMPLES_MAX 20000

int main(int argc, char **argv)
{
    static size_t size[SAMPLES_MAX];
    struct buf all = BUF_INIT;
    unsigned n = 0;
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    uint64_t bytes = 0;
    FILE *in = argc == 4 ? fopen(argv[1], "r") : NULL;
    if (!in || !str_to_u64(str_of(argv[2]), &bytes)) {
        fprintf(stderr, "usage: train-pack-dictionary OBJECTS.jsonl BYTES OUT\n");
        return 2;
    }
    while (n < SAMPLES_MAX && (len = getline(&line, &cap, in)) > 0) {
        struct doc *d = NULL;
        struct err err;
        if (json_parse_doc(str_mem(line, (size_t)len), NULL, &d, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        buf_add(&all, str_mem(d->tape, d->tape_bytes));
        size[n++] = d->tape_bytes;
        doc_unref(d);
    }
    char *dictionary = malloc(bytes);
    size_t made = ZDICT_trainFromBuffer(dictionary, bytes, all.at, size, n);
    FILE *out = fopen(argv[3], "w");
    if (ZDICT_isError(made) || !out || fwrite(dictionary, 1, made, out) != made || fclose(out)) {
        fprintf(stderr, "training: %s\n", ZDICT_isError(made) ? ZDICT_getErrorName(made) : argv[3]);
        return 1;
    }
    printf("%u samples of %zu bytes, dictionary of %zu bytes\n", n, all.len, made);
    free(dictionary);
    free(line);
    buf_done(&all);
    fclose(in);
    return 0;
}
