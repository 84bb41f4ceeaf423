/* value/proto_fuzz.c: hostile protobuf messages: what is read is written and read again as the
 * same. */
#include <assert.h>

#include "value/bind_proto.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct bind_field fields[] = {
    {"metadata", BIND_METADATA, 1},
    {"data", BIND_BYTES, 2, .shape = BIND_MAP},
    {"port", BIND_INT_OR_STRING, 3},
    {"ratio", BIND_DOUBLE, 4, .flags = BIND_POINTER},
    {"any", BIND_ANY, 5},
    {"numbers", BIND_INT32, 6, .shape = BIND_LIST},
    {"on", BIND_BOOL, 7, .shape = BIND_MAP},
};
static const struct bind_table table = BIND_TABLE("Hostile", NULL, fields);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct err err;
    value v = VALUE_ABSENT, again = VALUE_ABSENT;
    if (size > 1 << 14)
        return 0;
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (bind_proto_parse(&a, &table, str_mem(data, size), &v, &err) == 0) {
        CLEANUP(buf_done) struct buf once = BUF_INIT, twice = BUF_INIT;
        bind_proto_print(&table, v, &once);
        int r = bind_proto_parse(&a, &table, buf_str(&once), &again, &err);
        assert(r == 0);
        (void)r;
        bind_proto_print(&table, again, &twice);
        assert(str_eq(buf_str(&once), buf_str(&twice)));
    }
    arena_done(&a);
    return 0;
}
