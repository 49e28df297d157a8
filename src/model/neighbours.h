/* Nearest rows of a sparse matrix: what ItemKNN, UserKNN, content KNN and the random walks stand on.
 *
 * A row x_i of X [n, m] is what is known of one item (or user): a value for each user (item) who has it. It is
 * weighted, then centred, and kept as floats; then, with a_i = |x_i|^2 and h the shrinkage,
 *
 *   weighting   none       x_iu
 *               tfidf      sqrt(x_iu) idf_u,  idf_u = ln n - ln(1 + rows that have u)
 *               bm25       x_iu (k1 + 1) / (k1 (1 - b + b l_i) + x_iu) idf_u,  l_i = sum of row i / mean of the sums
 *
 *   similarity  cosine             <x_i, x_j> / (|x_i| |x_j| + h)
 *               adjusted_cosine    the same, the mean of column u taken from each x_iu
 *               pearson            the same, the mean of row i taken from each x_iu
 *               asymmetric_cosine  <x_i, x_j> / (a_i^alpha a_j^(1 - alpha) + h)
 *               jaccard            <x_i, x_j> / (a_i + a_j - <x_i, x_j> + h)
 *               dice               <x_i, x_j> / ((a_i + a_j) / 2 + h)
 *               tversky            <x_i, x_j> / (<x_i, x_j> + alpha (a_i - <x_i, x_j>) + beta (a_j - <x_i, x_j>) + h)
 *               dot                <x_i, x_j> / (1 + h)
 *
 * Means are over the values that are there, and norms over whole rows, not over what two rows share. Only
 * positive similarities make neighbours. Weightings are those of the package implicit. */
#ifndef MODEL_NEIGHBOURS_H
#define MODEL_NEIGHBOURS_H

#include "model/model.h"

typedef struct neighbours_params {
    int64_t neighbours;
    int similarity, weighting, feedback, weights;
    double shrinkage, alpha, beta, k1, b;
} neighbours_params;

/* The rows of ItemKNN and UserKNN. */
extern const medley_param neighbours_table[];

enum { FEEDBACK_BINARY, FEEDBACK_RATING }; /* of neighbours_params.feedback and .weights */

/* One search: the K most similar candidates of every row,
 *
 *   s_rj = dot_rj / (own_r other_j + h)      or, for sets,      dot_rj / (own_r + other_j + overlap dot_rj + h),
 *
 * dot_rj = sum over u of scale_u row_ru column_uj.
 *
 * Equal similarities are ordered by random_bits(seed, stream_r, j). */
typedef struct neighbour_search {
    const csr *rows;        /* [R, M] those who look for neighbours */
    const csr *columns;     /* [M, N] the candidates, by column */
    const double *own;      /* [R] */
    const double *other;    /* [N] */
    const double *scale;    /* [M], or NULL: 1 */
    const uint64_t *stream; /* [R], or NULL: r */
    uint64_t seed;
    int64_t most; /* K >= 1 */
    double overlap, shrinkage;
    bool sets;
    bool among_themselves; /* the rows are candidates, and no neighbours of themselves */
    const uint32_t *self;  /* [R] then: which candidate each is; NULL: row r is candidate r */
    const char *phase;     /* of the progress */
} neighbour_search;

/* out [R, N]: s_rj of the K nearest j of each r. Scratch is O(workers × N), besides R K entries. Fails with E_NOMEM,
 * E_STOPPED. */
MEDLEY_MUST_USE medley_status neighbours_search(const medley_runtime *rt, const neighbour_search *s,
                                                csr_owner *out, medley_error *err);

/* Bytes that a search of `rows` among `candidates` takes, its result included. */
double neighbours_bytes(int64_t most, int64_t rows, int64_t candidates);

/* Adds the work of a search; pairs: of entries that share a column, which bounds the candidates that are met. */
void neighbours_count(double rows, double candidates, double pairs, workload *out);

/* What weighting and centring learn from a matrix, and do to rows that come later. Borrowed. */
typedef struct column_facts {
    const double *idf;  /* [M]; 1 without weighting */
    const double *mean; /* [M]; 0 but for adjusted_cosine */
    double length;      /* mean of the rows' sums */
} column_facts;

/* Fills idf [M] and mean [M], which the facts borrow. Fails with E_NOMEM. */
MEDLEY_MUST_USE medley_status neighbours_learn(const medley_runtime *rt, const neighbours_params *p, const csr *x,
                                               double *idf, double *mean, column_facts *out, medley_error *err);
/* x weighted and centred: out owns its values at most, and borrows the rest. */
MEDLEY_MUST_USE medley_status neighbours_weigh(const medley_runtime *rt, const neighbours_params *p,
                                               const column_facts *facts, const csr *x, csr_owner *out,
                                               medley_error *err);
/* Whether weighting leaves ones ones. */
bool neighbours_plain(const neighbours_params *p);

/* own [R] of the weighted rows, or, for the candidates' side, other. */
void neighbours_own(const neighbours_params *p, const csr *weighted, double *own);
void neighbours_other(const neighbours_params *p, const csr *weighted, double *other);
/* The similarity of the parameters, shrinkage and K; the matrices are left to the caller. */
neighbour_search neighbours_as(const neighbours_params *p);

/* Refuses (E_CONFIG) settings that need ratings the data does not have, or cannot take. */
MEDLEY_MUST_USE medley_status neighbours_check(const neighbours_params *p, const training *data,
                                               medley_error *err);
/* The data's matrix with the values that similarities compare. */
csr neighbours_feedback(const neighbours_params *p, const training *data);

/* scoring() of a model whose right side is a tensor "weights" [I, I]. */
MEDLEY_MUST_USE medley_status neighbours_scoring(const void *params, const model_state *state, int64_t users,
                                                 int64_t items, scoring *out, medley_error *err);

#endif
