/* plan/diff.h: desired against live for one object.
 *
 * Three-way when the live object carries the last-applied annotation, else two-way; built-in kinds
 * by strategic merge patch with defaults on both sides (kube/strategic.h), others by JSON merge
 * patch. `predicted` is what the live object would be after a sync; the object is modified when it
 * differs from `normalized_live`. Server-side diff takes the answer of a dry-run apply. Source:
 * gitops-engine pkg/diff; argo-cd util/argo/diff. */
#ifndef PLAN_DIFF_H
#define PLAN_DIFF_H

#include "plan/kinds.h"
#include "plan/normalize.h"

enum diff_mode { DIFF_LOCAL, DIFF_STRUCTURED, DIFF_SERVER_SIDE };

struct diff_input {
    value target, live; /* either may be absent, not both */
    const struct normalizer *rules;
    const struct settings *settings; /* tracking normalisation; may be NULL */
    enum diff_mode mode;
    value dry_run; /* DIFF_SERVER_SIDE: the answer of the dry-run apply; absent: need_dry_run is set
                    */
    bool include_mutation_webhook;
};

struct diff_result {
    bool modified;
    bool need_dry_run;     /* server-side: computed here for now; ask for a dry-run apply of
                              input.target and call again */
    value normalized_live; /* absent when there is no live object (upstream prints null) */
    value predicted_live;  /* absent when there is no target */
};

int diff_object(const struct diff_input *in, struct arena *a, struct diff_result *ret,
                struct err *err) MUST_CHECK;

/* Replace data of Secrets by '+' masks: equal values share a mask, different ones get longer ones.
 * The listed objects (at most 4) are masked together: target, live. Absent ones and other kinds
 * stay as they are. What is shown as normalized and predicted is diff_object of the masked pair.
 * sensitive_annotations: comma list of further annotations to mask. */
void diff_mask_secrets(struct arena *a, value *object, size_t n, str sensitive_annotations);

#endif
