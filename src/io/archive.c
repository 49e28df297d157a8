/* libarchive allocates by itself; its memory does not pass through the runtime's allocator. */
#include <archive.h> /* first: it says words that base.h bans */
#include <archive_entry.h>

#include <errno.h>
#include <sys/stat.h>

#include "io/archive.h"

#include "io/file.h"

enum { BLOCK_BYTES = 1 << 20, ENTRIES_MOST = 100000 };

typedef struct unpacking {
    const medley_runtime *rt;
    struct archive *archive;
    const char *path, *folder, *strip;
    int64_t most, written, entries;
    int64_t size; /* of the archive, for progress */
    char *block;
} unpacking;

static medley_status fail_archive(const unpacking *u, const char *entry, medley_error *err)
{
    const char *why = archive_error_string(u->archive);
    if (archive_errno(u->archive) == ENOMEM)
        return fail(err, MEDLEY_E_NOMEM, "%s: out of memory", u->path);
    return fail(err, MEDLEY_E_FORMAT, "%s:%s%s %s", u->path, entry[0] != '\0' ? " " : "", entry,
                why != NULL ? why : "damaged");
}

/* Whether a name stays below the folder it is joined to: no part is "..", the first is not empty. */
static bool stays_inside(const char *name)
{
    if (name[0] == '/' || name[0] == '\0')
        return false;
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

/* The name without the top folder that is stripped; "" for that folder itself. */
static const char *stripped(const char *name, const char *strip)
{
    const size_t length = strlen(strip);
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    if (length == 0 || strncmp(name, strip, length) != 0 || (name[length] != '/' && name[length] != '\0'))
        return name;
    return name + length + (name[length] == '/');
}

static medley_status write_content(unpacking *u, const char *name, file *f, medley_error *err)
{
    for (;;) {
        const la_ssize_t got = archive_read_data(u->archive, u->block, BLOCK_BYTES);
        if (got < 0)
            return fail_archive(u, name, err);
        if (got == 0)
            return MEDLEY_OK;
        u->written += got;
        if (u->written > u->most)
            return fail(err, MEDLEY_E_FORMAT, "%s: %s: unpacks to more than the %lld bytes that are accepted",
                        u->path, name, (long long)u->most);
        TRY(file_write(f, u->block, (size_t)got, err));
        TRY(runtime_progress(u->rt, "bytes", archive_filter_bytes(u->archive, -1), u->size, err));
    }
}

static medley_status make_parent(const unpacking *u, char *path, medley_error *err)
{
    char *slash = strrchr(path, '/');
    *slash = '\0';
    const medley_status status = file_make_folder(u->rt, path, err);
    *slash = '/';
    return status;
}

static medley_status unpack_file(unpacking *u, const char *name, medley_error *err)
{
    file *f = NULL;
    char *path;
    TRY(file_join(u->rt, u->folder, name, &path, err));
    medley_status status = make_parent(u, path, err);
    if (status == MEDLEY_OK)
        status = file_create(u->rt, path, &f, err);
    if (status == MEDLEY_OK)
        status = write_content(u, name, f, err);
    file_close(f);
    mem_free(path);
    return status;
}

static medley_status unpack_entry(unpacking *u, struct archive_entry *entry, medley_error *err)
{
    const char *whole = archive_entry_pathname_utf8(entry);
    if (whole == NULL)
        whole = archive_entry_pathname(entry);
    if (whole == NULL)
        return fail(err, MEDLEY_E_FORMAT, "%s: entry %lld has no readable name", u->path, (long long)u->entries);
    const bool is_folder = archive_entry_filetype(entry) == AE_IFDIR;
    if (archive_entry_hardlink(entry) != NULL || (!is_folder && archive_entry_filetype(entry) != AE_IFREG))
        return fail(err, MEDLEY_E_FORMAT, "%s: '%s' is a link or a device; files and folders are accepted",
                    u->path, whole);
    if (!stays_inside(whole))
        return fail(err, MEDLEY_E_FORMAT, "%s: '%s' leads out of the folder it is unpacked to", u->path, whole);
    const char *name = stripped(whole, u->strip);
    return is_folder || name[0] == '\0' ? MEDLEY_OK : unpack_file(u, name, err);
}

static medley_status unpack_all(unpacking *u, medley_error *err)
{
    struct archive_entry *entry;
    for (;;) {
        const int code = archive_read_next_header(u->archive, &entry);
        if (code == ARCHIVE_EOF)
            return MEDLEY_OK;
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN) /* a warning: of times and owners, which we do not take */
            return fail_archive(u, "", err);
        if (++u->entries > ENTRIES_MOST)
            return fail(err, MEDLEY_E_FORMAT, "%s: more than %d entries", u->path, ENTRIES_MOST);
        TRY(unpack_entry(u, entry, err));
    }
}

static medley_status open_archive(unpacking *u, medley_error *err)
{
    file *f;
    TRY(file_open(u->rt, u->path, &f, err)); /* for its messages and the size */
    u->size = file_size(f);
    file_close(f);
    u->archive = archive_read_new();
    if (u->archive == NULL)
        return fail(err, MEDLEY_E_NOMEM, "%s: out of memory", u->path);
    archive_read_support_filter_all(u->archive);
    archive_read_support_format_zip(u->archive);
    archive_read_support_format_tar(u->archive);
    return archive_read_open_filename(u->archive, u->path, BLOCK_BYTES) == ARCHIVE_OK ? MEDLEY_OK
                                                                                      : fail_archive(u, "", err);
}

medley_status unpack_archive(const medley_runtime *rt, const char *path, const char *folder, const char *strip,
                             int64_t most, medley_error *err)
{
    unpacking u = {.rt = rt, .path = path, .folder = folder, .strip = strip, .most = most};
    medley_status status = open_archive(&u, err);
    if (status == MEDLEY_OK)
        status = mem_alloc(rt, BLOCK_BYTES, 1, &u.block, err);
    if (status == MEDLEY_OK)
        status = unpack_all(&u, err);
    mem_free(u.block);
    if (u.archive != NULL)
        archive_read_free(u.archive);
    return status;
}
