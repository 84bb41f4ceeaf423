#include "kube/object.h"
#include "plan/compare.h"

/* A word of a comma list and the bit it stands for. */
struct bit_word {
    const char *word;
    unsigned bit;
};

static const struct bit_word hook_words[] = {
    {"PreSync", PHASE_BIT(PHASE_PRE_SYNC)},   {"Sync", PHASE_BIT(PHASE_SYNC)},
    {"PostSync", PHASE_BIT(PHASE_POST_SYNC)}, {"SyncFail", PHASE_BIT(PHASE_SYNC_FAIL)},
    {"Skip", PHASE_BIT(PHASE_SKIP)},
};
static const struct bit_word helm_hook_words[] = {
    {"pre-install", PHASE_BIT(PHASE_PRE_SYNC)},
    {"pre-upgrade", PHASE_BIT(PHASE_PRE_SYNC)},
    {"post-upgrade", PHASE_BIT(PHASE_POST_SYNC)},
    {"post-install", PHASE_BIT(PHASE_POST_SYNC)},
};
static const struct bit_word policy_words[] = {
    {"HookSucceeded", HOOK_DELETE_SUCCEEDED},
    {"HookFailed", HOOK_DELETE_FAILED},
    {"BeforeHookCreation", HOOK_DELETE_BEFORE_CREATION},
};
static const struct bit_word helm_policy_words[] = {
    {"hook-succeeded", HOOK_DELETE_SUCCEEDED},
    {"hook-failed", HOOK_DELETE_FAILED},
    {"before-hook-creation", HOOK_DELETE_BEFORE_CREATION},
};
static const struct bit_word delete_words[] = {
    {"PreDelete", PHASE_BIT(PHASE_PRE_DELETE)},
    {"PostDelete", PHASE_BIT(PHASE_POST_DELETE)},
};
static const struct bit_word helm_delete_words[] = {
    {"pre-delete", PHASE_BIT(PHASE_PRE_DELETE)},
    {"post-delete", PHASE_BIT(PHASE_POST_DELETE)},
};

static unsigned words_bits(str list, const struct bit_word *word, size_t n)
{
    unsigned bits = 0;
    str piece;
    while (str_next(&list, ',', &piece)) {
        piece = str_trim(piece);
        for (size_t i = 0; i < n; i++)
            if (str_is(piece, word[i].word))
                bits |= word[i].bit;
    }
    return bits;
}

static unsigned annotation_bits(value o, const char *key, const struct bit_word *word, size_t n)
{
    return words_bits(object_annotation(o, str_of(key)), word, n);
}

/* All types, Skip included; Helm's count only when there is none of ours. */
static unsigned hook_types(value o)
{
    unsigned bits = annotation_bits(o, KEY_HOOK, hook_words, ARRAY_LEN(hook_words));
    return bits ? bits
                : annotation_bits(o, KEY_HELM_HOOK, helm_hook_words, ARRAY_LEN(helm_hook_words));
}

bool object_skipped(value object)
{
    return value_is_map(object) && hook_types(object) == PHASE_BIT(PHASE_SKIP);
}

bool object_is_hook(value object)
{
    if (object_has_annotation(object, STR(KEY_HOOK)))
        return !object_skipped(object);
    return object_has_annotation(object, STR(KEY_HELM_HOOK)) &&
           !str_is(object_annotation(object, STR(KEY_HELM_HOOK)), "crd-install");
}

unsigned object_hook_phases(value object) { return hook_types(object) & ~PHASE_BIT(PHASE_SKIP); }

unsigned object_delete_hook_phases(value object)
{
    return annotation_bits(object, KEY_HOOK, delete_words, ARRAY_LEN(delete_words)) |
           annotation_bits(object, KEY_HELM_HOOK, helm_delete_words, ARRAY_LEN(helm_delete_words));
}

unsigned object_hook_policies(value object)
{
    unsigned bits =
        annotation_bits(object, KEY_HOOK_DELETE_POLICY, policy_words, ARRAY_LEN(policy_words)) |
        annotation_bits(object, KEY_HELM_HOOK_DELETE_POLICY, helm_policy_words,
                        ARRAY_LEN(helm_policy_words));
    return bits ? bits : HOOK_DELETE_BEFORE_CREATION;
}

bool object_ignored(value object) { return object_is_hook(object) && !hook_types(object); }

int64_t object_wave(value object)
{
    int64_t wave;
    if (object_has_annotation(object, STR(KEY_SYNC_WAVE)) &&
        str_to_i64(object_annotation(object, STR(KEY_SYNC_WAVE)), &wave))
        return wave;
    if (str_to_i64(object_annotation(object, STR(KEY_HELM_HOOK_WEIGHT)), &wave))
        return wave;
    return 0;
}
