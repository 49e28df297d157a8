#include "testing.h"

#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "encode/extraction.h"
#include "io/file.h"

enum { LENGTH = 3, ITEMS = 700, TOKENS_A_BATCH = 256 };

/* An encoder whose vectors are worked out from a text's letters, that counts what it is asked for, and knows words of ill. */
struct encoder {
    const medley_runtime *rt;
    const char *identity;
    _Atomic int64_t prepared, encoded, batches;
    int64_t kill_at; /* dies when so many were encoded; 0: never */
};

static const char *identity(const encoder *e)
{
    return e->identity;
}

static const char *preparation(const encoder *e)
{
    (void)e;
    return "letters";
}

static int64_t length(const encoder *e)
{
    (void)e;
    return LENGTH;
}

static int64_t batch_size(const encoder *e)
{
    (void)e;
    return TOKENS_A_BATCH;
}

static medley_status prepare(encoder *e, const void *bytes, size_t size, sample *out, medley_error *err)
{
    e->prepared++;
    *out = (sample){0};
    if (size >= 3 && memcmp(bytes, "bad", 3) == 0)
        return fail(err, MEDLEY_E_FORMAT, "'%.*s' is bad", (int)size, (const char *)bytes);
    if (size >= 3 && memcmp(bytes, "odd", 3) == 0)
        return fail(err, MEDLEY_E_STALE, "odd: the job is over");
    TRY(mem_alloc(e->rt, (int64_t)size, 1, &out->data, err));
    memcpy(out->data, bytes, size);
    *out = (sample){out->data, size, (int64_t)size};
    return MEDLEY_OK;
}

static void vector_of(const char *bytes, size_t size, float out[LENGTH])
{
    uint64_t hash = 1;
    for (size_t i = 0; i < size; i++)
        hash = mix64(hash ^ (unsigned char)bytes[i]);
    for (int d = 0; d < LENGTH; d++)
        out[d] = (float)random_uniform(hash, 0, (uint64_t)d);
}

static medley_status encode(encoder *e, const sample *const *samples, int64_t count, float *out, medley_error *err)
{
    (void)err;
    int64_t largest = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = samples[i]->size > largest ? samples[i]->size : largest;
        vector_of(samples[i]->data, samples[i]->bytes, out + i * LENGTH);
    }
    assert_true(count == 1 || count * largest <= TOKENS_A_BATCH);
    e->batches++;
    if (atomic_fetch_add(&e->encoded, count) + count >= e->kill_at && e->kill_at > 0)
        kill(getpid(), SIGKILL);
    return MEDLEY_OK;
}

static const encoder_class plain = {
    .name = "letters",
    .modality = MODALITY_TEXT,
    .identity = identity,
    .preparation = preparation,
    .prepare = prepare,
    .length = length,
    .batch_size = batch_size,
    .encode = encode,
};

/* Instead of encode: a row is its vector and the number of items that have a sample. */
static medley_status fit(encoder *e, const sample *samples, int64_t items, float **out, int64_t *columns,
                         medley_error *err)
{
    float with = 0;
    *columns = LENGTH + 1;
    for (int64_t i = 0; i < items; i++)
        with += samples[i].bytes > 0;
    TRY(mem_alloc_zero(e->rt, items * *columns, sizeof **out, out, err));
    for (int64_t i = 0; i < items; i++)
        if (samples[i].bytes > 0) {
            vector_of(samples[i].data, samples[i].bytes, *out + i * *columns);
            (*out)[i * *columns + LENGTH] = with;
        }
    return MEDLEY_OK;
}

static const encoder_class fitted = {
    .name = "fitted",
    .modality = MODALITY_TEXT,
    .identity = identity,
    .preparation = preparation,
    .prepare = prepare,
    .length = length,
    .fit = fit,
};

/* Texts of different lengths; each is that of two items, some items have none, one an empty one, two are bad alike. */
static const char *content[ITEMS];
static char texts[ITEMS][64];
enum { WITHOUT = 71, REFUSED = 2, ENCODED = ITEMS - WITHOUT - REFUSED };
static int64_t distinct; /* texts, the bad one included */

static int make_texts(void **state)
{
    (void)state;
    for (int64_t i = 0; i < ITEMS; i++) {
        const int64_t of = i % (ITEMS / 2);
        snprintf(texts[i], sizeof texts[i], "%.*s %lld", (int)(mix64((uint64_t)of) % 40),
                 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz", (long long)of);
        content[i] = i % 10 == 9 ? NULL : texts[i];
    }
    texts[20][0] = '\0';
    snprintf(texts[5], sizeof texts[5], "bad thing");
    snprintf(texts[7], sizeof texts[7], "bad thing");
    for (int64_t i = 0; i < ITEMS; i++) {
        bool seen = content[i] == NULL || content[i][0] == '\0';
        for (int64_t k = 0; k < i && !seen; k++)
            seen = content[k] != NULL && strcmp(content[k], content[i]) == 0;
        distinct += !seen;
    }
    return 0;
}

static const extraction_source all = {.items = ITEMS, .content = content, .folder = "."};

static medley_status extract(const medley_runtime *rt, const encoder_class *class, encoder *e, const char *path,
                             sample_cache *cache, extraction *out, medley_error *err)
{
    return extraction_run(rt, class, e, &all, path, cache, out, err);
}

static void check_rows(const extraction *x)
{
    assert_int_equal(x->without, WITHOUT);
    assert_int_equal(x->refused, REFUSED);
    for (int64_t i = 0; i < ITEMS; i++) {
        float row[LENGTH + 1], want[LENGTH];
        assert_ok(extraction_row(x, i, row, err));
        const bool encoded = x->outcome[i] == ITEM_ENCODED;
        assert_true(encoded == (content[i] != NULL && content[i][0] != '\0' && content[i][0] != 'b'));
        if (encoded)
            vector_of(content[i], strlen(content[i]), want);
        for (int d = 0; d < x->length; d++)
            if (!encoded)
                assert_true(isnan(row[d]));
            else
                assert_true(row[d] == (d < LENGTH ? want[d] : (float)ENCODED));
    }
}

static void test_each_content_is_encoded_once_and_what_cannot_be_is_told(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    char *folder = test_folder();
    encoder e = {.rt = rt, .identity = "one"};
    extraction x;
    (void)state;
    assert_ok(extract(rt, &plain, &e, test_path(folder, "log"), NULL, &x, err));
    check_rows(&x);
    assert_int_equal(x.distinct, distinct);
    assert_int_equal(x.found, 0);
    assert_int_equal(x.encoded, distinct - 1); /* the bad one */
    assert_int_equal(e.encoded, distinct - 1);
    assert_int_equal(e.prepared, distinct);
    assert_true(e.batches < distinct / 4);
    assert_string_equal(x.reason[5], "'bad thing' is bad");
    assert_string_equal(x.reason[7], "'bad thing' is bad");
    assert_null(x.reason[6]);
    assert_null(x.reason[9]);
    extraction_release(&x);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_what_was_encoded_before_is_not_again_unless_the_encoder_is_another(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    const extraction_source half = {.items = ITEMS / 4, .content = content, .folder = "."};
    encoder e = {.rt = rt, .identity = "one"};
    extraction x;
    (void)state;
    assert_ok(extraction_run(rt, &plain, &e, &half, path, NULL, &x, err));
    const int64_t before = x.encoded;
    assert_true(before > 0 && before < distinct / 2 + 1);
    extraction_release(&x);
    assert_ok(extract(rt, &plain, &e, path, NULL, &x, err)); /* items were added */
    check_rows(&x);
    assert_int_equal(x.found, before);
    assert_int_equal(x.encoded, distinct - 1 - before);
    assert_int_equal(e.encoded, distinct - 1);
    extraction_release(&x);
    e.identity = "two";
    assert_ok(extract(rt, &plain, &e, path, NULL, &x, err));
    check_rows(&x);
    assert_int_equal(x.found, 0);
    assert_int_equal(x.encoded, distinct - 1);
    extraction_release(&x);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static bool stop_half_way(void *context, const char *phase, int64_t done, int64_t total)
{
    (void)phase;
    return done <= total / 2 || !*(bool *)context;
}

static void test_a_job_that_is_stopped_goes_on_where_it_was(void **state)
{
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        char *folder = test_folder();
        const char *path = test_path(folder, "log");
        encoder e = {.rt = rt, .identity = "one"};
        bool stop = true;
        extraction x;
        (void)state;
        rt->progress = stop_half_way;
        rt->progress_context = &stop;
        assert_fails(extract(rt, &plain, &e, path, NULL, &x, err), MEDLEY_E_STOPPED, "");
        extraction_release(&x);
        stop = false;
        const int64_t before = e.encoded;
        assert_ok(extract(rt, &plain, &e, path, NULL, &x, err));
        check_rows(&x);
        assert_true(x.found > 0 && x.found == before);
        assert_int_equal(e.encoded, distinct - 1);
        extraction_release(&x);
        test_folder_end(folder);
        test_runtime_end(rt, &memory);
    }
}

static void test_a_process_that_is_killed_loses_at_most_the_chunks_at_hand(void **state)
{
    test_memory memory;
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        test_memory own;
        medley_runtime *rt = test_runtime(&own, 1);
        encoder e = {.rt = rt, .identity = "one", .kill_at = distinct - 10};
        extraction x;
        medley_error err;
        _exit(extract(rt, &plain, &e, path, NULL, &x, &err) == MEDLEY_OK ? 0 : 1);
    }
    int end;
    assert_int_equal(waitpid(child, &end, 0), child);
    assert_true(WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL);
    medley_runtime *rt = test_runtime(&memory, 2);
    encoder e = {.rt = rt, .identity = "one"};
    extraction x;
    assert_ok(extract(rt, &plain, &e, path, NULL, &x, err));
    check_rows(&x);
    assert_true(x.found > 0);
    assert_int_equal(x.found + e.encoded, distinct - 1);
    extraction_release(&x);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_encoders_that_fit_see_all_items_and_prepare_each_content_once(void **state)
{
    for (int threads = 1; threads <= 4; threads *= 2) {
        test_memory memory;
        medley_runtime *rt = test_runtime(&memory, threads);
        char *folder = test_folder();
        const char *path = test_path(folder, "log");
        encoder e = {.rt = rt, .identity = "one"};
        extraction x;
        (void)state;
        assert_ok(extract(rt, &fitted, &e, path, NULL, &x, err));
        assert_int_equal(x.length, LENGTH + 1);
        check_rows(&x);
        extraction_release(&x);
        e.identity = "two"; /* prepared alike: only the fit is done again, and what is bad tried again */
        assert_ok(extract(rt, &fitted, &e, path, NULL, &x, err));
        check_rows(&x);
        assert_int_equal(x.found, distinct - 1);
        assert_int_equal(e.prepared, distinct + 1);
        extraction_release(&x);
        test_folder_end(folder);
        test_runtime_end(rt, &memory);
    }
}

static void test_samples_come_from_the_cache_where_it_has_them(void **state)
{
    static const cache_strategy strategies[] = {CACHE_MEMORY, CACHE_DISK, CACHE_HYBRID};
    (void)state;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        for (int first = 0; first < 2; first++) {
            test_memory memory;
            medley_runtime *rt = test_runtime(&memory, 2);
            char *folder = test_folder();
            encoder e = {.rt = rt, .identity = "one"};
            extraction_source source = all;
            extraction x;
            sample_cache *cache;
            source.prepare_first = first;
            assert_ok(sample_cache_open(rt, strategies[i], folder, "letters", 1 << 20, 1 << 20, &cache, err));
            for (int run = 0; run < 2; run++) {
                e.identity = run == 0 ? "one" : "two";
                assert_ok(extraction_run(rt, &plain, &e, &source, test_path(folder, "log"), cache, &x, err));
                check_rows(&x);
                assert_int_equal(x.encoded, distinct - 1);
                extraction_release(&x);
            }
            /* once each, and the bad one every time it is met */
            assert_int_equal(e.prepared, distinct - 1 + (first ? 4 : 2));
            sample_cache_close(cache);
            test_folder_end(folder);
            test_runtime_end(rt, &memory);
        }
}

static void test_a_failure_that_is_no_items_own_ends_the_job(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    char *folder = test_folder();
    const char *path = test_path(folder, "log"), *const odd[] = {"fine", "odd one"};
    const extraction_source source = {.items = 2, .content = odd, .folder = "."};
    encoder e = {.rt = rt, .identity = "one"};
    extraction x, second;
    (void)state;
    assert_fails(extraction_run(rt, &plain, &e, &source, path, NULL, &x, err), MEDLEY_E_STALE,
                 "odd: the job is over");
    extraction_release(&x);
    assert_ok(extract(rt, &plain, &e, path, NULL, &x, err)); /* holds the file until it is released */
    assert_fails(extract(rt, &plain, &e, path, NULL, &second, err), MEDLEY_E_EXISTS, "");
    extraction_release(&second);
    extraction_release(&x);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static void test_pictures_are_files_and_those_that_are_not_there_are_refused(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    char *folder = test_folder();
    const char *const paths[] = {"a.jpg", "missing.jpg", test_path(folder, "b.jpg"), "empty.jpg", ".", NULL};
    const extraction_source source = {.items = 6, .content = paths, .folder = folder};
    encoder_class pictures = plain;
    encoder e = {.rt = rt, .identity = "one"};
    extraction x;
    float row[LENGTH], want[LENGTH];
    (void)state;
    pictures.modality = MODALITY_IMAGE;
    test_write_text(test_path(folder, "a.jpg"), "alpha");
    test_write_text(test_path(folder, "b.jpg"), "alpha");
    test_write_text(test_path(folder, "empty.jpg"), "");
    assert_ok(extraction_run(rt, &pictures, &e, &source, test_path(folder, "log"), NULL, &x, err));
    assert_int_equal(x.encoded, 2); /* a and b are one content, the empty file another */
    assert_int_equal(x.without, 1);
    assert_int_equal(x.refused, 2);
    assert_true(x.outcome[1] == ITEM_REFUSED && strstr(x.reason[1], "missing.jpg") != NULL);
    assert_int_equal(x.outcome[4], ITEM_REFUSED);
    vector_of("alpha", 5, want);
    assert_ok(extraction_row(&x, 2, row, err));
    assert_memory_equal(row, want, sizeof row);
    extraction_release(&x);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

static medley_status extract_anew(const medley_runtime *rt, const encoder_class *class, const char *path,
                                  medley_error *err)
{
    const extraction_source few = {.items = 10, .content = content, .folder = "."};
    encoder e = {.rt = rt, .identity = "one"};
    extraction x;
    remove(path);
    const medley_status status = extraction_run(rt, class, &e, &few, path, NULL, &x, err);
    extraction_release(&x);
    return status;
}

static void test_memory_that_runs_out_and_a_full_disk_are_told(void **state)
{
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 2);
    char *folder = test_folder();
    const char *path = test_path(folder, "log");
    (void)state;
    BRUTAL(rt, &memory, extract_anew(rt, &plain, path, err), (void)0);
    BRUTAL(rt, &memory, extract_anew(rt, &fitted, path, err), (void)0);
    int64_t failed = 0;
    for (int64_t change = 1; change < 10; change++) { /* what only closing would flush may stay unflushed */
        struct file_faults faults = {change};
        medley_error err = {MEDLEY_OK, ""};
        rt->faults = &faults;
        const medley_status status = extract_anew(rt, &plain, path, &err);
        rt->faults = NULL;
        assert_true(status == MEDLEY_OK || status == MEDLEY_E_IO);
        failed += status != MEDLEY_OK;
    }
    assert_true(failed > 2);
    encoder e = {.rt = rt, .identity = "one"};
    extraction x;
    assert_ok(extract(rt, &plain, &e, path, NULL, &x, err));
    check_rows(&x);
    extraction_release(&x);
    test_folder_end(folder);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_content_is_encoded_once_and_what_cannot_be_is_told),
        cmocka_unit_test(test_what_was_encoded_before_is_not_again_unless_the_encoder_is_another),
        cmocka_unit_test(test_a_job_that_is_stopped_goes_on_where_it_was),
        cmocka_unit_test(test_a_process_that_is_killed_loses_at_most_the_chunks_at_hand),
        cmocka_unit_test(test_encoders_that_fit_see_all_items_and_prepare_each_content_once),
        cmocka_unit_test(test_samples_come_from_the_cache_where_it_has_them),
        cmocka_unit_test(test_a_failure_that_is_no_items_own_ends_the_job),
        cmocka_unit_test(test_pictures_are_files_and_those_that_are_not_there_are_refused),
        cmocka_unit_test(test_memory_that_runs_out_and_a_full_disk_are_told),
    };
    return cmocka_run_group_tests(tests, make_texts, NULL);
}
