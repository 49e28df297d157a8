#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

/* The most that one read(2) or write(2) moves on Linux. */
#define PIECE_MOST ((size_t)0x7ffff000)

struct file {
    const medley_runtime *rt;
    int fd;
    char path[]; /* for messages */
};

/* Whether this change of the disk is one that a test wants to see fail. */
static bool faulty(const medley_runtime *rt)
{
    return rt->faults != NULL && atomic_fetch_sub(&rt->faults->remaining, 1) <= 1;
}

static medley_status file_new(const medley_runtime *rt, const char *path, file **out, medley_error *err)
{
    const size_t length = strlen(path);
    TRY(mem_alloc(rt, 1, sizeof **out + length + 1, out, err));
    **out = (file){.rt = rt, .fd = -1};
    memcpy((*out)->path, path, length + 1);
    return MEDLEY_OK;
}

static int open_retrying(const char *path, int flags)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, 0666);
    while (fd < 0 && errno == EINTR);
    return fd;
}

medley_status file_open(const medley_runtime *rt, const char *path, file **out, medley_error *err)
{
    TRY(file_new(rt, path, out, err));
    struct stat st;
    file *f = *out;
    f->fd = open_retrying(path, O_RDONLY);
    int code = f->fd < 0 || fstat(f->fd, &st) != 0 ? errno : 0;
    if (code == 0 && S_ISDIR(st.st_mode))
        code = EISDIR;
    if (code == 0) {
        (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        return MEDLEY_OK;
    }
    file_close(f);
    *out = NULL;
    return fail_errno(err, code, "open", path);
}

medley_status file_read(file *f, void *bytes, size_t size, size_t *got, medley_error *err)
{
    ssize_t moved;
    *got = 0;
    do
        moved = read(f->fd, bytes, size < PIECE_MOST ? size : PIECE_MOST);
    while (moved < 0 && errno == EINTR);
    if (moved < 0)
        return fail_errno(err, errno, "read", f->path);
    *got = (size_t)moved;
    return MEDLEY_OK;
}

static medley_status create(const medley_runtime *rt, const char *path, int flags, file **out, medley_error *err)
{
    TRY(file_new(rt, path, out, err));
    file *f = *out;
    int code = faulty(rt) ? ENOSPC : 0;
    if (code == 0 && (f->fd = open_retrying(path, O_WRONLY | O_CREAT | flags)) < 0)
        code = errno;
    if (code == 0)
        return MEDLEY_OK;
    file_close(f);
    *out = NULL;
    return fail_errno(err, code, "create", path);
}

medley_status file_create(const medley_runtime *rt, const char *path, file **out, medley_error *err)
{
    return create(rt, path, O_TRUNC, out, err);
}

medley_status file_append(const medley_runtime *rt, const char *path, file **out, medley_error *err)
{
    return create(rt, path, O_APPEND, out, err);
}

/* Whether the name still leads to the open file. */
static bool still_named(int fd, const char *path)
{
    struct stat open_one, named;
    return fstat(fd, &open_one) == 0 && lstat(path, &named) == 0 && open_one.st_dev == named.st_dev &&
           open_one.st_ino == named.st_ino;
}

medley_status file_create_locked(const medley_runtime *rt, const char *path, file **out, medley_error *err)
{
    for (;;) {
        TRY(create(rt, path, 0, out, err));
        file *f = *out;
        int code = 0;
        if (flock(f->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            code = EWOULDBLOCK; /* any other: a file system without locks, where we go without */
        /* Between open and flock its owner may have renamed it to its final name. */
        const bool ours = code == 0 && still_named(f->fd, path);
        if (ours && ftruncate(f->fd, 0) != 0)
            code = errno;
        if (ours && code == 0)
            return MEDLEY_OK;
        file_close(f);
        *out = NULL;
        if (code == EWOULDBLOCK)
            return fail(err, MEDLEY_E_EXISTS, "'%s': another process is writing it", path);
        if (code != 0)
            return fail_errno(err, code, "empty", path);
    }
}

medley_status file_write(file *f, const void *bytes, size_t size, medley_error *err)
{
    const char *rest = bytes;
    const bool fault = faulty(f->rt);
    if (fault)
        size /= 2;
    while (size > 0) {
        const ssize_t moved = write(f->fd, rest, size < PIECE_MOST ? size : PIECE_MOST);
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0)
            return fail_errno(err, errno, "write", f->path);
        rest += moved;
        size -= (size_t)moved;
    }
    return fault ? fail_errno(err, ENOSPC, "write", f->path) : MEDLEY_OK;
}

/* 0 or an errno. Pipes and terminals cannot be flushed and need not be. */
static int flush(const medley_runtime *rt, int fd)
{
    if (faulty(rt))
        return ENOSPC;
    while (fsync(fd) != 0)
        if (errno != EINTR)
            return errno == EINVAL || errno == EROFS || errno == ENOTSUP ? 0 : errno;
    return 0;
}

medley_status file_finish(file *f, medley_error *err)
{
    int code = flush(f->rt, f->fd);
    if (close(f->fd) != 0 && code == 0 && errno != EINTR)
        code = errno;
    const medley_status status = code == 0 ? MEDLEY_OK : fail_errno(err, code, "write", f->path);
    mem_free(f);
    return status;
}

void file_close(file *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        close(f->fd);
    mem_free(f);
}

int64_t file_size(const file *f)
{
    struct stat st;
    return fstat(f->fd, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

static medley_status read_rest(file *f, int64_t most, text *content, medley_error *err)
{
    const int64_t known = file_size(f);
    int64_t piece = known >= 0 && known < most ? known + 1 : 64 * 1024;
    for (;;) {
        size_t got;
        if (piece > most - content->length) /* one byte more tells "too long" from "just fits" */
            piece = most - content->length + 1;
        TRY(mem_reserve(content->rt, &content->bytes, &content->capacity, content->length + piece + 1, 1, err));
        TRY(file_read(f, content->bytes + content->length, (size_t)piece, &got, err));
        content->length += (int64_t)got;
        if (content->length > most)
            return fail(err, MEDLEY_E_LIMIT, "'%s': longer than the %lld bytes accepted", f->path,
                        (long long)most);
        content->bytes[content->length] = '\0';
        if (got == 0)
            return MEDLEY_OK;
        piece = content->capacity - content->length - 1;
        if (piece == 0)
            piece = content->length;
    }
}

medley_status file_read_whole(const medley_runtime *rt, const char *path, int64_t most, char **bytes,
                              size_t *length, medley_error *err)
{
    file *f;
    text content = {.rt = rt};
    *bytes = NULL;
    *length = 0;
    TRY(file_open(rt, path, &f, err));
    medley_status status;
    if (file_size(f) > most)
        status = fail(err, MEDLEY_E_LIMIT, "'%s': %lld bytes is more than the %lld accepted", path,
                      (long long)file_size(f), (long long)most);
    else
        status = read_rest(f, most, &content, err);
    file_close(f);
    if (status != MEDLEY_OK) {
        text_release(&content);
        return status;
    }
    *bytes = content.bytes;
    *length = (size_t)content.length;
    return MEDLEY_OK;
}

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool file_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_facts(const char *path, int64_t *bytes, int64_t *changed_ns)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    *bytes = st.st_size;
    *changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return true;
}

/* The folder that holds `path`, which may be "." or "/". */
static medley_status parent_of(const medley_runtime *rt, const char *path, char **out, medley_error *err)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    while (end > 0 && path[end - 1] != '/')
        end--;
    if (end == 0)
        return mem_text(rt, ".", 1, out, err);
    while (end > 1 && path[end - 1] == '/')
        end--;
    return mem_text(rt, path, end, out, err);
}

/* Opened before the change, so that what can fail for a reason fails while nothing has changed.
 * After it the names are in place; a flush that fails then could not be taken back. */
static medley_status open_parent(const medley_runtime *rt, const char *path, int *fd, medley_error *err)
{
    char *folder;
    TRY(parent_of(rt, path, &folder, err));
    *fd = open_retrying(folder, O_RDONLY | O_DIRECTORY);
    const int code = errno;
    const medley_status status = *fd >= 0 ? MEDLEY_OK : fail_errno(err, code, "open", folder);
    mem_free(folder);
    return status;
}

medley_status file_rename(const medley_runtime *rt, const char *from, const char *to, medley_error *err)
{
    int folder;
    TRY(open_parent(rt, to, &folder, err));
    int code = faulty(rt) ? ENOSPC : 0;
    if (code == 0 && rename(from, to) != 0)
        code = errno;
    if (code == 0)
        (void)fsync(folder);
    close(folder);
    return code == 0 ? MEDLEY_OK : fail_errno(err, code, "create", to);
}

bool file_link(const char *from, const char *to)
{
    return link(from, to) == 0;
}

medley_status file_exchange(const medley_runtime *rt, const char *a, const char *b, medley_error *err)
{
    int folder;
    TRY(open_parent(rt, b, &folder, err));
    int code = faulty(rt) ? ENOSPC : 0;
    if (code == 0 && syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) != 0)
        code = errno;
    if (code == 0)
        (void)fsync(folder);
    close(folder);
    return code == 0 ? MEDLEY_OK : fail_errno(err, code, "replace", b);
}

static medley_status make_one(const medley_runtime *rt, const char *path, medley_error *err)
{
    if (file_is_folder(path))
        return MEDLEY_OK;
    int code = faulty(rt) ? ENOSPC : 0;
    if (code == 0 && mkdir(path, 0777) != 0 && !(errno == EEXIST && file_is_folder(path)))
        code = errno;
    return code == 0 ? MEDLEY_OK : fail_errno(err, code, "create folder", path);
}

medley_status file_make_folder(const medley_runtime *rt, const char *path, medley_error *err)
{
    char *part;
    TRY(mem_text(rt, path, strlen(path), &part, err));
    medley_status status = MEDLEY_OK;
    for (char *p = part + (*part == '/'); *p != '\0' && status == MEDLEY_OK; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        status = make_one(rt, part, err);
        *p = '/';
    }
    if (status == MEDLEY_OK)
        status = make_one(rt, path, err);
    mem_free(part);
    return status;
}

typedef int (*entry_action)(const medley_runtime *rt, int at, const char *name);

/* Acts on each entry of the folder behind `fd`, which it closes. 0 or the first errno. */
static int each_entry(const medley_runtime *rt, int fd, entry_action act)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        const int code = errno;
        close(fd);
        return code;
    }
    int code = 0;
    const struct dirent *entry;
    while (code == 0 && (errno = 0, entry = readdir(folder)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            code = act(rt, dirfd(folder), entry->d_name);
    if (code == 0)
        code = errno;
    closedir(folder);
    return code;
}

/* Trees are walked on descriptors, so that a folder swapped for a link meanwhile is not followed. */
static int open_entry(int at, const char *name, int flags)
{
    return openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags);
}

static int remove_entry(const medley_runtime *rt, int at, const char *name)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM) /* EPERM: what POSIX says for folders */
        return errno;
    const int fd = open_entry(at, name, O_DIRECTORY);
    if (fd < 0)
        return errno;
    const int code = each_entry(rt, fd, remove_entry);
    if (code == 0 && unlinkat(at, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return errno;
    return code;
}

medley_status file_remove_tree(const medley_runtime *rt, const char *path, medley_error *err)
{
    const int code = remove_entry(rt, AT_FDCWD, path);
    return code == 0 ? MEDLEY_OK : fail_errno(err, code, "remove", path);
}

static int sync_entry(const medley_runtime *rt, int at, const char *name)
{
    const int fd = open_entry(at, name, 0);
    if (fd < 0)
        return errno == ELOOP ? 0 : errno; /* a link is part of its folder */
    struct stat st;
    int code = fstat(fd, &st) != 0 ? errno : flush(rt, fd);
    if (code == 0 && S_ISDIR(st.st_mode))
        return each_entry(rt, fd, sync_entry);
    close(fd);
    return code;
}

medley_status file_sync(const medley_runtime *rt, const char *path, medley_error *err)
{
    const int code = sync_entry(rt, AT_FDCWD, path);
    return code == 0 ? MEDLEY_OK : fail_errno(err, code, "write", path);
}

medley_status file_lock_folder(const medley_runtime *rt, const char *path, bool make, file **out,
                               medley_error *err)
{
    TRY(file_new(rt, path, out, err));
    file *f = *out;
    const medley_status made = make ? file_make_folder(rt, path, err) : MEDLEY_OK;
    if (made != MEDLEY_OK) {
        file_close(f);
        *out = NULL;
        return made;
    }
    int code = (f->fd = open_entry(AT_FDCWD, path, O_DIRECTORY)) < 0 ? errno : 0;
    if (code == 0 && flock(f->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        code = EWOULDBLOCK; /* any other: a file system without locks, where we go without */
    if (code == 0 && !still_named(f->fd, path))
        code = ENOENT;
    if (code == 0)
        return MEDLEY_OK;
    file_close(f);
    *out = NULL;
    if (code == EWOULDBLOCK)
        return fail(err, MEDLEY_E_EXISTS, "'%s': another process is building it", path);
    return fail_errno(err, code, "lock", path);
}

medley_status file_join(const medley_runtime *rt, const char *folder, const char *name, char **out,
                        medley_error *err)
{
    text joined = {.rt = rt};
    const size_t length = strlen(folder);
    *out = NULL;
    text_append(&joined, folder, length);
    if (length > 0 && folder[length - 1] != '/')
        text_add(&joined, "/");
    text_add(&joined, name);
    const medley_status status = text_status(&joined, err);
    if (status == MEDLEY_OK)
        *out = joined.bytes;
    else
        text_release(&joined);
    return status;
}

medley_status file_absolute(const medley_runtime *rt, const char *path, char **out, medley_error *err)
{
    char whole[PATH_MAX];
    *out = NULL;
    if (realpath(path, whole) == NULL)
        return fail_errno(err, errno, "find", path);
    return mem_text(rt, whole, strlen(whole), out, err);
}

static int by_bytes(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

medley_status file_list(const medley_runtime *rt, const char *folder, char ***names, int64_t *count,
                        medley_error *err)
{
    int64_t capacity = 0;
    *names = NULL;
    *count = 0;
    DIR *opened = opendir(folder);
    if (opened == NULL)
        return fail_errno(err, errno, "open folder", folder);
    medley_status status = mem_reserve(rt, names, &capacity, 1, sizeof **names, err);
    const struct dirent *entry;
    while (status == MEDLEY_OK && (errno = 0, entry = readdir(opened)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        status = mem_reserve(rt, names, &capacity, *count + 1, sizeof **names, err);
        if (status == MEDLEY_OK)
            status = mem_text(rt, name, strlen(name), &(*names)[*count], err);
        *count += status == MEDLEY_OK;
    }
    if (status == MEDLEY_OK && errno != 0)
        status = fail_errno(err, errno, "read folder", folder);
    closedir(opened);
    if (status == MEDLEY_OK) {
        qsort(*names, (size_t)*count, sizeof **names, by_bytes);
        return MEDLEY_OK;
    }
    file_names_free(*names, *count);
    *names = NULL;
    *count = 0;
    return status;
}

void file_names_free(char **names, int64_t count)
{
    for (int64_t i = 0; names != NULL && i < count; i++)
        mem_free(names[i]);
    mem_free(names);
}
