/* Any text as a jq path, run over a small document: no crash, bounded work, and deleting twice is
 * deleting once where the path holds no index. */
#include <stdint.h>

#include "plan/jqpath.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char document[] =
        "{\"spec\":{\"a\":[{\"name\":\"c\",\"v\":1},{\"name\":\"d\",\"v\":[1,2,{\"x\":null}]}],"
        "\"b\":\"text\"},\"data\":{\"k\":\"v\"}}";
    struct arena a;
    struct err err;
    struct jqpath *p;
    struct doc *d;
    value once;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (json_parse_doc(str_of(document), NULL, &d, &err))
        return 0;
    if (!jqpath_compile(str_mem((const char *)data, size), &a, &p, &err) &&
        !jqpath_delete(p, doc_root(d), &a, &once, &err))
        json_str(&a, once, AUDIENCE_WIRE, JSON_SORT_KEYS);
    arena_done(&a);
    doc_unref(d);
    return 0;
}
