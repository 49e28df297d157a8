#include "data/features.h"

#include "data/features_file.h"
#include "io/catalog.h"

enum { JSON_LONGEST = 1024 * 1024, HINT_LONGEST = 400, CHUNK_BYTES = 1 << 20 };
#define ENDING ".npy"

/* ---- names ---- */

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool features_name_is_plain(const char *name)
{
    const size_t length = strlen(name);
    if (length == 0 || length > FEATURES_NAME_MOST || !is_letter_or_digit(name[0]))
        return false;
    for (const char *p = name; *p != '\0'; p++)
        if (!is_letter_or_digit(*p) && strchr("_-.", *p) == NULL)
            return false;
    return true;
}

medley_status features_path(const medley_runtime *rt, const char *folder, const char *name, const char *ending,
                            char **out, medley_error *err)
{
    char inside[FEATURES_NAME_MOST + 32];
    number_print(inside, sizeof inside, "features/%.*s%s", FEATURES_NAME_MOST, name, ending);
    return file_join(rt, folder, inside, out, err);
}

/* Cuts ".npy" off; false: it is the name of something else. */
static bool cut_ending(char *name)
{
    const size_t length = strlen(name), ending = strlen(ENDING);
    if (length <= ending || strcmp(name + length - ending, ENDING) != 0)
        return false;
    name[length - ending] = '\0';
    return features_name_is_plain(name);
}

medley_status features_names(const medley_runtime *rt, const char *folder, char ***names, int64_t *count,
                             medley_error *err)
{
    char *path;
    *names = NULL;
    *count = 0;
    TRY(file_join(rt, folder, "features", &path, err));
    int64_t all = 0;
    const medley_status status = file_is_folder(path) ? file_list(rt, path, names, &all, err) : MEDLEY_OK;
    mem_free(path);
    for (int64_t i = 0; i < all; i++)
        if (cut_ending((*names)[i]))
            (*names)[(*count)++] = (*names)[i];
        else
            mem_free((*names)[i]);
    return status;
}

static medley_status refuse_name(const medley_runtime *rt, const char *folder, const char *name, medley_error *err)
{
    char **names, known[HINT_LONGEST] = "";
    int64_t count, shown = 0;
    TRY(features_names(rt, folder, &names, &count, err));
    for (size_t used = 0; shown < count && used + strlen(names[shown]) + 8 < sizeof known; shown++)
        used +=
            (size_t)number_print(known + used, sizeof known - used, "%s%s", shown > 0 ? ", " : "", names[shown]);
    const char *nearest = medley_nearest(name, (const char *const *)names, count);
    char hint[FEATURES_NAME_MOST + 32] = "";
    if (nearest != NULL)
        number_print(hint, sizeof hint, " (did you mean '%s'?)", nearest);
    const medley_status status =
        count == 0
            ? fail(err, MEDLEY_E_NOT_FOUND,
                   "features: the store '%s' has none, so no '%.100s'; see medley features import", folder, name)
            : fail(err, MEDLEY_E_NOT_FOUND, "features: no '%.100s' in the store%s; it has %s%s", name, hint, known,
                   shown < count ? ", ..." : "");
    file_names_free(names, count);
    return status;
}

/* ---- what a matrix belongs to ---- */

static medley_status add_id(void *context, int64_t index, const catalog_item *row, medley_error *err)
{
    (void)index;
    (void)err;
    fingerprint_add(context, row->id.bytes, row->id.length);
    fingerprint_add(context, "\n", 1);
    return MEDLEY_OK;
}

medley_status features_items_print(const medley_runtime *rt, const char *folder, char hex[FINGERPRINT_SIZE],
                                   medley_error *err)
{
    char *path = NULL;
    fingerprint *print = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(file_join(rt, folder, "catalog.db", &path, err));
    TRY_DONE(fingerprint_create(rt, &print, err));
    TRY_DONE(catalog_read_items(path, add_id, print, err));
    fingerprint_hex(print, hex);
done:
    fingerprint_free(print);
    mem_free(path);
    return status;
}

medley_status features_read_json(const medley_runtime *rt, const char *folder, const char *name, json **out,
                                 medley_error *err)
{
    char *path = NULL, *bytes = NULL;
    size_t length;
    *out = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(features_path(rt, folder, name, ".json", &path, err));
    if (!file_exists(path))
        TRY_DONE(fail(err, MEDLEY_E_NOT_FOUND,
                      "features: '%s' has no %s, which says what it was made from; import it again", name, path));
    TRY_DONE(file_read_whole(rt, path, JSON_LONGEST, &bytes, &length, err));
    TRY_DONE(json_parse(path, bytes, length, out, err));
    const char *format = json_text(*out, "format");
    if (format == NULL || strcmp(format, FEATURES_FORMAT) != 0)
        status = fail(err, MEDLEY_E_FORMAT, "%s: format '%s'; accepted: '" FEATURES_FORMAT "'", path,
                      format != NULL ? format : "");
done:
    if (status != MEDLEY_OK) {
        json_free(*out);
        *out = NULL;
    }
    mem_free(bytes);
    mem_free(path);
    return status;
}

static medley_status check_json(const medley_runtime *rt, const char *folder, const features *f, medley_error *err)
{
    json *root;
    char items[FINGERPRINT_SIZE];
    TRY(features_read_json(rt, folder, f->name, &root, err));
    const char *of_items = json_text(root, "items_fingerprint"), *own = json_text(root, "fingerprint");
    medley_status status = MEDLEY_OK;
    if (of_items == NULL || own == NULL)
        TRY_DONE(
            fail(err, MEDLEY_E_FORMAT, "features: %s.json: items_fingerprint or fingerprint is missing", f->name));
    TRY_DONE(features_items_print(rt, folder, items, err));
    if (strcmp(of_items, items) != 0)
        status = fail(err, MEDLEY_E_STALE,
                      "features: '%s' is of other items than those of the store '%s'; import it again", f->name,
                      folder);
    else if (strcmp(own, f->fingerprint) != 0)
        status =
            fail(err, MEDLEY_E_STALE, "features: %s.npy is not the matrix that %s.json tells of; import it again",
                 f->name, f->name);
done:
    json_free(root);
    return status;
}

/* ---- the matrix ---- */

/* How many of `count` numbers are not finite, and how many of these are NaN. */
static void count_odd(const float *row, int64_t count, int64_t *odd, int64_t *nan)
{
    enum { EXPONENT = 0x7f800000, MAGNITUDE = 0x7fffffff };
    int64_t not_finite = 0, not_number = 0;
    for (int64_t i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, row + i, sizeof bits);
        not_finite += (bits & EXPONENT) == EXPONENT;
        not_number += (bits & MAGNITUDE) > EXPONENT;
    }
    *odd = not_finite;
    *nan = not_number;
}

static medley_status check_row(features *f, int64_t item, medley_error *err)
{
    int64_t odd, nan;
    count_odd(f->rows + item * f->length, f->length, &odd, &nan);
    f->lacks[item] = nan == f->length;
    f->missing += f->lacks[item];
    if (odd > nan)
        return fail(err, MEDLEY_E_FORMAT, "features: %s.npy: row %lld holds infinite numbers", f->name,
                    (long long)item);
    if (nan > 0 && nan < f->length)
        return fail(
            err, MEDLEY_E_FORMAT,
            "features: %s.npy: row %lld is NaN in %lld of %lld values; all (the item lacks them) or none is "
            "accepted",
            f->name, (long long)item, (long long)nan, (long long)f->length);
    return MEDLEY_OK;
}

/* The print of the whole file, and its rows checked while they are in the cache. */
static medley_status read_matrix(const medley_runtime *rt, features *f, medley_error *err)
{
    fingerprint *print;
    TRY(fingerprint_create(rt, &print, err));
    medley_status status = MEDLEY_OK;
    const int64_t row_bytes = f->length * (int64_t)sizeof *f->rows;
    const int64_t step = row_bytes < CHUNK_BYTES ? CHUNK_BYTES / row_bytes : 1;
    fingerprint_add(print, f->file.file.bytes, (size_t)((const char *)f->file.data - f->file.file.bytes));
    for (int64_t first = 0; first < f->items; first += step) {
        const int64_t end = first + step < f->items ? first + step : f->items;
        fingerprint_add(print, f->rows + first * f->length, (size_t)((end - first) * row_bytes));
        for (int64_t item = first; item < end; item++)
            TRY_DONE(check_row(f, item, err));
    }
    fingerprint_hex(print, f->fingerprint);
done:
    fingerprint_free(print);
    return status;
}

static medley_status open_matrix(const medley_runtime *rt, const char *path, int64_t items, features *f,
                                 medley_error *err)
{
    TRY(npy_open(path, &f->file, err));
    const npy *n = &f->file;
    if (n->type != NPY_F32 || n->columns == 0 || n->columns > FEATURES_LENGTH_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s: values of %lld bytes in %lld columns; float32 in 1..%d is accepted",
                    path, (long long)npy_type_size(n->type), (long long)n->columns, FEATURES_LENGTH_MOST);
    if (n->rows != items)
        return fail(err, MEDLEY_E_STALE, "%s: %lld rows, but the store has %lld items; import it again", path,
                    (long long)n->rows, (long long)items);
    f->rows = n->data;
    f->items = items;
    f->length = n->columns;
    TRY(mem_alloc(rt, items, sizeof *f->lacks, &f->lacks, err));
    return read_matrix(rt, f, err);
}

medley_status features_open(const medley_runtime *rt, const char *folder, int64_t items, const char *name,
                            features *out, medley_error *err)
{
    char *path = NULL;
    *out = (features){.name = name, .file.width = 1};
    if (folder == NULL)
        return fail(err, MEDLEY_E_NOT_FOUND, "features: '%.100s' is sought, but there is no store to seek it in",
                    name);
    if (!features_name_is_plain(name))
        return refuse_name(rt, folder, name, err);
    TRY(features_path(rt, folder, name, ENDING, &path, err));
    medley_status status =
        file_exists(path) ? open_matrix(rt, path, items, out, err) : refuse_name(rt, folder, name, err);
    if (status == MEDLEY_OK)
        status = check_json(rt, folder, out, err);
    mem_free(path);
    if (status != MEDLEY_OK)
        features_release(out);
    return status;
}

void features_release(features *f)
{
    npy_release(&f->file);
    mem_free(f->lacks);
    *f = (features){.file.width = 1};
}
