/* value/json/error.h: messages of the JSON readers. Private to the room. */
#ifndef VALUE_JSON_ERROR_H
#define VALUE_JSON_ERROR_H

#include "value/json.h"

/* The text being read, for messages about a place in it. */
struct json_source {
    str text;
    const struct json_input *in;
    struct err *err;
};

struct value_pos json_pos_of(const struct json_source *s, const char *at);

/* text, with the place in front unless errors are bare. Returns -kind. */
int json_fail(const struct json_source *s, const char *at, int kind, const char *text);
/* "invalid character 'x' <where>", or the end of the text. */
int json_unexpected(const struct json_source *s, const char *at, const char *where);
/* What is wrong with the number at `at`, which number_scan refused. */
int json_bad_number(const struct json_source *s, const char *at);

#endif
