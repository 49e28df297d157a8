/* Checksums that publishers of data print: MD5 and SHA-256 of a file. */
#ifndef IO_DIGEST_H
#define IO_DIGEST_H

#include "base/base.h"

typedef enum digest_kind { DIGEST_MD5, DIGEST_SHA256 } digest_kind;

enum { CHECKSUM_SIZE = 8 + 64 + 1 }; /* "sha256:", 64 hex digits and NUL, at most */

/* Reads "md5:<32 hex digits>" or "sha256:<64 hex digits>", in any case, and writes it in lower case.
 * Fails with E_CONFIG and what is accepted. */
MEDLEY_MUST_USE medley_status checksum_parse(const char *said, digest_kind *kind, char checksum[CHECKSUM_SIZE],
                                             medley_error *err);

/* The checksum of a whole file in the same form. Fails with E_NOT_FOUND, E_IO, E_NOMEM, E_STOPPED. */
MEDLEY_MUST_USE medley_status checksum_file(const medley_runtime *rt, const char *path, digest_kind kind,
                                            char checksum[CHECKSUM_SIZE], medley_error *err);

#endif
