#include "io/save.h"

#include <sys/stat.h>

#include "base/base.h"

enum { ATTEMPTS = 100 }; /* others may remove the partial folder between our making and locking it */

struct save {
    const medley_runtime *rt;
    file *file;
    char *path;
    char *partial; /* NULL: written directly */
};

static medley_status with_ending(const medley_runtime *rt, const char *path, const char *ending, char **out,
                                 medley_error *err)
{
    text whole = {.rt = rt};
    text_add(&whole, path);
    text_add(&whole, ending);
    const medley_status status = text_status(&whole, err);
    if (status != MEDLEY_OK)
        text_release(&whole);
    *out = whole.bytes;
    return status;
}

static void remove_or_warn(const medley_runtime *rt, const char *path)
{
    medley_error why = {MEDLEY_OK, ""};
    if (file_remove_tree(rt, path, &why) != MEDLEY_OK)
        runtime_log(rt, MEDLEY_LOG_WARNING, "left behind: %s", why.message);
}

static void save_end(save *s)
{
    file_close(s->file);
    mem_free(s->partial);
    mem_free(s->path);
    mem_free(s);
}

medley_status save_open(const medley_runtime *rt, const char *path, save **out, medley_error *err)
{
    medley_status status;
    struct stat st;
    save *s;
    *out = NULL;
    TRY(mem_alloc_zero(rt, 1, sizeof *s, &s, err));
    s->rt = rt;
    const bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        TRY_DONE(fail(err, MEDLEY_E_IO, "cannot write '%s': it is a folder", path));
    if (exists && !S_ISREG(st.st_mode)) {
        TRY_DONE(file_create(rt, path, &s->file, err));
    } else {
        if (exists)
            TRY_DONE(file_absolute(rt, path, &s->path, err)); /* so that a link stays one */
        else
            TRY_DONE(mem_text(rt, path, strlen(path), &s->path, err));
        TRY_DONE(with_ending(rt, s->path, ".partial", &s->partial, err));
        TRY_DONE(file_create_locked(rt, s->partial, &s->file, err));
    }
    *out = s;
    return MEDLEY_OK;
done:
    save_end(s);
    return status;
}

medley_status save_write(save *s, const void *bytes, size_t length, medley_error *err)
{
    return file_write(s->file, bytes, length, err);
}

medley_status save_commit(save *s, medley_error *err)
{
    medley_status status;
    if (s->partial == NULL) {
        status = file_finish(s->file, err);
        s->file = NULL;
        save_end(s);
        return status;
    }
    /* The lock is held across the rename: nobody may empty what is about to be put in place. */
    TRY_DONE(file_sync(s->rt, s->partial, err));
    TRY_DONE(file_rename(s->rt, s->partial, s->path, err));
    save_end(s);
    return MEDLEY_OK;
done:
    save_abandon(s);
    return status;
}

void save_abandon(save *s)
{
    if (s == NULL)
        return;
    if (s->partial != NULL)
        remove_or_warn(s->rt, s->partial);
    save_end(s);
}

medley_status save_bytes(const medley_runtime *rt, const char *path, const void *bytes, size_t length,
                         medley_error *err)
{
    save *s;
    TRY(save_open(rt, path, &s, err));
    const medley_status status = save_write(s, bytes, length, err);
    if (status == MEDLEY_OK)
        return save_commit(s, err);
    save_abandon(s);
    return status;
}

medley_status save_in(const medley_runtime *rt, const char *folder, const char *name, const void *bytes,
                      size_t length, medley_error *err)
{
    char *path;
    TRY(file_join(rt, folder, name, &path, err));
    const medley_status status = save_bytes(rt, path, bytes, length, err);
    mem_free(path);
    return status;
}

struct save_folder {
    const medley_runtime *rt;
    char *path, *partial;
    char *aside; /* where the old folder waits for a moment if the file system cannot exchange */
    file *lock;  /* on the partial folder */
};

static void folder_end(save_folder *s)
{
    file_close(s->lock);
    mem_free(s->aside);
    mem_free(s->partial);
    mem_free(s->path);
    mem_free(s);
}

/* A path to which an ending can be added: without slashes at its end, and not "." or "..". */
static medley_status plain_path(const medley_runtime *rt, const char *path, char **out, medley_error *err)
{
    size_t length = strlen(path);
    *out = NULL;
    if (length == 0)
        return fail(err, MEDLEY_E_ARGUMENT, "the path of a folder to write is empty");
    while (length > 1 && path[length - 1] == '/')
        length--;
    size_t start = length;
    while (start > 0 && path[start - 1] != '/')
        start--;
    const char *name = path + start;
    const size_t rest = length - start;
    if (rest == 0 || (rest == 1 && name[0] == '.') || (rest == 2 && name[0] == '.' && name[1] == '.'))
        return file_absolute(rt, path, out, err);
    return mem_text(rt, path, length, out, err);
}

static medley_status check_replaceable(const save_folder *s, bool replace, const char *marker, medley_error *err)
{
    char *mark;
    if (!file_exists(s->path))
        return MEDLEY_OK;
    if (!replace)
        return fail(err, MEDLEY_E_EXISTS, "'%s' exists already; name another folder or ask to replace it",
                    s->path);
    TRY(file_join(s->rt, s->path, marker, &mark, err));
    const bool ours = file_exists(mark);
    mem_free(mark);
    if (!ours)
        return fail(err, MEDLEY_E_EXISTS, "'%s' holds no %s and is not replaced; remove it by hand", s->path,
                    marker);
    return MEDLEY_OK;
}

static medley_status is_empty(const medley_runtime *rt, const char *folder, bool *empty, medley_error *err)
{
    char **names;
    int64_t count;
    TRY(file_list(rt, folder, &names, &count, err));
    file_names_free(names, count);
    *empty = count == 0;
    return MEDLEY_OK;
}

/* Makes and locks the partial folder. One that is not empty once it is ours was left by a dead builder. */
static medley_status take_partial(save_folder *s, const char *keep, bool *kept, medley_error *err)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        bool empty;
        const medley_status status = file_lock_folder(s->rt, s->partial, true, &s->lock, err);
        if (status == MEDLEY_E_NOT_FOUND && attempt + 1 < ATTEMPTS)
            continue;
        TRY(status);
        *kept = keep != NULL && file_exists(keep);
        if (*kept)
            return MEDLEY_OK;
        TRY(is_empty(s->rt, s->partial, &empty, err));
        if (empty)
            return MEDLEY_OK;
        TRY(file_remove_tree(s->rt, s->partial, err));
        file_close(s->lock);
        s->lock = NULL;
    }
    return fail(err, MEDLEY_E_IO, "cannot make folder '%s': others keep removing it", s->partial);
}

medley_status save_folder_resume(const medley_runtime *rt, const char *path, bool replace, const char *marker,
                                 const char *keep, bool *kept, save_folder **out, medley_error *err)
{
    medley_status status;
    save_folder *s;
    char *kept_path = NULL;
    *out = NULL;
    *kept = false;
    TRY(mem_alloc_zero(rt, 1, sizeof *s, &s, err));
    s->rt = rt;
    TRY_DONE(plain_path(rt, path, &s->path, err));
    TRY_DONE(with_ending(rt, s->path, ".partial", &s->partial, err));
    TRY_DONE(with_ending(rt, s->path, ".replaced", &s->aside, err));
    if (!file_exists(s->path) && file_exists(s->aside)) /* someone died between the two renames */
        TRY_DONE(file_rename(rt, s->aside, s->path, err));
    TRY_DONE(check_replaceable(s, replace, marker, err));
    if (keep != NULL)
        TRY_DONE(file_join(rt, s->partial, keep, &kept_path, err));
    TRY_DONE(take_partial(s, kept_path, kept, err));
    mem_free(kept_path);
    *out = s;
    return MEDLEY_OK;
done:
    mem_free(kept_path);
    (s->lock != NULL ? save_folder_abandon : folder_end)(s);
    return status;
}

medley_status save_folder_open(const medley_runtime *rt, const char *path, bool replace, const char *marker,
                               save_folder **out, medley_error *err)
{
    bool kept;
    return save_folder_resume(rt, path, replace, marker, NULL, &kept, out, err);
}

const char *save_folder_path(const save_folder *s)
{
    return s->partial;
}

/* For file systems without RENAME_EXCHANGE (NFS): two renames, the first taken back if the second fails. */
static medley_status replace_in_two(const save_folder *s, medley_error *err)
{
    TRY(file_remove_tree(s->rt, s->aside, err));
    TRY(file_rename(s->rt, s->path, s->aside, err));
    const medley_status status = file_rename(s->rt, s->partial, s->path, err);
    if (status != MEDLEY_OK && file_rename(s->rt, s->aside, s->path, NULL) != MEDLEY_OK)
        return fail_while(err, status, "the old folder is now '%s'", s->aside);
    return status;
}

static medley_status replace_old(const save_folder *s, medley_error *err)
{
    file *old;
    /* After the exchange the old folder has the partial one's name: locked too, so that a builder
     * who comes then does not start in it while it is being removed. */
    TRY(file_lock_folder(s->rt, s->path, false, &old, err));
    medley_status status = file_exchange(s->rt, s->partial, s->path, err);
    const bool exchanged = status == MEDLEY_OK;
    if (!exchanged)
        status = replace_in_two(s, err);
    if (status == MEDLEY_OK)
        remove_or_warn(s->rt, exchanged ? s->partial : s->aside);
    file_close(old);
    return status;
}

medley_status save_folder_commit(save_folder *s, medley_error *err)
{
    medley_status status;
    TRY_DONE(file_sync(s->rt, s->partial, err));
    if (file_exists(s->path))
        TRY_DONE(replace_old(s, err));
    else
        TRY_DONE(file_rename(s->rt, s->partial, s->path, err));
    folder_end(s);
    return MEDLEY_OK;
done:
    save_folder_abandon(s);
    return status;
}

void save_folder_abandon(save_folder *s)
{
    if (s == NULL)
        return;
    remove_or_warn(s->rt, s->partial);
    folder_end(s);
}

void save_folder_leave(save_folder *s)
{
    if (s != NULL)
        folder_end(s);
}
