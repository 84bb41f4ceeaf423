/* argo/kinds.h: the bind tables of our kinds: validation, defaults, schemas, protobuf numbers
 * (value/bind.h). Source: Argo CD 3.6 CustomResourceDefinitions and generated.proto. */
#ifndef ARGO_KINDS_H
#define ARGO_KINDS_H

#include "value/bind.h"

extern const struct bind_kind argo_kind_application, argo_kind_project, argo_kind_applicationset;

#endif
