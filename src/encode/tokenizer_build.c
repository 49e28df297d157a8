/* How a tokenizer is filled, whichever file says with what. */
#include "encode/tokenizer_inside.h"
#include "io/stream.h"
#include "io/utf8.h"

enum { FILE_MOST = 256 << 20 };

medley_status reading_text(reading *r, const char *bytes, size_t length, const char **out, medley_error *err)
{
    return arena_text(&r->t->memory, bytes, length, out, err);
}

medley_status reading_file(reading *r, const char *path, char **bytes, size_t *length, medley_error *err)
{
    stream *s = NULL;
    int64_t room = 0;
    size_t got = 0;
    medley_status status;
    *bytes = NULL;
    *length = 0;
    TRY_DONE(stream_open(r->rt, path, &s, err));
    do {
        TRY_DONE(mem_reserve(r->rt, bytes, &room, (int64_t)*length + (1 << 16), 1, err));
        TRY_DONE(stream_read(s, *bytes + *length, (size_t)room - 1 - *length, &got, err));
        *length += got;
        if (*length > FILE_MOST) {
            status =
                fail(err, MEDLEY_E_LIMIT, "%s: more than %d MiB: no tokenizer is so large", path, FILE_MOST >> 20);
            goto done;
        }
    } while (got > 0);
    (*bytes)[*length] = '\0';
    fingerprint_add(r->content, path, strlen(path));
    fingerprint_add(r->content, *bytes, *length);
done:
    stream_close(s);
    if (status != MEDLEY_OK) {
        mem_free(*bytes);
        *bytes = NULL;
    }
    return status;
}

medley_status reading_beside(reading *r, const char *name, char **path, medley_error *err)
{
    const char *const slash = strrchr(r->path, '/');
    text t = {.rt = r->rt};
    if (slash != NULL)
        text_append(&t, r->path, (size_t)(slash - r->path) + 1);
    text_add(&t, name);
    const medley_status status = text_status(&t, err);
    if (status == MEDLEY_OK)
        *path = t.bytes;
    else
        text_release(&t);
    return status;
}

medley_status vocabulary_set(reading *r, const char *bytes, size_t length, int64_t id, medley_error *err)
{
    if (id < 0 || id >= INT32_MAX)
        return fail(err, MEDLEY_E_FORMAT, "%s: id %lld: ids are 0 to %d", r->path, (long long)id, INT32_MAX - 1);
    if (id >= r->t->size)
        r->t->size = id + 1;
    return trie_set(&r->t->vocabulary, bytes, length, (int32_t)id, NULL, err);
}

int32_t token_find(const tokenizer *t, const char *content)
{
    const int32_t id = trie_find(&t->vocabulary, content, strlen(content));
    for (int64_t i = 0; id < 0 && i < t->added_count; i++)
        if (strcmp(t->added[i].content, content) == 0)
            return t->added[i].id;
    return id;
}

medley_status added_tokens_add(reading *r, added_token token, medley_error *err)
{
    tokenizer *const t = r->t;
    const int32_t known = trie_find(&t->vocabulary, token.content, strlen(token.content));
    if (known >= 0)
        token.id = known;
    if (token.id >= t->size)
        t->size = (int64_t)token.id + 1;
    TRY(reading_text(r, token.content, strlen(token.content), &token.content, err));
    TRY(mem_reserve(r->rt, &t->added, &t->added_capacity, t->added_count + 1, sizeof token, err));
    t->added[t->added_count++] = token;
    return MEDLEY_OK;
}

/* The content as it stands in normalized texts. */
static medley_status normalized_content(reading *r, work *w, const char **content, medley_error *err)
{
    char *to;
    const size_t length = strlen(*content);
    w->length = 0;
    TRY(work_room(w, (int64_t)length, &to, err));
    memcpy(to, *content, length);
    w->length = (int64_t)length;
    piece p = {0, w->length, true};
    for (int64_t s = 0; s < r->t->normalizers.count; s++)
        TRY(r->t->normalizers.items[s].class->normalize(w, &r->t->normalizers.items[s], p, &p, err));
    return reading_text(r, w->bytes + p.start, (size_t)(p.end - p.start), content, err);
}

medley_status added_tokens_finish(reading *r, medley_error *err)
{
    tokenizer *const t = r->t;
    medley_status status = MEDLEY_OK;
    token_list list = {0};
    TRY(mem_alloc_zero(r->rt, 1, sizeof(work), &list.scratch, err));
    work *const w = list.scratch;
    w->rt = r->rt;
    /* Special tokens come first: of two that are looked for by the same text, the first is found. */
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < t->added_count; i++) {
            added_token *const token = &t->added[i];
            if (token->special != (pass == 0))
                continue;
            if (token->normalized)
                TRY_DONE(normalized_content(r, w, &token->content, err));
            trie *const among = token->normalized ? &t->added_normalized : &t->added_raw;
            const size_t length = strlen(token->content);
            if (length == 0 || trie_find(among, token->content, length) >= 0)
                continue;
            TRY_DONE(trie_set(among, token->content, length, (int32_t)i, NULL, err));
            (token->normalized ? t->begins_normalized : t->begins_raw)[(unsigned char)*token->content] = true;
        }
done:
    token_list_release(&list);
    return status;
}

medley_status special_add_id(reading *r, place where, int64_t id, medley_error *err)
{
    tokenizer *const t = r->t;
    if (id < 0 || id >= INT32_MAX)
        return fail(err, MEDLEY_E_FORMAT, "%s: post_processor: id %lld: ids are 0 to %d", r->path, (long long)id,
                    INT32_MAX - 1);
    if (id >= t->size)
        t->size = id + 1;
    int32_t **const ids = where == PLACE_BEFORE ? &t->before : &t->after;
    int64_t *const count = where == PLACE_BEFORE ? &t->before_count : &t->after_count;
    int64_t *const capacity = where == PLACE_BEFORE ? &t->before_capacity : &t->after_capacity;
    TRY(mem_reserve(r->rt, ids, capacity, *count + 1, sizeof **ids, err));
    (*ids)[(*count)++] = (int32_t)id;
    return MEDLEY_OK;
}

medley_status special_add(reading *r, place where, const char *content, medley_error *err)
{
    const int32_t id = token_find(r->t, content);
    if (id < 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: the vocabulary has no '%s'", r->path, content);
    return special_add_id(r, where, id, err);
}

uint32_t byte_character(unsigned char byte)
{
    if ((byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad))
        return byte;
    /* The others in order: 0-32, 127-160, 173. */
    return 256u + (byte <= ' ' ? byte : byte <= 0xa0 ? byte - 0x7fu + 33 : 67);
}

bool can_spell(const tokenizer *t, const char *bytes, int64_t length)
{
    for (int64_t i = 0; i < length; i++)
        if (t->byte_id[(unsigned char)bytes[i]] < 0)
            return false;
    return true;
}

void byte_tokens_find(tokenizer *t)
{
    for (int byte = 0; byte < 256; byte++) {
        char name[8];
        const int length = snprintf(name, sizeof name, "<0x%02X>", (unsigned)byte);
        t->byte_id[byte] = trie_find(&t->vocabulary, name, (size_t)length);
    }
}
