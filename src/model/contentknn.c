/* Nearest neighbours by content:
 *
 *   score(u, i) = sum over j in the history of u, among the K nearest of i, of cos(t_i, t_j) w_uj
 *
 * t_i: the TF-IDF vector of the words of item i (data/tfidf.h), or, with `features`, its rows of feature matrices, whose
 * cosines are averaged over the matrices that both items have (model/vector_neighbours.h); w_uj is 1, or the rating. All items of the catalogue
 * are neighbours and targets, whether training has seen them or not: so cold items are served. */
#include "data/tfidf.h"
#include "model/neighbours.h"
#include "model/vector_neighbours.h"

typedef struct content_params {
    const char *features, *fields;
    int64_t neighbours, min_items;
    double max_share;
    bool center, sublinear;
    int weights;
} content_params;

static const medley_param params[] = {
    MEDLEY_TEXT(content_params, features, "", .flags = MEDLEY_PARAM_FEATURES,
                .help =
                    "feature matrices to compare instead of words, with weights if they differ: visual:2,textual"),
    MEDLEY_BOOL(content_params, center, "true",
                .help = "take the mean of all items from features, before cosines"),
    MEDLEY_TEXT(content_params, fields, "title,text",
                .help = "what is read of an item, separated by commas: title, text, and names of attributes"),
    MEDLEY_INT(content_params, neighbours, "100", 1, 100000, .sweep = "20,50,100,200,400",
               .help = "nearest items that each item keeps"),
    MEDLEY_INT(content_params, min_items, "1", 1, 1e9, .sweep = "1,2,5",
               .help = "items that a word must be in, to count"),
    MEDLEY_REAL(content_params, max_share, "0.5", 0, 1, .help = "share of the items that a word may be in"),
    MEDLEY_BOOL(content_params, sublinear, "false", .sweep = "false,true",
                .help = "whether a word's count enters as 1 + its logarithm"),
    MEDLEY_ENUM(content_params, weights, "binary", "binary|rating", .sweep = "binary,rating",
                .help = "what a similarity is multiplied with when scores are summed: 1, or the rating"),
    MEDLEY_PARAMS_END,
};

/* How many words there are is not known before they are read; a hundred different ones an item is a long text. */
enum {
    WORDS_AN_ITEM = 100,
    FEATURES_AN_ITEM = 1000,
    READING = 10 /* updates that reading a word takes as long as, measured */
};

static int64_t estimate(const void *values, const training *data)
{
    const content_params *p = values;
    const double items = (double)data->items;
    const double kept = items * (double)(p->neighbours < data->items ? p->neighbours : data->items);
    if (p->features[0] != '\0') { /* their length is not known before they are opened; a thousand is long */
        const double found = items * FEATURES_AN_ITEM * sizeof(float) + 24 * kept;
        return found < 0x1p62 ? (int64_t)found : INT64_MAX;
    }
    const double bytes =
        28 * WORDS_AN_ITEM * items + 16 * kept + neighbours_bytes(p->neighbours, data->items, data->items);
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX;
}

/* As many pairs of items share words as there are pairs: a common word is in half of them. */
static void count_work(const void *values, const training_size *s, workload *fit, workload *encode)
{
    const content_params *p = values;
    encode->alone[WORK_UPDATES] += 2 * s->entries;
    if (p->features[0] != '\0') {
        fit->shared[WORK_SINGLE] += 2 * FEATURES_AN_ITEM * s->items * s->items;
        return;
    }
    neighbours_count(s->items, s->items, s->items * s->items, fit);
    fit->alone[WORK_UPDATES] += READING * WORDS_AN_ITEM * s->items;
}

/* Splits fields: title and text are columns of the catalogue, the rest are attributes. attributes: [as long as fields
 * is, and one]. */
static tfidf_options options_of(const content_params *p, char *attributes)
{
    tfidf_options o = {
        .attributes = attributes, .min_items = p->min_items, .max_share = p->max_share, .sublinear = p->sublinear};
    size_t used = 0;
    for (const char *at = p->fields; *(at += strspn(at, ", ")) != '\0';) {
        size_t length = strcspn(at, ",");
        const char *const name = at;
        at += length;
        while (name[length - 1] == ' ')
            length--;
        if (length == 5 && memcmp(name, "title", length) == 0)
            o.title = true;
        else if (length == 4 && memcmp(name, "text", length) == 0)
            o.body = true;
        else {
            if (used > 0)
                attributes[used++] = ',';
            memcpy(attributes + used, name, length);
            used += length;
        }
    }
    attributes[used] = '\0';
    return o;
}

static medley_status read_words(const medley_runtime *rt, const content_params *p, const training *data,
                                csr_owner *words, medley_error *err)
{
    char *attributes;
    *words = (csr_owner){0};
    if (data->catalog == NULL)
        return fail(err, MEDLEY_E_CONFIG, "contentknn reads texts of items, and the store has no item table");
    TRY(mem_alloc(rt, (int64_t)strlen(p->fields) + 1, 1, &attributes, err));
    const tfidf_options options = options_of(p, attributes);
    const medley_status status = tfidf_items(rt, data->catalog, &options, NULL, data->items, words, err);
    mem_free(attributes);
    if (status == MEDLEY_OK && data->items > 0 && csr_count(&words->view) == 0)
        return fail(
            err, MEDLEY_E_CONFIG,
            "fields: no item has words that count in '%s'; title, text and names of attributes are accepted",
            p->fields);
    return status;
}

static medley_status compare_words(const medley_runtime *rt, const content_params *p, const training *data,
                                   csr_owner *nearest, medley_error *err)
{
    csr_owner words, by_word = {0};
    double *ones = NULL;
    medley_status status;
    TRY_DONE(read_words(rt, p, data, &words, err));
    TRY_DONE(csr_transpose(rt, &words.view, &by_word, err));
    TRY_DONE(mem_alloc(rt, data->items, sizeof *ones, &ones, err));
    for (int64_t i = 0; i < data->items; i++)
        ones[i] = 1; /* rows of TF-IDF have length 1 */
    const neighbour_search search = {.rows = &words.view,
                                     .columns = &by_word.view,
                                     .own = ones,
                                     .other = ones,
                                     .seed = data->seed,
                                     .most = p->neighbours,
                                     .among_themselves = true,
                                     .phase = "comparing texts"};
    status = neighbours_search(rt, &search, nearest, err);
done:
    csr_release(&by_word);
    csr_release(&words);
    mem_free(ones);
    return status;
}

static medley_status compare_features(const medley_runtime *rt, const content_params *p, const training *data,
                                      csr_owner *nearest, medley_error *err)
{
    vector_spaces spaces;
    medley_status status = vector_spaces_read(rt, data->folder, data->items, p->features, p->center, &spaces, err);
    if (status == MEDLEY_OK)
        status = vector_neighbours(rt, &spaces, p->neighbours, data->seed, nearest, err);
    else if (status == MEDLEY_E_NOT_FOUND)
        status = fail_while(err, MEDLEY_E_CONFIG, "contentknn"); /* a setting is wrong */
    vector_spaces_release(&spaces);
    return status;
}

static medley_status fit(const medley_runtime *rt, const void *values, const training *data, model_state *state,
                         medley_error *err)
{
    const content_params *p = values;
    csr_owner nearest = {0}, weights = {0};
    medley_status status;
    if (p->weights == FEEDBACK_RATING && data->matrix.value == NULL)
        return fail(err, MEDLEY_E_CONFIG, "weights: rating, but the data has no ratings; binary is accepted");
    TRY_DONE((p->features[0] != '\0' ? compare_features : compare_words)(rt, p, data, &nearest, err));
    TRY_DONE(csr_transpose(rt, &nearest.view, &weights, err));
    csr_release(&nearest);
    status = model_add_sparse(rt, state, SPARSE_NAMES("weights"), &weights.view, err);
done:
    csr_release(&weights);
    csr_release(&nearest);
    return status;
}

static medley_status encode(const medley_runtime *rt, const void *values, const model_state *state,
                            const scoring *how, const histories *known, left_sides *out, medley_error *err)
{
    const content_params *p = values;
    (void)state;
    return histories_matrix(rt, known, how->items, p->weights == FEEDBACK_RATING, &out->weights, err);
}

extern const model_class model_contentknn;
const model_class model_contentknn = {
    .name = "contentknn",
    .title = "Content KNN",
    .summary = "items whose texts, or feature matrices, resemble those of the items in the history",
    .paper =
        "Lops, de Gemmis and Semeraro, Content-based recommender systems: state of the art and trends, "
        "Recommender Systems Handbook 2011, with a nearest-neighbour rule instead of a profile vector; TF-IDF "
        "as scikit-learn computes it, over all items of the catalogue",
    .params = params,
    .params_size = sizeof(content_params),
    .limits =
        "users without history; items without words in the fields, or without features; serves items without training users",
    .advice = "lower neighbours, or read fewer fields",
    .estimate = estimate,
    .work = count_work,
    .fit = fit,
    .scoring = neighbours_scoring,
    .encode = encode,
};
