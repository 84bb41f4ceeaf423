/* cluster/apply_impl.h: one apply on its way; what the files of apply share. Private to them. */
#ifndef CLUSTER_APPLY_IMPL_H
#define CLUSTER_APPLY_IMPL_H

#include "cluster/apply.h"

#define APPLY_LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

enum apply_state {
    OWNERS,
    MOVE,
    READ,
    CREATE,
    CHANGE,
    DELETE,
    GONE,
    RESTORE,
    UPGRADE,
    REREAD,
    AGAIN,
    ESTABLISHED
};

struct apply {
    struct cluster_client *client;
    struct call asker;
    struct arena arena;
    struct apply_options o;
    value desired;
    const struct kube_kind *kind; /* of `kinds`, or of kube's table */
    struct cluster_kinds *kinds;
    struct cluster_target target;
    struct doc *live;
    enum apply_state state;
    int tries;
    bool recreated;
    struct doc *replaced; /* what was deleted to be made again */
    struct err refusal;   /* why the new one was not made */
    str note;             /* what was said about it before */
    struct buf warnings;  /* kubectl's standard error, lines */
    struct doc *done;     /* ESTABLISHED: what to answer, and with which words */
    const char *done_word;
    bool done_created;
    usec patience_ends;
    struct timer poll;
};

/* ---- what is sent (apply_sent.c) ---- */

/* The desired object with its own JSON in the last-applied annotation, as kubectl writes it. */
value apply_with_last_applied(struct apply *p);
/* last applied, desired, live -> the patch; *ret_type how to send it. */
int apply_three_way(struct apply *p, value *ret_patch, enum cluster_patch_type *ret_type,
                    struct err *err);
/* kubectl drops nulls from what it creates, not from the annotation about it. */
value apply_without_nulls(struct arena *a, value v);

/* ---- what is said (apply_words.c) ---- */

const char *apply_word_of_change(const struct apply *p);
/* kubectl's standard output and standard error as one text. */
void apply_say(struct apply *p, const struct doc *object, const char *what, struct buf *out);
void apply_warn_unmarked(struct apply *p);
void apply_warn_if_deleting(struct apply *p, const struct doc *object);
void apply_warn_not_migrated(struct apply *p, const struct err *err);
void apply_warn_not_applied_again(struct apply *p, const struct err *err);

#endif
