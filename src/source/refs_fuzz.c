/* refs_fuzz.c: what a git server can make git print (refs), what a commit object can hold, and
 * git's complaints. */
#include <string.h>

#include "source/git_run.h"
#include "source/refs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str text = str_mem((const char *)data, size);
    struct err err;
    struct source_refs *r = NULL;
    if (refs_parse(text, &r, &err) == 0) {
        for (size_t i = 0; i < r->n; i++)
            if (!source_is_sha(str_of(r->at[i].sha)) || !source_is_sha(str_of(r->at[i].commit)))
                abort();
        source_refs_unref(r);
    }
    struct source_commit *c = NULL;
    if (commit_parse("0123456789012345678901234567890123456789", text, &c, &err) == 0)
        source_commit_unref(c);
    str url, complaint;
    str_cut(text, '\n', &url, &complaint);
    if (git_complaint(complaint, url, &err) == 0 || err.kind == ERR_OK)
        abort();
    struct arena a;
    arena_init(&a, (size_t)64 << 20);
    char *shown;
    str user = STR(""), password = STR("");
    /* What git sees never begins with '-' and never holds the password. */
    if (git_url(url, &a, &shown, &user, &password, &err) == 0 &&
        (shown[0] == '-' || strstr(shown, "::")))
        abort();
    arena_done(&a);
    return 0;
}
