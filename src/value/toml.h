/* value/toml.h: TOML in and out, as Helm's fromToml and toToml answer.
 *
 * What TOML has and JSON has not is a style of building values (value_style): a date or time is a
 * string with one of the TOML_* styles below whose text is the one toml_print writes, and a list
 * that was written as [[tables]] has TOML_TABLES (Go's []map[string]interface {}). Whole numbers
 * are int64, others double (infinities and NaN too, which JSON cannot print). Pure.
 *
 * Source: github.com/BurntSushi/toml 1.6.0, which Helm 4.2 uses (TOML 1.0 and what it takes of 1.1:
 * \e and \x, line breaks and a trailing comma in inline tables, times without seconds), with its
 * error texts; its local times are taken to be UTC. */
#ifndef VALUE_TOML_H
#define VALUE_TOML_H

#include "base/buf.h"
#include "value/value.h"

#define TOML_BYTES_MAX ((size_t)2 << 20)
#define TOML_DEPTH_MAX 100 /* of nested values, and parts of a key with its table's */

enum {
    TOML_DATETIME = 0xe0, /* 1979-05-27T07:32:00.5-07:00 */
    TOML_LOCAL_DATETIME,  /* 1979-05-27T07:32:00 */
    TOML_LOCAL_DATE,      /* 1979-05-27 */
    TOML_LOCAL_TIME,      /* 07:32:00 */
    TOML_TABLES,          /* list of tables */
};

/* A document into a map of `a`. -ERR_INVALID: the library's text, `toml: line 2 (last key "a.b"):
 * expected value but found ...`; -ERR_TOO_LARGE: the same with the bound above that was passed. */
int toml_parse(str text, struct arena *a, value *ret, struct err *err) MUST_CHECK;

/* Append v to out: keys sorted, what is not a table first, tables indented by two blanks a level.
 * -ERR_INVALID with the library's text: a null in a list, a list of tables at the root; a null at
 * the root, at which the library panics, has the text of that panic. */
int toml_print(value v, struct buf *out, struct err *err) MUST_CHECK;

#endif
