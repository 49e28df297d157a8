#include "testing.h"

#include <math.h>

#include "encode/encoder.h"

extern const encoder_class encoder_tfidf;

enum { TEXTS_MOST = 400 };

typedef struct opened {
    max_align_t params[64];
    encoder *e;
} opened;

/* Settings "name=value", ended with NULL, over the defaults. */
static medley_status open_with(const medley_runtime *rt, const char *const *settings, opened *out,
                               medley_error *err)
{
    assert_true(encoder_tfidf.params_size <= sizeof out->params);
    out->e = NULL;
    medley_params_reset(encoder_tfidf.params, out->params);
    for (; *settings != NULL; settings++) {
        char name[40];
        const size_t length = strcspn(*settings, "=");
        snprintf(name, sizeof name, "%.*s", (int)length, *settings);
        TRY(medley_param_set(medley_param_find(encoder_tfidf.params, name), out->params, *settings + length + 1,
                             err));
    }
    return encoder_tfidf.open(rt, out->params, &out->e, err);
}

/* Rows [count, *length] of texts, of which NULL is none. */
static medley_status fit_texts(const medley_runtime *rt, const char *const *settings, const char *const *texts,
                               int64_t count, float **rows, int64_t *length, medley_error *err)
{
    opened o;
    sample samples[TEXTS_MOST] = {{0}};
    *rows = NULL;
    medley_status status = open_with(rt, settings, &o, err);
    for (int64_t i = 0; i < count && status == MEDLEY_OK; i++)
        if (texts[i] != NULL)
            status = encoder_tfidf.prepare(o.e, texts[i], strlen(texts[i]), &samples[i], err);
    if (status == MEDLEY_OK)
        status = encoder_tfidf.fit(o.e, samples, count, rows, length, err);
    for (int64_t i = 0; i < count; i++)
        sample_release(&samples[i]);
    encoder_tfidf.close(o.e);
    return status;
}

static double dot(const float *rows, int64_t length, int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t d = 0; d < length; d++)
        sum += (double)rows[i * length + d] * (double)rows[j * length + d];
    return sum;
}

static const char *const words_alone[] = {"words=1",     "characters_most=0", "min_items=1",
                                          "max_share=1", "power=1",           NULL};
static const char *const three[] = {"cat dog", "Cat!", "dog, dog; bird"};

/* With all dimensions U S (U S)ᵀ = W Wᵀ: products of rows are those of the weights.
 * n = 3; cat and dog are in 2 texts, idf = ln(4/3) + 1 = 1.28768; bird in one, ln(4/2) + 1 = 1.69315. */
static void test_tfidf_weights_are_those_worked_by_hand(void **state)
{
    static const char *const plain[] = {"words=1",         "characters_most=0", "min_items=1", "max_share=1",
                                        "sublinear=false", "power=1",           NULL};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    float *rows;
    int64_t length;
    (void)state;
    assert_ok(fit_texts(rt, words_alone, three, 3, &rows, &length, err));
    assert_int_equal(length, 3);
    for (int i = 0; i < 3; i++)
        assert_true(fabs(dot(rows, length, i, i) - 1) < 1e-5);
    assert_true(fabs(dot(rows, length, 0, 1) - 0.707107) < 1e-5);
    /* dog twice: (1 + ln 2) 1.28768 = 2.18024, bird 1.69315: 2.18024 / (2.76047 √2) */
    assert_true(fabs(dot(rows, length, 0, 2) - 0.558477) < 1e-5);
    assert_true(fabs(dot(rows, length, 1, 2)) < 1e-5);
    mem_free(rows);
    assert_ok(fit_texts(rt, plain, three, 3, &rows, &length, err));
    /* 2 · 1.28768 = 2.57536: 2.57536 / (3.08206 √2) */
    assert_true(fabs(dot(rows, length, 0, 2) - 0.590858) < 1e-5);
    mem_free(rows);
    test_runtime_end(rt, &memory);
}

/* idf of dog ln(1 + 1.5/2.5) = 0.470004, of bird ln(1 + 2.5/1.5) = 0.980829; the third text has 3 words, the mean is 2:
 * dog 0.470004 · 2 · 2.2 / (2 + 1.2 · 1.375) = 0.566580, bird 0.980829 · 2.2 / (1 + 1.2 · 1.375) = 0.814273. */
static void test_bm25_weights_are_those_worked_by_hand(void **state)
{
    static const char *const bm25[] = {"words=1",        "characters_most=0", "min_items=1", "max_share=1",
                                       "weighting=bm25", "power=1",           NULL};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    float *rows;
    int64_t length;
    (void)state;
    assert_ok(fit_texts(rt, bm25, three, 3, &rows, &length, err));
    assert_true(fabs(dot(rows, length, 0, 2) - 0.566580 / (0.991995 * 1.414214)) < 1e-5);
    assert_true(fabs(dot(rows, length, 0, 1) - 0.707107) < 1e-5);
    mem_free(rows);
    test_runtime_end(rt, &memory);
}

typedef struct counted {
    int64_t features, total;
    char bytes[4096];
    size_t length;
} counted;

static counted count_of(const char *const *settings, const char *of)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    opened o;
    sample s;
    counted out = {0};
    assert_ok(open_with(rt, settings, &o, err));
    assert_ok(encoder_tfidf.prepare(o.e, of, strlen(of), &s, err));
    assert_true(s.bytes % 8 == 0 && s.bytes <= sizeof out.bytes && s.size == (int64_t)s.bytes / 8);
    const uint32_t *pairs = s.data;
    for (int64_t i = 0; i < s.size; i++) {
        assert_true(i == 0 || pairs[2 * i] > pairs[2 * i - 2]);
        out.total += pairs[2 * i + 1];
    }
    out.features = s.size;
    out.length = s.bytes;
    memcpy(out.bytes, s.data, s.bytes);
    sample_release(&s);
    encoder_tfidf.close(o.e);
    test_runtime_end(rt, &memory);
    return out;
}

static bool same(counted a, counted b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static void test_features_are_runs_of_words_and_of_characters_within_them(void **state)
{
    static const char *const one[] = {"words=1", "characters_most=0", NULL};
    static const char *const two[] = {"words=2", "characters_most=0", NULL};
    static const char *const four[] = {"words=4", "characters_most=0", NULL};
    static const char *const parts[] = {"words=0", "characters_least=3", "characters_most=3", NULL};
    static const char *const all[] = {NULL};
    (void)state;
    counted c = count_of(one, "aa b aa");
    assert_true(c.features == 2 && c.total == 3);
    c = count_of(two, "aa b aa"); /* aa b, b aa */
    assert_true(c.features == 4 && c.total == 5);
    c = count_of(four, "a b c d e"); /* 5 + 4 + 3 + 2 */
    assert_true(c.features == 14 && c.total == 14);
    assert_true(same(count_of(one, "a b"), count_of(one, "b a")));
    assert_false(same(count_of(two, "a b"), count_of(two, "b a")));
    assert_true(same(count_of(all, "The CAT"), count_of(all, "  the... cat!!")));
    c = count_of(parts, "cat"); /* " ca", "cat", "at " */
    assert_true(c.features == 3 && c.total == 3);
    c = count_of(parts, "été");
    assert_true(c.features == 3 && c.total == 3);
    c = count_of(parts, "a"); /* " a " */
    assert_true(c.features == 1 && c.total == 1);
    c = count_of(parts, "cat hat"); /* "at " is shared, words are not run together */
    assert_true(c.features == 5 && c.total == 6);
    c = count_of(all, "cat"); /* cat; 3 of three, 2 of four, 1 of five */
    assert_true(c.features == 7 && c.total == 7);
}

static void test_texts_and_settings_without_features_are_refused(void **state)
{
    static const char *const none[] = {"words=0", "characters_most=0", NULL};
    static const char *const crossed[] = {"characters_least=4", "characters_most=3", NULL};
    static const char *const usual[] = {NULL};
    static const char *const empty[] = {"", " ", "... -- !", "\xff\xfe"};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    opened o;
    (void)state;
    assert_fails(open_with(rt, none, &o, err), MEDLEY_E_CONFIG,
                 "words and characters_most are both 0: a text has no features then");
    assert_fails(open_with(rt, crossed, &o, err), MEDLEY_E_CONFIG,
                 "characters_most: 3 is under characters_least, 4");
    assert_ok(open_with(rt, usual, &o, err));
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        sample s;
        assert_fails(encoder_tfidf.prepare(o.e, empty[i], strlen(empty[i]), &s, err), MEDLEY_E_FORMAT,
                     "the text has no letter and no digit");
        assert_null(s.data);
    }
    const uint32_t outside[] = {1 << 18, 1};
    const sample foreign = {(void *)(uintptr_t)outside, sizeof outside, 1};
    float *rows;
    int64_t length;
    assert_fails(encoder_tfidf.fit(o.e, &foreign, 1, &rows, &length, err), MEDLEY_E_FORMAT,
                 "tfidf: a sample has column 262144 of 262144");
    encoder_tfidf.close(o.e);
    test_runtime_end(rt, &memory);
}

static void test_vectors_are_as_long_as_there_is_something_to_say(void **state)
{
    static const char *const usual[] = {NULL};
    static const char *const texts[] = {"the cat sat", NULL, "the cat ran", "a dog sat"}, *const none[] = {NULL,
                                                                                                           NULL};
    static const char *const twins[] = {"same words", "same words", "same words"};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    float *rows;
    int64_t length;
    (void)state;
    assert_ok(fit_texts(rt, usual, texts, 1, &rows, &length, err));
    assert_int_equal(length, 1); /* one text */
    assert_true(fabsf(rows[0] - 1) < 1e-6F);
    mem_free(rows);
    assert_ok(fit_texts(rt, words_alone, texts, 4, &rows, &length, err));
    assert_int_equal(length, 3);
    assert_true(dot(rows, length, 0, 2) > dot(rows, length, 0, 3));
    mem_free(rows);
    static const char *const everywhere[] = {"max_share=1", NULL};
    assert_ok(fit_texts(rt, everywhere, twins, 3, &rows, &length, err));
    assert_int_equal(length, 1);
    mem_free(rows);
    assert_ok(fit_texts(rt, usual, none, 2, &rows, &length, err));
    assert_int_equal(length, 0);
    mem_free(rows);
    test_runtime_end(rt, &memory);
}

static void test_settings_are_told_apart_by_what_they_change(void **state)
{
    static const char *const usual[] = {NULL}, *const shorter[] = {"dimensions=7", NULL},
                             *const fewer[] = {"columns=64", NULL};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    opened a, b, c;
    (void)state;
    assert_ok(open_with(rt, usual, &a, err));
    assert_ok(open_with(rt, shorter, &b, err));
    assert_ok(open_with(rt, fewer, &c, err));
    assert_string_equal(encoder_tfidf.preparation(a.e), encoder_tfidf.preparation(b.e));
    assert_string_not_equal(encoder_tfidf.preparation(a.e), encoder_tfidf.preparation(c.e));
    assert_string_not_equal(encoder_tfidf.identity(a.e), encoder_tfidf.identity(b.e));
    assert_int_equal(encoder_tfidf.length(b.e), 7);
    encoder_tfidf.close(a.e);
    encoder_tfidf.close(b.e);
    encoder_tfidf.close(c.e);
    test_runtime_end(rt, &memory);
}

/* Texts of words drawn from one of three topics: neighbours must be of the own topic, for any number of threads. */
static void test_texts_of_a_topic_lie_together_with_the_same_bits_for_any_number_of_threads(void **state)
{
    enum { TEXTS = 300, TOPICS = 3 };
    static const char *const few[] = {"dimensions=10", NULL};
    static char bytes[TEXTS][200];
    const char *texts[TEXTS];
    float *rows[3];
    int64_t length = 0;
    (void)state;
    for (int i = 0; i < TEXTS; i++) {
        texts[i] = bytes[i];
        for (int w = 0; w < 12; w++) {
            const uint64_t draw = random_bits(1, (uint64_t)i, (uint64_t)w) % 40;
            snprintf(bytes[i] + strlen(bytes[i]), sizeof bytes[i] - strlen(bytes[i]), "w%c%c%c ",
                     (char)('a' + i % TOPICS), (char)('a' + draw % 7), (char)('a' + draw / 7));
        }
    }
    for (int t = 0; t < 3; t++) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, 1 << t);
        float *own;
        assert_ok(fit_texts(rt, few, texts, TEXTS, &own, &length, err));
        assert_int_equal(length, 10);
        rows[t] = test_malloc((size_t)(TEXTS * length) * sizeof *own);
        memcpy(rows[t], own, (size_t)(TEXTS * length) * sizeof *own);
        mem_free(own);
        assert_memory_equal(rows[t], rows[0], (size_t)(TEXTS * length) * sizeof *own);
        test_runtime_end(rt, &memory);
    }
    for (int i = 0; i < TEXTS; i++) {
        int nearest = -1;
        double best = -2;
        for (int j = 0; j < TEXTS; j++) {
            const double cosine =
                dot(rows[0], length, i, j) / sqrt(dot(rows[0], length, i, i) * dot(rows[0], length, j, j));
            if (j != i && cosine > best) {
                best = cosine;
                nearest = j;
            }
        }
        assert_int_equal(nearest % TOPICS, i % TOPICS);
    }
    for (int t = 0; t < 3; t++)
        test_free(rows[t]);
}

static void test_memory_that_runs_out_is_told(void **state)
{
    static const char *const few[] = {"columns=64", "iterations=0", NULL};
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    float *rows;
    int64_t length;
    (void)state;
    BRUTAL(rt, &memory, fit_texts(rt, few, three, 3, &rows, &length, err), mem_free(rows));
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tfidf_weights_are_those_worked_by_hand),
        cmocka_unit_test(test_bm25_weights_are_those_worked_by_hand),
        cmocka_unit_test(test_features_are_runs_of_words_and_of_characters_within_them),
        cmocka_unit_test(test_texts_and_settings_without_features_are_refused),
        cmocka_unit_test(test_vectors_are_as_long_as_there_is_something_to_say),
        cmocka_unit_test(test_settings_are_told_apart_by_what_they_change),
        cmocka_unit_test(test_texts_of_a_topic_lie_together_with_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(test_memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
