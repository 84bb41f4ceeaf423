/* controllers/application/deletion.h: what the files about the end of an application share; private
 * to this folder.
 *
 * An Application that is being deleted goes through stages, one for each finalizer of ours that it
 * still has; a stage that is done takes its finalizer away, and the object that comes back from
 * that write starts the next one. */
#ifndef CONTROLLERS_APPLICATION_DELETION_H
#define CONTROLLERS_APPLICATION_DELETION_H

#include "controllers/application/app.h"
#include "kube/object.h"

enum stage_outcome { STAGE_DONE, STAGE_WAITS, STAGE_FAILED };

struct deletion_live { /* an object that the application may delete */
    struct doc *body;  /* kept by the evaluation */
    value object;
    struct kube_key key;
    bool terminating;
};

struct deletion_run { /* one look at an application that is being deleted */
    struct application *app;
    struct evaluation *e;
    VEC(struct deletion_live) live; /* permitted by the project, without owner */
    str error;                      /* of a stage that failed */
};

/* Ask for an effect: object is frozen or copied. blame: put before the error's text, static. */
void deletion_delete(struct deletion_run *run, struct doc *body, bool foreground);
void deletion_create(struct deletion_run *run, value object, const char *blame);

/* A hook that was just created: what is known of it, NULL when nothing; forgotten once it was seen.
 */
struct deletion_made *deletion_made_find(struct deletion_run *run, struct kube_key key);
void deletion_made_forget(struct deletion_run *run, struct kube_key key);

/* deletion_hooks.c: hook_phase is PHASE_PRE_DELETE or PHASE_POST_DELETE. */
enum stage_outcome deletion_run_hooks(struct deletion_run *run, enum sync_phase hook_phase);
enum stage_outcome deletion_clean_hooks(struct deletion_run *run, enum sync_phase hook_phase);

#endif
