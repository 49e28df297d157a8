/* Token ids against those that tools/parity/tokenizers.py recorded from the library that encoders were trained with. A few
 * hundred hostile texts for each kind of tokenizer are kept here; $MEDLEY_TOKENIZER_RECORDINGS names a folder with more. */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode/tokenizer.h"
#include "io/file.h"
#include "io/stream.h"

/* A recorded text: four numbers, the bytes, the ids. */
typedef struct record {
    uint32_t length, most, special, count;
    const char *bytes;
    const char *ids; /* count little-endian integers */
} record;

static char *read_stream(medley_runtime *rt, const char *path, size_t *length)
{
    stream *s = NULL;
    size_t got = 0, room = 1 << 20;
    char *bytes = test_malloc(room);
    *length = 0;
    assert_ok(stream_open(rt, path, &s, err));
    do {
        if (*length + (1 << 16) > room)
            bytes = test_realloc(bytes, room *= 2);
        assert_ok(stream_read(s, bytes + *length, room - *length, &got, err));
        *length += got;
    } while (got > 0);
    stream_close(s);
    return bytes;
}

static uint32_t number_at(const char *bytes)
{
    const unsigned char *u = (const unsigned char *)bytes;
    return u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static size_t read_record(const char *bytes, size_t length, record *r)
{
    assert_true(length >= 16);
    *r = (record){number_at(bytes),      number_at(bytes + 4), number_at(bytes + 8),
                  number_at(bytes + 12), bytes + 16,           NULL};
    r->ids = r->bytes + r->length;
    assert_true(length - 16 >= r->length + 4 * (size_t)r->count);
    return 16 + r->length + 4 * (size_t)r->count;
}

static bool is_equal(const token_list *tokens, const record *r)
{
    bool equal = tokens->count == r->count;
    for (int64_t i = 0; i < tokens->count && equal; i++)
        equal = (uint32_t)tokens->id[i] == number_at(r->ids + 4 * i);
    return equal;
}

static void print_difference(const char *name, int64_t number, const token_list *tokens, const record *r)
{
    fprintf(stderr, "%s: text %lld, most %u, special %u: ", name, (long long)number, r->most, r->special);
    for (uint32_t i = 0; i < r->length && i < 200; i++)
        fprintf(stderr, r->bytes[i] >= ' ' && r->bytes[i] <= '~' ? "%c" : "\\x%02x", (unsigned char)r->bytes[i]);
    fprintf(stderr, "\n    got      ");
    for (int64_t i = 0; i < tokens->count && i < 40; i++)
        fprintf(stderr, " %d", (int)tokens->id[i]);
    fprintf(stderr, "\n    expected ");
    for (uint32_t i = 0; i < r->count && i < 40; i++)
        fprintf(stderr, " %u", number_at(r->ids + 4 * (size_t)i));
    fprintf(stderr, "\n");
}

/* Every recording of a folder; two texts in a row on one list, so that nothing stays of the first. */
static int64_t compare(medley_runtime *rt, const char *name, const char *tokenizer_path, const char *recording)
{
    enum { SHOWN = 20 };
    tokenizer *t = NULL;
    token_list tokens = {0};
    size_t length;
    int64_t texts = 0, different = 0;
    char *const bytes = read_stream(rt, recording, &length);
    assert_ok(tokenizer_open(rt, tokenizer_path, &t, err));
    for (size_t at = 0; at < length; texts++) {
        record r;
        at += read_record(bytes + at, length - at, &r);
        assert_ok(tokenizer_encode(rt, t, r.bytes, r.length, r.most, r.special != 0, &tokens, err));
        if (!is_equal(&tokens, &r) && different++ < SHOWN)
            print_difference(name, texts, &tokens, &r);
    }
    fprintf(stderr, "%s: %lld of %lld texts have the recorded ids\n", name, (long long)(texts - different),
            (long long)texts);
    assert_true(texts > 0);
    token_list_release(&tokens);
    tokenizer_close(t);
    test_free(bytes);
    return different;
}

static void test_every_text_has_the_ids_that_were_recorded(void **state)
{
    (void)state;
    const char *folder = getenv("MEDLEY_TOKENIZER_RECORDINGS");
    char **names = NULL;
    int64_t count = 0, different = 0;
    test_memory memory;
    medley_runtime *rt = test_runtime(&memory, 1);
    if (folder == NULL)
        folder = MEDLEY_SOURCE_DIR "/tests/parity/tokenizers";
    assert_ok(file_list(rt, folder, &names, &count, err));
    assert_true(count > 0);
    for (int64_t i = 0; i < count; i++) {
        /* <name>/records.gz, and either the tokenizer's files beside it or `shared`, a file's name. */
        char own[1024], recording[1100], named[1100];
        snprintf(own, sizeof own, "%s/%s", folder, names[i]);
        snprintf(recording, sizeof recording, "%s/records.gz", own);
        snprintf(named, sizeof named, "%s/shared", own);
        const char *path = own;
        if (file_exists(named)) {
            const char *const data = test_data("tokenizers");
            char *const name = test_read(named, NULL);
            if (data != NULL)
                snprintf(own, sizeof own, "%s/%.*s", data, (int)strcspn(name, "\n"), name);
            path = data != NULL ? own : NULL;
            test_read_end(name);
        }
        if (path != NULL)
            different += compare(rt, names[i], path, recording);
    }
    assert_int_equal(different, 0);
    file_names_free(names, count);
    test_runtime_end(rt, &memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_text_has_the_ids_that_were_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
