/* The inside of a tokenizer: what its files say, as lists of steps, and the memory of a text on its way through them.
 *
 *   text -> added tokens -> normalizers -> added tokens -> pre-tokenizers -> model -> special tokens
 *
 * Every form of a text is written behind the one before in one growing buffer, so that parts are pairs of offsets and
 * a step that changes nothing copies nothing. */
#ifndef ENCODE_TOKENIZER_INSIDE_H
#define ENCODE_TOKENIZER_INSIDE_H

#include "encode/tokenizer.h"
#include "encode/trie.h"
#include "io/fingerprint.h"
#include "io/json.h"
#include "io/utf8.h"

/* Part of a text: [start, end) of work.bytes. */
typedef struct piece {
    int64_t start, end;
    bool first; /* it begins where the text does */
} piece;

typedef struct piece_list {
    piece *items;
    int64_t count, capacity;
} piece_list;

enum { WORD_BYTES = 28, WORD_TOKENS = 8, WORDS = 1 << 14 };
/* A word and its tokens: one cache line. What hashes to its place takes it. */
typedef struct cached_word {
    char bytes[WORD_BYTES];
    uint8_t length, count; /* 0 bytes: empty */
    int32_t id[WORD_TOKENS];
} cached_word;

typedef struct work {
    const medley_runtime *rt;
    char *bytes;
    int64_t length, capacity;
    piece_list pieces, next; /* before and after a pre-tokenizer */
    int32_t *points;         /* of normal forms */
    int64_t points_room;
    cached_word *words;               /* [WORDS] */
    char tokenizer[FINGERPRINT_SIZE]; /* whose words they are: its identity */
    /* Of the model. */
    struct bpe_symbol *symbols;
    struct bpe_candidate *heap;
    struct unigram_node *lattice;
    int64_t symbol_room, heap_room, lattice_room;
} work;

/* Makes room for `more` bytes behind those that are there: *at is where. */
medley_status work_room(work *w, int64_t more, char **at, medley_error *err);
medley_status work_push(const work *w, piece_list *list, piece p, medley_error *err); /* an empty piece: nothing */

/* Where a file is read: for messages, and for memory that lives as long as the tokenizer. */
typedef struct reading {
    const medley_runtime *rt;
    const char *path;
    struct tokenizer *t;
    fingerprint *content; /* of all that was read */
    const json *config;   /* tokenizer_config.json; NULL: there is none */
} reading;
/* A whole file, decompressed, mem_alloc'd, with a NUL behind it. */
medley_status reading_file(reading *r, const char *path, char **bytes, size_t *length, medley_error *err);
/* A file beside r->path. */
medley_status reading_beside(reading *r, const char *name, char **path, medley_error *err);

/* What is looked for in a text: a literal, or one of the regular expressions that pattern.c knows. */
typedef struct pattern {
    /* The end of what matches at `at`, a character's start; `at`: nothing does. */
    int64_t (*match)(const struct pattern *p, const char *bytes, int64_t at, int64_t end);
    const char *literal;
    int64_t length;
} pattern;
/* {"String": ...} or {"Regex": ...}; `owner` stands in messages. */
medley_status pattern_read(reading *r, const char *owner, const json *value, pattern *out, medley_error *err);
pattern pattern_literal(const char *bytes, int64_t length);
/* GPT-2's regular expression, which cuts texts for byte-level BPE. */
int64_t pattern_match_gpt2(const pattern *p, const char *bytes, int64_t at, int64_t end);

typedef enum split_behavior {
    SPLIT_REMOVED,
    SPLIT_ISOLATED,
    SPLIT_MERGED_WITH_PREVIOUS,
    SPLIT_MERGED_WITH_NEXT,
    SPLIT_CONTIGUOUS,
    SPLIT_BEHAVIORS
} split_behavior;
typedef enum prepend_scheme { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER, PREPEND_SCHEMES } prepend_scheme;

/* A normalizer or pre-tokenizer with what it was told. */
typedef struct step {
    const struct step_class *class;
    bool clean, ideographs, accents, lower; /* BertNormalizer; accents: they are stripped */
    bool left, right;                       /* Strip */
    unsigned char ascii[128];               /* what becomes of it; STEP_DROPPED: nothing */
    pattern pattern;                        /* Replace, Split */
    split_behavior behavior;
    bool invert, each;      /* Split; Digits: one by one */
    prepend_scheme prepend; /* Metaspace, ByteLevel */
    bool split;             /* Metaspace; ByteLevel: by GPT-2's pattern */
    const char *content;    /* Replace, Prepend: what is put there; Metaspace: what stands for a space */
    int64_t content_length;
    const struct charsmap *map;
} step;
enum { STEP_DROPPED = 0xff };

typedef struct step_class {
    const char *type;
    /* Reads members of the step's object; NULL: none matter. Fails with E_FORMAT. */
    medley_status (*read)(reading *r, const json *object, step *s, medley_error *err);
    /* A normalizer makes another piece of a piece, a pre-tokenizer adds pieces to w->next: the one or the other. */
    medley_status (*normalize)(work *w, const step *s, piece in, piece *out, medley_error *err);
    medley_status (*split)(work *w, const step *s, piece in, medley_error *err);
} step_class;
extern const step_class normalizer_classes[], pretokenizer_classes[]; /* end with NULL */

typedef struct step_list {
    step *items;
    int64_t count, capacity;
} step_list;
/* Reads an object, or a Sequence of them, or null; `what` stands in messages: "normalizer". */
medley_status steps_read(reading *r, const char *what, const step_class *classes, const json *value,
                         step_list *list, medley_error *err);
/* The normalizers and pre-tokenizers of `written`, a pipeline as tokenizer.json would have it. */
medley_status pipeline_read(reading *r, const char *written, medley_error *err);

/* SentencePiece's normalization, compiled: a double-array trie whose values are offsets into texts. */
typedef struct charsmap charsmap;
medley_status charsmap_read(reading *r, const char *bytes, size_t length, const charsmap **out, medley_error *err);
medley_status charsmap_read_base64(reading *r, const char *code, const charsmap **out, medley_error *err);
medley_status charsmap_normalize(work *w, const charsmap *map, piece in, piece *out, medley_error *err);

/* Copies into the tokenizer's arena, ended with NUL. */
medley_status reading_text(reading *r, const char *bytes, size_t length, const char **out, medley_error *err);

typedef struct added_token {
    const char *content; /* as it is looked for: normalized, if it is looked for in normalized text */
    int32_t id;
    bool special, single_word, left, right, normalized;
} added_token;

typedef struct model_class {
    const char *type;
    medley_status (*read)(reading *r, const json *object, medley_error *err);
    /* Appends the tokens of a word, which is not empty. */
    medley_status (*encode)(const struct tokenizer *t, work *w, piece word, token_list *out, medley_error *err);
} model_class;
extern const model_class model_wordpiece, model_bpe, model_unigram;

typedef struct bpe_merge {
    uint64_t pair; /* left << 32 | right; BPE_NO_PAIR: empty row */
    int32_t rank, id;
} bpe_merge;

struct tokenizer {
    const medley_runtime *rt;
    arena memory;
    char identity[FINGERPRINT_SIZE]; /* of the files it was read from */
    step_list normalizers, pretokenizers;
    bool heeds_first; /* a pre-tokenizer asks where a piece was in the text */
    bool byte_level;  /* words are spelt in the 256 characters that stand for bytes */

    added_token *added;
    int64_t added_count, added_capacity;
    trie added_raw, added_normalized;             /* contents to indexes into `added` */
    bool begins_raw[256], begins_normalized[256]; /* bytes that an added token may begin with */

    const model_class *model;
    trie vocabulary;
    int64_t size;         /* highest id + 1 */
    int32_t unknown;      /* -1: none */
    bool byte_fallback;   /* what is unknown becomes tokens <0x00> to <0xFF>: */
    int32_t byte_id[256]; /* -1: not there */
    struct {
        int64_t inside;  /* the node behind the prefix of what continues a word; -1: none */
        int64_t longest; /* characters; longer words are unknown */
    } wordpiece;
    struct {
        bpe_merge *merges; /* hash table */
        int64_t room;      /* a power of two */
        const char *prefix, *suffix;
        size_t prefix_length, suffix_length;
        bool fuse_unknown, ignore_merges;
    } bpe;
    struct {
        double *score; /* by id */
        int64_t count, capacity;
        double unknown_score;
    } unigram;

    int32_t *before, *after; /* special tokens around a text */
    int64_t before_count, before_capacity, after_count, after_capacity;
    int64_t longest, padding;
};

/* Ends what it holds. */
void tokenizer_clear(tokenizer *t);

/* Sets the id of an entry of the vocabulary, keeping `size`. */
medley_status vocabulary_set(reading *r, const char *bytes, size_t length, int64_t id, medley_error *err);
medley_status added_tokens_add(reading *r, added_token token, medley_error *err);
/* Once the steps are known: looks up what is to be looked for. */
medley_status added_tokens_finish(reading *r, medley_error *err);
typedef enum place { PLACE_BEFORE, PLACE_AFTER } place;
/* A special token around texts, which must be in the vocabulary. */
medley_status special_add(reading *r, place where, const char *content, medley_error *err);
medley_status special_add_id(reading *r, place where, int64_t id, medley_error *err);
/* The id of a text that is an added token or in the vocabulary, or -1. */
int32_t token_find(const tokenizer *t, const char *content);
/* The model's vocabulary: {"text": id}. */
medley_status vocabulary_read(reading *r, const json *object, medley_error *err);
/* Makes room for `more` tokens. */
medley_status tokens_reserve(const work *w, token_list *out, int64_t more, medley_error *err);
/* Whether there is a token for each of these bytes. */
void byte_tokens_find(tokenizer *t);
bool can_spell(const tokenizer *t, const char *bytes, int64_t length);

/* How the files that are not JSON fill a model. */
medley_status unigram_add(reading *r, const char *bytes, size_t length, double score, medley_error *err);
medley_status unigram_finish(reading *r, int64_t unknown, medley_error *err);
medley_status wordpiece_finish(reading *r, const char *prefix, const char *unknown, medley_error *err);
medley_status bpe_affixes(reading *r, const char *prefix, const char *suffix, medley_error *err);
medley_status bpe_start(reading *r, int64_t merges, medley_error *err);
/* The next of so many merges; what they join must be in the vocabulary. */
medley_status bpe_add_merge(reading *r, int64_t rank, const char *left, size_t left_length, const char *right,
                            size_t right_length, medley_error *err);

/* The 256 characters of byte-level vocabularies: printable ones of Latin-1 stand for themselves, others follow 255. */
uint32_t byte_character(unsigned char byte);

/* Each reads one kind of file into r->t. */
medley_status tokenizer_read_json(reading *r, medley_error *err);
medley_status tokenizer_read_vocab(reading *r, medley_error *err);
medley_status tokenizer_read_byte_bpe(reading *r, medley_error *err); /* vocab.json, merges.txt beside it */
medley_status tokenizer_read_clip(reading *r, medley_error *err);
medley_status tokenizer_read_sentencepiece(reading *r, medley_error *err);

/* The code point at `at`, which is well-formed; *next is behind it. */
static inline uint32_t point_at(const char *bytes, int64_t at, int64_t *next)
{
    const unsigned char *u = (const unsigned char *)bytes + at;
    if (u[0] < 0x80) {
        *next = at + 1;
        return u[0];
    }
    if (u[0] < 0xe0) {
        *next = at + 2;
        return (u[0] & 0x1fu) << 6 | (u[1] & 0x3fu);
    }
    if (u[0] < 0xf0) {
        *next = at + 3;
        return (u[0] & 0xfu) << 12 | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
    }
    *next = at + 4;
    return (u[0] & 7u) << 18 | (u[1] & 0x3fu) << 12 | (u[2] & 0x3fu) << 6 | (u[3] & 0x3fu);
}

#endif
