/* base/attr.h: the few compiler attributes that the code base uses, under readable names.
 *
 * MUST_CHECK  the caller must look at the returned value.
 * CLEANUP(fn) scope cleanup: fn(&variable) runs when the variable leaves scope. Used for
 *             "long-lived parts", descriptors and locks; never in a function that also uses goto.
 * TAKE(p)     the pointer's value, leaving NULL behind: moves ownership out of a CLEANUP variable.
 * PRINTF(f,a) argument f is a printf format, its arguments start at a (1-based). */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define MUST_CHECK __attribute__((warn_unused_result))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define UNUSED __attribute__((unused))
#define NORETURN __attribute__((noreturn))

#define TAKE(p)                                                                                    \
    ({                                                                                             \
        __typeof__(p) take_ = (p);                                                                 \
        (p) = NULL;                                                                                \
        take_;                                                                                     \
    })

#define ARRAY_LEN(x) (sizeof(x) / sizeof((x)[0]))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
