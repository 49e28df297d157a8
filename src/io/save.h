/* Whole outputs or none: built in "<path>.partial", flushed, then renamed to `path`, or (a folder)
 * exchanged with the folder it replaces. Whoever dies on the way leaves the old output or the new
 * one, and perhaps a partial one, which the next builder removes, or goes on with. */
#ifndef IO_SAVE_H
#define IO_SAVE_H

#include "io/file.h"

/* Replaces the file `path` with `length` bytes. On failure the old file is as it was. */
MEDLEY_MUST_USE medley_status save_bytes(const medley_runtime *rt, const char *path, const void *bytes,
                                         size_t length, medley_error *err);

/* As save_bytes, to folder/name. */
MEDLEY_MUST_USE medley_status save_in(const medley_runtime *rt, const char *folder, const char *name,
                                      const void *bytes, size_t length, medley_error *err);

/* A file being replaced. A link is followed; a device or pipe is written directly. One writer at a
 * time: a second one fails with E_EXISTS. save_open .. save_write* .. then save_commit, or
 * save_abandon on failure. */
typedef struct save save;
MEDLEY_MUST_USE medley_status save_open(const medley_runtime *rt, const char *path, save **out, medley_error *err);
MEDLEY_MUST_USE medley_status save_write(save *s, const void *bytes, size_t length, medley_error *err);
/* fsync and rename; ends `s` also when it fails, and then the old file is as it was. */
MEDLEY_MUST_USE medley_status save_commit(save *s, medley_error *err);
/* Removes the temporary file and ends `s`. NULL is fine. */
void save_abandon(save *s);

/* A folder being built. Holds a lock (flock on the partial folder itself, which the system drops
 * when a process dies): a second builder of the same path fails with E_EXISTS, what a dead one
 * left is removed. */
typedef struct save_folder save_folder;

/* Starts building. When `path` exists: E_EXISTS unless `replace`. With `replace`, a folder that
 * does not hold the file `marker` (such as "dataset.json") is not ours and is refused too. */
MEDLEY_MUST_USE medley_status save_folder_open(const medley_runtime *rt, const char *path, bool replace,
                                               const char *marker, save_folder **out, medley_error *err);
/* As save_folder_open, for what takes long and can go on: what a builder that died or left (save_folder_leave) has left is
 * still there if it holds the file `keep`, and *kept says so. */
MEDLEY_MUST_USE medley_status save_folder_resume(const medley_runtime *rt, const char *path, bool replace,
                                                 const char *marker, const char *keep, bool *kept,
                                                 save_folder **out, medley_error *err);
/* Where to write: the partial folder. Borrowed. */
const char *save_folder_path(const save_folder *s);
/* Puts the folder in place in one step and removes what it replaces; ends `s` also on failure, and
 * then the old folder is as it was and nothing partial is left. */
MEDLEY_MUST_USE medley_status save_folder_commit(save_folder *s, medley_error *err);
/* Removes what was built and ends `s`. NULL is fine. */
void save_folder_abandon(save_folder *s);
/* Ends `s`; what was built so far stays for save_folder_resume. NULL is fine. */
void save_folder_leave(save_folder *s);

#endif
