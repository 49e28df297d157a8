/* Texts as the ids a pretrained encoder was trained on: the same ids as Hugging Face's tokenizers gives.
 *
 *   WordPiece (BERT, MiniLM, MPNet), byte-level BPE (RoBERTa), CLIP's BPE, Unigram (T5, SentencePiece)
 *
 * Read from tokenizer.json (normalizer, pre-tokenizer, model, post-processor, added tokens, truncation, padding), or from
 * vocab.txt, vocab.json + merges.txt, CLIP's bpe_simple_vocab_16e6.txt(.gz), a SentencePiece .model. */
#ifndef ENCODE_TOKENIZER_H
#define ENCODE_TOKENIZER_H

#include "base/base.h"

typedef struct tokenizer tokenizer;
/* `path`: one of those files, or a folder with one of them, looked for in the order above (tokenizer_config.json beside it
 * is heeded for lower-casing and the longest input). Fails with E_NOT_FOUND, E_FORMAT (file, key or line, what is
 * accepted), E_NOMEM. */
MEDLEY_MUST_USE medley_status tokenizer_open(const medley_runtime *rt, const char *path, tokenizer **out,
                                             medley_error *err);
void tokenizer_close(tokenizer *t);
int64_t tokenizer_vocabulary(const tokenizer *t);
int64_t tokenizer_longest(const tokenizer *t); /* tokens, special ones included; 0: not said */
int64_t tokenizer_padding(const tokenizer *t); /* the id that fills; 0 when the files do not say */

/* Tokens of one text, grown as needed and reused. */
typedef struct token_list {
    int32_t *id;
    int64_t count, capacity;
    void *scratch; /* of the tokenizer */
} token_list;
void token_list_release(token_list *l);

/* Appends nothing: replaces. bytes: UTF-8; what is not valid is read as U+FFFD, as Python's decode(errors="replace") does;
 * NUL is a character. most > 0: at most so many tokens, special ones included (they stay; the text is cut at its end).
 * `special`: add the special tokens. The tokenizer is read only: safe from several threads, each with a list of its own.
 * Fails with E_NOMEM, E_LIMIT (a text over 1 GiB). */
MEDLEY_MUST_USE medley_status tokenizer_encode(const medley_runtime *rt, const tokenizer *t, const char *bytes,
                                               size_t length, int64_t most, bool special, token_list *out,
                                               medley_error *err);

#endif
