#include "data/reader.h"

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
