#include "argo/names.h"

static const char *const condition_words[APP_CONDITION_COUNT] = {
    "",
    "DeletionError",
    "InvalidSpecError",
    "ComparisonError",
    "SyncError",
    "UnknownError",
    "SharedResourceWarning",
    "RepeatedResourceWarning",
    "ExcludedResourceWarning",
    "OrphanedResourceWarning",
};
static const char *const sync_words[SYNC_COUNT] = {"", "Synced", "OutOfSync", "Unknown"};
static const char *const health_words[HEALTH_COUNT] = {"",          "Healthy",
                                                       "Suspended", "Progressing",
                                                       "Missing",   "Degraded",
                                                       "Unknown"};
static const char *const phase_words[OP_PHASE_COUNT] = {"",          "Running", "Terminating",
                                                        "Succeeded", "Failed",  "Error"};
static const char *const result_words[RESULT_COUNT] = {"", "Synced", "SyncFailed", "Pruned",
                                                       "PruneSkipped"};
static const char *const hook_words[PHASE_COUNT] = {"",           "PreSync",  "Sync",
                                                    "PostSync",   "SyncFail", "PreDelete",
                                                    "PostDelete", "Skip"};

static str word_of(const char *const *word, int n, int i)
{
    return i > 0 && i < n ? str_of(word[i]) : STR("");
}

static int word_parse(const char *const *word, int n, str s)
{
    for (int i = 1; i < n; i++)
        if (str_is(s, word[i]))
            return i;
    return 0;
}

str app_condition_name(enum app_condition_type t)
{
    return word_of(condition_words, APP_CONDITION_COUNT, (int)t);
}

enum app_condition_type app_condition_parse(str s)
{
    return (enum app_condition_type)word_parse(condition_words, APP_CONDITION_COUNT, s);
}

str sync_code_name(enum sync_code c) { return word_of(sync_words, SYNC_COUNT, (int)c); }

enum sync_code sync_code_parse(str s)
{
    return (enum sync_code)word_parse(sync_words, SYNC_COUNT, s);
}

str health_code_name(enum health_code c) { return word_of(health_words, HEALTH_COUNT, (int)c); }

enum health_code health_code_parse(str s)
{
    return (enum health_code)word_parse(health_words, HEALTH_COUNT, s);
}

str op_phase_name(enum op_phase p) { return word_of(phase_words, OP_PHASE_COUNT, (int)p); }

enum op_phase op_phase_parse(str s)
{
    return (enum op_phase)word_parse(phase_words, OP_PHASE_COUNT, s);
}

str result_code_name(enum result_code c) { return word_of(result_words, RESULT_COUNT, (int)c); }

enum result_code result_code_parse(str s)
{
    return (enum result_code)word_parse(result_words, RESULT_COUNT, s);
}

str sync_phase_name(enum sync_phase p) { return word_of(hook_words, PHASE_COUNT, (int)p); }

enum sync_phase sync_phase_parse(str s)
{
    return (enum sync_phase)word_parse(hook_words, PHASE_COUNT, s);
}
