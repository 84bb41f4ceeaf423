/* microkube/table.c: objects as a table for people (Accept: as=Table), with the columns kubectl is
 * used to. */
#include "microkube/core.h"

value mk_table(struct microkube *mk, struct arena *a, const struct mk_resource *r, value *object,
               size_t n, value list_meta, bool with_columns, str include_object)
{
    value table = value_new_map(a), columns = value_new_list(a), rows = value_new_list(a);
    value meta = value_new_map(a);
    static const char *const kept[] = {"resourceVersion", "continue", "remainingItemCount"};
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        value_set(a, meta, str_of(kept[i]), value_get(list_meta, str_of(kept[i])));
    value_set_str(a, table, "kind", STR("Table"));
    value_set_str(a, table, "apiVersion", STR("meta.k8s.io/v1"));
    value_setz(a, table, "metadata", meta);
    if (with_columns)
        mk_table_columns(a, r, columns);
    value_setz(a, table, "columnDefinitions", with_columns ? columns : value_null(a));
    for (size_t i = 0; i < n; i++) {
        value row = value_new_map(a);
        value_setz(a, row, "cells", mk_table_cells(mk, a, r, object[i]));
        if (str_is(include_object, "Object"))
            value_setz(a, row, "object", mk_as_version(a, r, object[i]));
        else if (!str_is(include_object, "None"))
            value_setz(a, row, "object", mk_partial(a, r, object[i]));
        value_push(a, rows, row);
    }
    value_setz(a, table, "rows", rows);
    return table;
}
