#include "data/reader.h"

#include "io/records.h"

#define MEDLEY_READER(name) extern const reader_class reader_##name;
#include "data/readers.def"
#undef MEDLEY_READER

const reader_class *const reader_classes[] = {
#define MEDLEY_READER(name) &reader_##name,
#include "data/readers.def"
#undef MEDLEY_READER
    NULL,
};

const char *reader_delimiter(const char *name)
{
    static const char *const names[][2] = {{"tab", "\t"},  {"\\t", "\t"}, {"comma", ","},
                                           {"space", " "}, {"pipe", "|"}, {"semicolon", ";"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i][0]) == 0)
            return names[i][1];
    const size_t length = strlen(name);
    const bool usable = length >= 1 && length <= 4 && strpbrk(name, "\"\r\n") == NULL;
    return usable ? name : NULL;
}

medley_status reader_file(const medley_runtime *rt, const char *folder, const char *const *names, int64_t count,
                          char **out, medley_error *err)
{
    static const char *const endings[] = {"", ".gz", ".zst"};
    *out = NULL;
    for (int64_t i = 0; i < count; i++)
        for (size_t e = 0; e < sizeof endings / sizeof *endings; e++) {
            char name[256], *path;
            snprintf(name, sizeof name, "%s%s", names[i], endings[e]);
            TRY(file_join(rt, folder, name, &path, err));
            if (file_exists(path)) {
                *out = path;
                return MEDLEY_OK;
            }
            mem_free(path);
        }
    return MEDLEY_OK;
}

medley_status reader_need(const medley_runtime *rt, const char *folder, const char *const *names, int64_t count,
                          char **out, medley_error *err)
{
    if (!file_is_folder(folder))
        return fail(err, file_exists(folder) ? MEDLEY_E_FORMAT : MEDLEY_E_NOT_FOUND, "input: '%s' is not a folder",
                    folder);
    TRY(reader_file(rt, folder, names, count, out, err));
    if (*out != NULL)
        return MEDLEY_OK;
    char list[512] = "";
    for (int64_t i = 0; i < count; i++) {
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    return fail(err, MEDLEY_E_NOT_FOUND, "input: '%s' has no %s (plain, .gz or .zst)", folder, list);
}

typedef medley_status (*table_reader)(ingest *in, const char *path, const item_layout *layout, medley_error *err);

static medley_status read_if_there(const medley_runtime *rt, const char *folder, const char *name,
                                   table_reader read, const item_layout *layout, ingest *in, medley_error *err)
{
    char *path;
    TRY(reader_file(rt, folder, &name, 1, &path, err));
    const medley_status status = path != NULL ? read(in, path, layout, err) : MEDLEY_OK;
    mem_free(path);
    return status;
}

medley_status reader_items(const medley_runtime *rt, const char *folder, const char *name,
                           const item_layout *layout, ingest *in, medley_error *err)
{
    return read_if_there(rt, folder, name, ingest_items, layout, in, err);
}

medley_status reader_users(const medley_runtime *rt, const char *folder, const char *name,
                           const item_layout *layout, ingest *in, medley_error *err)
{
    return read_if_there(rt, folder, name, ingest_users, layout, in, err);
}

medley_status reader_images(const medley_runtime *rt, const char *input, const char *setting,
                            const char *const *usual, ingest *in, medley_error *err)
{
    if (setting[0] != '\0')
        return ingest_images(in, input, setting, err);
    for (; *usual != NULL; usual++) {
        char *path;
        TRY(file_join(rt, input, *usual, &path, err));
        const bool there = file_is_folder(path);
        mem_free(path);
        if (there)
            return ingest_images(in, input, *usual, err);
    }
    return MEDLEY_OK;
}

bool reader_ends_with(const char *name, const char *ending)
{
    static const char *const packed[] = {"", ".gz", ".zst"};
    const size_t length = strlen(name), end = strlen(ending);
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++) {
        const size_t behind = strlen(packed[i]);
        if (length >= end + behind && memcmp(name + length - behind - end, ending, end) == 0 &&
            strcmp(name + length - behind, packed[i]) == 0)
            return true;
    }
    return false;
}

medley_status reader_only_file(const medley_runtime *rt, const char *folder, const char *key, const char *accepted,
                               bool (*is_meant)(const char *name), char **out, medley_error *err)
{
    char **names, list[512] = "";
    int64_t count, found = 0;
    const char *name = NULL;
    *out = NULL;
    TRY(file_list(rt, folder, &names, &count, err));
    for (int64_t i = 0; i < count; i++) {
        if (!is_meant(names[i]))
            continue;
        name = names[i];
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", found++ > 0 ? ", " : "", name);
    }
    medley_status status;
    if (found == 0)
        status = fail(err, MEDLEY_E_NOT_FOUND, "input: '%s' has no %s (plain, .gz or .zst)", folder, accepted);
    else if (found > 1)
        status = fail(err, MEDLEY_E_CONFIG, "%s: '%s' has %lld files that may be meant (%s); name one", key,
                      folder, (long long)found, list);
    else
        status = mem_text(rt, name, strlen(name), out, err);
    file_names_free(names, count);
    return status;
}

medley_status reader_first_line(const medley_runtime *rt, const char *path, char **out, medley_error *err)
{
    const records_options options = {.delimiter = "\n"};
    record_block block = {.bytes = NULL};
    records *r = NULL;
    bool more;
    medley_status status;
    *out = NULL;
    TRY(records_open(rt, path, options, &r, err));
    TRY_DONE(records_next(r, &block, &more, err));
    const size_t length = more ? (size_t)((const char *)memchr(block.bytes, '\n', block.length) - block.bytes) : 0;
    TRY_DONE(mem_alloc_zero(rt, (int64_t)length + 1 + RECORDS_PADDING, 1, out, err));
    memcpy(*out, more ? block.bytes : "", length);
    (*out)[length] = '\n';
done:
    mem_free(block.bytes);
    records_close(r);
    return status;
}

medley_status reader_tables(const medley_runtime *rt, const char *input, const char *rows_file,
                            const interaction_layout *rows, const char *items_file, const item_layout *items,
                            ingest *in, medley_error *err)
{
    char *path = NULL;
    if (rows_file[0] != '\0')
        TRY(reader_need(rt, input, &rows_file, 1, &path, err));
    medley_status status = ingest_interactions(in, path != NULL ? path : input, rows, err);
    mem_free(path);
    if (status != MEDLEY_OK || items_file[0] == '\0')
        return status;
    TRY(reader_need(rt, input, &items_file, 1, &path, err));
    status = ingest_items(in, path, items, err);
    mem_free(path);
    return status;
}
