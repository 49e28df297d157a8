#include "data/features_write.h"

#include <math.h>

enum { CHUNK_BYTES = 8 << 20, TASK_BYTES = 256 * 1024 };

medley_status features_write_check(const medley_runtime *rt, const char *folder, const char *name, bool force,
                                   medley_error *err)
{
    char *path;
    if (!features_name_is_plain(name))
        return fail(
            err, MEDLEY_E_CONFIG,
            "name: '%.100s'; up to %d letters, digits, '_', '-' and '.' are accepted, the first a letter or digit",
            name, FEATURES_NAME_MOST);
    TRY(features_path(rt, folder, name, ".npy", &path, err));
    const bool taken = file_exists(path) && !force;
    mem_free(path);
    return taken
               ? fail(err, MEDLEY_E_EXISTS,
                      "features: '%s' exists already in the store; choose another name or ask to replace it", name)
               : MEDLEY_OK;
}

/* ---- rows, a chunk at a time ---- */

typedef struct row_chunk {
    features_row row;
    const void *context;
    float *rows;            /* [step, length] */
    int64_t first, end;     /* items of it */
    int64_t step, per_task; /* items of a chunk, and of a task of it */
    int64_t length;
} row_chunk;

static medley_status fill_rows(void *context, int64_t task, int worker, medley_error *err)
{
    const row_chunk *c = context;
    const int64_t from = c->first + task * c->per_task;
    const int64_t to = from + c->per_task < c->end ? from + c->per_task : c->end;
    (void)worker;
    for (int64_t item = from; item < to; item++)
        TRY(c->row(c->context, item, c->rows + (item - c->first) * c->length, err));
    return MEDLEY_OK;
}

static int64_t rows_in(int64_t bytes, int64_t length)
{
    const int64_t rows = bytes / (length * (int64_t)sizeof(float));
    return rows > 0 ? rows : 1;
}

static medley_status write_rows(features_writing *w, row_chunk *c, fingerprint *print, medley_error *err)
{
    char header[NPY_HEADER_MOST];
    const size_t header_length = npy_header(header, NPY_F32, w->items, w->length);
    fingerprint_add(print, header, header_length);
    TRY(save_write(w->file, header, header_length, err));
    for (c->first = 0; c->first < w->items; c->first = c->end) {
        c->end = c->first + c->step < w->items ? c->first + c->step : w->items;
        const int64_t rows = c->end - c->first;
        const size_t bytes = (size_t)(rows * w->length) * sizeof *c->rows;
        TRY(runtime_progress(w->rt, "items", c->first, w->items, err));
        TRY(parallel_run(w->rt, (rows + c->per_task - 1) / c->per_task, fill_rows, c, err));
        for (int64_t i = 0; i < rows; i++)
            w->missing += isnan(c->rows[i * w->length]);
        fingerprint_add(print, c->rows, bytes);
        TRY(save_write(w->file, c->rows, bytes, err));
    }
    return MEDLEY_OK;
}

medley_status features_write_rows(const medley_runtime *rt, const char *store, const char *name, int64_t items,
                                  int64_t length, features_row row, const void *context, features_writing *out,
                                  medley_error *err)
{
    *out = (features_writing){.rt = rt, .store = store, .name = name, .items = items, .length = length};
    const int64_t step = rows_in(CHUNK_BYTES, length);
    row_chunk chunk = {
        .row = row,
        .context = context,
        .step = step < items ? step : items,
        .per_task = rows_in(TASK_BYTES, length),
        .length = length,
    };
    fingerprint *print = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(file_join(rt, store, "features", &out->folder, err));
    TRY_DONE(features_path(rt, store, name, ".npy", &out->path, err));
    out->made_folder = !file_exists(out->folder);
    TRY_DONE(file_make_folder(rt, out->folder, err));
    TRY_DONE(fingerprint_create(rt, &print, err));
    TRY_DONE(mem_alloc(rt, chunk.step * length, sizeof *chunk.rows, &chunk.rows, err));
    TRY_DONE(save_open(rt, out->path, &out->file, err));
    TRY_DONE(write_rows(out, &chunk, print, err));
    fingerprint_hex(print, out->fingerprint);
done:
    mem_free(chunk.rows);
    fingerprint_free(print);
    return status;
}

/* ---- what it is ---- */

/* <name>.json stands before the matrix is put in place: whoever dies between the two leaves one that is refused as
 * stale, never one that is taken for another. */
medley_status features_write_commit(features_writing *w, json *about, medley_error *err)
{
    text rendered = {.rt = w->rt};
    char *path = NULL;
    char items_print[FINGERPRINT_SIZE];
    medley_status status = MEDLEY_OK;
    TRY_DONE(features_items_print(w->rt, w->store, items_print, err));
    json_set_text(about, "format", FEATURES_FORMAT);
    json_set_text(about, "medley", medley_version());
    json_set_text(about, "name", w->name);
    json_set_int(about, "items", w->items);
    json_set_int(about, "length", w->length);
    json_set_int(about, "missing", w->missing);
    json_set_real(about, "coverage", w->items > 0 ? (double)(w->items - w->missing) / (double)w->items : 0);
    json_set_text(about, "items_fingerprint", items_print);
    json_set_text(about, "fingerprint", w->fingerprint);
    TRY_DONE(json_render(about, 2, &rendered, err));
    TRY_DONE(features_path(w->rt, w->store, w->name, ".json", &path, err));
    TRY_DONE(save_bytes(w->rt, path, rendered.bytes, (size_t)rendered.length, err));
    status = save_commit(w->file, err);
    w->file = NULL;
done:
    mem_free(path);
    text_release(&rendered);
    return status;
}

/* A folder that nothing came into goes again. */
void features_writing_release(features_writing *w)
{
    char **names;
    int64_t count;
    save_abandon(w->file);
    if (w->made_folder && file_is_folder(w->folder) &&
        file_list(w->rt, w->folder, &names, &count, NULL) == MEDLEY_OK) {
        file_names_free(names, count);
        if (count == 0 && file_remove_tree(w->rt, w->folder, NULL) != MEDLEY_OK)
            runtime_log(w->rt, MEDLEY_LOG_WARNING, "left behind: %s", w->folder);
    }
    mem_free(w->path);
    mem_free(w->folder);
    *w = (features_writing){0};
}
