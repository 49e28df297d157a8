/* A SentencePiece .model: a protocol buffer, read by hand.
 *
 *   ModelProto 1: pieces {1: text, 2: score, 3: type}  2: trainer {3: kind of model, 35: byte fallback}
 *              3: normalizer {2: compiled map, 3: add a space in front, 4: remove extra spaces} */
#include "encode/tokenizer_inside.h"

enum { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };
enum { UNIGRAM = 1 };
enum { VARINT, FIXED64, BYTES, FIXED32 = 5 };

/* Bytes of a message that are left. */
typedef struct message {
    const unsigned char *at, *end;
    bool broken;
} message;

typedef struct field {
    int64_t number;
    uint64_t value; /* of a varint, or the bits of a fixed one */
    message bytes;
    int type;
} field;

static uint64_t read_varint(message *m)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && m->at < m->end; shift += 7) {
        const unsigned char byte = *m->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    m->broken = true;
    return 0;
}

static uint64_t read_fixed(message *m, int bytes)
{
    uint64_t value = 0;
    if (m->end - m->at < bytes) {
        m->broken = true;
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)m->at[i] << 8 * i;
    m->at += bytes;
    return value;
}

/* The next field; false at the end and where the message is broken. */
static bool next_field(message *m, field *f)
{
    if (m->broken || m->at >= m->end)
        return false;
    const uint64_t key = read_varint(m);
    *f = (field){.number = (int64_t)(key >> 3), .type = (int)(key & 7)};
    switch (f->type) {
    case VARINT:
        f->value = read_varint(m);
        break;
    case FIXED64:
        f->value = read_fixed(m, 8);
        break;
    case FIXED32:
        f->value = read_fixed(m, 4);
        break;
    case BYTES: {
        const uint64_t length = read_varint(m);
        if (length > (uint64_t)(m->end - m->at)) {
            m->broken = true;
            break;
        }
        f->bytes = (message){m->at, m->at + length, false};
        m->at += length;
        break;
    }
    default:
        m->broken = true;
    }
    return !m->broken;
}

typedef struct model_proto {
    int64_t pieces, unknown; /* unknown: its id */
    uint64_t kind;
    bool byte_fallback, dummy_prefix, remove_spaces;
    message map;
} model_proto;

static medley_status read_piece(reading *r, model_proto *p, message m, medley_error *err)
{
    message content = {NULL, NULL, false};
    float score = 0;
    uint64_t type = NORMAL;
    for (field f; next_field(&m, &f);) {
        if (f.number == 1 && f.type == BYTES)
            content = f.bytes;
        else if (f.number == 2 && f.type == FIXED32)
            memcpy(&score, &(uint32_t){(uint32_t)f.value}, sizeof score);
        else if (f.number == 3 && f.type == VARINT)
            type = f.value;
    }
    const char *const bytes = content.at != NULL ? (const char *)content.at : "";
    const size_t length = (size_t)(content.end - content.at);
    if (m.broken || utf8_invalid_at(bytes, length) >= 0 || memchr(bytes, '\0', length) != NULL)
        return fail(err, MEDLEY_E_FORMAT, "%s: piece %lld is damaged", r->path, (long long)p->pieces);
    if (type == UNKNOWN)
        p->unknown = p->pieces;
    TRY(unigram_add(r, bytes, length, (double)score, err));
    if (type == UNKNOWN || type == CONTROL || type == USER_DEFINED) {
        added_token token = {.id = (int32_t)p->pieces, .special = type != USER_DEFINED};
        TRY(reading_text(r, bytes, length, &token.content, err));
        TRY(added_tokens_add(r, token, err));
    }
    p->pieces++;
    return MEDLEY_OK;
}

static void read_trainer(model_proto *p, message m)
{
    for (field f; next_field(&m, &f);) {
        if (f.number == 3 && f.type == VARINT)
            p->kind = f.value;
        else if (f.number == 35 && f.type == VARINT)
            p->byte_fallback = f.value != 0;
    }
}

static void read_normalizer(model_proto *p, message m)
{
    for (field f; next_field(&m, &f);) {
        if (f.number == 2 && f.type == BYTES)
            p->map = f.bytes;
        else if (f.number == 3 && f.type == VARINT)
            p->dummy_prefix = f.value != 0;
        else if (f.number == 4 && f.type == VARINT)
            p->remove_spaces = f.value != 0;
    }
}

static medley_status read_model(reading *r, model_proto *p, message m, medley_error *err)
{
    for (field f; next_field(&m, &f);) {
        if (f.type != BYTES)
            continue;
        if (f.number == 1)
            TRY(read_piece(r, p, f.bytes, err));
        else if (f.number == 2)
            read_trainer(p, f.bytes);
        else if (f.number == 3)
            read_normalizer(p, f.bytes);
    }
    if (m.broken || p->pieces == 0)
        return fail(err, MEDLEY_E_FORMAT, "%s: no SentencePiece model, or one that is cut short", r->path);
    if (p->kind != UNIGRAM)
        return fail(err, MEDLEY_E_FORMAT, "%s: a SentencePiece model of kind %llu: accepted is 1, unigram",
                    r->path, (unsigned long long)p->kind);
    return MEDLEY_OK;
}

/* T5's <extra_id_99> to <extra_id_0>, which only its configuration counts. */
static medley_status add_extra(reading *r, medley_error *err)
{
    enum { EXTRA_MOST = 10000 };
    int64_t count = 0;
    json_int(r->config, "extra_ids", &count);
    if (count < 0 || count > EXTRA_MOST)
        return fail(err, MEDLEY_E_FORMAT, "%s: extra_ids %lld of tokenizer_config.json: accepted are 0 to %d",
                    r->path, (long long)count, EXTRA_MOST);
    while (count-- > 0) {
        char name[32];
        const int length = snprintf(name, sizeof name, "<extra_id_%d>", (int)count);
        const int32_t id = (int32_t)r->t->size;
        TRY(unigram_add(r, name, (size_t)length, 0, err));
        TRY(added_tokens_add(r, (added_token){.content = name, .id = id, .special = true}, err));
    }
    return MEDLEY_OK;
}

static medley_status sentencepiece_pipeline(reading *r, const model_proto *p, medley_error *err)
{
    tokenizer *const t = r->t;
    t->model = &model_unigram;
    t->byte_fallback = p->byte_fallback;
    TRY(unigram_finish(r, p->unknown, err));
    TRY(add_extra(r, err));
    TRY(pipeline_read(r,
                      p->remove_spaces
                          ? "{\"normalizer\": {\"type\": \"Precompiled\"}, \"pre_tokenizer\": {\"type\": "
                            "\"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, "
                            "{\"type\": \"Metaspace\"}]}}"
                          : "{\"normalizer\": {\"type\": \"Precompiled\"}, "
                            "\"pre_tokenizer\": {\"type\": \"Metaspace\"}}",
                      err));
    if (p->map.at != NULL)
        TRY(charsmap_read(r, (const char *)p->map.at, (size_t)(p->map.end - p->map.at),
                          &t->normalizers.items[0].map, err));
    t->pretokenizers.items[t->pretokenizers.count - 1].prepend = p->dummy_prefix ? PREPEND_ALWAYS : PREPEND_NEVER;
    const int32_t padding = token_find(t, "<pad>");
    t->padding = padding >= 0 ? padding : 0;
    return token_find(t, "</s>") >= 0 ? special_add(r, PLACE_AFTER, "</s>", err) : MEDLEY_OK;
}

medley_status tokenizer_read_sentencepiece(reading *r, medley_error *err)
{
    char *bytes = NULL;
    size_t size = 0;
    medley_status status;
    model_proto p = {.unknown = -1, .kind = UNIGRAM, .dummy_prefix = true, .remove_spaces = true};
    TRY_DONE(reading_file(r, r->path, &bytes, &size, err));
    const unsigned char *const at = (const unsigned char *)bytes;
    TRY_DONE(read_model(r, &p, (message){at, at + size, false}, err));
    status = sentencepiece_pipeline(r, &p, err);
done:
    mem_free(bytes);
    return status;
}
