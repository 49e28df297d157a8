/* Status codes, the caller-owned error message, versions.
 *
 * Every fallible function returns a medley_status and takes a `medley_error *` as its last
 * argument, which may be NULL. On failure the message is one line: culprit, value, what is
 * accepted. Nothing is global and nothing needs freeing. */
#ifndef MEDLEY_STATUS_H
#define MEDLEY_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MEDLEY_VERSION_MAJOR 0
#define MEDLEY_VERSION_MINOR 1
#define MEDLEY_VERSION_PATCH 0

#if defined(__GNUC__)
#define MEDLEY_API __attribute__((visibility("default")))
#define MEDLEY_MUST_USE __attribute__((warn_unused_result))
#define MEDLEY_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define MEDLEY_API
#define MEDLEY_MUST_USE
#define MEDLEY_PRINTF(text, first)
#endif

/* One row a code: name, value (part of the ABI, never reused), meaning. */
#define MEDLEY_STATUS_TABLE(X)                                                      \
    X(OK, 0, "success")                                                             \
    X(E_ARGUMENT, 1, "an argument is missing or out of range")                      \
    X(E_SHAPE, 2, "array shapes do not fit together")                               \
    X(E_CONFIG, 3, "a configuration key or value is not accepted")                  \
    X(E_FORMAT, 4, "a file's content is not in the expected form")                  \
    X(E_IO, 5, "the system could not read or write a file")                         \
    X(E_NOMEM, 6, "out of memory")                                                  \
    X(E_LIMIT, 7, "the job does not fit in the memory that is available")           \
    X(E_EXISTS, 8, "the output exists already")                                     \
    X(E_NOT_FOUND, 9, "a file, name or id does not exist")                          \
    X(E_STOPPED, 10, "the caller asked to stop")                                    \
    X(E_STALE, 11, "a file was made from other data than the data it is used with") \
    X(E_DIVERGED, 12, "a training came to numbers that are of no use")

typedef enum medley_status {
#define MEDLEY_STATUS_ROW(name, value, text) MEDLEY_##name = value,
    MEDLEY_STATUS_TABLE(MEDLEY_STATUS_ROW)
#undef MEDLEY_STATUS_ROW
} medley_status;

typedef struct medley_error {
    medley_status status;
    char message[1000]; /* UTF-8, one line, lower case, no final stop; "" after success */
} medley_error;

/* The name of a code ("E_FORMAT") and its meaning; "?" for a number that is no code. */
MEDLEY_API const char *medley_status_name(medley_status status);
MEDLEY_API const char *medley_status_text(medley_status status);

/* "0.1.0": the library that is running, which may differ from the header compiled against. */
MEDLEY_API const char *medley_version(void);

#ifdef __cplusplus
}
#endif
#endif
