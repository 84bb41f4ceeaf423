/* cli/targets.h: the desired objects that a command compares, shows or sends: those that were
 * compared last, those of other revisions, or those of a folder of this machine. Private to the
 * room. Source: argo-cd cmd/argocd/commands/app_diff.go. */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

#include "argo/settings.h"
#include "cli/app.h"

struct target_choice { /* flags revision, revisions, source-positions, source-names, local */
    str revision, local, local_root;
    const struct cli_given *revisions;
    VEC(int64_t) position;
    int exit_code; /* of wrong use */
};
/* Read and check; 0 or an exit code (told). */
int target_choice_read(struct cli *c, int exit_code, struct target_choice *ret);
/* Positions of --source-names; 0 or an exit code (told). */
int target_choice_names(struct cli *c, value app, struct target_choice *io);

/* What the server says of tracking; the rest is as installed. */
int target_settings(struct cli *c, struct settings *ret, struct err *err) MUST_CHECK;

struct targets {
    value *object; /* JSON objects in order; absent entries were null */
    size_t n;
    bool local; /* Secrets are not comparable */
};
struct target_question {
    struct app_name name;
    value app;
    const struct target_choice *choice;
    const struct settings *settings; /* for local ones */
    value managed;                   /* the answer of /managed-resources */
};
int targets_get(struct cli *c, const struct target_question *q, struct targets *ret,
                struct err *err) MUST_CHECK;
/* Rendered here, with tracking marks, Secrets included. */
int targets_local(struct cli *c, value app, const struct target_choice *choice,
                  const struct settings *s, struct targets *ret, struct err *err) MUST_CHECK;

/* Compare with the live objects and print what differs. choice without any flag: as the server
 * compared. */
int targets_diff(struct cli *c, struct app_name name, value app, const struct target_choice *choice,
                 bool *ret_differs, struct err *err) MUST_CHECK;

#endif
