/* WordPiece: of what is left of a word, always the longest entry that it begins with.
 *
 * "unaffable" -> una ##ffa ##ble; a word that cannot be used up this way is unknown as a whole. */
#include "encode/tokenizer_inside.h"
#include "io/utf8.h"

/* Whether a word has more than `most` characters. */
static bool is_longer(const char *bytes, int64_t length, int64_t most)
{
    int64_t count = length;
    for (int64_t i = 0; i < length && length > most; i++)
        count -= ((unsigned char)bytes[i] & 0xc0) == 0x80;
    return count > most;
}

static medley_status wordpiece_encode(const tokenizer *t, work *w, piece word, token_list *out, medley_error *err)
{
    const int64_t before = out->count;
    const char *const bytes = w->bytes;
    bool known = !is_longer(bytes + word.start, word.end - word.start, t->wordpiece.longest);
    TRY(tokens_reserve(w, out, known ? word.end - word.start + 1 : 1, err));
    for (int64_t at = word.start, stop; known && at < word.end; at = stop) {
        int64_t node = at == word.start ? TRIE_ROOT : t->wordpiece.inside;
        int32_t id = -1;
        stop = at;
        for (int64_t i = at; i < word.end && node >= 0; i++) {
            node = trie_step(&t->vocabulary, (uint32_t)node, (unsigned char)bytes[i]);
            if (node == 0)
                break;
            if (t->vocabulary.values[node] >= 0) {
                id = t->vocabulary.values[node];
                stop = i + 1;
            }
        }
        known = id >= 0;
        out->id[out->count++] = id;
    }
    if (!known) {
        out->count = before;
        out->id[out->count++] = t->unknown;
    }
    return MEDLEY_OK;
}

medley_status wordpiece_finish(reading *r, const char *prefix, const char *unknown, medley_error *err)
{
    tokenizer *const t = r->t;
    const uint32_t node = trie_walk(&t->vocabulary, TRIE_ROOT, prefix, strlen(prefix));
    t->wordpiece.inside = node == TRIE_ROOT && *prefix != '\0' ? -1 : (int64_t)node;
    t->unknown = trie_find(&t->vocabulary, unknown, strlen(unknown));
    if (t->unknown < 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: the vocabulary has no '%s', which stands for unknown words",
                    r->path, unknown);
    return MEDLEY_OK;
}

static medley_status wordpiece_read(reading *r, const json *object, medley_error *err)
{
    const char *prefix = json_text(object, "continuing_subword_prefix");
    const char *unknown = json_text(object, "unk_token");
    tokenizer *const t = r->t;
    prefix = prefix != NULL ? prefix : "##";
    unknown = unknown != NULL ? unknown : "[UNK]";
    t->wordpiece.longest = 100;
    json_int(object, "max_input_chars_per_word", &t->wordpiece.longest);
    if (t->wordpiece.longest < 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: 'max_input_chars_per_word' must not be negative", r->path);
    TRY(vocabulary_read(r, json_member(object, "vocab"), err));
    return wordpiece_finish(r, prefix, unknown, err);
}

const model_class model_wordpiece = {"WordPiece", wordpiece_read, wordpiece_encode};
