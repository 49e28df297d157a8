/* Failing: whoever detects writes the message, whoever receives passes it on or adds context. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <medley/status.h>

/* Returns from the enclosing function when `call` fails. For functions that own nothing yet. */
#define TRY(call)                                 \
    do {                                          \
        const medley_status try_status_ = (call); \
        if (try_status_ != MEDLEY_OK)             \
            return try_status_;                   \
    } while (0)

/* As TRY inside a function with `medley_status status` and a `done:` label that cleans up. */
#define TRY_DONE(call)           \
    do {                         \
        status = (call);         \
        if (status != MEDLEY_OK) \
            goto done;           \
    } while (0)

/* Writes the message and returns `status`. err may be NULL. Control characters in what is
 * formatted, NUL and line ends included, and bytes that are not UTF-8 come out as '?': a message is
 * one line of text. */
medley_status fail(medley_error *err, medley_status status, const char *format, ...) MEDLEY_PRINTF(3, 4);

/* Puts "<context>: " in front of a message that is already there, and returns `status`. */
medley_status fail_while(medley_error *err, medley_status status, const char *format, ...) MEDLEY_PRINTF(3, 4);

/* "cannot open 'x': No such file or directory", with E_NOT_FOUND for ENOENT, E_NOMEM for ENOMEM,
 * else E_IO. `code` is an errno. */
medley_status fail_errno(medley_error *err, int code, const char *verb, const char *path);

/* Clears a message: what a function that succeeds leaves behind. err may be NULL. */
void error_clear(medley_error *err);

#endif
