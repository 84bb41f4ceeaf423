/* value/number.h: numbers as Go reads and prints them in JSON. */
#ifndef VALUE_NUMBER_H
#define VALUE_NUMBER_H

#include "base/err.h"
#include "base/str.h"

#define NUMBER_PRINT_MAX 32 /* bytes that any number needs */

/* Shortest text that reads back as the same double, as Go's encoding/json writes it: plain from
 * 1e-6 to below 1e21, else with an exponent ("1e-7", "1e+21"). d is finite (NaN and infinities give
 * "null"). Returns the length; no NUL. ret has room for NUMBER_PRINT_MAX bytes. */
size_t number_print_double(double d, char *ret);
size_t number_print_int(int64_t i, char *ret);
size_t number_print_uint(uint64_t u, char *ret);

/* Bytes of the JSON number at the start of s, 0 when there is none. *ret_integer: no fraction and
 * no exponent. */
size_t number_scan(str s, bool *ret_integer);
/* Text of a JSON (or strtod) number to the nearest double; false when it is out of range. */
bool number_to_double(str s, double *ret);

#endif
