#include "io/mapped.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

static medley_status map(int fd, const char *path, mapped *out, medley_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fail_errno(err, errno, "read", path);
    if (!S_ISREG(st.st_mode))
        return fail_errno(err, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "map", path);
    if (st.st_size == 0)
        return MEDLEY_OK;
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return fail_errno(err, errno, "map", path);
    *out = (mapped){bytes, (size_t)st.st_size};
    return MEDLEY_OK;
}

medley_status mapped_open(const char *path, mapped *out, medley_error *err)
{
    *out = (mapped){NULL, 0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
    if (fd < 0)
        return fail_errno(err, errno, "open", path);
    const medley_status status = map(fd, path, out, err);
    close(fd);
    return status;
}

void mapped_release(mapped *m)
{
    if (m->bytes != NULL)
        (void)munmap((void *)(uintptr_t)m->bytes, m->length);
    *m = (mapped){NULL, 0};
}
