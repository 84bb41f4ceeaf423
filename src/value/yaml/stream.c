/* Streams of documents as Kubernetes' YAML-or-JSON decoder reads them: lines that begin with "---"
 * separate, whatever YAML thinks of the place; a stream whose first character is '{' is read as
 * JSON texts as long as that works. */
#include "value/number.h"
#include "value/yaml/tree.h"

struct stream {
    const struct yaml_input *in;
    struct arena *arena;
    yaml_document_fn *document;
    void *arg;
    size_t n_documents; /* given to the callee */
    size_t n_read;
    bool has_cr;
};

static int past_bound(const struct yaml_input *in, uint32_t line, const char *what, size_t max,
                      const char *unit, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "%.*s%syaml: line %u column 1: %s %zu %s", STR_FMT(in->name),
                   in->name.len ? ": " : "", line, what, max, unit);
}

static int give(struct stream *s, value v, uint32_t line, struct err *err)
{
    if (++s->n_read > YAML_DOCUMENTS_MAX)
        return past_bound(s->in, line, "more than", YAML_DOCUMENTS_MAX, "documents", err);
    if (value_is_null(v))
        return 0;
    return s->document(s->arg, v, s->n_documents++, line, err);
}

/* ---- YAML ---- */

/* The text as the line reader hands it on: CR LF is LF and the last line has its break. */
static str with_lf(const struct stream *s, str text)
{
    bool ends = text.len && text.at[text.len - 1] == '\n';
    if (ends && !s->has_cr)
        return text;
    char *at = arena_alloc(s->arena, text.len + 1), *w = at;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != '\r' || i + 1 == text.len || text.at[i + 1] != '\n')
            *w++ = text.at[i];
    if (!ends)
        *w++ = '\n';
    return str_mem(at, (size_t)(w - at));
}

static int yaml_document(struct stream *s, str text, uint32_t line, struct err *err)
{
    value v;
    if (!text.len)
        return 0;
    int r = yaml_parse_at(with_lf(s, text), s->in, line - 1, s->arena, &v, err);
    if (r)
        return r == -ERR_INVALID ? err_wrap(err, "error converting YAML to JSON") : r;
    return give(s, v, line, err);
}

static int bad_separator(str rest, struct err *err)
{
    return err_set(err, ERR_INVALID, "invalid Yaml document separator: %.*s", STR_FMT(rest));
}

static int yaml_documents(struct stream *s, str text, uint32_t line, struct err *err)
{
    const char *at = text.at, *end = at + text.len, *from = at;
    uint32_t from_line = line;
    while (at < end) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        const char *next = eol ? eol + 1 : end;
        if (*at == '-' && end - at >= 3 && at[1] == '-' && at[2] == '-') {
            str rest = str_trim(str_mem(at + 3, (size_t)(next - at - 3)));
            if (rest.len && rest.at[0] != '#')
                return bad_separator(rest, err);
            /* A separator in front of everything stays part of the document. */
            if (at > from) {
                int r = yaml_document(s, str_mem(from, (size_t)(at - from)), from_line, err);
                if (r)
                    return r;
                from = next;
                from_line = line + 1;
            }
        }
        at = next;
        line++;
    }
    return yaml_document(s, str_mem(from, (size_t)(end - from)), from_line, err);
}

/* ---- JSON ---- */

static size_t skip_blanks(str text, size_t i)
{
    while (i < text.len && (text.at[i] == ' ' || (text.at[i] >= '\t' && text.at[i] <= '\r')))
        i++;
    return i;
}

static size_t run_of(str text, const char *chars)
{
    size_t i = 0;
    while (i < text.len && text.at[i] && strchr(chars, text.at[i]))
        i++;
    return i;
}

/* Bytes of the JSON text at the start: to the bracket or quote that closes it, or the end of the
 * word. */
static size_t json_extent(str text)
{
    unsigned depth = 0;
    bool quoted = false;
    static const str words[] = {STR_INIT("null"), STR_INIT("true"), STR_INIT("false")};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) /* "nullnull" is two texts */
        if (str_starts(text, words[i]))
            return words[i].len;
    bool integer;
    size_t word = number_scan(text, &integer);
    if (!word)
        word = run_of(text, "abcdefghijklmnopqrstuvwxyz+-.0123456789E");
    if (word)
        return word;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '{' || c == '[')) {
            depth++;
            continue;
        } else if (!quoted && (c == '}' || c == ']')) {
            depth -= depth > 0;
        }
        if (!quoted && !depth)
            return i + 1;
    }
    return text.len;
}

static uint32_t lines_in(str text)
{
    uint32_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == '\n';
    return n;
}

/* The message of Go's decoder about a text that begins `from` bytes into the stream: it counts
 * bytes, up to the one that is wrong. bare: without the offset. */
static void tell_offset(struct err *err, str text, size_t from, bool bare)
{
    unsigned line = 1, column = 1;
    int told = 0;
    struct err whole = *err;
    if (sscanf(whole.text, "line %u column %u: %n", &line, &column, &told) < 2 || !told)
        return;
    if (strstr(whole.text + told, "unexpected end of JSON input")) {
        err_set(err, ERR_INVALID, "unexpected EOF");
        return;
    }
    const char *at = text.at, *end = at + text.len;
    for (; line > 1 && (at = memchr(at, '\n', (size_t)(end - at))); line--)
        at++;
    size_t offset = from + (size_t)((at ? at : end) - text.at) + column;
    if (bare)
        err_set(err, ERR_INVALID, "%s", whole.text + told);
    else
        err_set(err, ERR_INVALID, "json: offset %zu: %s", offset, whole.text + told);
}

/* As many JSON texts as there are. *ret_rest: what could not be read, .at NULL when all was. Its
 * JSON error is in *err. */
static int json_documents(struct stream *s, str text, str *ret_rest, uint32_t *ret_line,
                          size_t *ret_read, struct err *err)
{
    uint32_t line = 1;
    const char *begin = text.at;
    for (size_t n = 0;; n++) {
        size_t blanks = skip_blanks(text, 0);
        value v;
        *ret_rest = (str){NULL, 0};
        *ret_read = n;
        if (blanks == text.len)
            return 0;
        str whole = text;
        text = str_from(text, blanks);
        str one = str_sub(text, 0, json_extent(text));
        struct json_input in = {.exact_uint64 = true};
        if (json_parse(one, &in, s->arena, &v, err)) {
            tell_offset(err, one, (size_t)(one.at - begin), n > 1);
            *ret_rest = whole;
            *ret_line = line;
            return 0;
        }
        line += lines_in(str_mem(whole.at, blanks));
        int r = give(s, v, line, err);
        if (r)
            return r;
        line += lines_in(one);
        text = str_from(text, one.len);
    }
}

/* Blanks up to and with the first line break are passed over when JSON gives way to YAML. */
static str behind_blanks(str text, uint32_t *io_line)
{
    while (text.len && (*text.at == ' ' || (*text.at >= '\t' && *text.at <= '\r'))) {
        bool lf = *text.at == '\n';
        text = str_from(text, 1);
        if (lf) {
            ++*io_line;
            break;
        }
    }
    return text;
}

int yaml_parse_stream(str text, const struct yaml_input *in, struct arena *a,
                      yaml_document_fn *document, void *arg, struct err *err)
{
    static const struct yaml_input defaults;
    struct stream s = {.in = in ? in : &defaults, .arena = a, .document = document, .arg = arg};
    s.has_cr = text.len && memchr(text.at, '\r', text.len);
    size_t bytes_max = s.in->bytes_max ? s.in->bytes_max : YAML_BYTES_MAX;
    if (text.len > bytes_max)
        return past_bound(s.in, 1, "text is larger than", bytes_max, "bytes", err);
    size_t first = skip_blanks(text, 0);
    if (first == text.len || text.at[first] != '{')
        return yaml_documents(&s, text, 1, err);

    str rest;
    uint32_t line = 1;
    size_t n_json;
    struct err json_err = {0};
    int r = json_documents(&s, text, &rest, &line, &n_json, &json_err);
    if (r)
        return err_copy(err, &json_err);
    if (!rest.at)
        return 0;
    if (n_json > 1)
        return err_copy(err, &json_err);
    size_t given = s.n_read;
    rest = behind_blanks(rest, &line);
    r = yaml_documents(&s, rest, line, err);
    /* When neither works for the first document the message is JSON's. */
    return r == -ERR_INVALID && s.n_read == given ? err_copy(err, &json_err) : r;
}
