#include "data/tfidf.h"

#include <math.h>

#include "data/item_attributes.h"
#include "data/words.h"
#include "io/catalog.h"
#include "io/literal.h"

enum { SHORTEST = 2 }; /* letters of a word */

/* A word of the catalogue. */
typedef struct spelling {
    const char *bytes;
    int64_t entry;  /* the last one that counts it */
    int64_t items;  /* fitted items that have it */
    int64_t column; /* -1: none */
} spelling;

/* How often an item has a word. */
typedef struct entry {
    uint32_t word, times;
} entry;

typedef struct reading {
    const tfidf_options *options;
    const char *catalog;
    int64_t items, read;
    text word;    /* the one being read, folded */
    idmap number; /* of words */
    arena bytes;  /* of spellings */
    spelling *spellings;
    int64_t spelling_capacity;
    entry *entries;
    int64_t count, capacity;
    int64_t *start; /* [items + 1] entries of each item */
    arena tree;     /* of one item's attributes */
    idmap keys;     /* of all attributes, once some are asked for */
} reading;

/* ---- Words ---- */

/* Counts the word just read for the item whose entries begin at `first`. */
static medley_status count_word(reading *r, int64_t first, medley_error *err)
{
    const medley_runtime *rt = r->word.rt;
    const int64_t known = r->number.count;
    uint32_t word;
    TRY(text_status(&r->word, err));
    TRY(idmap_add(&r->number, r->word.bytes, (size_t)r->word.length, &word, err));
    TRY(mem_reserve(rt, &r->spellings, &r->spelling_capacity, r->number.count, sizeof *r->spellings, err));
    spelling *s = &r->spellings[word];
    if (word == known) {
        *s = (spelling){.entry = -1, .column = -1};
        TRY(arena_text(&r->bytes, r->word.bytes, (size_t)r->word.length, &s->bytes, err));
    }
    if (s->entry >= first) {
        r->entries[s->entry].times += r->entries[s->entry].times < UINT32_MAX;
        return MEDLEY_OK;
    }
    TRY(mem_reserve(rt, &r->entries, &r->capacity, r->count + 1, sizeof *r->entries, err));
    s->entry = r->count;
    r->entries[r->count++] = (entry){word, 1};
    return MEDLEY_OK;
}

static medley_status count_words(reading *r, int64_t first, const char *bytes, size_t length, medley_error *err)
{
    words w = {bytes, length, 0};
    for (int64_t letters; (letters = words_next(&w, &r->word)) > 0;)
        if (letters >= SHORTEST)
            TRY(count_word(r, first, err));
    return text_status(&r->word, err);
}

/* ---- Items ---- */

/* The next of the names that commas separate; NULL: no more. */
static const char *next_name(const char **at, size_t *length)
{
    const char *name = *at + strspn(*at, ", ");
    *length = strcspn(name, ",");
    *at = name + *length;
    while (*length > 0 && name[*length - 1] == ' ')
        --*length;
    return *length > 0 ? name : NULL;
}

static bool wanted(const tfidf_options *o, const char *key)
{
    size_t length;
    for (const char *at = o->attributes, *name; (name = next_name(&at, &length)) != NULL;)
        if (strlen(key) == length && memcmp(key, name, length) == 0)
            return true;
    return false;
}

/* Every text and whole number of a value. LITERAL_DEEPEST bounds the depth. */
static medley_status count_values(reading *r, int64_t first, const literal *value, medley_error *err)
{
    char digits[32];
    if (value->kind == LITERAL_TEXT)
        return count_words(r, first, value->text, value->length, err);
    if (value->kind == LITERAL_NUMBER && fabs(value->number) < 0x1p53 && value->number == floor(value->number)) {
        number_print(digits, sizeof digits, "%.0f", value->number);
        return count_words(r, first, digits, strlen(digits), err);
    }
    for (const literal *member = value->first; member != NULL; member = member->next)
        TRY(count_values(r, first, member, err));
    return MEDLEY_OK;
}

static medley_status count_attributes(reading *r, int64_t item, const catalog_text *json, medley_error *err)
{
    literal *attributes;
    const medley_status status = literal_parse(&r->tree, json->bytes, json->length, &attributes, err);
    if (status != MEDLEY_OK)
        return fail_while(err, status, "%s: attributes of item %lld", r->catalog, (long long)item);
    for (const literal *member = attributes->first; member != NULL; member = member->next) {
        uint32_t key;
        if (member->key == NULL)
            return fail(err, MEDLEY_E_FORMAT, "%s: attributes of item %lld are no object", r->catalog,
                        (long long)item);
        TRY(idmap_add(&r->keys, member->key, strlen(member->key), &key, err));
        if (wanted(r->options, member->key))
            TRY(count_values(r, r->start[item], member, err));
    }
    return MEDLEY_OK;
}

static medley_status count_item(void *context, int64_t item, const catalog_item *row, medley_error *err)
{
    reading *r = context;
    const tfidf_options *o = r->options;
    if (item >= r->items)
        return fail(err, MEDLEY_E_FORMAT, "%s: more than %lld items", r->catalog, (long long)r->items);
    r->start[item] = r->count;
    if (o->title && row->title.bytes != NULL)
        TRY(count_words(r, r->start[item], row->title.bytes, row->title.length, err));
    if (o->body && row->text.bytes != NULL)
        TRY(count_words(r, r->start[item], row->text.bytes, row->text.length, err));
    if (o->attributes[0] != '\0' && row->attributes.bytes != NULL)
        TRY(count_attributes(r, item, &row->attributes, err));
    arena_release(&r->tree);
    r->start[item + 1] = r->count;
    r->read = item + 1;
    return item % 1024 != 0 ? MEDLEY_OK : runtime_progress(r->word.rt, "reading texts", item, r->items, err);
}

/* Every attribute asked for must be one that some item has. */
static medley_status check_attributes(const reading *r, medley_error *err)
{
    size_t length;
    for (const char *at = r->options->attributes, *name; (name = next_name(&at, &length)) != NULL;) {
        char key[64], hint[ITEM_ATTRIBUTES_HINT];
        if (idmap_find(&r->keys, name, length) != IDMAP_NONE)
            continue;
        number_print(key, sizeof key, "%.*s", length < sizeof key ? (int)length : (int)sizeof key - 1, name);
        item_attributes_hint(&r->keys, key, NULL, 0, hint);
        return fail(err, MEDLEY_E_NOT_FOUND, "%s: no item has the attribute '%s'%s", r->catalog, key, hint);
    }
    return MEDLEY_OK;
}

static medley_status read_items(reading *r, medley_error *err)
{
    TRY(catalog_read_details(r->catalog, count_item, r, err));
    if (r->read != r->items)
        return fail(err, MEDLEY_E_FORMAT, "%s: %lld items, expected %lld", r->catalog, (long long)r->read,
                    (long long)r->items);
    return check_attributes(r, err);
}

/* ---- Weights ---- */

static int by_bytes(const void *a, const void *b)
{
    const spelling *const *x = a, *const *y = b;
    return strcmp((*x)->bytes, (*y)->bytes);
}

/* Gives the words that are neither too rare nor too frequent their columns; *n: fitted items. */
static medley_status number_columns(reading *r, const uint8_t *fitted, int64_t *n, int64_t *columns,
                                    medley_error *err)
{
    const tfidf_options *o = r->options;
    spelling **chosen;
    int64_t count = 0;
    *n = 0;
    for (int64_t item = 0; item < r->items; item++) {
        if (fitted != NULL && fitted[item] == 0)
            continue;
        ++*n;
        for (int64_t at = r->start[item]; at < r->start[item + 1]; at++)
            r->spellings[r->entries[at].word].items++;
    }
    TRY(mem_alloc(r->word.rt, r->number.count, sizeof *chosen, &chosen, err));
    for (int64_t w = 0; w < r->number.count; w++) {
        spelling *s = &r->spellings[w];
        if (s->items >= o->min_items && s->items > 0 && (double)s->items <= o->max_share * (double)*n)
            chosen[count++] = s;
    }
    qsort(chosen, (size_t)count, sizeof *chosen, by_bytes);
    for (int64_t column = 0; column < count; column++)
        chosen[column]->column = column;
    mem_free(chosen);
    *columns = count;
    return MEDLEY_OK;
}

/* tf(i, t) idf(t), not yet divided by the row's length; 0 for a word without column. */
static double raw_weight(const reading *r, const entry *e, int64_t n)
{
    const spelling *s = &r->spellings[e->word];
    const double times = e->times, tf = r->options->sublinear ? 1 + log(times) : times;
    return s->column < 0 ? 0 : tf * (log((1 + (double)n) / (1 + (double)s->items)) + 1);
}

static medley_status weigh_words(const reading *r, int64_t n, int64_t columns, csr_owner *out, medley_error *err)
{
    const medley_runtime *rt = r->word.rt;
    uint32_t *row = NULL, *column = NULL;
    float *value = NULL;
    int64_t count = 0;
    medley_status status;
    TRY_DONE(mem_alloc(rt, r->count, sizeof *row, &row, err));
    TRY_DONE(mem_alloc(rt, r->count, sizeof *column, &column, err));
    TRY_DONE(mem_alloc(rt, r->count, sizeof *value, &value, err));
    for (int64_t item = 0; item < r->items; item++) {
        double square = 0;
        for (int64_t at = r->start[item]; at < r->start[item + 1]; at++)
            square += raw_weight(r, &r->entries[at], n) * raw_weight(r, &r->entries[at], n);
        for (int64_t at = r->start[item]; at < r->start[item + 1]; at++) {
            const entry *e = &r->entries[at];
            if (r->spellings[e->word].column < 0)
                continue;
            row[count] = (uint32_t)item;
            column[count] = (uint32_t)r->spellings[e->word].column;
            value[count++] = (float)(raw_weight(r, e, n) / sqrt(square));
        }
    }
    TRY_DONE(csr_build(rt, r->items, columns, row, column, value, count, out, err));
done:
    mem_free(row);
    mem_free(column);
    mem_free(value);
    return status;
}

medley_status tfidf_items(const medley_runtime *rt, const char *catalog, const tfidf_options *options,
                          const uint8_t *fitted, int64_t items, csr_owner *out, medley_error *err)
{
    reading r = {.options = options,
                 .catalog = catalog,
                 .items = items,
                 .word = {.rt = rt},
                 .bytes = {.rt = rt},
                 .tree = {.rt = rt}};
    int64_t n, columns;
    medley_status status;
    *out = (csr_owner){0};
    idmap_init(&r.number, rt);
    idmap_init(&r.keys, rt);
    TRY_DONE(mem_alloc_zero(rt, items + 1, sizeof *r.start, &r.start, err));
    TRY_DONE(read_items(&r, err));
    TRY_DONE(number_columns(&r, fitted, &n, &columns, err));
    TRY_DONE(weigh_words(&r, n, columns, out, err));
done:
    mem_free(r.start);
    mem_free(r.entries);
    mem_free(r.spellings);
    text_release(&r.word);
    idmap_release(&r.number);
    idmap_release(&r.keys);
    arena_release(&r.bytes);
    arena_release(&r.tree);
    return status;
}
