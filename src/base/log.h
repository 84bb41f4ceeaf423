/* base/log.h: the log of a process: one line a message on standard error, in logrus' text form
 * (time="..." level=info msg="..." key=value), as Argo CD writes it; JSON on request.
 * Set up once in main/ before threads start; writing is one write(2), safe from any thread. Library
 * rooms never log above debug. Text passed here must already be masked (LOG audience). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attr.h"
#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

void log_setup(enum log_level max_level, enum log_format format);
bool log_level_parse(str name, enum log_level *ret); /* "error" "warn" "info" "debug" */
bool log_enabled(enum log_level level);

struct log_field {
    const char *key;
    str value;
};
void log_line(enum log_level level, const struct log_field *field, size_t n_fields,
              const char *format, ...) PRINTF(4, 5);
#define LOG(level, ...) (log_enabled(level) ? log_line((level), NULL, 0, __VA_ARGS__) : (void)0)
/* LOG_WITH(LOG_LEVEL_INFO, FIELDS({"application", name}), "refreshed in %d ms", n) */
#define FIELDS(...)                                                                                \
    (const struct log_field[]){__VA_ARGS__}, ARRAY_LEN(((const struct log_field[]){__VA_ARGS__}))
#define LOG_WITH(level, fields, ...)                                                               \
    (log_enabled(level) ? log_line((level), fields, __VA_ARGS__) : (void)0)

#endif
