/* api/rbac.h: policies of argocd-rbac-cm: who may do what to which object.
 *
 * A policy text is CSV lines "p, subject, resource, action, object, allow|deny" and "g, member,
 * role". A request is allowed when one line that matches allows it and none denies it; subjects
 * follow g lines. Resource, action and object are gobwas globs without separators (`*` spans "/").
 * The built-in roles role:readonly and role:admin are always there. policy.matchMode "regex" is not
 * offered: such a text is refused whole (-ERR_UNSUPPORTED), only the built-ins remain. Pure and
 * immutable after creation; any thread. Source: argo-cd util/rbac, assets/builtin-policy.csv;
 * casbin's RBAC model. */
#ifndef API_RBAC_H
#define API_RBAC_H

#include "base/arena.h"
#include "base/err.h"
#include "value/value.h"

#define RBAC_LINES_MAX 20000
#define RBAC_DEPTH_MAX 10 /* g lines followed, as casbin */

struct rbac;

/* data: the `data` map of argocd-rbac-cm, may be absent: policy.csv, policy.*.csv in byte order,
 * policy.default, policy.matchMode. Lives in the arena. -ERR_INVALID: a malformed line (text says
 * which); *ret then holds the built-ins and the default role. */
int rbac_read(value data, struct arena *a, const struct rbac **ret, struct err *err) MUST_CHECK;

/* project: the AppProject the object belongs to (its roles' policies join), or absent. */
bool rbac_allows(const struct rbac *rbac, value project, str subject, str resource, str action,
                 str object);
str rbac_default_role(const struct rbac *rbac);

/* Names that can-i accepts, in upstream's order; NULL-terminated. */
extern const char *const rbac_resources[], *const rbac_actions[];

#endif
