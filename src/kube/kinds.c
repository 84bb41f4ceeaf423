/* kube/kinds.c */
#include "kube/kinds.h"

static const struct kube_kind kinds[] = {
#include "kube/kinds_table.inc"
};

const char *const kube_verb_name[8] = {"create", "delete", "deletecollection", "get",
                                       "list",   "patch",  "update",           "watch"};

size_t kube_kinds_count(void) { return ARRAY_LEN(kinds); }

const struct kube_kind *kube_kind_at(size_t i) { return &kinds[i]; }

const struct kube_kind *kube_kind_find(str group, str version, str kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kinds[i].kind, kind) && str_eq(kinds[i].group, group) &&
            (!version.len || str_eq(kinds[i].version, version)))
            return &kinds[i];
    return NULL;
}

const struct kube_kind *kube_kind_by_plural(str group, str version, str plural)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_eq(kinds[i].plural, plural) && str_eq(kinds[i].group, group) &&
            (!version.len || str_eq(kinds[i].version, version)))
            return &kinds[i];
    return NULL;
}

bool kube_words_have(str words, str word)
{
    str piece;
    if (!words.len || !word.len)
        return false;
    while (str_next(&words, ',', &piece))
        if (str_eq(piece, word))
            return true;
    return false;
}

static bool is_called(const struct kube_kind *k, str word)
{
    return str_eq(k->plural, word) || str_eq(k->singular, word) || str_ieq(k->kind, word) ||
           kube_words_have(k->short_names, word);
}

const struct kube_kind *kube_kind_by_word(str word)
{
    str head, group = STR(""), version, rest;
    bool dotted = str_cut(word, '.', &head, &group);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct kube_kind *k = &kinds[i];
        if (!is_called(k, head))
            continue;
        if (!dotted || str_eq(k->group, group))
            return k;
        bool cut = str_cut(group, '.', &version, &rest);
        if (str_eq(version, k->version) && str_eq(cut ? rest : STR(""), k->group))
            return k;
    }
    return NULL;
}

bool kube_kind_has_verb(const struct kube_kind *k, unsigned verb) { return (k->verbs & verb) != 0; }

bool kube_kind_has_subresource(const struct kube_kind *k, str name)
{
    return kube_words_have(k->subresources, name);
}

bool kube_kind_is_cluster_scoped(str group, str kind)
{
    const struct kube_kind *k = kube_kind_find(group, STR(""), kind);
    return k && !k->namespaced;
}
