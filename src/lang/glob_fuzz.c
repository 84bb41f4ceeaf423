/* lang/glob_fuzz.c: no pattern, version or constraint crashes or runs away. The first half of the
 * input is the pattern. */
#include "lang/glob.h"
#include "lang/semver.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str all = str_mem(data, size), pattern = str_sub(all, 0, size / 2),
        text = str_from(all, size / 2);
    struct err err;
    bool matched;
    size_t i;
    struct semver v, again;
    if (size > 2000)
        return 0;
    if (glob_matches(pattern, text, STR("/")))
        assert(glob_matches(pattern, text, STR("/")));
    if (path_match(pattern, text, &matched, &err) &&
        doublestar_match(pattern, text, &matched, &err))
        assert(err.text[0]);
    const str tags[] = {text, STR("1.2.3")};
    if (semver_highest(pattern, tags, 2, STR(""), &i, &err))
        assert(err.text[0]);
    if (!semver_parse(text, &v, &err)) {
        struct arena a;
        arena_init(&a, 1 << 20);
        str normal = semver_str(&a, &v);
        int r = semver_parse(normal, &again, &err);
        assert(!r && semver_compare(&v, &again) == 0);
        arena_done(&a);
    }
    return 0;
}
