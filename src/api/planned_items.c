#include "api/planned_items.h"

#include "data/reader.h"
#include "io/file.h"

static medley_status allocate(const medley_runtime *rt, planned_items *items, int64_t most, medley_error *err)
{
    TRY(mem_alloc(rt, most, sizeof *items->ids, &items->ids, err));
    return mem_alloc(rt, most, sizeof *items->content, &items->content, err);
}

/* content NULL: none. *known: the item that has the id already, or -1. */
static medley_status add(planned_items *items, const char *id, size_t length, const char *content, int64_t *known,
                         medley_error *err)
{
    uint32_t index;
    TRY(idmap_add(&items->map, id, length, &index, err));
    *known = index < items->count ? (int64_t)index : -1;
    if (*known >= 0)
        return MEDLEY_OK;
    TRY(arena_text(&items->texts, id, length, &items->ids[index], err));
    items->content[index] = NULL;
    if (content != NULL)
        TRY(arena_text(&items->texts, content, strlen(content), &items->content[index], err));
    items->count++;
    return MEDLEY_OK;
}

/* ---- pictures ---- */

static medley_status add_picture(const medley_runtime *rt, planned_items *items, const char *folder,
                                 const char *name, medley_error *err)
{
    const char *const dot = strrchr(name, '.');
    char *path;
    int64_t known = -1;
    if (name[0] == '.')
        return MEDLEY_OK;
    TRY(file_join(rt, folder, name, &path, err));
    const bool inner = file_is_folder(path);
    mem_free(path);
    if (!inner)
        TRY(add(items, name, dot != NULL ? (size_t)(dot - name) : strlen(name), name, &known, err));
    return known < 0 ? MEDLEY_OK
                     : fail(err, MEDLEY_E_FORMAT, "%s: '%s' and '%s' are of one item, '%s'", folder,
                            items->content[known], name, items->ids[known]);
}

static medley_status list_pictures(const medley_runtime *rt, const char *folder, planned_items *items,
                                   medley_error *err)
{
    char **names;
    int64_t count;
    if (!file_is_folder(folder))
        return fail(err, MEDLEY_E_NOT_FOUND, "input_path: '%s' is no folder of pictures", folder);
    TRY(file_list(rt, folder, &names, &count, err));
    medley_status status = allocate(rt, items, count, err);
    for (int64_t i = 0; status == MEDLEY_OK && i < count; i++)
        status = add_picture(rt, items, folder, names[i], err);
    file_names_free(names, count);
    return status;
}

/* ---- texts ---- */

/* "3" of a table with three columns. */
static medley_status last_column(const medley_runtime *rt, const char *path, char out[16], medley_error *err)
{
    char *line;
    int columns = 1;
    TRY(reader_first_line(rt, path, &line, err));
    for (const char *at = line; *at != '\0' && *at != '\n'; at++)
        columns += *at == '\t';
    mem_free(line);
    snprintf(out, 16, "%d", columns);
    return MEDLEY_OK;
}

static medley_status read_rows(const medley_runtime *rt, const planned_extraction *e, dataset *rows,
                               medley_error *err)
{
    static const ingest_options options = {.on_error = ON_ERROR_AUTO, .rating_max = 1};
    char last[16];
    ingest *in;
    TRY(last_column(rt, e->input, last, err));
    const item_layout layout = {.delimiter = "\t",
                                .header = true,
                                .quotes = true,
                                .id = e->item_column[0] != '\0' ? e->item_column : "1",
                                .text = e->text_column[0] != '\0' ? e->text_column : last};
    TRY(ingest_create(rt, &options, &in, err));
    medley_status status = ingest_items(in, e->input, &layout, err);
    ingest_allow_empty(in); /* there are no interactions */
    if (status == MEDLEY_OK)
        status = ingest_finish(in, rows, err);
    ingest_free(in);
    return status;
}

static medley_status list_texts(const medley_runtime *rt, const planned_extraction *e, planned_items *items,
                                medley_error *err)
{
    dataset rows = {.rt = rt};
    medley_status status = read_rows(rt, e, &rows, err);
    if (status == MEDLEY_OK)
        status = allocate(rt, items, rows.items.count, err);
    for (int64_t i = 0; status == MEDLEY_OK && i < rows.items.count; i++) {
        char buffer[16];
        size_t length;
        int64_t known;
        const char *const id = idmap_id(&rows.items, (uint32_t)i, buffer, &length);
        status = add(items, id, length, rows.facts[i].text, &known, err);
    }
    dataset_release(&rows);
    return status;
}

medley_status planned_items_read(const medley_runtime *rt, const planned_extraction *e, planned_items *out,
                                 medley_error *err)
{
    *out = (planned_items){.texts.rt = rt};
    idmap_init(&out->map, rt);
    return e->modality == MODALITY_IMAGE ? list_pictures(rt, e->input, out, err) : list_texts(rt, e, out, err);
}

void planned_items_release(planned_items *items)
{
    arena_release(&items->texts);
    idmap_release(&items->map);
    mem_free(items->ids);
    mem_free(items->content);
    *items = (planned_items){0};
}
