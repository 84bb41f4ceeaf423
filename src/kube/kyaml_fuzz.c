/* kube/kyaml_fuzz.c: two YAML texts, a zero byte between them: an object and a patch. Neither
 * changes by their merge, and a merge that went well goes well again with the same result. Both
 * together, as a file, are read without a crash. */
#include <assert.h>

#include "kube/kyaml_merge.h"
#include "kube/kyaml_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static str text_of(struct arena *a, const struct yaml_node *n)
{
    struct buf out = BUF_INIT;
    if (n)
        yaml_node_print(n, a, &out);
    str text = arena_str(a, buf_str(&out));
    buf_done(&out);
    return text;
}

static void merge(struct arena *a, const struct yaml_node *object, const struct yaml_node *patch,
                  const struct kyaml_merge *how)
{
    struct err err;
    struct yaml_node *once = NULL, *again = NULL;
    str before = text_of(a, object), of_patch = text_of(a, patch);
    int r = kyaml_merge(object, patch, how, a, &once, &err);
    assert(str_eq(text_of(a, object), before) && str_eq(text_of(a, patch), of_patch));
    int r2 = kyaml_merge(object, patch, how, a, &again, &err);
    assert(r == r2 && (r || str_eq(text_of(a, once), text_of(a, again))));
}

static int print(void *arg, const struct yaml_document *d, size_t part, struct err *err)
{
    (void)part;
    (void)err;
    text_of(arg, d->root);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err = {0};
    str object_text, patch_text;
    struct yaml_node *object = NULL, *patch = NULL;
    if (size > 16384 || !str_cut(str_mem(data, size), 0, &object_text, &patch_text))
        return 0;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (kyaml_read(object_text, NULL, &a, print, &a, &err))
        assert(err.text[0]);
    if (yaml_node_parse(object_text, NULL, &a, &object, NULL) == 0 &&
        yaml_node_parse(patch_text, NULL, &a, &patch, NULL) == 0) {
        merge(&a, object, patch, NULL);
        merge(&a, object, patch, &(struct kyaml_merge){.append = true, .infer_lists = true});
    }
    arena_done(&a);
    return 0;
}
