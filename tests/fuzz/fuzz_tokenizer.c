/* Any bytes as a tokenizer's file and a text: ids of its vocabulary, the same each time, and cut short the same but for the
 * end; or one line that says what is wrong. The first byte says which kind of file; the text follows an empty line. */
#include "fuzz.h"

#include <string.h>

#include "encode/tokenizer_inside.h"

static medley_status (*const readers[])(reading *r, medley_error *err) = {
    tokenizer_read_json, tokenizer_read_vocab, tokenizer_read_clip, tokenizer_read_sentencepiece};
enum { READERS = sizeof readers / sizeof *readers };

/* As tokenizer_open, without a name that says what it is. */
static medley_status read_any(medley_runtime *rt, int kind, const char *path, tokenizer *t, medley_error *err)
{
    reading r = {.rt = rt, .path = path, .t = t};
    *t =
        (tokenizer){.rt = rt, .memory.rt = rt, .vocabulary.rt = rt, .added_raw.rt = rt, .added_normalized.rt = rt};
    FUZZ_CHECK(fingerprint_create(rt, &r.content, NULL) == MEDLEY_OK);
    medley_status status = readers[kind](&r, err);
    byte_tokens_find(t);
    if (status == MEDLEY_OK)
        status = added_tokens_finish(&r, err);
    fingerprint_free(r.content);
    return status;
}

static void encode_and_check(medley_runtime *rt, const tokenizer *t, const char *bytes, size_t length)
{
    token_list all = {0}, again = {0}, few = {0};
    medley_error err = {MEDLEY_OK, ""};
    FUZZ_CHECK(tokenizer_encode(rt, t, bytes, length, 0, false, &all, &err) == MEDLEY_OK);
    for (int64_t i = 0; i < all.count; i++)
        FUZZ_CHECK(all.id[i] >= 0 && all.id[i] < tokenizer_vocabulary(t));
    for (int run = 0; run < 2; run++) { /* without and with words that are remembered */
        FUZZ_CHECK(tokenizer_encode(rt, t, bytes, length, 0, false, &again, &err) == MEDLEY_OK);
        FUZZ_CHECK(again.count == all.count &&
                   (all.count == 0 || memcmp(again.id, all.id, (size_t)all.count * sizeof *all.id) == 0));
    }
    FUZZ_CHECK(tokenizer_encode(rt, t, bytes, length, 3, false, &few, &err) == MEDLEY_OK);
    FUZZ_CHECK(few.count == (all.count < 3 ? all.count : 3) &&
               (few.count == 0 || memcmp(few.id, all.id, (size_t)few.count * sizeof *few.id) == 0));
    FUZZ_CHECK(tokenizer_encode(rt, t, bytes, length, 4, true, &few, &err) == MEDLEY_OK && few.count <= 4);
    token_list_release(&all);
    token_list_release(&again);
    token_list_release(&few);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    medley_runtime *rt = fuzz_runtime();
    medley_error err = {MEDLEY_OK, ""};
    tokenizer t;
    const int kind = size > 0 ? data[0] % READERS : 0;
    size_t cut = size > 0;
    while (cut < size && !(data[cut - 1] == '\n' && data[cut] == '\n'))
        cut++;
    fuzz_file file = fuzz_file_create(data + (size > 0), cut - (size > 0));
    const medley_status status = read_any(rt, kind, file.path, &t, &err);
    fuzz_check_status(status, MEDLEY_E_FORMAT, &err);
    if (status == MEDLEY_OK)
        encode_and_check(rt, &t, (const char *)data + cut, size - cut);
    tokenizer_clear(&t);
    fuzz_file_end(&file);
    medley_runtime_free(rt);
    return 0;
}
