/* Items as bags of words: TF-IDF over title and text of the catalogue. */
#ifndef DATA_TFIDF_H
#define DATA_TFIDF_H

#include "tensor/csr.h"

typedef struct tfidf_options {
    bool title, body;       /* which of the item's texts */
    const char *attributes; /* keys of attributes whose values are words too, separated by commas; "" none */
    int64_t min_items;      /* a word must be in this many items, >= 1 */
    double max_share;       /* and in at most this share of them, 0..1 */
    bool sublinear;         /* tf = 1 + ln(count) instead of count */
} tfidf_options;

/* [items, words] rows of Euclidean length 1 (empty for items without words), columns in order of the words' bytes:
 *
 *   w(i, t) = tf(i, t) (ln((1 + n) / (1 + df(t))) + 1)          Salton and Buckley 1988, smoothed as scikit-learn does
 *
 * Words are runs of two or more letters or digits (Unicode), case folded. n counts the items given by `fitted`
 * ([items] not 0; NULL: all), and so does df: what is learnt must not know held-out items' texts unless they are
 * there at serving time, which is the caller's choice. Fails with E_NOT_FOUND, E_FORMAT, E_NOMEM, E_STOPPED. */
MEDLEY_MUST_USE medley_status tfidf_items(const medley_runtime *rt, const char *catalog,
                                          const tfidf_options *options, const uint8_t *fitted, int64_t items,
                                          csr_owner *out, medley_error *err);

#endif
