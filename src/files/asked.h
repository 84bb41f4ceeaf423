/* files/asked.h: a file tree whose every question is put to somebody else.
 *
 * A process that may open nothing (a render worker on a kernel without Landlock) reads through
 * files_new_asked: each question becomes a line of bytes, which `ask` carries to the process that
 * holds the tree; there files_answer gives the answer's bytes. The two halves stand in one file, so
 * the bytes have no other definition.
 *
 * The answering side trusts no question: a path that is not clean (absolute, "..", empty parts, a
 * NUL) is -ERR_INVALID, and so is an unknown question. Bounds are those of files.h. */
#ifndef FILES_ASKED_H
#define FILES_ASKED_H

#include "files/files.h"

#define FILES_QUESTION_MAX (FILES_PATH_MAX + 32)

struct files_asker {
    /* The answer lives in the arena. Fails with what files_answer failed with. */
    int (*ask)(void *arg, str question, struct arena *a, str *ret_answer, struct err *err);
    void *arg;
};
struct files *files_new_asked(struct files_asker asker);

/* Answer one question about `f`; nothing is recorded. */
int files_answer(struct files *f, str question, struct arena *a, str *ret_answer,
                 struct err *err) MUST_CHECK;

#endif
