/* Vocabularies that are not tokenizer.json: which pipeline they were made for is known, and written here. */
#include "encode/tokenizer_inside.h"

/* The next line of a text, without its end; false: there is none. */
static bool next_line(const char **at, const char *end, const char **line, size_t *length)
{
    if (*at >= end)
        return false;
    const char *const stop = memchr(*at, '\n', (size_t)(end - *at));
    *line = *at;
    *length = (size_t)((stop != NULL ? stop : end) - *at);
    *at = stop != NULL ? stop + 1 : end;
    return true;
}

static medley_status check_utf8(reading *r, const char *path, const char *line, size_t length, int64_t number,
                                medley_error *err)
{
    for (size_t at = 0; at < length;) {
        const int used = text_character(line + at, length - at);
        if (used == 0)
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: byte %zu of the line is not UTF-8", path,
                        (long long)number, at + 1);
        at += (size_t)used;
    }
    (void)r;
    return MEDLEY_OK;
}

typedef struct special_token {
    const char *content;
    bool left; /* takes the spaces before it */
} special_token;

/* Those that the vocabulary has. */
static medley_status add_special(reading *r, const special_token *tokens, size_t count, medley_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t id = token_find(r->t, tokens[i].content);
        if (id >= 0)
            TRY(added_tokens_add(
                r, (added_token){.content = tokens[i].content, .id = id, .special = true, .left = tokens[i].left},
                err));
    }
    return MEDLEY_OK;
}
#define ADD_SPECIAL(r, tokens, err) add_special(r, tokens, sizeof(tokens) / sizeof *(tokens), err)

static void padding_is(tokenizer *t, const char *content)
{
    const int32_t id = token_find(t, content);
    t->padding = id >= 0 ? id : 0;
}

/* Texts in lower case without accents, unless tokenizer_config.json says otherwise. */
static medley_status bert_steps(reading *r, medley_error *err)
{
    bool lower = true, ideographs = true, accents;
    json_bool(r->config, "do_lower_case", &lower);
    json_bool(r->config, "tokenize_chinese_chars", &ideographs);
    accents = lower;
    json_bool(r->config, "strip_accents", &accents);
    text t = {.rt = r->rt};
    text_format(&t,
                "{\"normalizer\": {\"type\": \"BertNormalizer\", \"lowercase\": %s, \"handle_chinese_chars\": %s, "
                "\"strip_accents\": %s}, \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}}",
                lower ? "true" : "false", ideographs ? "true" : "false", accents ? "true" : "false");
    medley_status status = text_status(&t, err);
    if (status == MEDLEY_OK)
        status = pipeline_read(r, t.bytes, err);
    text_release(&t);
    return status;
}

/* BERT's pipeline. MPNet's is the same between other special tokens. */
static medley_status bert_pipeline(reading *r, medley_error *err)
{
    static const special_token bert[] = {
        {"[UNK]", false}, {"[SEP]", false}, {"[PAD]", false}, {"[CLS]", false}, {"[MASK]", false}};
    static const special_token mpnet[] = {
        {"<s>", false}, {"</s>", false}, {"[UNK]", false}, {"<pad>", false}, {"<mask>", true}};
    tokenizer *const t = r->t;
    const bool is_mpnet = token_find(t, "<s>") >= 0 && token_find(t, "</s>") >= 0;
    t->model = &model_wordpiece;
    t->wordpiece.longest = 100;
    TRY(wordpiece_finish(r, "##", "[UNK]", err));
    TRY(bert_steps(r, err));
    TRY(is_mpnet ? ADD_SPECIAL(r, mpnet, err) : ADD_SPECIAL(r, bert, err));
    padding_is(t, is_mpnet ? "<pad>" : "[PAD]");
    TRY(special_add(r, PLACE_BEFORE, is_mpnet ? "<s>" : "[CLS]", err));
    return special_add(r, PLACE_AFTER, is_mpnet ? "</s>" : "[SEP]", err);
}

/* vocab.txt: an entry a line, the first is 0. */
medley_status tokenizer_read_vocab(reading *r, medley_error *err)
{
    char *bytes = NULL;
    size_t size = 0, length;
    medley_status status;
    TRY_DONE(reading_file(r, r->path, &bytes, &size, err));
    const char *at = bytes, *line;
    for (int64_t id = 0; next_line(&at, bytes + size, &line, &length); id++) {
        length -= length > 0 && line[length - 1] == '\r';
        TRY_DONE(check_utf8(r, r->path, line, length, id + 1, err));
        TRY_DONE(vocabulary_set(r, line, length, id, err));
    }
    status = bert_pipeline(r, err);
done:
    mem_free(bytes);
    return status;
}

/* Lines "left right", from the first that is not a comment, at most `most`. With `join`, what they make is added to the
 * vocabulary. */
static medley_status read_merges(reading *r, const char *path, const char *bytes, size_t size, int64_t most,
                                 bool join, medley_error *err)
{
    const char *at = bytes, *line, *const end = bytes + size;
    size_t length;
    int64_t lines = 0, rank = 0;
    for (const char *c = bytes; c < end; c++)
        lines += *c == '\n';
    TRY(bpe_start(r, lines + 1 < most ? lines + 1 : most, err));
    for (int64_t number = 1; rank < most && next_line(&at, end, &line, &length); number++) {
        length -= length > 0 && line[length - 1] == '\r';
        const char *const space = memchr(line, ' ', length);
        if (length == 0 || (number == 1 && (join || strncmp(line, "#version", 8) == 0)))
            continue;
        TRY(check_utf8(r, path, line, length, number, err));
        if (space == NULL || memchr(space + 1, ' ', length - (size_t)(space + 1 - line)) != NULL)
            return fail(err, MEDLEY_E_FORMAT, "%s:%lld: a merge is two texts with a space between them", path,
                        (long long)number);
        const size_t left = (size_t)(space - line), right = length - left - 1;
        if (join) {
            char *both;
            TRY(arena_alloc(&r->t->memory, (int64_t)length, 1, &both, err));
            memcpy(both, line, left);
            memcpy(both + left, space + 1, right);
            TRY(vocabulary_set(r, both, left + right, r->t->size, err));
        }
        TRY(bpe_add_merge(r, rank++, line, left, space + 1, right, err));
    }
    return MEDLEY_OK;
}

/* The text in NFC, runs of spaces as one, in lower case; words end with </w>. */
static medley_status clip_pipeline(reading *r, medley_error *err)
{
    static const special_token special[] = {{"<|startoftext|>", false}, {"<|endoftext|>", false}};
    tokenizer *const t = r->t;
    TRY(pipeline_read(
        r,
        "{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, "
        "{\"type\": \"Replace\", \"pattern\": {\"Regex\": \"\\\\s+\"}, \"content\": \" \"}, "
        "{\"type\": \"Lowercase\"}]}, \"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": ["
        "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"<\\\\|startoftext\\\\|>|<\\\\|endoftext\\\\|>|"
        "'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+\"}, \"behavior\": \"Removed\", "
        "\"invert\": true}, {\"type\": \"ByteLevel\", \"add_prefix_space\": false}]}}",
        err));
    TRY(ADD_SPECIAL(r, special, err));
    t->unknown = token_find(t, "<|endoftext|>");
    padding_is(t, "<|endoftext|>");
    TRY(special_add(r, PLACE_BEFORE, "<|startoftext|>", err));
    return special_add(r, PLACE_AFTER, "<|endoftext|>", err);
}

/* CLIP's list of merges. Its vocabulary is: the 256 characters, printable ones first; the same at the end of a word; what
 * each merge makes; the special tokens. */
medley_status tokenizer_read_clip(reading *r, medley_error *err)
{
    enum { MERGES = 49152 - 256 - 2 + 1 - 1 }; /* the file has more; CLIP was trained with these */
    char *bytes = NULL;
    size_t size = 0;
    medley_status status;
    TRY_DONE(reading_file(r, r->path, &bytes, &size, err));
    r->t->model = &model_bpe;
    TRY_DONE(bpe_affixes(r, "", "</w>", err));
    for (int ending = 0; ending < 2; ending++)
        for (int others = 0; others < 2; others++)
            for (int byte = 0; byte < 256; byte++) {
                char name[8];
                const uint32_t point = byte_character((unsigned char)byte);
                if ((point >= 256) != (others != 0))
                    continue;
                int length = utf8_write(point, name);
                memcpy(name + length, "</w>", 4);
                length += ending != 0 ? 4 : 0;
                TRY_DONE(vocabulary_set(r, name, (size_t)length, r->t->size, err));
            }
    TRY_DONE(read_merges(r, r->path, bytes, size, MERGES, true, err));
    TRY_DONE(vocabulary_set(r, "<|startoftext|>", 15, r->t->size, err));
    TRY_DONE(vocabulary_set(r, "<|endoftext|>", 13, r->t->size, err));
    status = clip_pipeline(r, err);
done:
    mem_free(bytes);
    return status;
}

/* RoBERTa's and GPT-2's: bytes, cut by GPT-2's pattern. */
static medley_status byte_level_pipeline(reading *r, medley_error *err)
{
    static const special_token special[] = {{"<s>", false},   {"</s>", false},  {"<unk>", false},
                                            {"<pad>", false}, {"<mask>", true}, {"<|endoftext|>", false}};
    tokenizer *const t = r->t;
    bool prefix = false;
    json_bool(r->config, "add_prefix_space", &prefix);
    TRY(pipeline_read(r,
                      prefix ? "{\"pre_tokenizer\": {\"type\": \"ByteLevel\"}}"
                             : "{\"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false}}",
                      err));
    TRY(ADD_SPECIAL(r, special, err));
    padding_is(t, "<pad>");
    t->unknown = -1;
    if (token_find(t, "<s>") < 0 || token_find(t, "</s>") < 0)
        return MEDLEY_OK;
    TRY(special_add(r, PLACE_BEFORE, "<s>", err));
    return special_add(r, PLACE_AFTER, "</s>", err);
}

/* vocab.json, {"text": id}, and merges.txt beside it. */
medley_status tokenizer_read_byte_bpe(reading *r, medley_error *err)
{
    char *bytes = NULL, *merges = NULL, *path = NULL;
    size_t size = 0, merges_size = 0;
    json *vocabulary = NULL;
    medley_status status;
    TRY_DONE(reading_file(r, r->path, &bytes, &size, err));
    TRY_DONE(json_parse(r->path, bytes, size, &vocabulary, err));
    TRY_DONE(vocabulary_read(r, vocabulary, err));
    TRY_DONE(reading_beside(r, "merges.txt", &path, err));
    TRY_DONE(reading_file(r, path, &merges, &merges_size, err));
    r->t->model = &model_bpe;
    const bool clip = token_find(r->t, "<|startoftext|>") >= 0 && token_find(r->t, "!</w>") >= 0;
    TRY_DONE(bpe_affixes(r, "", clip ? "</w>" : "", err));
    TRY_DONE(read_merges(r, path, merges, merges_size, INT32_MAX, false, err));
    status = clip ? clip_pipeline(r, err) : byte_level_pipeline(r, err);
done:
    json_free(vocabulary);
    mem_free(bytes);
    mem_free(merges);
    mem_free(path);
    return status;
}
