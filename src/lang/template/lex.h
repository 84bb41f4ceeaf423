/* lang/template/lex.h: tokens of a template text. Private to the room.
 *
 * Pulled one at a time; after an error token only LEX_EOF follows. Token text is borrowed from the
 * input (errors: from the lexer's arena). Source: Go text/template/parse lex.go. */
#ifndef LANG_TEMPLATE_LEX_H
#define LANG_TEMPLATE_LEX_H

#include "base/arena.h"
#include "base/str.h"

enum lex_type {
    LEX_ERROR,
    LEX_BOOL,
    LEX_CHAR, /* printable ASCII, a comma for instance */
    LEX_CHAR_CONSTANT,
    LEX_COMPLEX,
    LEX_ASSIGN,
    LEX_DECLARE,
    LEX_EOF,
    LEX_FIELD,
    LEX_IDENTIFIER,
    LEX_LEFT_DELIM,
    LEX_LEFT_PAREN,
    LEX_NUMBER,
    LEX_PIPE,
    LEX_RAW_STRING,
    LEX_RIGHT_DELIM,
    LEX_RIGHT_PAREN,
    LEX_SPACE,
    LEX_STRING,
    LEX_TEXT,
    LEX_VARIABLE,
    LEX_KEYWORD, /* marks the keywords, which follow */
    LEX_BLOCK,
    LEX_BREAK,
    LEX_CONTINUE,
    LEX_DOT,
    LEX_DEFINE,
    LEX_ELSE,
    LEX_END,
    LEX_IF,
    LEX_NIL,
    LEX_RANGE,
    LEX_TEMPLATE,
    LEX_WITH,
};

struct lex_token {
    enum lex_type type;
    uint32_t pos, line;
    str text;
};

struct lexer {
    struct arena *arena;
    str input;
    size_t pos, start;
    uint32_t line, start_line;
    int parens;
    bool in_action;
};

void lex_init(struct lexer *l, str input, struct arena *a);
struct lex_token lex_next(struct lexer *l);

#endif
