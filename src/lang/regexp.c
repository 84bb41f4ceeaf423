/* lang/regexp.c: Go's texts for what RE2 refuses. */
#include "lang/regexp.h"

#include "base/str.h"

/* By RE2's error codes. */
static const struct regexp_refusal refusals[] = {
    {2, "invalid escape sequence", REGEXP_SHOWS_ARGUMENT},
    {3, "invalid character class", REGEXP_SHOWS_ARGUMENT},
    {4, "invalid character class range", REGEXP_SHOWS_ARGUMENT},
    {5, "missing closing ]", REGEXP_SHOWS_ARGUMENT},
    {6, "missing closing )", REGEXP_SHOWS_WHOLE},
    {7, "unexpected )", REGEXP_SHOWS_WHOLE},
    {8, "trailing backslash at end of expression", REGEXP_SHOWS_NOTHING},
    {9, "missing argument to repetition operator", REGEXP_SHOWS_ARGUMENT},
    {10, "invalid repeat count", REGEXP_SHOWS_ARGUMENT},
    {11, "invalid nested repetition operator", REGEXP_SHOWS_ARGUMENT},
    {12, "invalid or unsupported Perl syntax", REGEXP_SHOWS_ARGUMENT},
    {13, "invalid UTF-8", REGEXP_SHOWS_ARGUMENT},
    {14, "invalid named capture", REGEXP_SHOWS_ARGUMENT},
};

const struct regexp_refusal *regexp_refusal_find(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
        if (refusals[i].code == code)
            return &refusals[i];
    return NULL;
}
