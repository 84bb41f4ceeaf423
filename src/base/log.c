/* base/log.c */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"

#define LINE_BYTES_MAX ((size_t)64 << 10)

static struct {
    _Atomic int level, format;
} setup = {LOG_LEVEL_INFO, LOG_FORMAT_TEXT};

static const char *const names[] = {"error", "warning", "info", "debug"};

void log_setup(enum log_level max_level, enum log_format format)
{
    setup.level = (int)max_level;
    setup.format = (int)format;
}

bool log_level_parse(str name, enum log_level *ret)
{
    static const char *const accepted[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < ARRAY_LEN(accepted); i++)
        if (str_is(name, accepted[i]) || str_is(name, names[i])) {
            *ret = (enum log_level)i;
            return true;
        }
    return false;
}

bool log_enabled(enum log_level level) { return (int)level <= setup.level; }

static void add_quoted(struct buf *b, str s)
{
    buf_addc(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c == '"' || c == '\\')
            buf_addc(b, '\\'), buf_addc(b, (char)c);
        else if (c == '\n')
            buf_add(b, STR("\\n"));
        else if (c < 0x20 || c == 0x7f)
            buf_printf(b, "\\u%04x", c);
        else
            buf_addc(b, (char)c);
    }
    buf_addc(b, '"');
}

static bool plain(str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] <= ' ' || strchr("\"\\=", s.at[i]))
            return false;
    return s.len > 0;
}

static void add_field(struct buf *b, bool json, const char *key, str text)
{
    if (json) {
        buf_addc(b, b->len > 1 ? ',' : ' ');
        add_quoted(b, str_of(key));
        buf_addc(b, ':');
        add_quoted(b, text);
        return;
    }
    if (b->len)
        buf_addc(b, ' ');
    buf_addz(b, key);
    buf_addc(b, '=');
    if (plain(text))
        buf_add(b, text);
    else
        add_quoted(b, text);
}

void log_line(enum log_level level, const struct log_field *field, size_t n_fields,
              const char *format, ...)
{
    CLEANUP(buf_done) struct buf line = {.bytes_max = LINE_BYTES_MAX},
                                 text = {.bytes_max = LINE_BYTES_MAX / 2};
    bool json = setup.format == LOG_FORMAT_JSON;
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    char now[TIME_RFC3339_BYTES];
    time_print(time_wall_now(), now);
    if (json)
        buf_addc(&line, '{');
    add_field(&line, json, "time", str_of(now));
    add_field(&line, json, "level", str_of(names[level]));
    add_field(&line, json, "msg", buf_str(&text));
    for (size_t i = 0; i < n_fields; i++)
        add_field(&line, json, field[i].key, field[i].value);
    buf_add(&line, json ? STR("}\n") : STR("\n"));
    ssize_t n = write(STDERR_FILENO, line.at, line.len);
    (void)n; /* nobody to tell */
}
