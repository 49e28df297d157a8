/* Every system call on files goes through here, so that tests can fail the n-th one. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "base/base.h"

/* Faults for tests, hung on medley_runtime.faults; NULL in a product. Counts down over calls
 * that change the disk (create, write, sync, rename); the call that reaches 0 fails with
 * ENOSPC after writing half of its bytes, and so do all later ones. */
struct file_faults {
    _Atomic int64_t remaining;
};

typedef struct file file;

/* Opens for reading. Fails with E_NOT_FOUND, E_IO (a folder, no permission), E_NOMEM. */
MEDLEY_MUST_USE medley_status file_open(const medley_runtime *rt, const char *path, file **out, medley_error *err);
/* Reads up to `size` bytes; *got is 0 only at the end of the file. Retries EINTR. */
MEDLEY_MUST_USE medley_status file_read(file *f, void *bytes, size_t size, size_t *got, medley_error *err);

/* Creates or empties a file for writing. */
MEDLEY_MUST_USE medley_status file_create(const medley_runtime *rt, const char *path, file **out,
                                          medley_error *err);
/* As file_create, but keeps what an existing file holds and writes behind it. */
MEDLEY_MUST_USE medley_status file_append(const medley_runtime *rt, const char *path, file **out,
                                          medley_error *err);
/* As file_create, and holds a lock (flock) on the file until it ends: fails with E_EXISTS while
 * another descriptor, of this process too, holds it. What a dead writer left is emptied. */
MEDLEY_MUST_USE medley_status file_create_locked(const medley_runtime *rt, const char *path, file **out,
                                                 medley_error *err);
/* Writes all bytes or fails with E_IO. Not buffered: give it large pieces. */
MEDLEY_MUST_USE medley_status file_write(file *f, const void *bytes, size_t size, medley_error *err);
/* Flushes a written file to the disk (fsync), closes and frees it, also when it fails. */
MEDLEY_MUST_USE medley_status file_finish(file *f, medley_error *err);
/* Closes without flushing; for read files and failures. NULL is fine. */
void file_close(file *f);

/* Size in bytes of an open file at the time of the call; -1 when unknown. */
int64_t file_size(const file *f);

/* The whole file as mem_alloc'd bytes with a NUL behind them. Fails also with E_LIMIT when it is
 * longer than `most`. */
MEDLEY_MUST_USE medley_status file_read_whole(const medley_runtime *rt, const char *path, int64_t most,
                                              char **bytes, size_t *length, medley_error *err);

bool file_exists(const char *path);
bool file_is_folder(const char *path);
/* Bytes, and when it was changed last, in nanoseconds; false: it is not there. */
bool file_facts(const char *path, int64_t *bytes, int64_t *changed_ns);

/* rename(2) and fsync of the folder that holds `to`, so that the new name survives a crash. */
MEDLEY_MUST_USE medley_status file_rename(const medley_runtime *rt, const char *from, const char *to,
                                          medley_error *err);
/* Gives a file a second name on the same file system; false: it cannot be. */
bool file_link(const char *from, const char *to);
/* Swaps two folders or files in one step (renameat2 RENAME_EXCHANGE), else fails with E_IO. */
MEDLEY_MUST_USE medley_status file_exchange(const medley_runtime *rt, const char *a, const char *b,
                                            medley_error *err);
/* Makes a folder and its missing parents. An existing folder is fine. */
MEDLEY_MUST_USE medley_status file_make_folder(const medley_runtime *rt, const char *path, medley_error *err);
/* Removes a file or a folder with all it holds; what is not there is fine. Never follows links. */
MEDLEY_MUST_USE medley_status file_remove_tree(const medley_runtime *rt, const char *path, medley_error *err);

/* Flushes a file to the disk, or a folder with all it holds: what others (SQLite) wrote. */
MEDLEY_MUST_USE medley_status file_sync(const medley_runtime *rt, const char *path, medley_error *err);
/* Holds a lock (flock) on a folder until file_close; with `make`, makes it first. Fails with E_EXISTS while
 * another descriptor holds it, E_NOT_FOUND when it is gone by the time it is locked; without memory it has
 * not made anything. */
MEDLEY_MUST_USE medley_status file_lock_folder(const medley_runtime *rt, const char *path, bool make, file **out,
                                               medley_error *err);

/* mem_alloc'd "folder/name". */
MEDLEY_MUST_USE medley_status file_join(const medley_runtime *rt, const char *folder, const char *name, char **out,
                                        medley_error *err);
/* The canonical absolute path of something that exists. */
MEDLEY_MUST_USE medley_status file_absolute(const medley_runtime *rt, const char *path, char **out,
                                            medley_error *err);

/* Names in a folder without "." and "..", sorted by byte; mem_alloc'd array of mem_alloc'd names.
 * Free with file_names_free. */
MEDLEY_MUST_USE medley_status file_list(const medley_runtime *rt, const char *folder, char ***names,
                                        int64_t *count, medley_error *err);
void file_names_free(char **names, int64_t count);

#endif
