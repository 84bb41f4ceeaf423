/* kube/selector.h: label selectors and field selectors, as text and as objects.
 *
 * Parsed selectors live in the arena given and may be read from any thread afterwards. Error texts
 * are those of the API server. Requirements are sorted by key, the values of a requirement by bytes
 * without repeats. Source: k8s.io/apimachinery/pkg/labels (Parse, Requirement.Matches), pkg/fields
 * (ParseSelector), pkg/apis/meta/v1 (LabelSelectorAsSelector). */
#ifndef KUBE_SELECTOR_H
#define KUBE_SELECTOR_H

#include "base/buf.h"
#include "value/value.h"

#define KUBE_SELECTOR_BYTES_MAX ((size_t)64 << 10)

enum kube_selector_op {
    KUBE_OP_EQ,     /* = */
    KUBE_OP_EQ_EQ,  /* == */
    KUBE_OP_NEQ,    /* != */
    KUBE_OP_IN,     /* in (a,b) */
    KUBE_OP_NOT_IN, /* notin (a,b) */
    KUBE_OP_EXISTS, /* key */
    KUBE_OP_ABSENT, /* !key */
    KUBE_OP_GT,     /* key>1: integers */
    KUBE_OP_LT,
};

struct kube_requirement {
    str key;
    enum kube_selector_op op;
    str *value;
    size_t n_values;
};

struct kube_selector {
    struct kube_requirement *requirement;
    size_t n;     /* 0 matches everything */
    bool nothing; /* matches nothing (LabelSelector null) */
};

/* "app=web,tier in (a,b),!canary". Empty text matches everything. -ERR_INVALID with apimachinery's
 * text, -ERR_TOO_LARGE. */
int kube_label_selector_parse(str text, struct arena *a, struct kube_selector *ret,
                              struct err *err) MUST_CHECK;
/* A metav1.LabelSelector {matchLabels, matchExpressions}: absent or null matches nothing, {}
 * everything. -ERR_INVALID for an unknown operator or bad values. */
int kube_label_selector_of(value selector, struct arena *a, struct kube_selector *ret,
                           struct err *err) MUST_CHECK;
/* A plain map as in Service.spec.selector or ReplicationController: all pairs equal; no validation.
 */
void kube_label_selector_of_map(value map, struct arena *a, struct kube_selector *ret);

bool kube_selector_is_empty(const struct kube_selector *s); /* matches everything */
bool kube_selector_matches(const struct kube_selector *s, value labels);
str kube_selector_str(struct arena *a,
                      const struct kube_selector *s); /* as labels.Selector.String */

/* "metadata.name=x,status.phase!=Running", with \\ \, \= in values. Ops are KUBE_OP_EQ and
 * KUBE_OP_NEQ only. -ERR_INVALID with apimachinery's text. */
int kube_field_selector_parse(str text, struct arena *a, struct kube_selector *ret,
                              struct err *err) MUST_CHECK;
/* Match with the field values read from the object by dotted path; a missing field reads "".
 * Booleans and integers compare by their text. The caller decides which fields are selectable. */
bool kube_field_selector_matches(const struct kube_selector *s, value object);

#endif
