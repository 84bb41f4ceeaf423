#include "kube/kyaml_types.h"

struct kyaml_kind {
    str api_version, kind;
    const struct kyaml_type *type;
};

#include "kube/kyaml_table.inc"

struct kyaml_known kyaml_known_field(struct kyaml_known k, str name)
{
    const struct kyaml_type *t = k.type;
    for (size_t i = 0; t && i < t->n_fields; i++)
        if (str_eq(t->field[i].name, name))
            return (struct kyaml_known){t->field[i].type, &t->field[i], true};
    return (struct kyaml_known){t && !t->n_fields ? t->elem : NULL, NULL, k.of_kind};
}

struct kyaml_known kyaml_known_item(struct kyaml_known k)
{
    const struct kyaml_type *list = k.field ? k.field->type : NULL;
    return (struct kyaml_known){list ? list->elem : NULL, NULL, k.of_kind};
}

struct kyaml_known kyaml_known_kind(struct kyaml_known k, str api_version, str kind)
{
    size_t low = 0, high = ARRAY_LEN(kyaml_kinds);
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = str_cmp(kyaml_kinds[mid].api_version, api_version);
        c = c ? c : str_cmp(kyaml_kinds[mid].kind, kind);
        if (!c)
            return (struct kyaml_known){kyaml_kinds[mid].type, NULL, true};
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return k;
}
