/* kube/names.h: rules for names, label keys and label values, with Kubernetes' texts.
 *
 * Each check returns true when `s` is well formed. Otherwise, when `why` is not NULL, the reasons
 * are appended as the API server words them, joined by `joint` ("; " in selectors, ", " in field
 * errors); a NULL why only asks. Source: k8s.io/apimachinery/pkg/api/validate/content,
 * util/validation, api/validation. */
#ifndef KUBE_NAMES_H
#define KUBE_NAMES_H

#include "base/buf.h"
#include "base/str.h"

#define KUBE_LABEL_BYTES_MAX 63
#define KUBE_SUBDOMAIN_BYTES_MAX 253
#define KUBE_ANNOTATIONS_BYTES_MAX (256 << 10)

bool kube_is_dns_label(str s, const char *joint, struct buf *why);     /* IsDNS1123Label */
bool kube_is_dns_subdomain(str s, const char *joint, struct buf *why); /* IsDNS1123Subdomain */
bool kube_is_dns1035_label(str s, const char *joint,
                           struct buf *why);                       /* IsDNS1035Label: Services */
bool kube_is_label_key(str s, const char *joint, struct buf *why); /* IsQualifiedName */
bool kube_is_label_value(str s, const char *joint, struct buf *why);
bool kube_is_config_key(str s, const char *joint,
                        struct buf *why); /* keys of ConfigMap and Secret data */
/* "may not be '.'", "may not contain '/'": names of RBAC objects and resources without a rule of
 * their own. */
bool kube_is_path_segment(str s, const char *joint, struct buf *why);

#endif
