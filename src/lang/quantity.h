/* lang/quantity.h: Kubernetes quantities ("100m", "1.5Gi", "12e6"), exact decimal arithmetic.
 *
 * A quantity is a decimal number with a format that printing keeps (decimal SI, binary SI,
 * exponent). Nine decimals are exact as in apimachinery: finer digits round away from zero; binary
 * ones are capped at 2^63 - 1. Upstream has no bound for the others, here it is about 1.7 * 10^29.
 * Values, any thread; `text` is borrowed from what was parsed. Source:
 * k8s.io/apimachinery/pkg/api/resource. */
#ifndef LANG_QUANTITY_H
#define LANG_QUANTITY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define QUANTITY_BYTES_MAX 256

enum quantity_format { QUANTITY_DECIMAL_SI, QUANTITY_BINARY_SI, QUANTITY_DECIMAL_EXPONENT };

struct quantity {
    __int128 nano; /* value x 10^9 */
    enum quantity_format format;
    bool big; /* upstream holds it as a big decimal, which rounds and overflows in its own way */
    str text; /* as written, when upstream prints it like that again; else empty */
};

/* resource.ParseQuantity. -ERR_INVALID with its texts ("quantities must match the regular
 * expression ...", "unable to parse quantity's suffix", ...); -ERR_TOO_LARGE past the bound above.
 */
int quantity_parse(str text, struct quantity *ret, struct err *err) MUST_CHECK;

/* The text that Kubernetes prints: no lost precision, no fraction, the largest suffix ("1024Mi" is
 * "1Gi", "1.5" is "1500m"). */
str quantity_str(struct arena *a, const struct quantity *q);

int quantity_cmp(const struct quantity *a, const struct quantity *b); /* -1, 0, 1 */
int64_t quantity_value(
    const struct quantity *q); /* rounded up to whole units, as Value(); 0 when it does not fit */
int64_t quantity_milli_value(const struct quantity *q); /* x 1000, rounded up, as MilliValue() */

#endif
