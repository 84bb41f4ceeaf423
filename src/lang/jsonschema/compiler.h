/* lang/jsonschema/compiler.h: what document.c and compile.c share; private to lang/jsonschema/.
 *
 * Functions return 0 or -ERR_KIND with compiler.err filled; everything lives in the compiler's
 * arena. */
#ifndef LANG_JSONSCHEMA_COMPILER_H
#define LANG_JSONSCHEMA_COMPILER_H

#include "lang/jsonschema/schema.h"

/* A document that was read. */
struct root {
    str url;
    value doc;
    struct resources resources;
    struct map processed; /* pointers whose ids and anchors are known */
};

struct compiler {
    struct arena *arena;
    const struct jsonschema_input *in;
    struct map roots;   /* url -> root */
    struct map schemas; /* "url#ptr" -> schema */
    struct schema_list queue;
    struct compiler *metas; /* of the meta-schemas; NULL: this is it */
    struct map urns;
    struct err *err;
    str text; /* whole text of the failure */
};

int compiler_fail(struct compiler *c, const char *format, ...) PRINTF(2, 3);
/* url#ptr */
str compiler_location(struct compiler *c, str url, str ptr);
/* The document of a URL, read when it is asked for first; the same with its text at hand. */
int compiler_load(struct compiler *c, str url, struct root **ret);
int compiler_add(struct compiler *c, str url, value doc, struct root **ret);
/* The value at a pointer of a document; compiler_fail when there is none. */
int compiler_lookup(struct compiler *c, str url, value doc, str ptr, value *ret);
/* A pointer to where no schema is expected: learn its ids and anchors then. */
int compiler_ensure(struct compiler *c, struct root *r, str ptr);
/* The resource that a pointer lies in; the one of an id, or NULL. */
struct resource *root_find_resource(struct root *r, str ptr);
struct resource *root_find_id(struct root *r, str id);
/* The pointer of a part. */
str compiler_below(struct compiler *c, str ptr, str token);
/* Compile what stands at url#ptr and all that it refers to. */
int compiler_compile(struct compiler *c, str url, str ptr, struct schema **ret);

#endif
