/* Byte-pair encoding: a word begins as its characters, and the pair of neighbours that is first in the list of merges is
 * joined until no pair is in it (Sennrich, Haddow and Birch, ACL 2016). A heap of pairs makes that n log n. */
#include "encode/tokenizer_inside.h"

typedef struct bpe_symbol {
    int32_t id;
    int32_t before, after; /* neighbours; -1: none */
    bool gone;             /* joined to the one before it */
} bpe_symbol;

typedef struct bpe_candidate {
    int32_t rank, at, id; /* the symbols at `at` and behind it would become `id` */
} bpe_candidate;

#define NO_PAIR UINT64_MAX

/* The row of a pair, or the empty one where it would be. */
static bpe_merge *find_row(const tokenizer *t, int32_t left, int32_t right)
{
    const uint64_t pair = (uint64_t)left << 32 | (uint32_t)right;
    for (uint64_t at = mix64(pair ^ t->vocabulary.seed);; at++) {
        bpe_merge *const row = &t->bpe.merges[at & (uint64_t)(t->bpe.room - 1)];
        if (row->pair == pair || row->pair == NO_PAIR)
            return row;
    }
}

static const bpe_merge *find_merge(const tokenizer *t, int32_t left, int32_t right)
{
    const bpe_merge *const row = find_row(t, left, right);
    return row->pair != NO_PAIR ? row : NULL;
}

static bool is_before(bpe_candidate a, bpe_candidate b)
{
    return a.rank != b.rank ? a.rank < b.rank : a.at < b.at;
}

/* Adds the pair of `left` and the symbol behind it, if it may be merged. Room was made: each merge adds two at most. */
static void offer(const tokenizer *t, work *w, int64_t *count, int32_t left)
{
    const int32_t right = left >= 0 ? w->symbols[left].after : -1;
    const bpe_merge *const m = right >= 0 ? find_merge(t, w->symbols[left].id, w->symbols[right].id) : NULL;
    if (m == NULL)
        return;
    const bpe_candidate new = {m->rank, left, m->id};
    int64_t at = (*count)++;
    for (; at > 0 && is_before(new, w->heap[(at - 1) / 2]); at = (at - 1) / 2)
        w->heap[at] = w->heap[(at - 1) / 2];
    w->heap[at] = new;
}

static bpe_candidate take_first(work *w, int64_t *count)
{
    const bpe_candidate first = w->heap[0], last = w->heap[--*count];
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < *count; at = child) {
        if (child + 1 < *count && is_before(w->heap[child + 1], w->heap[child]))
            child++;
        if (!is_before(w->heap[child], last))
            break;
        w->heap[at] = w->heap[child];
    }
    w->heap[at] = last;
    return first;
}

static medley_status merge_all(const tokenizer *t, work *w, int64_t symbols, medley_error *err)
{
    TRY(mem_reserve(w->rt, &w->heap, &w->heap_room, 3 * symbols, sizeof *w->heap, err));
    int64_t count = 0;
    for (int64_t i = 0; i + 1 < symbols; i++)
        offer(t, w, &count, (int32_t)i);
    while (count > 0) {
        const bpe_candidate next = take_first(w, &count);
        bpe_symbol *const left = &w->symbols[next.at];
        if (left->gone || left->after < 0)
            continue;
        bpe_symbol *const right = &w->symbols[left->after];
        const bpe_merge *const m = find_merge(t, left->id, right->id);
        if (m == NULL || m->id != next.id)
            continue; /* one of the two is no longer what it was */
        left->id = next.id;
        left->after = right->after;
        right->gone = true;
        if (left->after >= 0)
            w->symbols[left->after].before = next.at;
        offer(t, w, &count, left->before);
        offer(t, w, &count, next.at);
    }
    return MEDLEY_OK;
}

/* The id of one character, with the prefix of what continues a word and the suffix of what ends it. */
static int32_t find_character(const tokenizer *t, const char *bytes, int64_t length, bool first, bool last)
{
    uint32_t node = TRIE_ROOT;
    if (t->vocabulary.nodes == 0)
        return -1;
    if (!first && t->bpe.prefix_length > 0 &&
        (node = trie_walk(&t->vocabulary, node, t->bpe.prefix, t->bpe.prefix_length)) == 0)
        return -1;
    if ((node = trie_walk(&t->vocabulary, node, bytes, (size_t)length)) == 0)
        return -1;
    if (last && t->bpe.suffix_length > 0 &&
        (node = trie_walk(&t->vocabulary, node, t->bpe.suffix, t->bpe.suffix_length)) == 0)
        return -1;
    return t->vocabulary.values[node];
}

static void push_symbol(work *w, int64_t *count, int32_t id)
{
    const int32_t at = (int32_t)(*count)++;
    w->symbols[at] = (bpe_symbol){id, at - 1, at + 1, false};
}

/* The bytes of a character as it was looked up; false: there is no token for one of them. */
static bool push_spelt(const tokenizer *t, work *w, const char *bytes, int64_t length, bool first, bool last,
                       int64_t *count)
{
    const struct {
        const char *bytes;
        int64_t length;
    } parts[] = {
        {t->bpe.prefix, first ? 0 : (int64_t)t->bpe.prefix_length},
        {bytes, length},
        {t->bpe.suffix, last ? (int64_t)t->bpe.suffix_length : 0},
    };
    for (size_t p = 0; p < 3; p++)
        if (!can_spell(t, parts[p].bytes, parts[p].length))
            return false;
    for (size_t p = 0; p < 3; p++)
        for (int64_t i = 0; i < parts[p].length; i++)
            push_symbol(w, count, t->byte_id[(unsigned char)parts[p].bytes[i]]);
    return true;
}

/* Unknown characters wait for the next known one: several may be one token. */
static int64_t push_characters(const tokenizer *t, work *w, piece word)
{
    int64_t count = 0;
    bool waiting = false;
    for (int64_t at = word.start, next; at < word.end; at = next) {
        point_at(w->bytes, at, &next);
        const bool first = at == word.start, last = next == word.end;
        const int32_t id = find_character(t, w->bytes + at, next - at, first, last);
        if (id >= 0) {
            if (waiting)
                push_symbol(w, &count, t->unknown);
            push_symbol(w, &count, id);
            waiting = false;
        } else if (t->byte_fallback && push_spelt(t, w, w->bytes + at, next - at, first, last, &count)) {
            continue;
        } else if (t->unknown >= 0) {
            if (waiting && !t->bpe.fuse_unknown)
                push_symbol(w, &count, t->unknown);
            waiting = true;
        }
    }
    if (waiting)
        push_symbol(w, &count, t->unknown);
    return count;
}

static medley_status bpe_encode(const tokenizer *t, work *w, piece word, token_list *out, medley_error *err)
{
    const int64_t length = word.end - word.start;
    if (t->bpe.ignore_merges) {
        const int32_t id = trie_find(&t->vocabulary, w->bytes + word.start, (size_t)length);
        if (id >= 0) {
            TRY(tokens_reserve(w, out, 1, err));
            out->id[out->count++] = id;
            return MEDLEY_OK;
        }
    }
    /* A character gives one symbol, or as many as it has bytes, with prefix and suffix. */
    const int64_t most =
        t->byte_fallback ? length * (1 + (int64_t)t->bpe.prefix_length) + (int64_t)t->bpe.suffix_length : length;
    TRY(mem_reserve(w->rt, &w->symbols, &w->symbol_room, most + 1, sizeof *w->symbols, err));
    const int64_t count = push_characters(t, w, word);
    if (count == 0)
        return MEDLEY_OK;
    w->symbols[count - 1].after = -1;
    TRY(merge_all(t, w, count, err));
    TRY(tokens_reserve(w, out, count, err));
    for (int32_t i = 0; i >= 0; i = w->symbols[i].after)
        out->id[out->count++] = w->symbols[i].id;
    return MEDLEY_OK;
}

medley_status bpe_start(reading *r, int64_t merges, medley_error *err)
{
    tokenizer *const t = r->t;
    t->bpe.room = 16;
    while (t->bpe.room < 2 * merges)
        t->bpe.room *= 2;
    TRY(arena_alloc(&t->memory, t->bpe.room, sizeof *t->bpe.merges, &t->bpe.merges, err));
    for (int64_t i = 0; i < t->bpe.room; i++)
        t->bpe.merges[i].pair = NO_PAIR;
    return MEDLEY_OK;
}

medley_status bpe_affixes(reading *r, const char *prefix, const char *suffix, medley_error *err)
{
    tokenizer *const t = r->t;
    t->bpe.prefix_length = strlen(prefix);
    t->bpe.suffix_length = strlen(suffix);
    TRY(reading_text(r, prefix, t->bpe.prefix_length, &t->bpe.prefix, err));
    return reading_text(r, suffix, t->bpe.suffix_length, &t->bpe.suffix, err);
}

/* Joined, the two are an entry; the prefix of the right one is gone then. */
static int32_t find_joined(const tokenizer *t, const char *left, size_t left_length, const char *right,
                           size_t right_length)
{
    const size_t skip = t->bpe.prefix_length < right_length ? t->bpe.prefix_length : right_length;
    uint32_t node = trie_walk(&t->vocabulary, TRIE_ROOT, left, left_length);
    if (node != 0)
        node = trie_walk(&t->vocabulary, node, right + skip, right_length - skip);
    return node != 0 ? t->vocabulary.values[node] : -1;
}

medley_status bpe_add_merge(reading *r, int64_t rank, const char *left, size_t left_length, const char *right,
                            size_t right_length, medley_error *err)
{
    tokenizer *const t = r->t;
    const int32_t a = trie_find(&t->vocabulary, left, left_length);
    const int32_t b = trie_find(&t->vocabulary, right, right_length);
    const int32_t joined = find_joined(t, left, left_length, right, right_length);
    if (a < 0 || b < 0 || joined < 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: merge %lld, '%.*s %.*s': %s is not in the vocabulary", r->path,
                    (long long)rank + 1, (int)(left_length < 64 ? left_length : 64), left,
                    (int)(right_length < 64 ? right_length : 64), right,
                    a < 0   ? "the first"
                    : b < 0 ? "the second"
                            : "what the two make");
    *find_row(t, a, b) = (bpe_merge){(uint64_t)a << 32 | (uint32_t)b, (int32_t)rank, joined};
    return MEDLEY_OK;
}

/* A merge is "a b" or ["a", "b"]. */
static medley_status merge_read(reading *r, const json *merge, int64_t rank, medley_error *err)
{
    const char *left = json_as_text(merge), *right = NULL;
    size_t left_length = 0;
    if (left != NULL && (right = strchr(left, ' ')) != NULL) {
        left_length = (size_t)(right - left);
        right++;
    } else if (json_count(merge) == 2 && (left = json_as_text(json_at(merge, 0, NULL))) != NULL) {
        left_length = strlen(left);
        right = json_as_text(json_at(merge, 1, NULL));
    }
    if (left == NULL || right == NULL)
        return fail(err, MEDLEY_E_FORMAT, "%s: model: merges: entry %lld is not two texts", r->path,
                    (long long)rank);
    return bpe_add_merge(r, rank, left, left_length, right, strlen(right), err);
}

static medley_status bpe_read(reading *r, const json *object, medley_error *err)
{
    tokenizer *const t = r->t;
    const char *const unknown = json_text(object, "unk_token");
    const char *const prefix = json_text(object, "continuing_subword_prefix");
    const char *const suffix = json_text(object, "end_of_word_suffix");
    const json *const merges = json_member(object, "merges");
    double dropout = 0;
    if (json_real(object, "dropout", &dropout) && dropout > 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: model: dropout %g: texts must have the same ids each time", r->path,
                    dropout);
    TRY(vocabulary_read(r, json_member(object, "vocab"), err));
    TRY(bpe_affixes(r, prefix != NULL ? prefix : "", suffix != NULL ? suffix : "", err));
    t->unknown = unknown != NULL ? trie_find(&t->vocabulary, unknown, strlen(unknown)) : -1;
    if (unknown != NULL && t->unknown < 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: the vocabulary has no '%s', which stands for what is unknown",
                    r->path, unknown);
    json_bool(object, "fuse_unk", &t->bpe.fuse_unknown);
    json_bool(object, "byte_fallback", &t->byte_fallback);
    json_bool(object, "ignore_merges", &t->bpe.ignore_merges);
    TRY(bpe_start(r, json_count(merges), err));
    for (int64_t i = 0; json_is_array(merges) && i < json_count(merges); i++)
        TRY(merge_read(r, json_at(merges, i, NULL), i, err));
    return MEDLEY_OK;
}

const model_class model_bpe = {"BPE", bpe_read, bpe_encode};
