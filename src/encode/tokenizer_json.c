/* tokenizer.json: every part of a pipeline by its type. */
#include "encode/tokenizer_inside.h"

static void list_types(text *t, const step_class *classes)
{
    for (const step_class *class = classes; class->type != NULL; class ++)
        text_format(t, "%s, ", class->type);
    text_add(t, "Sequence");
}

static medley_status refuse_type(reading *r, const char *what, const step_class *classes, const char *type,
                                 medley_error *err)
{
    text accepted = {.rt = r->rt};
    list_types(&accepted, classes);
    medley_status status = text_status(&accepted, err);
    if (status == MEDLEY_OK)
        status = fail(err, MEDLEY_E_FORMAT, "%s: %s: type '%s': accepted are %s", r->path, what,
                      type != NULL ? type : "", accepted.bytes);
    text_release(&accepted);
    return status;
}

medley_status steps_read(reading *r, const char *what, const step_class *classes, const json *value,
                         step_list *list, medley_error *err)
{
    const char *const type = json_text(value, "type");
    const step_class *class = classes;
    if (!json_is_object(value))
        return MEDLEY_OK;
    if (type != NULL && strcmp(type, "Sequence") == 0) {
        const json *parts = json_member(value, "normalizers");
        parts = parts != NULL ? parts : json_member(value, "pretokenizers");
        for (int64_t i = 0; json_is_array(parts) && i < json_count(parts); i++)
            TRY(steps_read(r, what, classes, json_at(parts, i, NULL), list, err));
        return MEDLEY_OK;
    }
    while (class->type != NULL && (type == NULL || strcmp(class->type, type) != 0))
        class ++;
    if (class->type == NULL)
        return refuse_type(r, what, classes, type, err);
    if (r->t->byte_level)
        return fail(err, MEDLEY_E_FORMAT, "%s: %s: '%s' follows ByteLevel, which must be the last", r->path, what,
                    type);
    TRY(mem_reserve(r->rt, &list->items, &list->capacity, list->count + 1, sizeof *list->items, err));
    list->items[list->count] = (step){.class = class};
    if (class->read != NULL)
        TRY(class->read(r, value, &list->items[list->count], err));
    list->count++;
    return MEDLEY_OK;
}

static medley_status both_steps_read(reading *r, const json *whole, medley_error *err)
{
    tokenizer *const t = r->t;
    TRY(steps_read(r, "normalizer", normalizer_classes, json_member(whole, "normalizer"), &t->normalizers, err));
    return steps_read(r, "pre_tokenizer", pretokenizer_classes, json_member(whole, "pre_tokenizer"),
                      &t->pretokenizers, err);
}

medley_status pipeline_read(reading *r, const char *written, medley_error *err)
{
    json *whole;
    TRY(json_parse("pipeline", written, strlen(written), &whole, err));
    const medley_status status = both_steps_read(r, whole, err);
    json_free(whole);
    return status;
}

medley_status vocabulary_read(reading *r, const json *object, medley_error *err)
{
    const char *key;
    void *walk = NULL;
    if (!json_is_object(object))
        return fail(err, MEDLEY_E_FORMAT, "%s: 'vocab' is not an object of texts and ids", r->path);
    for (const json *value; (value = json_next(object, &walk, &key)) != NULL;) {
        int64_t id;
        if (!json_as_int(value, &id))
            return fail(err, MEDLEY_E_FORMAT, "%s: vocab: '%s' has no id", r->path, key);
        TRY(vocabulary_set(r, key, strlen(key), id, err));
    }
    return MEDLEY_OK;
}

static medley_status added_read(reading *r, const json *tokens, medley_error *err)
{
    for (int64_t i = 0; json_is_array(tokens) && i < json_count(tokens); i++) {
        const json *const value = json_at(tokens, i, NULL);
        int64_t id = -1;
        added_token token = {.content = json_text(value, "content")};
        json_int(value, "id", &id);
        if (token.content == NULL || id < 0 || id >= INT32_MAX)
            return fail(err, MEDLEY_E_FORMAT, "%s: added_tokens: entry %lld has no 'content' or no 'id'", r->path,
                        (long long)i);
        token.id = (int32_t)id;
        json_bool(value, "special", &token.special);
        token.normalized = !token.special;
        json_bool(value, "normalized", &token.normalized);
        json_bool(value, "single_word", &token.single_word);
        json_bool(value, "lstrip", &token.left);
        json_bool(value, "rstrip", &token.right);
        TRY(added_tokens_add(r, token, err));
    }
    return MEDLEY_OK;
}

static medley_status pair_read(reading *r, const json *object, const char *key, place where, medley_error *err)
{
    int64_t id;
    if (!json_as_int(json_at(json_member(object, key), 1, NULL), &id))
        return fail(err, MEDLEY_E_FORMAT, "%s: post_processor: '%s' is not [text, id]", r->path, key);
    return special_add_id(r, where, id, err);
}

/* BERT's and RoBERTa's: cls, text, sep. */
static medley_status processing_read(reading *r, const json *object, medley_error *err)
{
    TRY(pair_read(r, object, "cls", PLACE_BEFORE, err));
    return pair_read(r, object, "sep", PLACE_AFTER, err);
}

static medley_status template_read(reading *r, const json *object, medley_error *err)
{
    const json *const parts = json_member(object, "single"), *const tokens = json_member(object, "special_tokens");
    place where = PLACE_BEFORE;
    int texts = 0;
    for (int64_t i = 0; i < json_count(parts); i++) {
        const json *const part = json_at(parts, i, NULL), *const special = json_member(part, "SpecialToken");
        if (json_member(part, "Sequence") != NULL) {
            where = PLACE_AFTER;
            texts++;
            continue;
        }
        const char *const name = json_text(special, "id");
        const json *const ids = name != NULL ? json_member(json_member(tokens, name), "ids") : NULL;
        if (!json_is_array(ids))
            return fail(err, MEDLEY_E_FORMAT, "%s: post_processor: special token '%s' has no 'ids'", r->path,
                        name != NULL ? name : "");
        for (int64_t k = 0; k < json_count(ids); k++) {
            int64_t id = -1;
            json_as_int(json_at(ids, k, NULL), &id);
            TRY(special_add_id(r, where, id, err));
        }
    }
    if (texts != 1)
        return fail(err, MEDLEY_E_FORMAT, "%s: post_processor: the template has %d texts, not one", r->path,
                    texts);
    return MEDLEY_OK;
}

static medley_status no_tokens(reading *r, const json *object, medley_error *err)
{
    (void)r, (void)object, (void)err;
    return MEDLEY_OK;
}

static medley_status processor_read(reading *r, const json *value, medley_error *err)
{
    static const struct {
        const char *type;
        medley_status (*read)(reading *r, const json *object, medley_error *err);
    } types[] = {
        {"BertProcessing", processing_read},
        {"RobertaProcessing", processing_read},
        {"TemplateProcessing", template_read},
        {"ByteLevel", no_tokens}, /* it only trims offsets */
    };
    const char *const type = json_text(value, "type");
    if (!json_is_object(value))
        return MEDLEY_OK;
    const json *const parts = json_member(value, "processors");
    for (int64_t i = 0; json_is_array(parts) && i < json_count(parts); i++)
        TRY(processor_read(r, json_at(parts, i, NULL), err));
    if (type != NULL && strcmp(type, "Sequence") == 0)
        return MEDLEY_OK;
    for (size_t i = 0; type != NULL && i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i].type) == 0)
            return types[i].read(r, value, err);
    return fail(
        err, MEDLEY_E_FORMAT,
        "%s: post_processor: type '%s': accepted are BertProcessing, RobertaProcessing, TemplateProcessing, "
        "ByteLevel, Sequence",
        r->path, type != NULL ? type : "");
}

/* Old files do not say the type of the model: its members do. */
static const model_class *model_of(const json *model)
{
    static const model_class *const models[] = {&model_wordpiece, &model_bpe, &model_unigram};
    const char *const type = json_text(model, "type");
    for (size_t i = 0; type != NULL && i < sizeof models / sizeof *models; i++)
        if (strcmp(type, models[i]->type) == 0)
            return models[i];
    if (type != NULL)
        return NULL;
    return json_member(model, "merges") != NULL                     ? &model_bpe
           : json_is_array(json_member(model, "vocab"))             ? &model_unigram
           : json_member(model, "max_input_chars_per_word") != NULL ? &model_wordpiece
                                                                    : NULL;
}

static medley_status parts_read(reading *r, const json *whole, medley_error *err)
{
    tokenizer *const t = r->t;
    const json *const model = json_member(whole, "model");
    t->model = model_of(model);
    if (t->model == NULL) {
        const char *const type = json_text(model, "type");
        return fail(err, MEDLEY_E_FORMAT, "%s: model: type '%s': accepted are WordPiece, BPE, Unigram", r->path,
                    type != NULL ? type : "");
    }
    TRY(t->model->read(r, model, err));
    TRY(both_steps_read(r, whole, err));
    TRY(added_read(r, json_member(whole, "added_tokens"), err));
    TRY(processor_read(r, json_member(whole, "post_processor"), err));
    json_int(json_member(whole, "truncation"), "max_length", &t->longest);
    json_int(json_member(whole, "padding"), "pad_id", &t->padding);
    return MEDLEY_OK;
}

medley_status tokenizer_read_json(reading *r, medley_error *err)
{
    json *whole = NULL;
    char *bytes = NULL;
    size_t length;
    medley_status status;
    TRY_DONE(reading_file(r, r->path, &bytes, &length, err));
    TRY_DONE(json_parse(r->path, bytes, length, &whole, err));
    status = parts_read(r, whole, err);
done:
    json_free(whole);
    mem_free(bytes);
    return status;
}
