/* Texts as bags of n-grams, made short by a singular value decomposition: latent semantic analysis (Deerwester et al. 1990)
 * over hashed features (Weinberger et al. 2009). Nothing is downloaded, nothing is read but the texts.
 *
 *   features     words and runs of words; runs of characters within a word, its ends marked (" cat ": " ca", "cat", "at ")
 *   tfidf        w(i, t) = tf (ln((1 + n) / (1 + df(t))) + 1), tf = count or 1 + ln count
 *   bm25         w(i, t) = ln(1 + (n - df(t) + ½) / (df(t) + ½)) count (k1 + 1) / (count + k1 (1 - b + b |i| / mean |i|))
 *                Robertson and Zaragoza 2009; |i|: n-grams of text i
 *   rows         of Euclidean length 1, W ≈ U S Vᵀ, vectors are the rows of U S^power
 *
 * n and df are of the texts of all items of the catalogue, cold ones too: they are there when it is served. */
#include "encode/encoder.h"

#include <math.h>

#include "data/words.h"
#include "io/utf8.h"
#include "tensor/truncated_svd.h"

enum { WEIGHT_TFIDF, WEIGHT_BM25 };

typedef struct tfidf_params {
    int64_t columns, words, characters_least, characters_most;
    int weighting;
    bool sublinear;
    double k1, b;
    int64_t min_items;
    double max_share;
    int64_t dimensions;
    double power;
    int64_t oversampling, iterations, seed;
} tfidf_params;

static const medley_param params[] = {
    MEDLEY_INT(tfidf_params, dimensions, "256", 1, 4096, .sweep = "64,128,256,512",
               .help = "length of the vectors; fewer where the texts have less to say than that"),
    MEDLEY_INT(tfidf_params, words, "2", 0, 8, .sweep = "1,2", .help = "longest run of words that is a feature"),
    MEDLEY_INT(tfidf_params, characters_least, "3", 1, 16,
               .help = "shortest run of characters within a word that is a feature"),
    MEDLEY_INT(tfidf_params, characters_most, "5", 0, 16, .sweep = "0,5",
               .help = "longest run of characters within a word that is a feature; 0: none is"),
    MEDLEY_INT(tfidf_params, columns, "262144", 16, 1 << 24, .help = "features are hashed to so many"),
    MEDLEY_ENUM(tfidf_params, weighting, "tfidf", "tfidf|bm25", .sweep = "tfidf,bm25",
                .help = "what a feature of a text counts"),
    MEDLEY_BOOL(tfidf_params, sublinear, "true", .help = "tfidf: 1 + ln(count) instead of the count"),
    MEDLEY_REAL(tfidf_params, k1, "1.2", 0, 100, .help = "bm25: how slowly further counts of a feature saturate"),
    MEDLEY_REAL(tfidf_params, b, "0.75", 0, 1, .help = "bm25: how far long texts are made short"),
    MEDLEY_INT(tfidf_params, min_items, "2", 1, 1e9,
               .help = "a feature must be in so many texts; of fewer texts, in all"),
    MEDLEY_REAL(tfidf_params, max_share, "0.5", 0, 1, .help = "and in at most this share of them"),
    MEDLEY_REAL(tfidf_params, power, "0.5", 0, 1, .sweep = "0,0.5,1",
                .help = "of the singular values that scale the dimensions; 0: all count the same"),
    MEDLEY_INT(tfidf_params, oversampling, "32", 0, 1024, .help = "dimensions more that are searched for"),
    MEDLEY_INT(tfidf_params, iterations, "4", 0, 64, .help = "power iterations of the search"),
    MEDLEY_INT(tfidf_params, seed, "1", 0, 0x1p53, .help = "of its start"),
    MEDLEY_PARAMS_END,
};

/* How often a text has a feature: what samples are made of, in order of columns. */
typedef struct feature {
    uint32_t column, count;
} feature;

struct encoder {
    const medley_runtime *rt;
    const tfidf_params *p;
    text identity, preparation;
};

/* ---- a text's features ---- */

typedef struct reading {
    const encoder *e;
    text word;
    uint32_t *columns; /* of every n-gram, one after the other */
    int64_t count, capacity;
    uint64_t before[8]; /* hashes of the words before this one, the nearest first */
    int64_t known;      /* of them */
} reading;

enum { SALT_WORD = 0x77, SALT_CHARACTERS = 0x63 };

static uint64_t hash_step(uint64_t hash, uint64_t next)
{
    return (hash ^ next) * 0x9e3779b97f4a7c15u + (hash >> 29);
}

static medley_status add_feature(reading *r, uint64_t hash, medley_error *err)
{
    TRY(mem_reserve(r->e->rt, &r->columns, &r->capacity, r->count + 1, sizeof *r->columns, err));
    r->columns[r->count++] = (uint32_t)(mix64(hash) % (uint64_t)r->e->p->columns);
    return MEDLEY_OK;
}

/* The word at hand, alone and with those before it. */
static medley_status add_words(reading *r, medley_error *err)
{
    const tfidf_params *p = r->e->p;
    uint64_t hash = SALT_WORD;
    for (int64_t i = 0; i < r->word.length; i++)
        hash = hash_step(hash, (unsigned char)r->word.bytes[i]);
    const uint64_t own = mix64(hash);
    uint64_t run = own;
    for (int64_t n = 0; n < p->words; n++) {
        TRY(add_feature(r, run, err));
        if (n == r->known || n + 1 == p->words)
            break;
        run = hash_step(run, r->before[n]);
    }
    memmove(r->before + 1, r->before, sizeof r->before - sizeof *r->before);
    r->before[0] = own;
    r->known = least(r->known + 1, (int64_t)(sizeof r->before / sizeof *r->before) - 1);
    return MEDLEY_OK;
}

/* The code point at `at` of " word ", which is well-formed; *next is behind it. */
static uint32_t point_of(const text *word, int64_t at, int64_t *next)
{
    uint32_t point = ' ';
    const bool inside = at > 0 && at <= word->length;
    const int used = inside ? utf8_point(word->bytes + at - 1, (size_t)(word->length - at + 1), &point) : 1;
    *next = at + (used > 0 ? used : 1);
    return point;
}

static medley_status add_characters(reading *r, medley_error *err)
{
    const tfidf_params *p = r->e->p;
    const int64_t end = r->word.length + 2;
    if (p->characters_most == 0)
        return MEDLEY_OK;
    for (int64_t start = 0, second; start < end; start = second) {
        uint64_t hash = SALT_CHARACTERS;
        int64_t at = start;
        for (int64_t n = 1; n <= p->characters_most && at < end; n++) {
            hash = hash_step(hash, point_of(&r->word, at, &at));
            if (n >= p->characters_least)
                TRY(add_feature(r, hash, err));
        }
        point_of(&r->word, start, &second);
    }
    return MEDLEY_OK;
}

static int compare_columns(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static medley_status count_features(reading *r, sample *out, medley_error *err)
{
    feature *features;
    int64_t count = 0;
    qsort(r->columns, (size_t)r->count, sizeof *r->columns, compare_columns);
    TRY(mem_alloc(r->e->rt, r->count, sizeof *features, &features, err));
    for (int64_t i = 0; i < r->count; i++) {
        if (i == 0 || r->columns[i] != r->columns[i - 1])
            features[count++] = (feature){r->columns[i], 0};
        features[count - 1].count++;
    }
    *out = (sample){features, (size_t)count * sizeof *features, count};
    return mem_resize(r->e->rt, &out->data, count, sizeof *features, err);
}

static medley_status prepare(encoder *e, const void *bytes, size_t length, sample *out, medley_error *err)
{
    reading r = {.e = e, .word = {.rt = e->rt}};
    words w = {bytes, length, 0};
    medley_status status = MEDLEY_OK;
    *out = (sample){0};
    while (words_next(&w, &r.word) > 0) {
        TRY_DONE(text_status(&r.word, err));
        TRY_DONE(add_words(&r, err));
        TRY_DONE(add_characters(&r, err));
    }
    TRY_DONE(text_status(&r.word, err));
    status = r.count > 0 ? count_features(&r, out, err)
                         : fail(err, MEDLEY_E_FORMAT, "the text has no letter and no digit");
done:
    mem_free(r.columns);
    text_release(&r.word);
    if (status != MEDLEY_OK)
        sample_release(out);
    return status;
}

/* ---- all texts ---- */

typedef struct fitting {
    const encoder *e;
    const sample *samples;
    int64_t items, texts, columns;
    double mean_length; /* n-grams of a text */
    int64_t *items_of;  /* [p->columns] texts that have it */
    uint32_t *column;   /* [p->columns] of the matrix; UNUSED */
    csr_owner matrix;
} fitting;

static const uint32_t UNUSED = UINT32_MAX;

static int64_t feature_count(const sample *s)
{
    return (int64_t)(s->bytes / sizeof(feature));
}

static double text_length(const sample *s)
{
    const feature *f = s->data;
    double sum = 0;
    for (int64_t i = 0; i < feature_count(s); i++)
        sum += f[i].count;
    return sum;
}

/* The features that are neither too rare nor too frequent get the matrix's columns. */
static medley_status number_columns(fitting *f, medley_error *err)
{
    const tfidf_params *p = f->e->p;
    double total = 0;
    TRY(mem_alloc_zero(f->e->rt, p->columns, sizeof *f->items_of, &f->items_of, err));
    TRY(mem_alloc(f->e->rt, p->columns, sizeof *f->column, &f->column, err));
    for (int64_t i = 0; i < f->items; i++) {
        const feature *own = f->samples[i].data;
        const int64_t count = feature_count(&f->samples[i]);
        f->texts += count > 0;
        total += text_length(&f->samples[i]);
        for (int64_t k = 0; k < count; k++) {
            if (own[k].column >= p->columns)
                return fail(err, MEDLEY_E_FORMAT, "tfidf: a sample has column %u of %lld", own[k].column,
                            (long long)p->columns);
            f->items_of[own[k].column]++;
        }
    }
    f->mean_length = f->texts > 0 ? total / (double)f->texts : 0;
    const int64_t rare = least(p->min_items, f->texts);
    const double frequent = fmax((double)rare, p->max_share * (double)f->texts);
    for (int64_t c = 0; c < p->columns; c++) {
        const int64_t n = f->items_of[c];
        f->column[c] = n > 0 && n >= rare && (double)n <= frequent ? (uint32_t)f->columns++ : UNUSED;
    }
    return MEDLEY_OK;
}

/* w(i, t) of a text that is `length` n-grams long. */
static double weight(const fitting *f, const feature *t, double length)
{
    const tfidf_params *p = f->e->p;
    const double n = (double)f->texts, df = (double)f->items_of[t->column], count = t->count;
    if (p->weighting == WEIGHT_TFIDF)
        return (p->sublinear ? 1 + log(count) : count) * (log((1 + n) / (1 + df)) + 1);
    const double norm = 1 - p->b + p->b * length / f->mean_length;
    return log(1 + (n - df + 0.5) / (df + 0.5)) * count * (p->k1 + 1) / (count + p->k1 * norm);
}

/* Columns of the matrix ascend as those of samples do. */
static void weigh_row(const fitting *f, int64_t item)
{
    const csr_owner *m = &f->matrix;
    const sample *s = &f->samples[item];
    const feature *own = s->data;
    const double length = text_length(s);
    int64_t at = m->start[item];
    double squares = 0;
    for (int64_t k = 0; k < feature_count(s); k++)
        if (f->column[own[k].column] != UNUSED) {
            const double w = weight(f, &own[k], length);
            m->index[at] = f->column[own[k].column];
            m->value[at++] = (float)w;
            squares += w * w;
        }
    for (at = m->start[item]; at < m->start[item + 1]; at++)
        m->value[at] = (float)((double)m->value[at] / sqrt(squares));
}

static medley_status weigh_task(void *context, int64_t item, int worker, medley_error *err)
{
    (void)worker;
    (void)err;
    weigh_row(context, item);
    return MEDLEY_OK;
}

static medley_status fill_matrix(fitting *f, medley_error *err)
{
    const medley_runtime *rt = f->e->rt;
    csr_owner *m = &f->matrix;
    TRY(mem_alloc_zero(rt, f->items + 1, sizeof *m->start, &m->start, err));
    for (int64_t i = 0; i < f->items; i++) {
        const feature *own = f->samples[i].data;
        m->start[i + 1] = m->start[i];
        for (int64_t k = 0; k < feature_count(&f->samples[i]); k++)
            m->start[i + 1] += f->column[own[k].column] != UNUSED;
    }
    TRY(mem_alloc(rt, m->start[f->items], sizeof *m->index, &m->index, err));
    TRY(mem_alloc(rt, m->start[f->items], sizeof *m->value, &m->value, err));
    m->view = (csr){f->items, f->columns, m->start, m->index, m->value};
    return parallel_run(rt, f->items, weigh_task, f, err);
}

/* U S^power */
static void scale(const truncated_svd *s, int64_t rows, double power)
{
    for (int64_t j = 0; j < s->rank; j++) {
        const real by = (real)pow((double)s->values[j], power);
        for (int64_t r = 0; r < rows; r++)
            s->u[r * s->rank + j] *= by;
    }
}

static medley_status fit(encoder *e, const sample *samples, int64_t items, float **out, int64_t *length,
                         medley_error *err)
{
    const tfidf_params *p = e->p;
    fitting f = {.e = e, .samples = samples, .items = items};
    truncated_svd svd = {0};
    medley_status status;
    *out = NULL;
    *length = 0;
    TRY_DONE(number_columns(&f, err));
    TRY_DONE(fill_matrix(&f, err));
    const svd_job job = {.rows = items,
                         .columns = f.columns,
                         .sparse = &f.matrix.view,
                         .rank = p->dimensions,
                         .oversampling = p->oversampling,
                         .iterations = p->iterations,
                         .seed = (uint64_t)p->seed,
                         .phase = "singular vectors"};
    TRY_DONE(truncated_svd_run(e->rt, &job, &svd, err));
    scale(&svd, items, p->power);
    *out = svd.u;
    *length = svd.rank;
    svd.u = NULL;
done:
    truncated_svd_release(&svd);
    csr_release(&f.matrix);
    mem_free(f.items_of);
    mem_free(f.column);
    return status;
}

/* ---- the class ---- */

static void close(encoder *e)
{
    if (e == NULL)
        return;
    text_release(&e->identity);
    text_release(&e->preparation);
    mem_free(e);
}

static medley_status describe(encoder *e, medley_error *err)
{
    const tfidf_params *p = e->p;
    text_format(&e->preparation, "tfidf 1 columns %lld words %lld characters %lld %lld", (long long)p->columns,
                (long long)p->words, (long long)p->characters_least, (long long)p->characters_most);
    TRY(text_status(&e->preparation, err));
    text_format(&e->identity, "%s weighting %d sublinear %d k1 %.17g b %.17g min_items %lld max_share %.17g",
                e->preparation.bytes, p->weighting, p->sublinear, p->k1, p->b, (long long)p->min_items,
                p->max_share);
    text_format(&e->identity, " dimensions %lld power %.17g oversampling %lld iterations %lld seed %lld",
                (long long)p->dimensions, p->power, (long long)p->oversampling, (long long)p->iterations,
                (long long)p->seed);
    return text_status(&e->identity, err);
}

static medley_status open(const medley_runtime *rt, const void *values, encoder **out, medley_error *err)
{
    const tfidf_params *p = values;
    *out = NULL;
    if (p->characters_most > 0 && p->characters_most < p->characters_least)
        return fail(err, MEDLEY_E_CONFIG, "characters_most: %lld is under characters_least, %lld",
                    (long long)p->characters_most, (long long)p->characters_least);
    if (p->characters_most == 0 && p->words == 0)
        return fail(err, MEDLEY_E_CONFIG, "words and characters_most are both 0: a text has no features then");
    TRY(mem_alloc_zero(rt, 1, sizeof **out, out, err));
    (*out)->rt = (*out)->identity.rt = (*out)->preparation.rt = rt;
    (*out)->p = p;
    const medley_status status = describe(*out, err);
    if (status != MEDLEY_OK) {
        close(*out);
        *out = NULL;
    }
    return status;
}

static const char *identity(const encoder *e)
{
    return e->identity.bytes;
}

static const char *preparation(const encoder *e)
{
    return e->preparation.bytes;
}

static int64_t length(const encoder *e)
{
    return e->p->dimensions;
}

const encoder_class encoder_tfidf = {
    .name = "tfidf",
    .title = "TF-IDF and singular vectors",
    .summary = "texts by their words and parts of words; needs no model file",
    .modality = MODALITY_TEXT,
    .paper = "Deerwester et al., Indexing by latent semantic analysis, JASIS 1990",
    .params = params,
    .params_size = sizeof(tfidf_params),
    .open = open,
    .close = close,
    .identity = identity,
    .preparation = preparation,
    .prepare = prepare,
    .length = length,
    .fit = fit,
};
