#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encode/tokenizer_inside.h"
#include "fixture.h"

#define PARITY MEDLEY_SOURCE_DIR "/tests/parity/tokenizers/"

/* Ids by line: the example of BERT's own documentation, and what is needed around it. */
static const char bert_vocabulary[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nwant\n##want\n##ed\nwa\n"
    "runn\n##ing\n,\nlow\n##est\ncafe\n\xe4\xb8\xad\n!\n";

static tokenizer *open_text(const char *name, const char *content)
{
    tokenizer *t = NULL;
    test_write_text(test_path(folder, name), content);
    assert_ok(tokenizer_open(rt, test_path(folder, name), &t, err));
    return t;
}

/* "2 5 6" */
static void assert_ids(const tokenizer *t, const char *bytes, size_t length, int64_t most, bool special,
                       const char *want)
{
    char got[4096] = "";
    int used = 0;
    token_list tokens = {0};
    assert_ok(tokenizer_encode(rt, t, bytes, length, most, special, &tokens, err));
    for (int64_t i = 0; i < tokens.count; i++)
        used += snprintf(got + used, sizeof got - (size_t)used, i > 0 ? " %d" : "%d", (int)tokens.id[i]);
    token_list_release(&tokens);
    assert_string_equal(got, want);
}

static void test_words_are_cut_into_the_longest_pieces(void **state)
{
    (void)state;
    tokenizer *t = open_text("vocab.txt", bert_vocabulary);
    assert_ids(t, "unwanted running", 16, 0, true, "2 5 9 10 12 13 3");
    assert_ids(t, "unaffable", 9, 0, false, "5 6 7");
    assert_ids(t, "unwound", 7, 0, false, "1"); /* un is known, but not what is left */
    assert_ids(t, "UN, Café!", 10, 0, false, "5 14 17 19");
    assert_ids(t, "un\xe4\xb8\xadun", 7, 0, false, "5 18 5");
    assert_ids(t, "", 0, 0, true, "2 3");
    assert_ids(t, "", 0, 0, false, "");
    assert_int_equal(tokenizer_vocabulary(t), 20);
    assert_int_equal(tokenizer_padding(t), 0);
    assert_int_equal(tokenizer_longest(t), 0);
    tokenizer_close(t);
}

static void test_a_text_is_cut_at_its_end_and_special_tokens_stay(void **state)
{
    (void)state;
    tokenizer *t = open_text("vocab.txt", bert_vocabulary);
    assert_ids(t, "unaffable want", 14, 6, true, "2 5 6 7 8 3");
    assert_ids(t, "unaffable want", 14, 5, true, "2 5 6 7 3");
    assert_ids(t, "unaffable want", 14, 3, true, "2 5 3");
    assert_ids(t, "unaffable want", 14, 2, true, "2 3");
    assert_ids(t, "unaffable want", 14, 1, true, "2");
    assert_ids(t, "unaffable want", 14, 2, false, "5 6");
    tokenizer_close(t);
}

static void test_special_tokens_in_a_text_are_found_as_they_are_written(void **state)
{
    (void)state;
    tokenizer *t = open_text("vocab.txt", bert_vocabulary);
    assert_ids(t, "un[MASK]un", 10, 0, false, "5 4 5");
    assert_ids(t, "[CLS][SEP", 9, 0, false, "2 1 1");
    tokenizer_close(t);
}

static void test_what_is_not_utf8_is_read_as_the_replacement_character(void **state)
{
    (void)state;
    tokenizer *t = open_text("vocab.txt", bert_vocabulary);
    assert_ids(t,
               "un\xff\xf0\x9f"
               "aff\0able",
               13, 0, false, "5 6 7"); /* BERT drops it, and NUL */
    tokenizer_close(t);
}

static void test_the_configuration_beside_a_vocabulary_is_heeded(void **state)
{
    (void)state;
    test_write_text(test_path(folder, "tokenizer_config.json"),
                    "{\"do_lower_case\": false, \"model_max_length\": 512, \"pad_token\": \"[MASK]\"}");
    tokenizer *t = open_text("vocab.txt", bert_vocabulary);
    assert_ids(t, "un UN caf\xc3\xa9", 11, 0, false, "5 1 1");
    assert_int_equal(tokenizer_longest(t), 512);
    assert_int_equal(tokenizer_padding(t), 4);
    tokenizer_close(t);
    test_write_text(test_path(folder, "tokenizer_config.json"),
                    "{\"model_max_length\": 1000000000000000019884624838656}");
    assert_ok(tokenizer_open(rt, folder, &t, err)); /* a folder, too */
    assert_int_equal(tokenizer_longest(t), 0);
    tokenizer_close(t);
}

/* Merges over letters a to d, in an order in which they disturb each other. */
static const char bpe_json[] =
    "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"c\": 2, \"d\": 3, \"ab\": 4, \"abc\": 5, \"cd\": 6, "
    "\"aa\": 7, \"aaaa\": 8, \"bc\": 9, \"da\": 10, \"?\": 11}, \"unk_token\": \"?\", \"merges\": [\"c d\", [\"a\", \"b\"], "
    "\"aa aa\", \"ab c\", \"a a\", \"b c\", \"d a\"]}}";

/* The slow twin: of all pairs, the first in the list, at the first place; until there is none. */
static int64_t slow_bpe(const char *letters, int64_t count, int32_t *id)
{
    static const struct {
        int32_t left, right, id;
    } merges[] = {{2, 3, 6}, {0, 1, 4}, {7, 7, 8}, {4, 2, 5}, {0, 0, 7}, {1, 2, 9}, {3, 0, 10}};
    for (int64_t i = 0; i < count; i++)
        id[i] = letters[i] >= 'a' && letters[i] <= 'd' ? letters[i] - 'a' : 11;
    for (bool merged = true; merged;) {
        merged = false;
        for (size_t m = 0; m < sizeof merges / sizeof *merges && !merged; m++)
            for (int64_t i = 0; i + 1 < count && !merged; i++)
                if (id[i] == merges[m].left && id[i + 1] == merges[m].right) {
                    id[i] = merges[m].id;
                    memmove(id + i + 1, id + i + 2, (size_t)(count - i - 2) * sizeof *id);
                    count--;
                    merged = true;
                }
    }
    return count;
}

static void test_pairs_merge_in_the_order_of_the_list(void **state)
{
    (void)state;
    enum { TEXTS = 2000, MOST = 60 };
    tokenizer *t = open_text("tokenizer.json", bpe_json);
    token_list tokens = {0};
    for (uint64_t n = 0; n < TEXTS; n++) {
        char letters[MOST];
        int32_t want[MOST];
        const int64_t length = (int64_t)(random_bits(1, 1, n) % (MOST + 1));
        for (int64_t i = 0; i < length; i++)
            letters[i] = "aaabbccde"[random_bits(2, n, (uint64_t)i) % 9];
        assert_ok(tokenizer_encode(rt, t, letters, (size_t)length, 0, true, &tokens, err));
        assert_int_equal(tokens.count, slow_bpe(letters, length, want));
        assert_memory_equal(tokens.id, want, (size_t)tokens.count * sizeof *want);
    }
    token_list_release(&tokens);
    tokenizer_close(t);
}

static const char unigram_json[] =
    "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"?\", 0], [\"a\", -1.5], [\"b\", -2.25], [\"ab\", "
    "-2.5], [\"ba\", -3.125], [\"aba\", -4.75], [\"bb\", -4.0]]}}";

/* The slow twin: the best of all ways to cut the rest, by trying each. -14.75 is an unknown character. */
static double slow_unigram(const char *letters, int64_t length)
{
    static const struct {
        const char *text;
        double score;
    } entries[] = {{"a", -1.5}, {"b", -2.25}, {"ab", -2.5}, {"ba", -3.125}, {"aba", -4.75}, {"bb", -4.0}};
    double best = -1e300;
    if (length == 0)
        return 0;
    for (size_t e = 0; e < sizeof entries / sizeof *entries; e++) {
        const int64_t used = (int64_t)strlen(entries[e].text);
        if (used > length || memcmp(letters, entries[e].text, (size_t)used) != 0)
            continue;
        const double score = entries[e].score + slow_unigram(letters + used, length - used);
        best = score > best ? score : best;
    }
    return *letters == 'c' ? -14.75 + slow_unigram(letters + 1, length - 1) : best;
}

static void test_the_best_of_all_segmentations_is_found(void **state)
{
    (void)state;
    enum { TEXTS = 500, MOST = 12 };
    static const double score[] = {-14.75, -1.5, -2.25, -2.5, -3.125, -4.75, -4.0};
    tokenizer *t = open_text("tokenizer.json", unigram_json);
    token_list tokens = {0};
    for (uint64_t n = 0; n < TEXTS; n++) {
        char letters[MOST];
        double sum = 0;
        const int64_t length = (int64_t)(random_bits(1, 2, n) % (MOST + 1));
        for (int64_t i = 0; i < length; i++) /* no two unknowns side by side, which would be one token */
            letters[i] = "aabbc"[random_bits(3, n, (uint64_t)i) % (i > 0 && letters[i - 1] == 'c' ? 4 : 5)];
        assert_ok(tokenizer_encode(rt, t, letters, (size_t)length, 0, true, &tokens, err));
        for (int64_t i = 0; i < tokens.count; i++)
            sum += score[tokens.id[i]];
        assert_true(sum == slow_unigram(letters, length));
    }
    token_list_release(&tokens);
    assert_ids(t, "accca", 5, 0, true, "1 0 1"); /* unknowns side by side */
    tokenizer_close(t);
}

static void test_a_list_may_serve_two_tokenizers_in_turn(void **state)
{
    (void)state;
    tokenizer *bpe = open_text("tokenizer.json", bpe_json);
    tokenizer *bert = open_text("vocab.txt", "[UNK]\n[CLS]\n[SEP]\nab\n");
    token_list tokens = {0};
    for (int turn = 0; turn < 4; turn++) {
        assert_ok(tokenizer_encode(rt, turn % 2 == 0 ? bpe : bert, "ab", 2, 0, false, &tokens, err));
        assert_int_equal(tokens.count, 1);
        assert_int_equal(tokens.id[0], turn % 2 == 0 ? 4 : 3);
    }
    token_list_release(&tokens);
    tokenizer_close(bpe);
    tokenizer_close(bert);
}

static void test_a_warm_list_allocates_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"bert_json", "roberta", "zoo_1", "zoo_4", "zoo_5", "zoo_7"};
    static const char text_bytes[] =
        "Na\xc3\xafve caf\xc3\xa9s don't 2024 \xe4\xb8\xad!\xff<s> antidisestablishmentarianism";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        tokenizer *t;
        token_list tokens = {0};
        snprintf(path, sizeof path, PARITY "%s", names[i]);
        assert_ok(tokenizer_open(rt, path, &t, err));
        assert_ok(tokenizer_encode(rt, t, text_bytes, sizeof text_bytes, 0, true, &tokens, err));
        const int64_t before = memory.allocations;
        assert_ok(tokenizer_encode(rt, t, text_bytes, sizeof text_bytes, 0, true, &tokens, err));
        assert_int_equal(memory.allocations, before);
        token_list_release(&tokens);
        tokenizer_close(t);
    }
}

static medley_status open_and_encode(const char *path, medley_error *err)
{
    static const char text_bytes[] = "Na\xc3\xafve caf\xc3\xa9s don't 2024 \xe4\xb8\xad!\xff<s> the";
    tokenizer *t = NULL;
    token_list tokens = {0};
    medley_status status;
    TRY_DONE(tokenizer_open(rt, path, &t, err));
    status = tokenizer_encode(rt, t, text_bytes, sizeof text_bytes, 0, true, &tokens, err);
done:
    token_list_release(&tokens);
    tokenizer_close(t);
    return status;
}

static void test_without_memory_neither_opens_nor_encodes(void **state)
{
    (void)state;
    test_write_text(test_path(folder, "vocab.txt"), bert_vocabulary);
    BRUTAL(rt, &memory, open_and_encode(test_path(folder, "vocab.txt"), err), (void)0);
    test_write_text(test_path(folder, "tokenizer.json"), bpe_json);
    BRUTAL(rt, &memory, open_and_encode(test_path(folder, "tokenizer.json"), err), (void)0);
    BRUTAL(rt, &memory, open_and_encode(PARITY "zoo_1", err), (void)0);
    BRUTAL(rt, &memory, open_and_encode(PARITY "zoo_7", err), (void)0);
    BRUTAL(rt, &memory, open_and_encode(PARITY "roberta", err), (void)0);
}

typedef struct job {
    tokenizer *t;
    int64_t count[8];
    int32_t last[8];
} job;

static medley_status encode_some(void *context, int64_t task, int worker, medley_error *err)
{
    job *const j = context;
    token_list tokens = {0};
    medley_status status = MEDLEY_OK;
    (void)worker;
    for (int i = 0; i < 50 && status == MEDLEY_OK; i++)
        status = tokenizer_encode(rt, j->t, "unaffable, wanted! un", (size_t)(8 + task), 0, true, &tokens, err);
    j->count[task] = tokens.count;
    j->last[task] = status == MEDLEY_OK ? tokens.id[tokens.count - 2] : -1;
    token_list_release(&tokens);
    return status;
}

static void test_threads_share_a_tokenizer(void **state)
{
    (void)state;
    job first = {.t = open_text("vocab.txt", bert_vocabulary)};
    for (int threads = 1; threads <= 4; threads *= 2) {
        job now = {.t = first.t};
        medley_runtime *const before = rt;
        test_memory other;
        rt = test_runtime(&other, threads);
        assert_ok(parallel_run(rt, 8, encode_some, &now, err));
        test_runtime_end(rt, &other);
        rt = before;
        if (threads == 1)
            first = now;
        assert_memory_equal(&now, &first, sizeof now);
    }
    tokenizer_close(first.t);
}

static void test_what_a_file_asks_for_in_vain_is_refused_by_name(void **state)
{
    (void)state;
#define WITH(part) "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}, " part "}"
    static const struct {
        const char *content, *message;
    } cases[] = {
        {"[", "tokenizer.json:1:"},
        {"{}", "tokenizer.json: model: type '': accepted are WordPiece, BPE, Unigram"},
        {"{\"model\": {\"type\": \"Neural\"}}", "model: type 'Neural': accepted are WordPiece, BPE, Unigram"},
        {"{\"model\": {\"type\": \"WordPiece\", \"vocab\": {\"a\": 0}}}", "the vocabulary has no '[UNK]'"},
        {"{\"model\": {\"type\": \"WordPiece\", \"vocab\": [1]}}", "'vocab' is not an object of texts and ids"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": \"b\"}}}", "vocab: 'a' has no id"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": -1}}}", "id -1: ids are 0 to 2147483646"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}}",
         "merge 1, 'a b': the second is not in the vocabulary"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a\"]}}",
         "entry 0 is not two texts"},
        {"{\"model\": {\"type\": \"BPE\", \"vocab\": {}, \"dropout\": 0.1}}", "dropout 0.1"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", 0]]}}", "no entry of the vocabulary stands for"},
        {"{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}}", "vocab: entry 0 is not [text, score]"},
        {WITH("\"normalizer\": {\"type\": \"Nmt\"}"), "normalizer: type 'Nmt': accepted are BertNormalizer, NFC"},
        {WITH("\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"X\"}]}"),
         "pre_tokenizer: type 'X': accepted are BertPreTokenizer, Whitespace"},
        {WITH(
             "\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"ByteLevel\"}, {\"type\": "
             "\"Digits\"}]}"),
         "'Digits' follows ByteLevel, which must be the last"},
        {WITH("\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"x*\"}}"),
         "Split: regular expression 'x*' is not known: accepted are \\s+, ' {2,}', GPT-2's and CLIP's"},
        {WITH("\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\p{N}{1,3}|\\n+\"}}"),
         "tokenizer.json: Split: regular expression '\\p{N}{1,3}|?+' is not known"},
        {WITH("\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"[ab]\"}, \"content\": \"\"}"),
         "Replace: regular expression '[ab]' is not known"},
        {WITH("\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": 1}}"),
         "Split: 'pattern' must be"},
        {WITH("\"pre_tokenizer\": {\"type\": \"Split\"}"), "Split: 'pattern' must be"},
        {WITH("\"pre_tokenizer\": {\"type\": \"Punctuation\", \"behavior\": \"Gone\"}"),
         "Punctuation: behavior 'Gone': accepted are Removed"},
        {WITH("\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"ab\"}"),
         "'ab' is not one character"},
        {WITH("\"pre_tokenizer\": {\"type\": \"Metaspace\", \"prepend_scheme\": \"now\"}"),
         "accepted are always, first"},
        {WITH("\"normalizer\": {\"type\": \"Prepend\"}"), "Prepend: no text 'prepend'"},
        {WITH("\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"!\"}"), "is not base64"},
        {WITH("\"normalizer\": {\"type\": \"Precompiled\", \"precompiled_charsmap\": \"AAA=\"}"),
         "is cut short: 2 bytes"},
        {WITH("\"added_tokens\": [{\"id\": 3}]"), "added_tokens: entry 0 has no 'content' or no 'id'"},
        {WITH("\"post_processor\": {\"type\": \"Twice\"}"),
         "post_processor: type 'Twice': accepted are BertProcessing"},
        {WITH("\"post_processor\": {\"type\": \"BertProcessing\"}"), "'cls' is not [text, id]"},
        {WITH("\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": []}"),
         "the template has 0 texts, not one"},
    };
#undef WITH
    tokenizer *t;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_write_text(test_path(folder, "tokenizer.json"), cases[i].content);
        assert_fails(tokenizer_open(rt, test_path(folder, "tokenizer.json"), &t, err), MEDLEY_E_FORMAT,
                     cases[i].message);
        assert_null(t);
    }
}

static void test_what_is_no_tokenizer_is_refused(void **state)
{
    (void)state;
    tokenizer *t;
    assert_fails(tokenizer_open(rt, folder, &t, err), MEDLEY_E_NOT_FOUND,
                 "no tokenizer: looked for tokenizer.json");
    assert_fails(tokenizer_open(rt, test_path(folder, "x"), &t, err), MEDLEY_E_NOT_FOUND, "there is no such file");
    test_write_text(test_path(folder, "x"), "");
    assert_fails(tokenizer_open(rt, test_path(folder, "x"), &t, err), MEDLEY_E_FORMAT,
                 "accepted are names that end with");
    test_write(test_path(folder, "vocab.txt"), "a\nb\xff\n", 5);
    assert_fails(tokenizer_open(rt, folder, &t, err), MEDLEY_E_FORMAT,
                 "vocab.txt:2: byte 2 of the line is not UTF-8");
    test_write_text(test_path(folder, "vocab.json"), "{\"a\": 0}");
    assert_fails(tokenizer_open(rt, test_path(folder, "vocab.json"), &t, err), MEDLEY_E_NOT_FOUND, "merges.txt");
    test_write_text(test_path(folder, "merges.txt"), "#version: 0.2\na b c\n");
    assert_fails(tokenizer_open(rt, test_path(folder, "vocab.json"), &t, err), MEDLEY_E_FORMAT,
                 "merges.txt:2: a merge is two texts with a space between them");
}

/* A model of five pieces: <unk>, </s>, the mark, "a", and the mark with "a". */
static const unsigned char pieces[] = {
    10, 14, 10, 5, '<',  'u',  'n',  'k', '>',  21,   0, 0,    0,    0,  24, 2, /* unknown */
    10, 13, 10, 4, '<',  '/',  's',  '>', 21,   0,    0, 0,    0,    24, 3,     /* control */
    10, 10, 10, 3, 0xe2, 0x96, 0x81, 21,  0,    0,    0, 0xc0,                  /* -2 */
    10, 8,  10, 1, 'a',  21,   0,    0,   0x80, 0xbf,                           /* -1 */
    10, 11, 10, 4, 0xe2, 0x96, 0x81, 'a', 21,   0,    0, 0xc0, 0xbf,            /* -1.5 */
    18, 2,  24, 1,
};

static void test_a_sentencepiece_model_is_read(void **state)
{
    (void)state;
    tokenizer *t;
    test_write(test_path(folder, "spiece.model"), pieces, sizeof pieces);
    assert_ok(tokenizer_open(rt, folder, &t, err));
    assert_ids(t, "  a aa b", 8, 0, true, "4 4 3 2 0 1");
    assert_ids(t, "a</s>", 5, 0, false, "4 1");
    assert_int_equal(tokenizer_vocabulary(t), 5);
    tokenizer_close(t);
}

static void test_a_sentencepiece_model_that_is_cut_short_is_read_or_refused(void **state)
{
    (void)state;
    int refused = 0;
    for (size_t length = 0; length < sizeof pieces; length++) {
        tokenizer *t = NULL;
        medley_error error = {MEDLEY_OK, ""};
        test_write(test_path(folder, "spiece.model"), pieces, length);
        const medley_status status = tokenizer_open(rt, folder, &t, &error);
        assert_true(status == MEDLEY_OK || status == MEDLEY_E_FORMAT);
        refused += status != MEDLEY_OK;
        tokenizer_close(t);
    }
    assert_int_equal(refused,
                     (int)sizeof pieces - 5); /* whole after each piece, the trainer is left to say nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_words_are_cut_into_the_longest_pieces),
        TEST(test_a_text_is_cut_at_its_end_and_special_tokens_stay),
        TEST(test_special_tokens_in_a_text_are_found_as_they_are_written),
        TEST(test_what_is_not_utf8_is_read_as_the_replacement_character),
        TEST(test_the_configuration_beside_a_vocabulary_is_heeded),
        TEST(test_pairs_merge_in_the_order_of_the_list),
        TEST(test_the_best_of_all_segmentations_is_found),
        TEST(test_a_list_may_serve_two_tokenizers_in_turn),
        TEST(test_a_warm_list_allocates_nothing),
        TEST(test_without_memory_neither_opens_nor_encodes),
        TEST(test_threads_share_a_tokenizer),
        TEST(test_what_a_file_asks_for_in_vain_is_refused_by_name),
        TEST(test_what_is_no_tokenizer_is_refused),
        TEST(test_a_sentencepiece_model_is_read),
        TEST(test_a_sentencepiece_model_that_is_cut_short_is_read_or_refused),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
