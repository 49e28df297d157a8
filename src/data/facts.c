#include "data/facts.h"

#include "data/text_clean.h"

/* Finding a repetition is a search of the list. */
enum { LIST_MOST = 1000 };

void facts_init(fact_rows *f, const medley_runtime *rt)
{
    *f = (fact_rows){.arena.rt = rt, .json.rt = rt};
    f->last = &f->first;
}

void facts_clear(fact_rows *f)
{
    arena_release(&f->arena);
    f->first = f->row = NULL;
    f->last = &f->first;
}

void facts_release(fact_rows *f)
{
    facts_clear(f);
    text_release(&f->json);
}

medley_status facts_status(const fact_rows *f, medley_error *err)
{
    return f->failed ? fail(err, MEDLEY_E_NOMEM, "out of memory for a table's texts") : MEDLEY_OK;
}

/* A copy in the arena; NULL and the failure kept when there is no memory. */
static const char *copy(fact_rows *f, const char *bytes, size_t length)
{
    const char *out = NULL;
    if (!f->failed && arena_text(&f->arena, bytes, length, &out, NULL) != MEDLEY_OK)
        f->failed = true;
    return out;
}

void facts_row(fact_rows *f, const char *id, size_t length)
{
    fact_row *row = NULL;
    if (f->failed || arena_alloc(&f->arena, 1, sizeof *row, &row, NULL) != MEDLEY_OK) {
        f->failed = true;
        return;
    }
    *row = (fact_row){.id = copy(f, id, length), .id_length = length};
    row->last = &row->first;
    f->place = f->last;
    *f->last = f->row = row;
    f->last = &row->next;
}

void facts_drop(fact_rows *f)
{
    if (f->row == NULL)
        return;
    *f->place = f->row = NULL;
    f->last = f->place;
}

/* Cleaned where that is asked for; NULL when nothing is left. */
static const char *prose(fact_rows *f, const char *bytes, size_t length)
{
    const text_clean_options options = {.lower_case = f->lower_case};
    if (!f->clean || f->failed)
        return length > 0 ? copy(f, bytes, length) : NULL;
    f->json.length = 0;
    if (text_clean(f->arena.rt, &options, bytes, length, &f->json, NULL) != MEDLEY_OK)
        f->failed = true;
    return f->json.length > 0 ? copy(f, f->json.bytes, (size_t)f->json.length) : NULL;
}

void facts_title(fact_rows *f, const char *bytes, size_t length)
{
    const char *title = prose(f, bytes, length);
    if (!f->failed)
        f->row->title = title;
}

void facts_text(fact_rows *f, const char *bytes, size_t length)
{
    const char *out = prose(f, bytes, length);
    if (!f->failed)
        f->row->text = out;
}

void facts_image(fact_rows *f, const char *bytes, size_t length)
{
    const char *image = length > 0 ? copy(f, bytes, length) : NULL;
    if (!f->failed)
        f->row->image = image;
}

/* ---- attributes ---- */

void facts_append_json(text *out, const char *bytes, size_t length)
{
    size_t plain = 0;
    text_append(out, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        text_append(out, bytes + plain, i - plain);
        if (c == '\n' || c == '\t')
            text_add(out, c == '\n' ? "\\n" : "\\t");
        else if (c < 0x20)
            text_format(out, "\\u%04x", c);
        else
            text_append(out, c == '"' ? "\\\"" : "\\\\", 2);
        plain = i + 1;
    }
    text_append(out, bytes + plain, length - plain);
    text_append(out, "\"", 1);
}

/* Adds f->json as the value of an attribute. */
static void add_json(fact_rows *f, const char *key)
{
    fact *new_fact = NULL;
    f->failed = f->failed || f->json.failed;
    const char *value = copy(f, f->json.bytes, (size_t)f->json.length);
    if (f->failed || arena_alloc(&f->arena, 1, sizeof *new_fact, &new_fact, NULL) != MEDLEY_OK) {
        f->failed = true;
        return;
    }
    *new_fact = (fact){.key = key, .value = value};
    *f->row->last = new_fact;
    f->row->last = &new_fact->next;
}

void facts_add_text(fact_rows *f, const char *key, const char *bytes, size_t length)
{
    if (length == 0)
        return;
    f->json.length = 0;
    facts_append_json(&f->json, bytes, length);
    add_json(f, key);
}

void facts_add_number(fact_rows *f, const char *key, double value)
{
    char shown[32];
    f->json.length = 0;
    number_format(value, shown, sizeof shown);
    text_add(&f->json, shown);
    add_json(f, key);
}

void facts_list_begin(fact_rows *f, const char *key, int64_t most)
{
    f->json.length = f->listed = 0;
    f->list_key = key;
    f->most = most > 0 && most < LIST_MOST ? most : LIST_MOST;
    text_add(&f->json, "[");
}

/* Whether the list from f->json's bracket on holds the value in its last bytes[from..] already. Lists are short. */
static bool repeats(const text *json, int64_t from)
{
    const int64_t length = json->length - from;
    for (int64_t at = 1; at + length <= from; at++)
        if (json->bytes[at] == '"' && (json->bytes[at - 1] == '[' || json->bytes[at - 1] == ' ') &&
            memcmp(json->bytes + at, json->bytes + from, (size_t)length) == 0)
            return true;
    return false;
}

void facts_list_add(fact_rows *f, const char *bytes, size_t length)
{
    if (length == 0 || f->listed >= f->most)
        return;
    const int64_t before = f->json.length;
    if (f->listed > 0)
        text_add(&f->json, ", ");
    const int64_t from = f->json.length;
    facts_append_json(&f->json, bytes, length);
    if (f->json.failed)
        return;
    if (repeats(&f->json, from))
        f->json.length = before;
    else
        f->listed++;
}

void facts_list_end(fact_rows *f)
{
    text_add(&f->json, "]");
    if (f->listed > 0)
        add_json(f, f->list_key);
}

void facts_list_names(fact_rows *f, const literal *value, const char *where, const char *equals)
{
    if (value == NULL)
        return;
    if (value->kind == LITERAL_TEXT && where == NULL)
        facts_list_add(f, value->text, value->length);
    if (value->kind == LITERAL_LIST)
        for (const literal *v = value->first; v != NULL; v = v->next)
            facts_list_names(f, v, where, equals);
    if (value->kind != LITERAL_DICT)
        return;
    const literal *name = literal_member(value, "name");
    const char *found = where != NULL ? literal_text(value, where) : NULL;
    if (name != NULL && name->kind == LITERAL_TEXT &&
        (where == NULL || (found != NULL && strcmp(found, equals) == 0)))
        facts_list_add(f, name->text, name->length);
}
