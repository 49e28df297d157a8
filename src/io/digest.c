/* By OpenSSL's libcrypto, which libcurl brings along. It allocates by itself. */
#include <openssl/evp.h> /* first: it says words that base.h bans */

#include "io/digest.h"

#include "io/file.h"

enum { BLOCK_BYTES = 1 << 20 };

static const struct digest_class {
    const char *prefix;
    int bytes;
    const EVP_MD *(*method)(void);
} classes[] = {
    [DIGEST_MD5] = {"md5:", 16, EVP_md5},
    [DIGEST_SHA256] = {"sha256:", 32, EVP_sha256},
};

medley_status checksum_parse(const char *said, digest_kind *kind, char checksum[CHECKSUM_SIZE], medley_error *err)
{
    for (*kind = DIGEST_MD5; *kind <= DIGEST_SHA256; (*kind)++) {
        const struct digest_class *c = &classes[*kind];
        const size_t prefix = strlen(c->prefix), digits = 2 * (size_t)c->bytes;
        if (strncmp(said, c->prefix, prefix) != 0 || strlen(said) != prefix + digits ||
            strspn(said + prefix, "0123456789abcdefABCDEF") != digits)
            continue;
        for (size_t i = 0; i <= prefix + digits; i++)
            checksum[i] = (char)(said[i] >= 'A' && said[i] <= 'F' ? said[i] - 'A' + 'a' : said[i]);
        return MEDLEY_OK;
    }
    return fail(err, MEDLEY_E_CONFIG,
                "'%s' is no checksum; 'md5:' with 32 or 'sha256:' with 64 hex digits is accepted", said);
}

/* The calls fail for want of memory, or where a policy of the system (FIPS) forbids MD5. */
static medley_status digest(file *f, const char *path, EVP_MD_CTX *context, const struct digest_class *c,
                            char *block, const medley_runtime *rt, unsigned char *out, medley_error *err)
{
    int64_t done = 0;
    bool works = EVP_DigestInit_ex(context, c->method(), NULL) == 1;
    for (size_t got = 1; works && got > 0; done += (int64_t)got) {
        TRY(file_read(f, block, BLOCK_BYTES, &got, err));
        works = EVP_DigestUpdate(context, block, got) == 1;
        TRY(runtime_progress(rt, "bytes", done, file_size(f), err));
    }
    if (!works || EVP_DigestFinal_ex(context, out, NULL) != 1)
        return fail(err, MEDLEY_E_IO, "cannot compute the checksum '%s...' of '%s': OpenSSL refuses", c->prefix,
                    path);
    return MEDLEY_OK;
}

medley_status checksum_file(const medley_runtime *rt, const char *path, digest_kind kind,
                            char checksum[CHECKSUM_SIZE], medley_error *err)
{
    file *f = NULL;
    char *block = NULL;
    unsigned char bytes[EVP_MAX_MD_SIZE];
    const struct digest_class *c = &classes[kind];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    medley_status status = context != NULL ? MEDLEY_OK : fail(err, MEDLEY_E_NOMEM, "%s: out of memory", path);
    if (status != MEDLEY_OK)
        return status;
    TRY_DONE(file_open(rt, path, &f, err));
    TRY_DONE(mem_alloc(rt, BLOCK_BYTES, 1, &block, err));
    TRY_DONE(digest(f, path, context, c, block, rt, bytes, err));
    snprintf(checksum, CHECKSUM_SIZE, "%s", c->prefix);
    for (int i = 0; i < c->bytes; i++)
        snprintf(checksum + strlen(c->prefix) + 2 * (size_t)i, 3, "%02x", bytes[i]);
done:
    mem_free(block);
    file_close(f);
    EVP_MD_CTX_free(context);
    return status;
}
