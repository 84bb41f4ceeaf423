/* value/pointer_fuzz.c: hostile JSON pointers: tokens joined again give the pointer back and find
 * the value put there. */
#include <assert.h>

#include "value/pointer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    if (size > 4096)
        return 0;
    arena_init(&a, (size_t)256 << 20);
    str pointer = str_mem(data, size), rest = pointer, joined = STR(""), token;
    value root = value_new_map(&a), at = root;
    pointer_get(root, pointer);
    if (pointer_valid(pointer)) {
        for (unsigned depth = 0; pointer_next(&a, &rest, &token); depth++) {
            joined = pointer_join(&a, joined, token);
            at = value_edit_map(&a, at, token);
            assert(depth < 4097);
        }
        assert(str_eq(joined, pointer));
        value found = pointer_get(root, pointer);
        assert(found.at == at.at && !found.doc);
    }
    arena_done(&a);
    return 0;
}
