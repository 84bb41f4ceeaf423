/* source/chart_kept.h: archives in the cache folder; private to source/. Blocking: pool threads.
 *
 * CACHE/blob/SHA256.tgz are the archives; CACHE/known/KEY holds "SHA256 BYTES DIFFERS URL" for a
 * key that names repository, credentials, chart and version; CACHE/part/ holds what is on its way.
 * Files appear by rename, so a reader finds them whole or not at all; what does not match its
 * digest (a machine that lost power) is removed and fetched again. The time of a known file is that
 * of its last use. */
#ifndef SOURCE_CHART_KEPT_H
#define SOURCE_CHART_KEPT_H

#include "base/time.h"
#include "source/chart.h"
#include "source/url.h"

#define CHART_KEY_BYTES 65 /* hex of SHA-256 and NUL */

struct chart_archive_memory { /* what a struct chart_archive really is */
    struct chart_archive is;
    _Atomic unsigned n_refs;
    struct arena arena;
};

int kept_open(str cache_dir, struct err *err) MUST_CHECK; /* makes the folders */
/* *ret NULL: not there. */
int kept_find(str cache_dir, str key, struct chart_archive **ret, struct err *err) MUST_CHECK;
void kept_forget(str cache_dir, str key);
/* A descriptor of a new file in part/; its path goes into the arena. */
int kept_begin(str cache_dir, struct arena *a, str *ret_path, int *ret_fd,
               struct err *err) MUST_CHECK;
/* `part` holds an archive of this digest: keep it under the key. */
struct kept_archive {
    str key, part, url;
    struct sha256 digest;
    size_t bytes;
    bool digest_differs;
};
int kept_add(str cache_dir, const struct kept_archive *k, struct chart_archive **ret,
             struct err *err) MUST_CHECK;
/* Remove what was not used since `before` (wall). */
int kept_sweep(str cache_dir, usec before, struct err *err) MUST_CHECK;

#endif
