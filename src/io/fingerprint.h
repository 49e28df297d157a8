/* Content fingerprints: XXH3-128, as `xxh128sum` prints. They tell stale from fresh; they do not
 * protect against someone who wants two contents to look the same. */
#ifndef IO_FINGERPRINT_H
#define IO_FINGERPRINT_H

#include "base/base.h"

enum { FINGERPRINT_SIZE = 33 }; /* 32 hex digits and NUL */

typedef struct fingerprint fingerprint;
MEDLEY_MUST_USE medley_status fingerprint_create(const medley_runtime *rt, fingerprint **out, medley_error *err);
void fingerprint_add(fingerprint *f, const void *bytes, size_t length);
void fingerprint_hex(const fingerprint *f, char hex[FINGERPRINT_SIZE]);
void fingerprint_free(fingerprint *f);

#endif
