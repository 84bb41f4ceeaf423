/* files/tests/git_fixture.h: repositories for tests, made by the real git. */
#ifndef FILES_TESTS_GIT_FIXTURE_H
#define FILES_TESTS_GIT_FIXTURE_H

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

struct git_fixture {
    char folder[256]; /* temporary; work tree in "w", bare clone of choice elsewhere */
    unsigned n_commits;
};

/* Run argv (ends in NULL) in `folder`; its first line of output into ret (may be NULL). Exit code.
 */
static inline int fixture_run(const char *folder, char *ret, size_t ret_bytes,
                              const char *const *argv)
{
    int p[2];
    if (pipe(p))
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        dup2(p[1], 1);
        close(p[0]);
        if (chdir(folder))
            _exit(126);
        setenv("HOME", folder, 1);
        setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
        setenv("GIT_AUTHOR_NAME", "Dev", 1);
        setenv("GIT_AUTHOR_EMAIL", "dev@example.com", 1);
        setenv("GIT_COMMITTER_NAME", "Dev", 1);
        setenv("GIT_COMMITTER_EMAIL", "dev@example.com", 1);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(p[1]);
    char out[4096];
    size_t len = 0;
    ssize_t n;
    while ((n = read(p[0], out + len, sizeof(out) - 1 - len)) > 0)
        len += (size_t)n;
    close(p[0]);
    out[len] = 0;
    int status;
    while (waitpid(pid, &status, 0) < 0) {
    }
    if (ret) {
        out[strcspn(out, "\n")] = 0;
        size_t line = strlen(out);
        if (line >= ret_bytes)
            abort();
        memcpy(ret, out, line + 1);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
#define FIXTURE_RUN(folder, ret, ret_bytes, ...)                                                   \
    fixture_run((folder), (ret), (ret_bytes), (const char *const[]){__VA_ARGS__, NULL})

static inline void fixture_must(int rc)
{
    if (rc) {
        fprintf(stderr, "# fixture command failed: %d\n", rc);
        abort();
    }
}

static inline void fixture_open(struct git_fixture *g)
{
    snprintf(g->folder, sizeof(g->folder), "%s/tiphys-test-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(g->folder))
        abort();
    g->n_commits = 0;
    fixture_must(FIXTURE_RUN(g->folder, NULL, 0, "git", "init", "-q", "-b", "main", "w"));
}

static inline void fixture_close(struct git_fixture *g)
{
    FIXTURE_RUN("/", NULL, 0, "rm", "-rf", "--", g->folder);
}

static inline void fixture_path(const struct git_fixture *g, const char *name, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%s/w/%s", g->folder, name);
}

/* Make the folders above a path of the work tree. */
static inline void fixture_folders(const struct git_fixture *g, const char *name)
{
    char path[PATH_MAX];
    fixture_path(g, name, path);
    for (char *p = path + strlen(g->folder) + 1; (p = strchr(p, '/')); p++) {
        *p = 0;
        mkdir(path, 0755);
        *p = '/';
    }
}

static inline void fixture_write(const struct git_fixture *g, const char *name, const char *text)
{
    char path[PATH_MAX];
    fixture_folders(g, name);
    fixture_path(g, name, path);
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f))
        abort();
}

static inline void fixture_link(const struct git_fixture *g, const char *name, const char *target)
{
    char path[PATH_MAX];
    fixture_folders(g, name);
    fixture_path(g, name, path);
    unlink(path);
    if (symlink(target, path))
        abort();
}

static inline void fixture_remove(const struct git_fixture *g, const char *name)
{
    char path[PATH_MAX];
    fixture_path(g, name, path);
    unlink(path);
}

static inline void fixture_work_tree(const struct git_fixture *g, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%s/w", g->folder);
}

static inline void fixture_objects(const struct git_fixture *g, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%s/w/.git/objects", g->folder);
}

/* Commit everything; ids of commit and tree (either may be NULL). */
static inline void fixture_commit(struct git_fixture *g, char ret_commit[41], char ret_tree[41])
{
    char w[PATH_MAX], message[64];
    fixture_work_tree(g, w);
    snprintf(message, sizeof(message), "commit %u", ++g->n_commits);
    fixture_must(FIXTURE_RUN(w, NULL, 0, "git", "add", "-A"));
    fixture_must(FIXTURE_RUN(w, NULL, 0, "git", "commit", "-q", "--allow-empty", "-m", message));
    if (ret_commit)
        fixture_must(FIXTURE_RUN(w, ret_commit, 41, "git", "rev-parse", "HEAD"));
    if (ret_tree)
        fixture_must(FIXTURE_RUN(w, ret_tree, 41, "git", "rev-parse", "HEAD^{tree}"));
}

#endif
