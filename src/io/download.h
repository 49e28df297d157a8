/* Files from http, https and file URLs: resumed, retried, whole or not there. */
#ifndef IO_DOWNLOAD_H
#define IO_DOWNLOAD_H

#include "base/base.h"

typedef struct download_options {
    int64_t most;  /* bytes that are accepted */
    int tries;     /* that bring nothing new, one after the other, until it gives up */
    int wait_ms;   /* before the second try; then twice as long, up to a minute */
    int connect_s; /* to connect */
    int stall_s;   /* without a byte, until a connection counts as lost */
} download_options;

extern const download_options download_defaults; /* but for `most` */

/* Downloads `url` to `path`. What has come so far lies in "<path>.part" and survives failures and stops; the
 * next call goes on behind it, with a Range request that holds only while the server's file is the
 * same (If-Range with the ETag, or date, kept in "<path>.part.json"); when it is not, or the server knows no
 * ranges, it starts again. A lost connection and a busy server (408, 429, 5xx) are tried again.
 *
 * Certificates are verified. One caller at a time for a `path`. Fails with E_NOT_FOUND (404, no such file),
 * E_CONFIG (no such kind of URL), E_FORMAT (longer than `most`), E_IO (the rest), E_STOPPED, E_NOMEM. */
MEDLEY_MUST_USE medley_status download_file(const medley_runtime *rt, const char *url, const char *path,
                                            const download_options *options, medley_error *err);

#endif
