#define XXH_INLINE_ALL /* its state then lives in our memory, whatever version is installed */
#include <xxhash.h>

#include <stdio.h>

#include "io/fingerprint.h"

struct fingerprint {
    XXH3_state_t state;
};

medley_status fingerprint_create(const medley_runtime *rt, fingerprint **out, medley_error *err)
{
    TRY(mem_alloc(rt, 1, sizeof **out, out, err));
    XXH3_INITSTATE(&(*out)->state);
    (void)XXH3_128bits_reset(&(*out)->state);
    return MEDLEY_OK;
}

void fingerprint_add(fingerprint *f, const void *bytes, size_t length)
{
    if (length > 0)
        (void)XXH3_128bits_update(&f->state, bytes, length);
}

void fingerprint_hex(const fingerprint *f, char hex[FINGERPRINT_SIZE])
{
    const XXH128_hash_t hash = XXH3_128bits_digest(&f->state);
    snprintf(hex, FINGERPRINT_SIZE, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

void fingerprint_free(fingerprint *f)
{
    mem_free(f);
}
