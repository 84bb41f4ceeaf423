/* value/style.h: how a YAML node was written. The bits are those of yaml.v3's nodes. */
#ifndef VALUE_STYLE_H
#define VALUE_STYLE_H

enum {
    VALUE_STYLE_TAGGED = 1,
    VALUE_STYLE_DOUBLE = 2, /* "text" */
    VALUE_STYLE_SINGLE = 4, /* 'text' */
    VALUE_STYLE_LITERAL = 8,
    VALUE_STYLE_FOLDED = 16,
    VALUE_STYLE_FLOW = 32, /* {a: b} */
};

#define VALUE_STYLE_QUOTED                                                                         \
    (VALUE_STYLE_DOUBLE | VALUE_STYLE_SINGLE | VALUE_STYLE_LITERAL | VALUE_STYLE_FOLDED)

#endif
