/* Which file a tokenizer is read from, and what stands beside it. */
#include "encode/tokenizer_inside.h"
#include "io/file.h"

/* In the order in which a folder is searched. */
static const struct {
    const char *name;
    bool is_ending; /* files may be called otherwise, and end so */
    medley_status (*read)(reading *r, medley_error *err);
} kinds[] = {
    {"tokenizer.json", true, tokenizer_read_json},
    {"vocab.txt", true, tokenizer_read_vocab},
    {"vocab.json", true, tokenizer_read_byte_bpe},
    {"bpe_simple_vocab_16e6.txt", true, tokenizer_read_clip},
    {"bpe_simple_vocab_16e6.txt.gz", true, tokenizer_read_clip},
    {"spiece.model", false, tokenizer_read_sentencepiece},
    {"sentencepiece.bpe.model", false, tokenizer_read_sentencepiece},
    {".model", true, tokenizer_read_sentencepiece},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static bool ends_with(const char *string, const char *end)
{
    const size_t length = strlen(string), end_length = strlen(end);
    return length >= end_length && strcmp(string + length - end_length, end) == 0;
}

static medley_status find_in_folder(const medley_runtime *rt, const char *folder, char **out, size_t *kind,
                                    medley_error *err)
{
    for (*kind = 0; *kind < KINDS; ++*kind) {
        if (*kinds[*kind].name == '.')
            continue;
        TRY(file_join(rt, folder, kinds[*kind].name, out, err));
        if (file_exists(*out))
            return MEDLEY_OK;
        mem_free(*out);
        *out = NULL;
    }
    return fail(
        err, MEDLEY_E_NOT_FOUND,
        "%s: no tokenizer: looked for tokenizer.json, vocab.txt, vocab.json, bpe_simple_vocab_16e6.txt(.gz), "
        "spiece.model",
        folder);
}

static medley_status find_file(const medley_runtime *rt, const char *path, char **out, size_t *kind,
                               medley_error *err)
{
    *out = NULL;
    if (file_is_folder(path))
        return find_in_folder(rt, path, out, kind, err);
    if (!file_exists(path))
        return fail(err, MEDLEY_E_NOT_FOUND, "cannot open '%s': there is no such file", path);
    for (*kind = 0; *kind < KINDS; ++*kind)
        if (kinds[*kind].is_ending && ends_with(path, kinds[*kind].name))
            return mem_text(rt, path, strlen(path), out, err);
    return fail(err, MEDLEY_E_FORMAT,
                "%s: no tokenizer that is known: accepted are names that end with tokenizer.json, vocab.txt, "
                "vocab.json, bpe_simple_vocab_16e6.txt(.gz), .model",
                path);
}

/* "No limit" is written as 10^30, which is no integer to JSON readers: as a real number it is one to ours. Bytes change in
 * place, outside of texts. */
static void tame_integers(char *bytes, size_t length)
{
    enum { FITS = 18 };
    size_t digits = 0;
    bool inside = false;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"' && (i == 0 || bytes[i - 1] != '\\'))
            inside = !inside;
        digits = !inside && bytes[i] >= '0' && bytes[i] <= '9' ? digits + 1 : 0;
        if (digits > FITS && (i + 1 == length || bytes[i + 1] < '0' || bytes[i + 1] > '9'))
            bytes[i - 1] = 'e';
    }
}

static medley_status read_config(reading *r, json **out, medley_error *err)
{
    char *path = NULL, *bytes = NULL;
    size_t length;
    medley_status status;
    *out = NULL;
    TRY_DONE(reading_beside(r, "tokenizer_config.json", &path, err));
    if (!file_exists(path))
        goto done;
    TRY_DONE(reading_file(r, path, &bytes, &length, err));
    tame_integers(bytes, length);
    status = json_parse(path, bytes, length, out, err);
done:
    mem_free(path);
    mem_free(bytes);
    return status;
}

/* What the file itself does not say. */
static void heed_config(tokenizer *t, const json *config)
{
    enum { LONGEST_MOST = 1 << 30 };
    double longest;
    if (t->longest == 0 && json_real(config, "model_max_length", &longest) && longest >= 1 &&
        longest < LONGEST_MOST)
        t->longest = (int64_t)longest;
    const char *padding = json_text(config, "pad_token");
    if (padding == NULL)
        padding = json_text(json_member(config, "pad_token"), "content");
    if (t->padding == 0 && padding != NULL && token_find(t, padding) >= 0)
        t->padding = token_find(t, padding);
}

static medley_status read_all(reading *r, size_t kind, medley_error *err)
{
    tokenizer *const t = r->t;
    json *config = NULL;
    medley_status status;
    TRY_DONE(fingerprint_create(r->rt, &r->content, err));
    TRY_DONE(read_config(r, &config, err));
    r->config = config;
    TRY_DONE(kinds[kind].read(r, err));
    heed_config(t, config);
    byte_tokens_find(t);
    TRY_DONE(added_tokens_finish(r, err));
    fingerprint_hex(r->content, t->identity);
done:
    fingerprint_free(r->content);
    json_free(config);
    return status;
}

medley_status tokenizer_open(const medley_runtime *rt, const char *path, tokenizer **out, medley_error *err)
{
    tokenizer *t = NULL;
    char *found = NULL;
    size_t kind = 0;
    medley_status status;
    *out = NULL;
    TRY_DONE(find_file(rt, path, &found, &kind, err));
    TRY_DONE(mem_alloc_zero(rt, 1, sizeof *t, &t, err));
    t->rt = rt;
    t->memory.rt = rt;
    t->vocabulary.rt = t->added_raw.rt = t->added_normalized.rt = rt;
    reading r = {.rt = rt, .path = found, .t = t};
    TRY_DONE(read_all(&r, kind, err));
    *out = t;
    t = NULL;
done:
    tokenizer_close(t);
    mem_free(found);
    return status;
}
