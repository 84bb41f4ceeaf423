/* value/yaml/write.h: what the YAML printer needs to know about a text. Private to the room. */
#ifndef VALUE_YAML_WRITE_H
#define VALUE_YAML_WRITE_H

#include "value/yaml.h"

enum yaml_quoting { YAML_PLAIN, YAML_SINGLE, YAML_DOUBLE, YAML_LITERAL };

struct yaml_analysis {
    bool multiline;
    bool plain_allowed; /* in block context */
    bool single_allowed, literal_allowed;
};

struct yaml_analysis yaml_analyze(str s);
/* The style that the Go encoder asks for: so that the text reads back as a string. */
enum yaml_quoting yaml_quoting_of(str s);

/* Natural order of keys, as go-yaml v2 sorts: digits as numbers, letters behind other characters.
 */
int yaml_key_order(str a, str b);
/* As go-yaml v3 sorts them: behind a digit letters stand first. */
int yaml3_key_order(str a, str b);
/* [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)? */
bool yaml_is_base60(str s);

/* The string that comes back when its JSON text is read as YAML, which is what is printed:
 * characters that break lines or are not allowed there change; others stay (and s is returned as it
 * is). */
str yaml_reread(struct arena *a, str s);

/* A character as it stands in double quotes when it cannot stand there itself. Returns the length.
 */
#define YAML_ESCAPE_BYTES_MAX 10
size_t yaml_escape(uint32_t c, char *ret);

size_t yaml_char_width(str s, size_t i); /* by the first byte, within s */
size_t yaml_char_before(
    str s, size_t end); /* index of the character that ends at `end`; 0 at the beginning */
bool yaml_break_at(str s, size_t i); /* LF, CR, NEL, LS, PS */
bool yaml_printable(str s, size_t i);

#endif
