/* What fuzz targets share. A target takes any bytes; replay.c runs it over its corpus without a fuzzer. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the process, which the fuzzer reports with the input. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : __builtin_trap())

static inline medley_runtime *fuzz_runtime(void)
{
    medley_runtime *rt;
    const medley_runtime_options one_thread = {.threads = 1};
    FUZZ_CHECK(medley_runtime_create(&one_thread, &rt, NULL) == MEDLEY_OK);
    return rt;
}

/* A call succeeds without a message or fails with one of the expected kind. */
static inline void fuzz_check_status(medley_status got, medley_status expected, const medley_error *err)
{
    FUZZ_CHECK(got == MEDLEY_OK || got == expected);
    FUZZ_CHECK((got == MEDLEY_OK) == (err->message[0] == '\0'));
}

/* Reads every byte, so that a sanitizer or the system sees one that is not there. */
static inline void fuzz_read(const void *bytes, int64_t length)
{
    for (int64_t i = 0; i < length; i++)
        (void)((const volatile unsigned char *)bytes)[i];
}

/* A file in memory for readers that take a path. */
typedef struct fuzz_file {
    int fd;
    char path[64];
} fuzz_file;

static inline fuzz_file fuzz_file_create(const uint8_t *data, size_t size)
{
    fuzz_file f = {.fd = (int)syscall(SYS_memfd_create, "fuzz", 0u)};
    FUZZ_CHECK(f.fd >= 0);
    snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    for (size_t done = 0; done < size;) {
        const ssize_t moved = write(f.fd, data + done, size - done);
        FUZZ_CHECK(moved > 0);
        done += (size_t)moved;
    }
    return f;
}

static inline void fuzz_file_end(fuzz_file *f)
{
    close(f->fd);
}

#endif
