#include "data/interactions.h"

#include "io/fingerprint.h"

const char *const part_names[PART_COUNT] = {"train", "val", "test", "val_known", "test_known"};

enum { USER, ITEM, RATING, TIMESTAMP, PART, COLUMNS };

/* The columns on disk, in the order they are written and fingerprinted. */
static const struct column_kind {
    const char *file;
    npy_type type;
    bool required;
} kinds[COLUMNS] = {
    [USER] = {"user.npy", NPY_U32, true},      [ITEM] = {"item.npy", NPY_U32, true},
    [RATING] = {"rating.npy", NPY_F32, false}, [TIMESTAMP] = {"timestamp.npy", NPY_I64, false},
    [PART] = {"part.npy", NPY_U8, false},
};

static medley_status open_column(const medley_runtime *rt, const char *folder, int column, int64_t rows, npy *out,
                                 medley_error *err)
{
    char *path;
    TRY(file_join(rt, folder, kinds[column].file, &path, err));
    medley_status status = MEDLEY_OK;
    if (kinds[column].required || file_exists(path))
        status = npy_open_as(path, kinds[column].type, rows, out, err);
    mem_free(path);
    return status;
}

/* Indexes come from a file: none may lead outside an array. */
static medley_status check_indexes(const char *folder, const interactions *v, int64_t users, int64_t items,
                                   medley_error *err)
{
    uint32_t before = 0;
    for (int64_t i = 0; i < v->count; i++) {
        if (v->user[i] >= users || v->item[i] >= items)
            return fail(err, MEDLEY_E_FORMAT, "%s: row %lld: user %u, item %u; accepted: below %lld and %lld",
                        folder, (long long)i, v->user[i], v->item[i], (long long)users, (long long)items);
        if (v->part != NULL && v->part[i] > PART_TEST)
            return fail(err, MEDLEY_E_FORMAT,
                        "%s: row %lld: part %d; accepted: 0, 1 and 2 for train, val and test", folder,
                        (long long)i, v->part[i]);
        if (v->user[i] < before)
            return fail(err, MEDLEY_E_FORMAT, "%s: row %lld: user %u follows user %u; users must ascend", folder,
                        (long long)i, v->user[i], before);
        before = v->user[i];
    }
    return MEDLEY_OK;
}

medley_status interactions_open(const medley_runtime *rt, const char *folder, int64_t users, int64_t items,
                                interaction_files *out, medley_error *err)
{
    *out = (interaction_files){0};
    medley_status status = MEDLEY_OK;
    for (int c = 0; c < COLUMNS; c++)
        TRY_DONE(open_column(rt, folder, c, c == USER ? -1 : out->columns[USER].rows, &out->columns[c], err));
    out->view = (interactions){
        .count = out->columns[USER].rows,
        .user = out->columns[USER].data,
        .item = out->columns[ITEM].data,
        .rating = out->columns[RATING].data,
        .timestamp = out->columns[TIMESTAMP].data,
        .part = out->columns[PART].data,
    };
    status = check_indexes(folder, &out->view, users, items, err);
done:
    if (status != MEDLEY_OK)
        interactions_release(out);
    return status;
}

void interactions_release(interaction_files *f)
{
    for (int c = 0; c < COLUMNS; c++)
        npy_release(&f->columns[c]);
    *f = (interaction_files){0};
}

medley_status interactions_write(const medley_runtime *rt, const char *folder, const interactions *v,
                                 struct fingerprint *print, medley_error *err)
{
    const void *const data[COLUMNS] = {
        [USER] = v->user, [ITEM] = v->item, [RATING] = v->rating, [TIMESTAMP] = v->timestamp, [PART] = v->part};
    TRY(file_make_folder(rt, folder, err));
    for (int c = 0; c < COLUMNS; c++) {
        if (data[c] == NULL)
            continue;
        char *path;
        TRY(file_join(rt, folder, kinds[c].file, &path, err));
        const medley_status status = npy_write(rt, path, kinds[c].type, v->count, 0, data[c], print, err);
        mem_free(path);
        TRY(status);
    }
    return MEDLEY_OK;
}
