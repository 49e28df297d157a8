#include "encode/pretrained.h"

#include <math.h>
#include <stdatomic.h>

#include "io/file.h"
#include "io/fingerprint.h"
#include "io/mapped.h"

/* ---- which output ---- */

/* What exports call vectors of a whole picture or text, and the states they are pooled from. */
static const char *const vector_names[][6] = {
    [MODALITY_IMAGE] = {"image_embeds", "pooler_output", "embedding", "image_embeddings", "embeddings", NULL},
    [MODALITY_TEXT] = {"text_embeds", "sentence_embedding", "pooler_output", "embedding", "embeddings", NULL},
};
static const char *const state_names[] = {"last_hidden_state", "token_embeddings", "hidden_states", NULL};

static const char *find_output(const onnx_port *ports, int count, const char *name, size_t length)
{
    for (int i = 0; i < count; i++)
        if (strlen(ports[i].name) == length && memcmp(ports[i].name, name, length) == 0)
            return ports[i].name;
    return NULL;
}

/* The first of `usual` that the model has, else the model's only output. */
static const char *usual_output(const onnx_port *ports, int count, const char *const *usual)
{
    const char *found = NULL;
    for (; *usual != NULL && found == NULL; usual++)
        found = find_output(ports, count, *usual, strlen(*usual));
    return found == NULL && count == 1 ? ports[0].name : found;
}

/* output: pooled, cls, mean, NAME, NAME:cls, NAME:mean */
static medley_status choose_output(encoder *e, medley_error *err)
{
    static const struct {
        const char *name;
        pooling pool;
    } ways[] = {{"pooled", POOL_NONE}, {"cls", POOL_FIRST}, {"mean", POOL_MEAN}, {NULL, POOL_NONE}};
    int count, w = 0;
    const onnx_port *ports = onnx_session_outputs(e->session, &count);
    const char *asked = e->p->output, *colon = strrchr(asked, ':');
    const char *way = colon != NULL ? colon + 1 : asked;
    while (ways[w].name != NULL && strcmp(ways[w].name, way) != 0)
        w++;
    e->pool = ways[w].pool;
    if (ways[w].name != NULL && colon == NULL)
        e->output = usual_output(ports, count, e->pool == POOL_NONE ? vector_names[e->tower] : state_names);
    else
        e->output =
            find_output(ports, count, asked, ways[w].name != NULL ? (size_t)(colon - asked) : strlen(asked));
    if (e->output != NULL)
        return MEDLEY_OK;
    char names[400] = "";
    for (int i = 0; i < count; i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", ports[i].name);
    }
    return fail(err, MEDLEY_E_CONFIG,
                "output: %s has no '%s'; its outputs are %s; NAME, NAME:cls and NAME:mean are accepted",
                e->files.model, asked, names);
}

/* ---- opening ---- */

int pretrained_input(const encoder *e, const char *name)
{
    for (int i = 0; i < e->inputs_count; i++)
        if (strcmp(e->inputs[i].name, name) == 0)
            return i;
    return -1;
}

static medley_status take_inputs(encoder *e, medley_error *err)
{
    const onnx_port *ports = onnx_session_inputs(e->session, &e->inputs_count);
    if (e->inputs_count > PRETRAINED_INPUTS_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s: %d inputs; at most %d are accepted", e->files.model,
                    e->inputs_count, PRETRAINED_INPUTS_MOST);
    for (int i = 0; i < e->inputs_count; i++) {
        e->inputs[i] = (onnx_tensor){.name = ports[i].name, .type = ports[i].type, .rank = ports[i].rank};
        memcpy(e->inputs[i].size, ports[i].size, sizeof ports[i].size);
    }
    return MEDLEY_OK;
}

medley_status pretrained_open(const medley_runtime *rt, const pretrained_params *p, modality tower, encoder **out,
                              medley_error *err)
{
    encoder *e;
    TRY(mem_alloc_zero(rt, 1, sizeof *e, out, err));
    e = *out;
    e->rt = e->identity.rt = e->preparation.rt = rt;
    e->p = p;
    e->tower = tower;
    e->rows_fixed = e->tokens_fixed = -1;
    TRY(model_files_find(rt, p->model, tower, &e->files, err));
    TRY(onnx_library_open(rt, &e->lib, err));
    TRY(onnx_session_open(rt, e->lib, e->files.model, 1, &e->session, err));
    TRY(take_inputs(e, err));
    return choose_output(e, err);
}

medley_status pretrained_leave_out(encoder *e, int i, const int64_t *usual, medley_error *err)
{
    onnx_tensor *t = &e->inputs[i];
    int64_t count = 1;
    for (int d = 0; d < t->rank; d++) {
        if (t->size[d] < 0)
            t->size[d] = usual[d];
        count = t->size[d] == 0 ? 0 : mem_bytes(count, (size_t)t->size[d]);
        if (count < 0)
            return fail(err, MEDLEY_E_FORMAT, "%s: input '%s' is too large", e->files.model, t->name);
    }
    TRY(mem_alloc_zero(e->rt, count, sizeof(int64_t), &e->unused[i], err));
    t->data = e->unused[i];
    return MEDLEY_OK;
}

void *pretrained_take_idle(encoder *e)
{
    void *found = NULL;
    for (int i = 0; i < PRETRAINED_IDLE && found == NULL; i++)
        found = atomic_exchange(&e->idle[i], NULL);
    return found;
}

bool pretrained_keep_idle(encoder *e, void *memory)
{
    bool kept = false;
    for (int i = 0; i < PRETRAINED_IDLE && !kept; i++) {
        void *none = NULL;
        kept = atomic_compare_exchange_strong(&e->idle[i], &none, memory);
    }
    return kept;
}

void pretrained_close(encoder *e)
{
    void *idle;
    if (e == NULL)
        return;
    while ((idle = pretrained_take_idle(e)) != NULL)
        if (e->tower == MODALITY_TEXT)
            pretrained_free_list(idle);
        else
            mem_free(idle);
    tokenizer_close(e->tokens);
    onnx_session_close(e->session);
    onnx_library_close(e->lib);
    model_files_release(&e->files);
    text_release(&e->identity);
    text_release(&e->preparation);
    for (int i = 0; i < PRETRAINED_INPUTS_MOST; i++)
        mem_free(e->unused[i]);
    mem_free(e);
}

const char *pretrained_identity(const encoder *e)
{
    return e->identity.bytes;
}

const char *pretrained_preparation(const encoder *e)
{
    return e->preparation.bytes;
}

int64_t pretrained_length(const encoder *e)
{
    return e->length;
}

int64_t pretrained_batch_size(const encoder *e)
{
    return e->p->batch;
}

/* ---- from an output to vectors ---- */

static medley_status refuse_shape(const encoder *e, const onnx_tensor *shape, medley_error *err)
{
    static const char *const accepted[] = {
        [POOL_NONE] = "one vector a row; NAME:mean or NAME:cls makes one of its tokens",
        [POOL_FIRST] = "cls takes [rows, tokens, numbers]",
        [POOL_MEAN] = "mean takes [rows, tokens, numbers] or [rows, numbers, height, width]",
    };
    char sizes[200] = "";
    for (int i = 0; i < shape->rank; i++) {
        const size_t used = strlen(sizes);
        snprintf(sizes + used, sizeof sizes - used, "%s%lld", i > 0 ? "," : "", (long long)shape->size[i]);
    }
    return fail(err, MEDLEY_E_CONFIG, "output: %s: '%s' is [%s]; %s", e->files.model, e->output, sizes,
                accepted[e->pool]);
}

/* How long the vectors are that this output gives. */
static medley_status vector_length(const encoder *e, const onnx_tensor *shape, int64_t *out, medley_error *err)
{
    const int rank = shape->rank;
    int64_t all = 1;
    for (int i = 1; i < rank; i++)
        all *= shape->size[i];
    const bool vectors = rank >= 2 && all == shape->size[1], tokens = rank == 3, places = rank == 4;
    const bool fits[] = {[POOL_NONE] = vectors,
                         [POOL_FIRST] = tokens && shape->size[1] > 0,
                         [POOL_MEAN] = (tokens || places) && all > 0};
    if (!fits[e->pool] || all < 1)
        return refuse_shape(e, shape, err);
    *out = tokens && e->pool != POOL_NONE ? shape->size[2] : shape->size[1];
    return MEDLEY_OK;
}

/* out_d = 1/n Σ_t values[t][d] */
static void mean_of_tokens(const float *values, int64_t tokens, int64_t length, float *out)
{
    enum { BLOCK = 64 };
    for (int64_t first = 0; first < length; first += BLOCK) {
        const int64_t width = length - first < BLOCK ? length - first : BLOCK;
        double sum[BLOCK] = {0};
        for (int64_t t = 0; t < tokens; t++)
            for (int64_t d = 0; d < width; d++)
                sum[d] += (double)values[t * length + first + d];
        for (int64_t d = 0; d < width; d++)
            out[first + d] = (float)(sum[d] / (double)tokens);
    }
}

/* out_d = 1/n Σ_p values[d][p] */
static void mean_of_places(const float *values, int64_t places, int64_t length, float *out)
{
    for (int64_t d = 0; d < length; d++) {
        double sum = 0;
        for (int64_t p = 0; p < places; p++)
            sum += (double)values[d * places + p];
        out[d] = (float)(sum / (double)places);
    }
}

/* The vector of one row of an output; tokens: of a text that are no padding, 0: all. */
static void pool_row(const encoder *e, const onnx_tensor *shape, const float *row, int64_t tokens, float *out)
{
    if (e->pool == POOL_MEAN && shape->rank == 4) {
        mean_of_places(row, shape->size[2] * shape->size[3], e->length, out);
        return;
    }
    const int64_t all = shape->rank == 3 ? shape->size[1] : 1;
    mean_of_tokens(row, e->pool != POOL_MEAN ? 1 : tokens > 0 && tokens < all ? tokens : all, e->length, out);
}

/* x / ‖x‖; a vector of zeros stays. */
static medley_status finish_vector(const encoder *e, float *x, medley_error *err)
{
    double squares = 0;
    for (int64_t d = 0; d < e->length; d++)
        squares += (double)x[d] * (double)x[d];
    if (!isfinite(squares))
        return fail(err, MEDLEY_E_FORMAT, "%s: output '%s' has numbers that are not finite", e->files.model,
                    e->output);
    const double norm = sqrt(squares);
    if (e->p->normalize && norm > 0)
        for (int64_t d = 0; d < e->length; d++)
            x[d] = (float)((double)x[d] / norm);
    return MEDLEY_OK;
}

static int64_t tokens_of(const encoder *e, const sample *s)
{
    return e->tower == MODALITY_TEXT ? (int64_t)(s->bytes / sizeof(int32_t)) : 0;
}

static medley_status encode_run(encoder *e, const sample *const *samples, int64_t count, float *out,
                                medley_error *err)
{
    onnx_tensor shape = {.rank = 0};
    float *values;
    int64_t length, block = 1;
    TRY(e->run(e, samples, count, &shape, &values, err));
    medley_status status = vector_length(e, &shape, &length, err);
    if (status == MEDLEY_OK && (length != e->length || shape.size[0] < count))
        status = refuse_shape(e, &shape, err);
    for (int i = 1; i < shape.rank; i++)
        block *= shape.size[i];
    for (int64_t r = 0; r < count && status == MEDLEY_OK; r++) {
        pool_row(e, &shape, values + r * block, tokens_of(e, samples[r]), out + r * length);
        status = finish_vector(e, out + r * length, err);
    }
    mem_free(values);
    return status;
}

medley_status pretrained_encode(encoder *e, const sample *const *samples, int64_t count, float *out,
                                medley_error *err)
{
    for (int64_t first = 0, end; first < count; first = end) {
        const int64_t most = e->rows_fixed > 0 && e->rows_fixed < count - first ? e->rows_fixed : count - first;
        for (end = first + 1; end < first + most; end++)
            if (e->alike && samples[end]->bytes != samples[first]->bytes)
                break;
        TRY(encode_run(e, samples + first, end - first, out + first * e->length, err));
    }
    return MEDLEY_OK;
}

/* ---- what vectors depend on ---- */

medley_status pretrained_add_file(const encoder *e, text *t, const char *path, medley_error *err)
{
    mapped bytes;
    fingerprint *print = NULL;
    char hex[FINGERPRINT_SIZE];
    TRY(mapped_open(path, &bytes, err));
    const medley_status status = fingerprint_create(e->rt, &print, err);
    if (status == MEDLEY_OK) {
        fingerprint_add(print, bytes.bytes, bytes.length);
        fingerprint_hex(print, hex);
        text_format(t, " %s %s", strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path, hex);
        fingerprint_free(print);
    }
    mapped_release(&bytes);
    return status;
}

/* The model, and beside it what begins with its name: weights of over 2 GiB are files of their own. */
static medley_status add_model(encoder *e, medley_error *err)
{
    char *folder = NULL, **names = NULL;
    int64_t count = 0;
    const char *slash = strrchr(e->files.model, '/'), *own = slash != NULL ? slash + 1 : e->files.model;
    medley_status status;
    TRY_DONE(mem_text(e->rt, slash != NULL ? e->files.model : ".",
                      slash != NULL ? (size_t)(own - e->files.model) : 1, &folder, err));
    TRY_DONE(file_list(e->rt, folder, &names, &count, err));
    for (int64_t i = 0; i < count; i++) {
        char *path;
        if (strncmp(names[i], own, strlen(own)) != 0)
            continue;
        TRY_DONE(file_join(e->rt, folder, names[i], &path, err));
        status = file_is_folder(path) ? MEDLEY_OK : pretrained_add_file(e, &e->identity, path, err);
        mem_free(path);
        TRY_DONE(status);
    }
done:
    file_names_free(names, count);
    mem_free(folder);
    return status;
}

medley_status pretrained_probe(encoder *e, const sample *one, medley_error *err)
{
    onnx_tensor shape = {.rank = 0};
    float *values;
    TRY(e->run(e, &one, 1, &shape, &values, err));
    mem_free(values);
    TRY(vector_length(e, &shape, &e->length, err));
    if (shape.size[0] != (e->rows_fixed > 0 ? e->rows_fixed : 1))
        return refuse_shape(e, &shape, err);
    text_add(&e->identity, "onnx");
    TRY(add_model(e, err));
    text_format(&e->identity, " output %s pooling %d normalize %d;%s", e->output, e->pool, e->p->normalize,
                e->preparation.bytes);
    return text_status(&e->identity, err);
}
