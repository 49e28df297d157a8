/* Several tables about the same items or users become one set of facts. */
#include "data/ingest_state.h"

void entities_release(ingest *in)
{
    entity_table *const tables[] = {&in->items, &in->users};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        idmap_release(&tables[i]->ids);
        mem_free(tables[i]->rows);
    }
    idmap_release(&in->aliases.ids);
    mem_free(in->aliases.first);
    mem_free(in->aliases.item);
    mem_free(in->aliases.next);
    idmap_release(&in->images.ids);
    mem_free(in->images.path);
    arena_release(&in->facts);
}

medley_status entities_find(const medley_runtime *rt, entity_table *t, const char *id, size_t length,
                            uint32_t *index, medley_error *err)
{
    const int64_t before = t->ids.count;
    TRY(mem_reserve(rt, &t->rows, &t->capacity, before + 1, sizeof *t->rows, err));
    TRY(idmap_add(&t->ids, id, length, index, err));
    if (t->ids.count > before)
        t->rows[*index] = (entity){.table = 0};
    return MEDLEY_OK;
}

/* The first one that says something counts. */
static medley_status keep_text(ingest *in, const char **kept, const char *said, medley_error *err)
{
    return *kept == NULL && said != NULL ? arena_text(&in->out.texts, said, strlen(said), kept, err) : MEDLEY_OK;
}

static medley_status keep_facts(ingest *in, entity *e, const fact *first, medley_error *err)
{
    for (const fact *said = first; said != NULL; said = said->next) {
        fact **at = &e->first;
        while (*at != NULL && strcmp((*at)->key, said->key) != 0)
            at = &(*at)->next;
        if (*at != NULL)
            continue;
        fact *kept;
        TRY(arena_alloc(&in->facts, 1, sizeof *kept, &kept, err));
        *kept = (fact){.key = said->key};
        TRY(arena_text(&in->facts, said->value, strlen(said->value), &kept->value, err));
        *at = kept;
    }
    return MEDLEY_OK;
}

static medley_status join_row(ingest *in, entity *e, const fact_row *row, const item_layout *layout, bool users,
                              medley_error *err)
{
    if (e->table == in->tables) {
        in->out.repeated_items += !users;
        return MEDLEY_OK;
    }
    e->table = in->tables;
    e->listed |= !layout->secondary;
    TRY(keep_text(in, &e->title, row->title, err));
    TRY(keep_text(in, &e->text, row->text, err));
    TRY(keep_text(in, &e->image, row->image, err));
    return keep_facts(in, e, row->first, err);
}

/* A row of another id is about every item that has it. */
static medley_status join_alias(ingest *in, const fact_row *row, const item_layout *layout, medley_error *err)
{
    const alias_table *t = &in->aliases;
    const uint32_t alias = idmap_find(&t->ids, row->id, row->id_length);
    if (alias == IDMAP_NONE)
        return MEDLEY_OK;
    for (uint32_t at = t->first[alias]; at != IDMAP_NONE; at = t->next[at])
        TRY(join_row(in, &in->items.rows[t->item[at]], row, layout, false, err));
    return MEDLEY_OK;
}

medley_status entities_join(ingest *in, const fact_rows *rows, const item_layout *layout, bool users,
                            medley_error *err)
{
    entity_table *t = users ? &in->users : &in->items;
    for (const fact_row *row = rows->first; row != NULL; row = row->next) {
        uint32_t index;
        if (layout->by_alias) {
            TRY(join_alias(in, row, layout, err));
            continue;
        }
        TRY(entities_find(in->rt, t, row->id, row->id_length, &index, err));
        TRY(join_row(in, &t->rows[index], row, layout, users, err));
    }
    return MEDLEY_OK;
}

/* ---- images ---- */

/* The length of the name without its ending; 0: it is no image's. */
static size_t image_stem(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".webp"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t ending = strlen(endings[i]);
        if (length > ending && strcmp(name + length - ending, endings[i]) == 0)
            return length - ending;
    }
    return 0;
}

static medley_status add_image(ingest *in, const char *folder, const char *name, medley_error *err)
{
    image_table *t = &in->images;
    const size_t stem = image_stem(name);
    uint32_t index;
    char *path;
    if (stem == 0)
        return MEDLEY_OK;
    const int64_t before = t->ids.count;
    TRY(mem_reserve(in->rt, &t->path, &t->capacity, before + 1, sizeof *t->path, err));
    TRY(idmap_add(&t->ids, name, stem, &index, err));
    if (t->ids.count == before) /* 7.jpg and 7.png: names come sorted, and the first counts */
        return MEDLEY_OK;
    TRY(file_join(in->rt, folder, name, &path, err));
    const medley_status status = arena_text(&in->out.texts, path, strlen(path), &t->path[index], err);
    mem_free(path);
    return status;
}

medley_status ingest_images(ingest *in, const char *folder, const char *name, medley_error *err)
{
    char *path, **names;
    int64_t count;
    TRY(file_join(in->rt, folder, name, &path, err));
    medley_status status = file_list(in->rt, path, &names, &count, err);
    mem_free(path);
    TRY(status);
    for (int64_t i = 0; i < count && status == MEDLEY_OK; i++)
        status = add_image(in, name, names[i], err);
    file_names_free(names, count);
    return status;
}

/* ---- the end ---- */

/* {"genres": ["Drama"], "year": 1995}, or NULL when nothing is said. */
static medley_status render(const entity *e, text *scratch, arena *texts, const char **out, medley_error *err)
{
    *out = NULL;
    if (e->first == NULL)
        return MEDLEY_OK;
    scratch->length = 0;
    for (const fact *f = e->first; f != NULL; f = f->next) {
        text_add(scratch, f == e->first ? "{" : ", ");
        facts_append_json(scratch, f->key, strlen(f->key));
        text_add(scratch, ": ");
        text_add(scratch, f->value);
    }
    text_add(scratch, "}");
    TRY(text_status(scratch, err));
    return arena_text(texts, scratch->bytes, (size_t)scratch->length, out, err);
}

/* Adds the tables' items behind those of the interactions. */
static medley_status add_items(const entity_table *t, dataset *d, medley_error *err)
{
    char buffer[16];
    size_t length;
    uint32_t index;
    for (int64_t i = 0; i < t->ids.count; i++) {
        const char *id = idmap_id(&t->ids, (uint32_t)i, buffer, &length);
        if (t->rows[i].listed)
            TRY(idmap_add(&d->items, id, length, &index, err));
    }
    return MEDLEY_OK;
}

static medley_status lay_items(ingest *in, dataset *d, text *scratch, medley_error *err)
{
    const entity_table *t = &in->items;
    char buffer[16];
    size_t length;
    for (int64_t i = 0; i < t->ids.count; i++) {
        const entity *e = &t->rows[i];
        const char *id = idmap_id(&t->ids, (uint32_t)i, buffer, &length);
        const uint32_t index = idmap_find(&d->items, id, length);
        if (index == IDMAP_NONE)
            continue;
        item_facts *facts = &d->facts[index];
        *facts = (item_facts){.title = e->title, .text = e->text, .image = e->image};
        TRY(render(e, scratch, &d->texts, &facts->attributes, err));
    }
    for (int64_t i = 0; i < in->images.ids.count; i++) {
        const char *id = idmap_id(&in->images.ids, (uint32_t)i, buffer, &length);
        const uint32_t index = idmap_find(&d->items, id, length);
        if (index != IDMAP_NONE && d->facts[index].image == NULL)
            d->facts[index].image = in->images.path[i];
    }
    return MEDLEY_OK;
}

static medley_status lay_users(ingest *in, dataset *d, text *scratch, medley_error *err)
{
    const entity_table *t = &in->users;
    TRY(mem_alloc_zero(in->rt, t->ids.count, sizeof *d->user_attributes, &d->user_attributes, err));
    for (int64_t i = 0; i < t->ids.count; i++)
        TRY(render(&t->rows[i], scratch, &d->texts, &d->user_attributes[i], err));
    d->user_table = in->users.ids;
    idmap_init(&in->users.ids, in->rt);
    return MEDLEY_OK;
}

medley_status entities_finish(ingest *in, dataset *d, medley_error *err)
{
    text scratch = {.rt = in->rt};
    medley_status status = MEDLEY_OK;
    if (in->items.ids.count > 0 || in->images.ids.count > 0) {
        TRY_DONE(add_items(&in->items, d, err));
        TRY_DONE(mem_alloc_zero(in->rt, d->items.count, sizeof *d->facts, &d->facts, err));
        TRY_DONE(lay_items(in, d, &scratch, err));
    }
    if (in->users.ids.count > 0)
        status = lay_users(in, d, &scratch, err);
done:
    text_release(&scratch);
    return status;
}

medley_status ingest_finish(ingest *in, dataset *out, medley_error *err)
{
    dataset *d = &in->out;
    *out = (dataset){.rt = in->rt};
    if (in->blocks == 0 && !in->may_be_empty)
        return fail(err, MEDLEY_E_ARGUMENT, "no file of interactions was read");
    TRY(ingest_sort(in, d, err));
    TRY(entities_finish(in, d, err));
    d->ordered = in->has_timestamp || in->listed;
    *out = *d;
    *d = (dataset){.rt = in->rt, .texts.rt = in->rt};
    idmap_init(&d->users, in->rt);
    idmap_init(&d->items, in->rt);
    idmap_init(&d->user_table, in->rt);
    return MEDLEY_OK;
}
