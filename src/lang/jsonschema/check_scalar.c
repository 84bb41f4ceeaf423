/* lang/jsonschema/check_scalar.c: keywords for strings and numbers. */
#include "lang/jsonschema/check.h"
#include "value/text.h"

void check_string(struct check *c)
{
    const struct schema *s = c->s;
    str text = value_str(c->v);
    if (s->min_length.exists || s->max_length.exists) {
        size_t n = 0;
        uint32_t rune;
        for (const char *p = text.at, *end = text.at + text.len; p < end; n++)
            p += utf8_decode(p, end, &rune);
        check_count(c, "minLength", n, &s->min_length, false);
        check_count(c, "maxLength", n, &s->max_length, true);
    }
    if (s->pattern && !c->x->regexp->match(s->pattern, text))
        CHECK_ADD(c, "%.*s does not match pattern %.*s", STR_FMT(schema_quote(c->x->arena, text)),
                  STR_FMT(schema_quote(c->x->arena, s->pattern_text)));
}

static void report_limit(struct check *c, const char *keyword, const struct limit *l)
{
    CHECK_ADD(c, "%s: got %.*s, want %.*s", keyword,
              STR_FMT(shown_number(c->x->arena, value_double(c->v))),
              STR_FMT(shown_number(c->x->arena, l->shown)));
}

void check_number(struct check *c)
{
    const struct schema *s = c->s;
    struct decimal d;
    if (!decimal_of(c->v, &d))
        return;
    if (s->minimum.exists && decimal_compare(&d, &s->minimum.d) < 0)
        report_limit(c, "minimum", &s->minimum);
    if (s->maximum.exists && decimal_compare(&d, &s->maximum.d) > 0)
        report_limit(c, "maximum", &s->maximum);
    if (s->exclusive_minimum.exists && decimal_compare(&d, &s->exclusive_minimum.d) <= 0)
        report_limit(c, "exclusiveMinimum", &s->exclusive_minimum);
    if (s->exclusive_maximum.exists && decimal_compare(&d, &s->exclusive_maximum.d) >= 0)
        report_limit(c, "exclusiveMaximum", &s->exclusive_maximum);
    if (s->multiple_of.exists && !decimal_is_multiple(&d, &s->multiple_of.d))
        report_limit(c, "multipleOf", &s->multiple_of);
}
