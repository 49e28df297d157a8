/* A text's way through the steps, and the memory it takes. */
#include "encode/character.h"
#include "encode/tokenizer_inside.h"
#include "io/utf8.h"

#define TEXT_MOST ((size_t)1 << 30)

medley_status work_room(work *w, int64_t more, char **at, medley_error *err)
{
    TRY(mem_reserve(w->rt, &w->bytes, &w->capacity, w->length + more + 1, 1, err)); /* never none */
    *at = w->bytes + w->length;
    return MEDLEY_OK;
}

medley_status work_push(const work *w, piece_list *list, piece p, medley_error *err)
{
    if (p.start == p.end)
        return MEDLEY_OK;
    if (list->count == list->capacity)
        TRY(mem_reserve(w->rt, &list->items, &list->capacity, list->count + 1, sizeof p, err));
    list->items[list->count++] = p;
    return MEDLEY_OK;
}

medley_status tokens_reserve(const work *w, token_list *out, int64_t more, medley_error *err)
{
    if (out->count + more <= out->capacity)
        return MEDLEY_OK;
    return mem_reserve(w->rt, &out->id, &out->capacity, out->count + more, sizeof *out->id, err);
}

void token_list_release(token_list *l)
{
    work *const w = l->scratch;
    if (w != NULL) {
        mem_free(w->bytes);
        mem_free(w->pieces.items);
        mem_free(w->next.items);
        mem_free(w->points);
        mem_free(w->words);
        mem_free(w->symbols);
        mem_free(w->heap);
        mem_free(w->lattice);
        mem_free(w);
    }
    mem_free(l->id);
    *l = (token_list){0};
}

/* The list's work, with words of this tokenizer only. */
static medley_status ready(const medley_runtime *rt, const tokenizer *t, token_list *l, work **out,
                           medley_error *err)
{
    work *w = l->scratch;
    if (w == NULL) {
        TRY(mem_alloc_zero(rt, 1, sizeof *w, &w, err));
        l->scratch = w;
    }
    w->rt = rt;
    if (w->words == NULL)
        TRY(mem_alloc_zero(rt, WORDS, sizeof *w->words, &w->words, err));
    else if (memcmp(w->tokenizer, t->identity, sizeof w->tokenizer) != 0)
        memset(w->words, 0, WORDS * sizeof *w->words);
    memcpy(w->tokenizer, t->identity, sizeof w->tokenizer);
    *out = w;
    return MEDLEY_OK;
}

static uint64_t load(const char *bytes)
{
    uint64_t eight;
    memcpy(&eight, bytes, sizeof eight);
    return eight;
}

static uint64_t word_hash(const char *bytes, int64_t length)
{
    uint64_t hash = (uint64_t)length * 0x9e3779b97f4a7c15u, tail = 0;
    int64_t at = 0;
    for (; length - at >= 8; at += 8)
        hash = (hash ^ load(bytes + at)) * 0xbf58476d1ce4e5b9u, hash ^= hash >> 29;
    for (int shift = 0; at < length; at++, shift += 8)
        tail |= (uint64_t)(unsigned char)bytes[at] << shift;
    return mix64(hash ^ tail);
}

/* The word as the model spells it. */
static medley_status encode_spelt(const tokenizer *t, work *w, piece word, token_list *out, medley_error *err)
{
    if (!t->byte_level)
        return t->model->encode(t, w, word, out, err);
    char *to;
    TRY(work_room(w, 2 * (word.end - word.start), &to, err));
    const int64_t before = w->length;
    for (int64_t i = word.start; i < word.end; i++)
        to += utf8_write(byte_character((unsigned char)w->bytes[i]), to);
    w->length = to - w->bytes;
    const medley_status status = t->model->encode(t, w, (piece){before, w->length, false}, out, err);
    w->length = before;
    return status;
}

static medley_status encode_word(const tokenizer *t, work *w, piece word, token_list *out, medley_error *err)
{
    const int64_t length = word.end - word.start, before = out->count;
    const char *bytes = w->bytes + word.start;
    if (length > WORD_BYTES)
        return encode_spelt(t, w, word, out, err);
    cached_word *const row = &w->words[word_hash(bytes, length) % WORDS];
    if (row->length == length && memcmp(row->bytes, bytes, (size_t)length) == 0) {
        TRY(tokens_reserve(w, out, WORD_TOKENS, err));
        memcpy(out->id + before, row->id, sizeof row->id);
        out->count += row->count;
        return MEDLEY_OK;
    }
    TRY(encode_spelt(t, w, word, out, err));
    if (out->count - before <= WORD_TOKENS) {
        *row = (cached_word){.length = (uint8_t)length, .count = (uint8_t)(out->count - before)};
        memcpy(row->bytes, w->bytes + word.start, (size_t)length);
        memcpy(row->id, out->id + before, (size_t)row->count * sizeof *row->id);
    }
    return MEDLEY_OK;
}

/* One text on its way. */
typedef struct encoding {
    const tokenizer *t;
    work *w;
    token_list *out;
    int64_t keep; /* tokens that matter */
} encoding;

static void swap_lists(work *w)
{
    const piece_list pieces = w->pieces;
    w->pieces = w->next;
    w->next = pieces;
}

static medley_status encode_words(encoding *e, piece in, medley_error *err)
{
    work *const w = e->w;
    w->pieces.count = 0;
    TRY(work_push(w, &w->pieces, in, err));
    for (int64_t s = 0; s < e->t->pretokenizers.count; s++) {
        const step *const cut = &e->t->pretokenizers.items[s];
        w->next.count = 0;
        for (int64_t i = 0; i < w->pieces.count; i++)
            TRY(cut->class->split(w, cut, w->pieces.items[i], err));
        swap_lists(w);
    }
    for (int64_t i = 0; i < w->pieces.count && e->out->count < e->keep; i++)
        TRY(encode_word(e->t, w, w->pieces.items[i], e->out, err));
    if (e->t->pretokenizers.count % 2 != 0)
        swap_lists(w); /* so that the next text finds each as large as it was */
    return MEDLEY_OK;
}

/* The last character that ends at `at`. */
static uint32_t point_before(const char *bytes, int64_t at, int64_t *start)
{
    int64_t next;
    do
        at--;
    while (((unsigned char)bytes[at] & 0xc0) == 0x80);
    *start = at;
    return point_at(bytes, at, &next);
}

/* Widens a match as its token asks, not before `from`; false: it is part of a word, and must not be. */
static bool widen(const added_token *token, const char *bytes, piece in, int64_t from, piece *match)
{
    int64_t to;
    if (token->single_word &&
        ((match->start > in.start && character_is(point_before(bytes, match->start, &to), CHARACTER_WORD)) ||
         (match->end < in.end && character_is(point_at(bytes, match->end, &to), CHARACTER_WORD))))
        return false;
    while (token->left && match->start > from && character_is_space(point_before(bytes, match->start, &to)))
        match->start = to;
    while (token->right && match->end < in.end && character_is_space(point_at(bytes, match->end, &to)))
        match->end = to;
    return true;
}

/* The longest entry of the trie at the first row from `at` on where there is one. */
static const added_token *find_added(const tokenizer *t, const trie *among, const bool begins[256],
                                     const char *bytes, piece in, int64_t at, piece *match)
{
    for (; at < in.end; at++) {
        if (!begins[(unsigned char)bytes[at]])
            continue;
        int32_t found = -1;
        uint32_t node = TRIE_ROOT;
        for (int64_t i = at; i < in.end && (node = trie_step(among, node, (unsigned char)bytes[i])) != 0; i++)
            if (among->values[node] >= 0) {
                found = among->values[node];
                *match = (piece){at, i + 1, false};
            }
        if (found >= 0)
            return &t->added[found];
    }
    return NULL;
}

/* Added tokens become their ids, and what is between them goes on to `between`. */
static medley_status split_added(encoding *e, const trie *among, const bool begins[256], piece in,
                                 medley_status (*between)(encoding *e, piece p, medley_error *err),
                                 medley_error *err)
{
    int64_t kept = in.start;
    piece match;
    const added_token *token;
    for (int64_t at = in.start; e->out->count < e->keep; at = match.end) {
        token = find_added(e->t, among, begins, e->w->bytes, in, at, &match);
        if (token == NULL)
            break;
        piece wide = match;
        if (!widen(token, e->w->bytes, in, kept, &wide))
            continue;
        if (wide.start > kept)
            TRY(between(e, (piece){kept, wide.start, in.first && kept == in.start}, err));
        TRY(tokens_reserve(e->w, e->out, 1, err));
        e->out->id[e->out->count++] = token->id;
        kept = wide.end;
    }
    if (kept < in.end && e->out->count < e->keep)
        TRY(between(e, (piece){kept, in.end, in.first && kept == in.start}, err));
    return MEDLEY_OK;
}

static medley_status normalize(encoding *e, piece *p, medley_error *err)
{
    const step_list *const list = &e->t->normalizers;
    for (int64_t s = 0; s < list->count; s++)
        TRY(list->items[s].class->normalize(e->w, &list->items[s], *p, p, err));
    return MEDLEY_OK;
}

static medley_status encode_section(encoding *e, piece in, medley_error *err)
{
    const int64_t before = e->w->length;
    if (in.first && e->t->heeds_first) {
        /* A text whose first character goes does not begin where it began. */
        piece head = in;
        point_at(e->w->bytes, in.start, &head.end);
        TRY(normalize(e, &head, err));
        in.first = head.start < head.end;
        e->w->length = before;
    }
    TRY(normalize(e, &in, err));
    TRY(split_added(e, &e->t->added_normalized, e->t->begins_normalized, in, encode_words, err));
    e->w->length = before;
    return MEDLEY_OK;
}

static medley_status push_special(const work *w, token_list *out, const int32_t *id, int64_t count, int64_t most,
                                  medley_error *err)
{
    TRY(tokens_reserve(w, out, count, err));
    for (int64_t i = 0; i < count && (most <= 0 || out->count < most); i++)
        out->id[out->count++] = id[i];
    return MEDLEY_OK;
}

medley_status tokenizer_encode(const medley_runtime *rt, const tokenizer *t, const char *bytes, size_t length,
                               int64_t most, bool special, token_list *out, medley_error *err)
{
    work *w;
    char *to;
    out->count = 0;
    if (length > TEXT_MOST)
        return fail(err, MEDLEY_E_LIMIT, "a text of %zu bytes: at most 1 GiB has tokens", length);
    TRY(ready(rt, t, out, &w, err));
    w->length = 0;
    const bool sound = utf8_invalid_at(bytes, length) < 0;
    TRY(work_room(w, (int64_t)(sound ? length : 3 * length), &to, err));
    if (sound && length > 0)
        memcpy(to, bytes, length);
    w->length = (int64_t)(sound ? length : utf8_mend(bytes, length, to));
    if (special)
        TRY(push_special(w, out, t->before, t->before_count, most, err));
    const int64_t after = special ? t->after_count : 0;
    encoding e = {t, w, out, most > 0 ? most - after : INT64_MAX};
    if (e.keep < out->count)
        e.keep = out->count;
    TRY(split_added(&e, &t->added_raw, t->begins_raw, (piece){0, w->length, true}, encode_section, err));
    if (out->count > e.keep)
        out->count = e.keep;
    return special ? push_special(w, out, t->after, after, most, err) : MEDLEY_OK;
}

void tokenizer_clear(tokenizer *t)
{
    mem_free(t->normalizers.items);
    mem_free(t->pretokenizers.items);
    mem_free(t->added);
    mem_free(t->unigram.score);
    mem_free(t->before);
    mem_free(t->after);
    trie_release(&t->vocabulary);
    trie_release(&t->added_raw);
    trie_release(&t->added_normalized);
    arena_release(&t->memory);
}

void tokenizer_close(tokenizer *t)
{
    if (t != NULL)
        tokenizer_clear(t);
    mem_free(t);
}

int64_t tokenizer_vocabulary(const tokenizer *t)
{
    return t->size;
}

int64_t tokenizer_longest(const tokenizer *t)
{
    return t->longest;
}

int64_t tokenizer_padding(const tokenizer *t)
{
    return t->padding;
}
