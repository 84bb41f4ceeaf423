/* value/bind/table.h: what the files of bind share. Private to the room. */
#ifndef VALUE_BIND_TABLE_H
#define VALUE_BIND_TABLE_H

#include "value/bind.h"

/* OpenAPI type of a single value ("string"); NULL: any. */
const char *bind_openapi_type(enum bind_type t);
const char *bind_openapi_format(const struct bind_field *f); /* NULL: none */

/* The row of a field that the API server knows; NULL: it prunes it. */
const struct bind_field *bind_find_in_schema(const struct bind_table *t, str name);

/* apiVersion and kind of a table of whole objects, which need no row. */
bool bind_is_implied(const struct bind_table *t, str name);

#endif
