/* base/time_fuzz.c: times and durations read from hostile text; what is printed parses to the same.
 */
#include <assert.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    arena_init(&a, 1 << 16);
    str text = str_mem(data, size);
    usec at, again;
    if (time_parse(text, &at)) {
        bool parsed = time_parse(time_micro_str(&a, at), &again);
        assert(at < 0 || !parsed || again == at);
        (void)parsed;
    }
    if (duration_parse(text, &at)) {
        bool parsed = duration_parse(duration_str(&a, at), &again);
        assert(parsed);
        (void)parsed;
    }
    arena_done(&a);
    return 0;
}
