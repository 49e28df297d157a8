/* Unigram: the segmentation of a word whose entries have the highest sum of scores (log probabilities).
 *
 * best[end] = max over entries that end there of score + best[start]; a character that is no entry may be unknown, at
 * a score below all. Neighbouring unknowns are one token (Kudo, ACL 2018). */
#include "encode/tokenizer_inside.h"

/* The best way to an offset of the word. */
typedef struct unigram_node {
    double score;
    int32_t start, id; /* of its last entry; start -1: no way leads here */
    int32_t stop;      /* where the entry ends that follows on the best way through all */
} unigram_node;

static void offer(unigram_node *end, double score, int64_t start, int32_t id)
{
    if (end->start < 0 || score > end->score)
        *end = (unigram_node){score, (int32_t)start, id, 0};
}

/* Fills lattice [length + 1]. */
static void find_ways(const tokenizer *t, unigram_node *lattice, const char *bytes, int64_t length)
{
    for (int64_t i = 0; i <= length; i++)
        lattice[i] = (unigram_node){0, -1, -1, 0};
    for (int64_t at = 0, next; at < length; at = next) {
        const double score = lattice[at].score;
        uint32_t node = TRIE_ROOT;
        bool alone = false;
        point_at(bytes, at, &next);
        for (int64_t i = at; i < length; i++) {
            node = trie_step(&t->vocabulary, node, (unsigned char)bytes[i]);
            if (node == 0)
                break;
            const int32_t id = t->vocabulary.values[node];
            if (id < 0)
                continue;
            offer(&lattice[i + 1], score + t->unigram.score[id], at, id);
            alone = alone || i + 1 == next;
        }
        if (!alone)
            offer(&lattice[next], score + t->unigram.unknown_score, at, t->unknown);
    }
}

/* What is unknown as a whole: an entry after all, bytes, or one unknown. */
static medley_status push_unknown(const tokenizer *t, const work *w, const char *bytes, int64_t length,
                                  token_list *out, medley_error *err)
{
    int32_t id = trie_find(&t->vocabulary, bytes, (size_t)length);
    const bool spell = id < 0 && t->byte_fallback && can_spell(t, bytes, length);
    TRY(tokens_reserve(w, out, spell ? length : 1, err));
    if (id < 0)
        id = t->unknown;
    for (int64_t i = 0; i < (spell ? length : 1); i++)
        out->id[out->count++] = spell ? t->byte_id[(unsigned char)bytes[i]] : id;
    return MEDLEY_OK;
}

static medley_status unigram_encode(const tokenizer *t, work *w, piece word, token_list *out, medley_error *err)
{
    const char *const bytes = w->bytes + word.start;
    const int64_t length = word.end - word.start;
    TRY(mem_reserve(w->rt, &w->lattice, &w->lattice_room, length + 1, sizeof *w->lattice, err));
    unigram_node *const lattice = w->lattice;
    find_ways(t, lattice, bytes, length);
    for (int64_t end = length; end > 0; end = lattice[end].start)
        lattice[lattice[end].start].stop = (int32_t)end;
    for (int64_t at = 0, stop; at < length; at = stop) {
        stop = lattice[at].stop;
        if (lattice[stop].id != t->unknown) {
            TRY(tokens_reserve(w, out, 1, err));
            out->id[out->count++] = lattice[stop].id;
            continue;
        }
        while (stop < length && lattice[lattice[stop].stop].id == t->unknown)
            stop = lattice[stop].stop;
        TRY(push_unknown(t, w, bytes + at, stop - at, out, err));
    }
    return MEDLEY_OK;
}

medley_status unigram_add(reading *r, const char *bytes, size_t length, double score, medley_error *err)
{
    tokenizer *const t = r->t;
    TRY(mem_reserve(r->rt, &t->unigram.score, &t->unigram.capacity, t->unigram.count + 1, sizeof *t->unigram.score,
                    err));
    t->unigram.score[t->unigram.count] = score;
    return vocabulary_set(r, bytes, length, t->unigram.count++, err);
}

medley_status unigram_finish(reading *r, int64_t unknown, medley_error *err)
{
    enum { PENALTY = 10 }; /* how much less likely than the least likely entry an unknown character is */
    tokenizer *const t = r->t;
    double least = 0;
    if (unknown < 0 || unknown >= t->unigram.count)
        return fail(err, MEDLEY_E_FORMAT, "%s: no entry of the vocabulary stands for what is unknown", r->path);
    for (int64_t i = 0; i < t->unigram.count; i++)
        least = i == 0 || t->unigram.score[i] < least ? t->unigram.score[i] : least;
    t->unigram.unknown_score = least - PENALTY;
    t->unknown = (int32_t)unknown;
    return MEDLEY_OK;
}

/* A score as the library that is followed reads it: its decimal digits as one integer, times or by a power of ten, each
 * rounded, which is not always the nearest double. A tie between two ways depends on it. */
static double as_followed(double score)
{
    char digits[64];
    const int length = number_format(score, digits, sizeof digits);
    uint64_t significand = 0;
    int64_t exponent = 0, behind_point = 0;
    bool fraction = false;
    for (int i = 0; i < length; i++) {
        if (digits[i] >= '0' && digits[i] <= '9') {
            significand = significand * 10 + (uint64_t)(digits[i] - '0');
            behind_point += fraction;
        }
        fraction = fraction || digits[i] == '.';
        if (digits[i] == 'e') {
            const int sign = digits[i + 1] == '+'; /* which number_int may not take */
            if (!number_int(digits + i + 1 + sign, (size_t)(length - i - 1 - sign), &exponent))
                return score;
            break;
        }
    }
    exponent -= behind_point;
    if (significand == 0 || exponent < -22 || exponent > 22) /* powers of ten that are doubles */
        return score;
    double power = 1;
    for (int64_t i = 0; i < llabs(exponent); i++)
        power *= 10;
    const double value = exponent < 0 ? (double)significand / power : (double)significand * power;
    return score < 0 ? -value : value;
}

static medley_status unigram_read(reading *r, const json *object, medley_error *err)
{
    const json *const vocabulary = json_member(object, "vocab");
    int64_t unknown = -1;
    for (int64_t i = 0; json_is_array(vocabulary) && i < json_count(vocabulary); i++) {
        const json *const entry = json_at(vocabulary, i, NULL);
        const char *const content = json_as_text(json_at(entry, 0, NULL));
        double score;
        if (content == NULL || !json_as_real(json_at(entry, 1, NULL), &score))
            return fail(err, MEDLEY_E_FORMAT, "%s: model: vocab: entry %lld is not [text, score]", r->path,
                        (long long)i);
        TRY(unigram_add(r, content, strlen(content), as_followed(score), err));
    }
    json_int(object, "unk_id", &unknown);
    json_bool(object, "byte_fallback", &r->t->byte_fallback);
    return unigram_finish(r, unknown, err);
}

const model_class model_unigram = {"Unigram", unigram_read, unigram_encode};
