/* kube/selector_fuzz.c: a label selector that parses prints to text that parses to the same text;
 * field selectors and FieldsV1 do not crash. */
#include "kube/fieldset.h"
#include "kube/selector.h"
#include "value/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct kube_selector s, again;
    struct fieldset *set;
    value v;
    str text = str_mem(data, size);
    arena_init(&a, ARENA_BYTES_DEFAULT);
    if (kube_label_selector_parse(text, &a, &s, NULL) == 0) {
        str printed = kube_selector_str(&a, &s);
        if (kube_label_selector_parse(printed, &a, &again, NULL) < 0 ||
            !str_eq(printed, kube_selector_str(&a, &again)))
            abort();
        kube_selector_matches(&s, VALUE_ABSENT);
    }
    if (kube_field_selector_parse(text, &a, &s, NULL) == 0)
        kube_field_selector_matches(&s, VALUE_ABSENT);
    if (json_parse(text, NULL, &a, &v, NULL) == 0 && fieldset_parse(v, &a, &set, NULL) == 0) {
        struct fieldset *back;
        if (fieldset_parse(fieldset_value(&a, set), &a, &back, NULL) < 0 ||
            !fieldset_equal(set, back))
            abort();
    }
    arena_done(&a);
    return 0;
}
