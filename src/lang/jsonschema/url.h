/* lang/jsonschema/url.h: URLs of schemas: joining, escapes; private to lang/jsonschema/. */
#ifndef LANG_JSONSCHEMA_URL_H
#define LANG_JSONSCHEMA_URL_H

#include "base/arena.h"

/* RFC 3986 5.3 without fragments; ref empty: base. */
str url_join_base(struct arena *a, str base, str ref);
/* %XX decoded; a broken escape stays as it is. */
str url_unescape(struct arena *a, str s);
/* In double quotes, as Go's %q. */
str schema_url_quote(struct arena *a, str s);

#endif
