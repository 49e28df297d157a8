#include <medley/model.h>

#include <math.h>

#include "api/agreement.h"
#include "api/item_pictures.h"
#include "api/listing.h"
#include "api/model_access.h"
#include "api/operation.h"
#include "api/recommendation.h"
#include "api/request_file.h"
#include "data/draw.h"

enum { STREAM_ITEMS = 1, SHEET_CELLS = 4096 };

typedef struct similar_params {
    const char *run, *store, *space, *items, *item_file, *where, *exclude, *out, *agreement, *sheet, *images;
    int64_t random_items, top_k, seed;
    int out_format;
} similar_params;

static const medley_param table[] = {
    MEDLEY_TEXT(similar_params, items, "", .help = "item ids separated by commas"),
    MEDLEY_TEXT(similar_params, item_file, "", .flags = MEDLEY_PARAM_PATH,
                .help = "file of item ids, one a line; may be compressed"),
    MEDLEY_INT(similar_params, random_items, "0", 0, 100000,
               .help = "instead of those: so many items, drawn at random by the seed"),
    MEDLEY_TEXT(similar_params, run, "", .flags = MEDLEY_PARAM_PATH,
                .help = "the run whose vectors or weights of items say what is alike"),
    MEDLEY_TEXT(similar_params, space, "",
                .help = "instead of a run: text, attribute:KEY, features:NAME or a .npy file"),
    MEDLEY_TEXT(similar_params, store, "", .flags = MEDLEY_PARAM_PATH,
                .help = "the store; with a run, when it is not where the run was trained"),
    MEDLEY_INT(similar_params, top_k, "10", 1, 100000, .help = "items that are listed for each"),
    MEDLEY_TEXT(similar_params, where, "", .help = "expression that listed items must meet: year >= 1990"),
    MEDLEY_TEXT(similar_params, exclude, "", .flags = MEDLEY_PARAM_PATH,
                .help = "file of item ids that are not listed, one a line"),
    MEDLEY_TEXT(similar_params, sheet, "", .flags = MEDLEY_PARAM_PATH,
                .help = "also draw the items and those alike, a row each: a .jpg, .png or .webp"),
    MEDLEY_TEXT(similar_params, images, "", .flags = MEDLEY_PARAM_PATH,
                .help = "folder that the catalogue's pictures are in; empty: where the store was read from"),
    MEDLEY_TEXT(similar_params, agreement, "",
                .help = "instead of lists: how often the nearest items share a value of this attribute"),
    MEDLEY_TEXT(similar_params, out, "", .flags = MEDLEY_PARAM_PATH,
                .help = "file for the lists; empty: the report"),
    MEDLEY_ENUM(similar_params, out_format, "tsv", RECOMMENDATION_FORMS, .help = "form of that file"),
    MEDLEY_INT(similar_params, seed, "0", 0, 9e15, .help = "of the hash that orders ties, and of random_items"),
    MEDLEY_PARAMS_END,
};

/* One request: a ranking in which item i asks as row i. */
typedef struct comparing {
    const medley_runtime *rt;
    const similar_params *p;
    medley_model *model;  /* NULL: a space says what is alike */
    medley_store *opened; /* then the store is ours */
    const medley_store *store;
    uint32_t *rows; /* [count] items, in the order asked for */
    int64_t count, capacity;
    uint8_t *allowed; /* [items] */
    int64_t *start;   /* [items + 1] of `itself` */
    uint32_t *self;   /* [items] */
    csr itself;       /* [items, items] each item alone */
    item_space space;
    csr_owner by_column; /* of a sparse space, transposed */
    float *vectors;      /* [items, D] of length 1 */
    scoring how;
    left_sides left; /* borrowed arrays, but for `encoded` */
    left_sides encoded;
    recommendation_writer *writer;
    agreement sharing; /* when asked for */
    uint32_t *nearest; /* [top_k] */
    int64_t *cells;    /* [count, 1 + top_k] of the sheet, -1: none; NULL: no sheet */
    int64_t listed;    /* lists so far */
    int64_t tied;
} comparing;

/* ---- which items ---- */

static medley_status add_item(comparing *c, uint32_t item, medley_error *err)
{
    TRY(mem_reserve(c->rt, &c->rows, &c->capacity, c->count + 1, sizeof *c->rows, err));
    c->rows[c->count++] = item;
    return MEDLEY_OK;
}

/* Without repetition: the items with the smallest random numbers. */
static medley_status choose_random(comparing *c, medley_error *err)
{
    const int64_t items = c->store->items, wanted = least(c->p->random_items, items);
    draw_ticket *tickets;
    TRY(mem_alloc(c->rt, items, sizeof *tickets, &tickets, err));
    draw_order((uint64_t)c->p->seed, STREAM_ITEMS, items, tickets);
    medley_status status = MEDLEY_OK;
    for (int64_t i = 0; i < wanted && status == MEDLEY_OK; i++)
        status = add_item(c, (uint32_t)tickets[i].member, err);
    mem_free(tickets);
    return status;
}

static medley_status choose_asked(comparing *c, medley_error *err)
{
    const request_ids ids = {&c->store->item_map, "item of the store"};
    const bool by_file = c->p->item_file[0] != '\0';
    if (by_file + (c->p->items[0] != '\0') + (c->p->random_items > 0) != 1)
        return fail(err, MEDLEY_E_CONFIG, "items: give either items, item_file or random_items");
    if (c->p->random_items > 0)
        return choose_random(c, err);
    if (by_file) {
        request_rows rows;
        TRY(request_read_ids(c->rt, c->p->item_file, ids, &rows, err));
        c->rows = rows.first;
        c->count = rows.count;
        return MEDLEY_OK;
    }
    for (const char *at = c->p->items;; at++) {
        const size_t length = strcspn(at, ",");
        uint32_t item;
        TRY(request_find(ids, "items", at, length, &item, err));
        TRY(add_item(c, item, err));
        at += length;
        if (*at == '\0')
            return MEDLEY_OK;
    }
}

/* All that have a value of the attribute, and a vector in a space. */
static medley_status choose_sharing(comparing *c, medley_error *err)
{
    if (c->p->items[0] != '\0' || c->p->item_file[0] != '\0' || c->p->random_items > 0 || c->p->out[0] != '\0' ||
        c->p->sheet[0] != '\0')
        return fail(err, MEDLEY_E_CONFIG,
                    "agreement: is of all items; accepted without items, item_file, random_items, out and sheet");
    TRY(agreement_open(c->store, c->p->agreement, c->p->top_k, &c->sharing, err));
    TRY(mem_alloc(c->rt, c->p->top_k, sizeof *c->nearest, &c->nearest, err));
    for (uint32_t i = 0; i < c->store->items; i++) {
        const bool takes_part =
            c->allowed[i] && agreement_has(&c->sharing, i) && (c->model != NULL || item_space_has(&c->space, i));
        c->allowed[i] = takes_part;
        if (takes_part)
            TRY(add_item(c, i, err));
    }
    return agreement_expect(&c->sharing, c->rows, c->count, err);
}

static medley_status choose_listed(comparing *c, medley_error *err)
{
    const interactions *events = c->model != NULL ? &c->model->split.part[PART_TRAIN].view : &c->store->files.view;
    int64_t *popularity, users;
    TRY(items_popularity(c->rt, events, c->store->items, &popularity, &users, err));
    const item_choice choice = {.where = c->p->where, .exclude = c->p->exclude, .popularity = popularity};
    const medley_status status = items_choose(c->store, &choice, &c->allowed, err);
    mem_free(popularity);
    return status;
}

/* Row i holds item i: what is left out of its list, and, as a history, what a linear model is asked with. */
static medley_status make_itself(comparing *c, medley_error *err)
{
    const int64_t items = c->store->items;
    TRY(mem_alloc(c->rt, items + 1, sizeof *c->start, &c->start, err));
    TRY(mem_alloc(c->rt, items, sizeof *c->self, &c->self, err));
    for (int64_t i = 0; i < items; i++) {
        c->start[i] = i;
        c->self[i] = (uint32_t)i;
    }
    c->start[items] = items;
    c->itself = (csr){items, items, c->start, c->self, NULL};
    return MEDLEY_OK;
}

/* ---- what is alike ---- */

/* Cosine of item vectors: both sides are the vectors at length 1. */
static medley_status compare_vectors(comparing *c, const float *vectors, int64_t factors, medley_error *err)
{
    const int64_t items = c->store->items;
    TRY(mem_alloc(c->rt, items * factors, sizeof *c->vectors, &c->vectors, err));
    for (int64_t i = 0; i < items; i++) {
        const float *from = vectors + i * factors;
        double square = 0;
        for (int64_t f = 0; f < factors; f++)
            square += (double)from[f] * (double)from[f];
        for (int64_t f = 0; f < factors; f++)
            c->vectors[i * factors + f] = square > 0 ? (float)((double)from[f] / sqrt(square)) : 0;
    }
    c->how = (scoring){.form = SCORING_FACTORED, .items = items, .factors = factors, .item = c->vectors};
    c->left = (left_sides){.rows = items, .vectors = c->vectors};
    return MEDLEY_OK;
}

/* The list of somebody whose whole history is the one item. Rows of items that nobody asked about are empty. */
static medley_status compare_weights(comparing *c, medley_error *err)
{
    const medley_model *m = c->model;
    const int64_t items = c->store->items;
    int64_t *start = NULL;
    uint32_t *item = NULL;
    medley_status status = MEDLEY_OK;
    TRY_DONE(mem_alloc_zero(c->rt, items + 1, sizeof *start, &start, err));
    TRY_DONE(mem_alloc(c->rt, items, sizeof *item, &item, err));
    for (int64_t n = 0; n < c->count; n++)
        start[c->rows[n] + 1] = 1;
    for (int64_t i = 0; i < items; i++) {
        if (start[i + 1] != 0)
            item[start[i]] = (uint32_t)i;
        start[i + 1] += start[i];
    }
    const histories single = {.rows = items, .start = start, .item = item};
    status = model_left(m, &single, &c->encoded, err);
    c->how = m->how;
    c->left = c->encoded;
done:
    mem_free(start);
    mem_free(item);
    return status;
}

static medley_status compare_in_space(comparing *c, medley_error *err)
{
    if (c->space.dense != NULL)
        return compare_vectors(c, c->space.dense, c->space.dimensions, err);
    TRY(csr_transpose(c->rt, &c->space.sparse.view, &c->by_column, err));
    c->how = (scoring){.form = SCORING_LINEAR_SPARSE, .items = c->store->items, .sparse = c->by_column.view};
    c->left = (left_sides){.rows = c->store->items, .weights = {.view = c->space.sparse.view}};
    return MEDLEY_OK;
}

static medley_status compare_by_model(comparing *c, medley_error *err)
{
    const scoring *how = &c->model->how;
    if (how->form != SCORING_FACTORED)
        return compare_weights(c, err);
    if (how->factors > 1) /* the cosine of single numbers is nothing but their signs */
        return compare_vectors(c, how->item, how->factors, err);
    return fail(
        err, MEDLEY_E_ARGUMENT,
        "run: model %s knows nothing of what items are alike; give a run of another model, or a store and a space",
        c->model->file.class->name);
}

static medley_status open_source(comparing *c, medley_error *err)
{
    const similar_params *p = c->p;
    const bool by_run = p->run[0] != '\0', by_space = p->space[0] != '\0';
    if (by_run == by_space || (by_space && p->store[0] == '\0'))
        return fail(err, MEDLEY_E_CONFIG, "run: give either a run, or a store and a space");
    if (by_space) {
        TRY(store_open(c->rt, p->store, true, &c->opened, err));
        c->store = c->opened;
        return item_space_open(c->store, p->space, &c->space, err);
    }
    TRY(model_open(c->rt, p->run, p->store, true, &c->model, err));
    c->store = c->model->store;
    return MEDLEY_OK;
}

/* ---- lists ---- */

static medley_status give(void *context, const listed *list, medley_error *err)
{
    comparing *c = context;
    c->tied += list->tied;
    int64_t *const cells = c->cells != NULL ? c->cells + c->listed * (1 + c->p->top_k) : NULL;
    c->listed++;
    if (cells != NULL)
        cells[0] = list->row;
    for (int64_t i = 0; i < list->count; i++) {
        const topk_entry *e = &list->entries[i];
        if (cells != NULL)
            cells[1 + i] = e->item;
        const recommendation row = {
            .whose = c->store->item_ids[list->row], .rank = i + 1, .item = e->item, .score = e->score};
        TRY(recommendation_add(c->writer, &row, err));
    }
    return MEDLEY_OK;
}

static medley_status compare_values(void *context, const listed *list, medley_error *err)
{
    comparing *c = context;
    (void)err;
    for (int64_t i = 0; i < list->count; i++)
        c->nearest[i] = list->entries[i].item;
    agreement_add(&c->sharing, list->row, c->nearest, list->count);
    return MEDLEY_OK;
}

static void tell(const comparing *c, medley_report *report)
{
    if (c->tied > 0)
        runtime_log(c->rt, MEDLEY_LOG_WARNING, "lists that are ties, of which the hash chose a part: %lld of %lld",
                    (long long)c->tied, (long long)c->count);
    if (c->p->out[0] == '\0')
        return;
    report_facts(report, "lists", "Lists");
    report_string(report, "out", c->p->out);
    report_int(report, "items", c->count);
    report_int(report, "all_tied", c->tied);
}

static medley_status draw_sheet(const comparing *c, medley_report *report, medley_error *err)
{
    char *folder;
    int64_t missing = 0;
    TRY(item_pictures_folder(c->store, c->p->images, &folder, err));
    const medley_status status =
        item_pictures_draw(c->store, folder, c->cells, c->count, 1 + c->p->top_k, c->p->sheet, &missing, err);
    mem_free(folder);
    if (status == MEDLEY_OK && missing > 0)
        runtime_log(c->rt, MEDLEY_LOG_WARNING, "pictures of the sheet that are not there or cannot be read: %lld",
                    (long long)missing);
    report_facts(report, "sheet", "Sheet");
    report_string(report, "sheet", c->p->sheet);
    report_int(report, "rows", c->count);
    report_int(report, "without_picture", missing);
    return status;
}

/* Room for the sheet's cells, before anything is listed. */
static medley_status open_sheet(comparing *c, medley_error *err)
{
    const int64_t columns = 1 + c->p->top_k;
    TRY(item_pictures_check(c->p->sheet, err));
    if (c->count > SHEET_CELLS / columns)
        return fail(err, MEDLEY_E_LIMIT, "sheet: %lld rows of %lld pictures; accepted: up to %d pictures",
                    (long long)c->count, (long long)columns, SHEET_CELLS);
    TRY(mem_alloc(c->rt, c->count * columns, sizeof *c->cells, &c->cells, err));
    for (int64_t i = 0; i < c->count * columns; i++)
        c->cells[i] = -1;
    return MEDLEY_OK;
}

static medley_status make_lists(comparing *c, listing_sink sink, medley_error *err)
{
    const listing lists = {
        .how = {.how = &c->how,
                .left = &c->left,
                .seed = (uint64_t)c->p->seed,
                .excluded = &c->itself,
                .allowed = c->allowed},
        .rows = c->rows,
        .count = c->count,
        .k = c->p->top_k,
        .give = sink,
        .context = c,
    };
    return listing_run(c->rt, &lists, err);
}

static medley_status write_lists(comparing *c, medley_report *report, medley_error *err)
{
    const recommendation_target target = {
        .store = c->store,
        .path = c->p->out,
        .form = (recommendation_form)c->p->out_format,
        .tag = c->model != NULL ? c->model->file.class->name : "space",
        .table = "similar",
        .whose = "similar_to",
        .report = report,
    };
    if (c->p->sheet[0] != '\0')
        TRY(open_sheet(c, err));
    TRY(recommendation_open(&target, &c->writer, err));
    TRY(make_lists(c, give, err));
    tell(c, report);
    if (c->cells != NULL)
        TRY(draw_sheet(c, report, err));
    TRY(report_status(report, err)); /* before the file is in place */
    recommendation_writer *w = c->writer;
    c->writer = NULL;
    return recommendation_commit(w, err);
}

static medley_status tell_agreement(comparing *c, medley_report *report, medley_error *err)
{
    TRY(make_lists(c, compare_values, err));
    agreement_tell(&c->sharing, report);
    return report_status(report, err);
}

static void comparing_release(comparing *c)
{
    recommendation_abandon(c->writer);
    left_sides_release(&c->encoded);
    csr_release(&c->by_column);
    item_space_release(&c->space);
    agreement_release(&c->sharing);
    mem_free(c->nearest);
    mem_free(c->cells);
    mem_free(c->vectors);
    mem_free(c->start);
    mem_free(c->self);
    mem_free(c->allowed);
    mem_free(c->rows);
    store_free(c->opened);
    medley_model_free(c->model);
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    comparing c = {.rt = rt, .p = s->values};
    const bool lists = c.p->agreement[0] == '\0';
    medley_status status = MEDLEY_OK;
    TRY_DONE(open_source(&c, err));
    if (lists)
        TRY_DONE(choose_asked(&c, err));
    TRY_DONE(choose_listed(&c, err));
    if (!lists)
        TRY_DONE(choose_sharing(&c, err));
    TRY_DONE(make_itself(&c, err));
    TRY_DONE(c.model != NULL ? compare_by_model(&c, err) : compare_in_space(&c, err));
    status = lists ? write_lists(&c, report, err) : tell_agreement(&c, report, err);
done:
    comparing_release(&c);
    return status;
}

const operation_class operation_similar = {
    .name = "similar",
    .summary = "list the items nearest to items, with titles",
    .details =
        "Of a model with item vectors: their cosine. Of a model that is linear in the history, such as ease and "
        "itemknn: its scores for a history of the one item. In a space: the cosine there. Lists come from the same "
        "path as recommendations; an item is never in its own. Conditions are those of recommend; popularity counts "
        "training users, or with a space all users of the store. With agreement: the mean share of an item's top_k "
        "nearest that have a value of the attribute in common with it (precision), and the share of all items that "
        "have (by_chance), which random vectors would give; over the items that have a value and a vector. A sheet has a row a list, the item at its left; the lists name "
        "them in that order.",
    .table = table,
    .size = sizeof(similar_params),
    .run = run,
};

medley_status medley_similar(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_similar, rt, config, report, err);
}
