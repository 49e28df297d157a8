/* The text tower of a pretrained model. */
#include "encode/pretrained.h"

#include "io/file.h"

/* Tokens, where neither settings nor files say; "no limit" is written as a very large number. */
enum { USUAL_LONGEST = 512, LONGEST_MOST = 1 << 16 };

/* ---- preparing ---- */

void pretrained_free_list(token_list *list)
{
    token_list_release(list);
    mem_free(list);
}

medley_status pretrained_prepare_text(encoder *e, const void *bytes, size_t length, sample *out, medley_error *err)
{
    token_list *list;
    *out = (sample){.data = NULL};
    list = pretrained_take_idle(e); /* they keep memory and words that the tokenizer knows already */
    if (list == NULL)
        TRY(mem_alloc_zero(e->rt, 1, sizeof *list, &list, err));
    medley_status status = tokenizer_encode(e->rt, e->tokens, bytes, length, e->longest, true, list, err);
    if (status == MEDLEY_OK && list->count == 0)
        status = fail(err, MEDLEY_E_FORMAT, "the text has no tokens");
    if (status == MEDLEY_OK)
        status = mem_alloc(e->rt, list->count, sizeof *list->id, &out->data, err);
    if (status == MEDLEY_OK) {
        out->bytes = (size_t)list->count * sizeof *list->id;
        out->size = list->count;
        memcpy(out->data, list->id, out->bytes);
    }
    if (!pretrained_keep_idle(e, list))
        pretrained_free_list(list);
    return status;
}

/* ---- running ---- */

typedef struct batch {
    const encoder *e;
    const sample *const *samples;
    int64_t count, rows, width;
} batch;

/* What stands at a place of a row: of the token there, or of padding. */
static int64_t id_at(const batch *b, const int32_t *id, bool padding)
{
    return padding ? tokenizer_padding(b->e->tokens) : *id;
}

static int64_t mask_at(const batch *b, const int32_t *id, bool padding)
{
    (void)b;
    (void)id;
    return !padding;
}

static int64_t segment_at(const batch *b, const int32_t *id, bool padding)
{
    (void)b;
    (void)id;
    (void)padding;
    return 0;
}

/* The inputs that are known, by name. */
static const struct text_input {
    const char *name;
    int64_t (*at)(const batch *b, const int32_t *id, bool padding);
} text_inputs[] = {
    {"input_ids", id_at}, {"attention_mask", mask_at}, {"token_type_ids", segment_at}, {NULL, NULL}};

static const struct text_input *find_text_input(const char *name)
{
    const struct text_input *t = text_inputs;
    while (t->name != NULL && strcmp(t->name, name) != 0)
        t++;
    return t->name != NULL ? t : NULL;
}

/* values [rows, width] of the input's type; rows beyond the samples repeat the first. */
static void fill(const batch *b, const onnx_tensor *input, void *values)
{
    const struct text_input *kind = find_text_input(input->name);
    for (int64_t r = 0; r < b->rows; r++) {
        const sample *s = b->samples[r < b->count ? r : 0];
        const int32_t *id = s->data;
        const int64_t tokens = (int64_t)(s->bytes / sizeof *id);
        for (int64_t t = 0; t < b->width; t++) {
            const int64_t value = kind->at(b, t < tokens ? id + t : id, t >= tokens);
            if (input->type == ONNX_I64)
                ((int64_t *)values)[r * b->width + t] = value;
            else
                ((int32_t *)values)[r * b->width + t] = (int32_t)value;
        }
    }
}

static medley_status run_tokens(encoder *e, const sample *const *samples, int64_t count, onnx_tensor *shape,
                                float **values, medley_error *err)
{
    batch b = {e, samples, count, e->rows_fixed > 0 ? e->rows_fixed : count, e->tokens_fixed};
    onnx_tensor inputs[PRETRAINED_INPUTS_MOST];
    int64_t *data, used = 0;
    *values = NULL;
    for (int64_t i = 0; i < count && e->tokens_fixed < 0; i++)
        if ((int64_t)(samples[i]->bytes / sizeof(int32_t)) > b.width)
            b.width = (int64_t)(samples[i]->bytes / sizeof(int32_t));
    TRY(mem_alloc(e->rt, mem_bytes(b.rows, (size_t)b.width), (size_t)e->inputs_count * sizeof *data, &data, err));
    memcpy(inputs, e->inputs, sizeof inputs);
    for (int i = 0; i < e->inputs_count; i++) {
        if (inputs[i].data != NULL)
            continue;
        fill(&b, &inputs[i], data + used);
        inputs[i].size[0] = b.rows;
        inputs[i].size[1] = b.width;
        inputs[i].data = data + used;
        used += b.rows * b.width;
    }
    const medley_status status =
        onnx_session_run(e->session, inputs, e->inputs_count, e->output, shape, values, err);
    mem_free(data);
    return status;
}

/* ---- opening ---- */

/* The other tower's pixels, of the size that its own files say. */
static medley_status leave_out_pixels(encoder *e, int i, medley_error *err)
{
    int64_t sizes[] = {1, 3, 224, 224, 1, 1, 1, 1};
    char *path;
    TRY(model_files_beside(e->rt, &e->files, "preprocessor_config.json", &path, err));
    const medley_status status = path != NULL ? image_preparation_read(e->rt, path, &e->pixels, err) : MEDLEY_OK;
    mem_free(path);
    TRY(status);
    if (path != NULL) {
        sizes[2] = e->pixels.height;
        sizes[3] = e->pixels.width;
    }
    return pretrained_leave_out(e, i, sizes, err);
}

static medley_status take_input(encoder *e, int i, medley_error *err)
{
    const onnx_tensor *t = &e->inputs[i];
    if (strcmp(t->name, "pixel_values") == 0)
        return leave_out_pixels(e, i, err);
    if (find_text_input(t->name) == NULL)
        return fail(err, MEDLEY_E_FORMAT,
                    "%s: input '%s' is not known; input_ids, attention_mask and token_type_ids are accepted",
                    e->files.model, t->name);
    if (t->rank != 2 || (t->type != ONNX_I64 && t->type != ONNX_I32))
        return fail(err, MEDLEY_E_FORMAT, "%s: input '%s' is not [rows, tokens] of i64 or i32", e->files.model,
                    t->name);
    return MEDLEY_OK;
}

static medley_status take_text_inputs(encoder *e, medley_error *err)
{
    const int ids = pretrained_input(e, "input_ids");
    if (ids < 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: no input takes tokens (input_ids)", e->files.model);
    for (int i = 0; i < e->inputs_count; i++)
        TRY(take_input(e, i, err));
    e->rows_fixed = e->inputs[ids].size[0];
    e->tokens_fixed = e->inputs[ids].size[1];
    e->alike = pretrained_input(e, "attention_mask") < 0 && e->tokens_fixed < 0;
    return MEDLEY_OK;
}

/* The files that the tokenizer may have read. */
static medley_status describe(encoder *e, medley_error *err)
{
    static const char *const names[] = {"tokenizer.json",
                                        "tokenizer_config.json",
                                        "vocab.txt",
                                        "vocab.json",
                                        "merges.txt",
                                        "bpe_simple_vocab_16e6.txt",
                                        "bpe_simple_vocab_16e6.txt.gz",
                                        "spiece.model",
                                        "sentencepiece.bpe.model"};
    text_format(&e->preparation, " tokens 1 at most %lld", (long long)e->longest);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path;
        TRY(model_files_beside(e->rt, &e->files, names[i], &path, err));
        const medley_status status = path != NULL ? pretrained_add_file(e, &e->preparation, path, err) : MEDLEY_OK;
        mem_free(path);
        TRY(status);
    }
    return text_status(&e->preparation, err);
}

static medley_status open_texts(encoder *e, medley_error *err)
{
    sample one;
    e->run = run_tokens;
    TRY(take_text_inputs(e, err));
    TRY(tokenizer_open(e->rt, e->files.folder, &e->tokens, err));
    const int64_t said = tokenizer_longest(e->tokens);
    e->longest = e->p->max_tokens > 0 ? e->p->max_tokens : said > 0 && said <= LONGEST_MOST ? said : USUAL_LONGEST;
    if (e->tokens_fixed > 0 && e->tokens_fixed < e->longest)
        e->longest = e->tokens_fixed;
    TRY(describe(e, err));
    TRY(pretrained_prepare_text(e, "a", 1, &one, err));
    const medley_status status = pretrained_probe(e, &one, err);
    mem_free(one.data);
    return status;
}

medley_status pretrained_open_texts(const medley_runtime *rt, const void *params, encoder **out, medley_error *err)
{
    *out = NULL;
    medley_status status = pretrained_open(rt, params, MODALITY_TEXT, out, err);
    if (status == MEDLEY_OK)
        status = open_texts(*out, err);
    if (status != MEDLEY_OK) {
        pretrained_close(*out);
        *out = NULL;
    }
    return status;
}
