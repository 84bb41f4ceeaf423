/* tests/fuzz/replay_main.c: the main of a fuzz target in builds without libFuzzer.
 *
 * It gives every file of the corpora named to LLVMFuzzerTestOneInput and speaks TAP: one
 * test per file, so that an input which was once a finding stays a test for good. The empty input
 * is always tried first: a target without a corpus still runs once.
 *
 *   target [FOLDER | FILE]...
 *
 * Source: libFuzzer's own "run these files" mode, whose output is not TAP. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

#define INPUT_BYTES_MAX (64u << 20)

static unsigned tests;
static unsigned failures;

static void report(const char *name, const char *why)
{
    tests++;
    failures += why != NULL;
    printf("%s %u - %s\n", why ? "not ok" : "ok", tests, name);
    if (why)
        printf("# %s\n", why);
    fflush(stdout);
}

/* A target reports a broken property by abort(): what was announced last is the culprit. */
static void announce(const char *name)
{
    printf("# input %s\n", name);
    fflush(stdout);
}

static void run_file(const char *path, const char *name)
{
    announce(name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        report(name, strerror(errno));
        return;
    }
    size_t len = 0, cap = 4096;
    uint8_t *bytes = malloc(cap);
    while (bytes) {
        len += fread(bytes + len, 1, cap - len, f);
        if (len < cap || cap >= INPUT_BYTES_MAX)
            break;
        cap *= 2;
        uint8_t *larger = realloc(bytes, cap);
        if (!larger)
            abort();
        bytes = larger;
    }
    fclose(f);
    if (!bytes)
        abort();
    /* A block of exactly the input's size, so that reading past it is seen by ASan. */
    uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        abort();
    memcpy(exact, bytes, len);
    free(bytes);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    report(name, NULL);
}

static int visible(const struct dirent *e) { return e->d_name[0] != '.'; }

static void run_folder(const char *path)
{
    struct dirent **entry;
    int n = scandir(path, &entry, visible, alphasort);
    if (n < 0) {
        report(path, strerror(errno));
        return;
    }
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof(file), "%s/%s", path, entry[i]->d_name);
        run_file(file, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
}

int main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    announce("the empty input");
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    report("the empty input", NULL);
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) < 0 && errno == ENOENT)
            continue; /* no corpus yet: tools/lint asks for one, not the replay */
        if (S_ISDIR(st.st_mode))
            run_folder(argv[i]);
        else
            run_file(argv[i], argv[i]);
    }
    printf("1..%u\n", tests);
    return failures ? 1 : 0;
}
