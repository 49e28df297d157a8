/* Walks of three steps on the graph of users and items, what P3alpha and RP3beta are made of:
 *
 *   P_ui = x_ui / sum over j of x_uj,  P_iu = x_ui / sum over v of x_vi
 *   W_ij = sum over u of P_iu^alpha P_uj^alpha / popularity_j^beta         popularity_j: users who have j
 *   score(u, j) = sum over i in the history of u of P_ui^alpha W_ij
 *
 * Every item i of the history keeps its K likeliest targets j, never itself. */
#ifndef MODEL_RANDOM_WALK_H
#define MODEL_RANDOM_WALK_H

#include "model/neighbours.h"

typedef struct walk_params {
    int64_t neighbours;
    double alpha, beta;
    int feedback;
    bool normalise_similarity;
} walk_params;

/* The rows of every walk's table; beta is a row of its own. */
#define WALK_ROWS(owner)                                                                             \
    MEDLEY_INT(owner, neighbours, "100", 1, 100000, .sweep = "20,50,100,200,400",                    \
               .help = "likeliest targets that each item keeps"),                                    \
        MEDLEY_REAL(owner, alpha, "1", 0, 2, .sweep = "0.4,0.6,0.8,1,1.2,1.5",                       \
                    .help = "power of each step's probability"),                                     \
        MEDLEY_ENUM(owner, feedback, "binary", "binary|rating", .sweep = "binary,rating",            \
                    .help = "what makes a step likely: nothing but its being there, or the rating"), \
        MEDLEY_BOOL(owner, normalise_similarity, "false", .sweep = "false,true",                     \
                    .help = "whether what an item keeps is divided by its sum")

int64_t walk_estimate(const void *walk, const training *data);
void walk_work(const void *walk, const training_size *s, workload *fit, workload *encode);
medley_status walk_fit(const medley_runtime *rt, const void *walk, const training *data, model_state *state,
                       medley_error *err);
medley_status walk_encode(const medley_runtime *rt, const void *walk, const model_state *state, const scoring *how,
                          const histories *known, left_sides *out, medley_error *err);

#endif
