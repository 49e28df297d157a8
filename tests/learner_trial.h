/* Models that are learnt by gradients, in their unit tests: what a model makes of parameters that the test sees, and a world
 * of tastes that such a model should find. */
#ifndef TESTS_LEARNER_TRIAL_H
#define TESTS_LEARNER_TRIAL_H

#include "fit_model.h"

#include <math.h>

#include "model/learner.h"

/* ---- a model as it starts ---- */

typedef struct learner_trial {
    const fit_case *c;
    csr_owner matrix;
    training data;
    void *context;
    parameters learnt;
    model_state state; /* of learner_trial_finish */
} learner_trial;

/* Release it also after a failure. */
static inline medley_status learner_trial_begin(const medley_runtime *rt, const fit_case *c, learner_trial *t,
                                                medley_error *err)
{
    const interactions *const parts[] = {&c->events};
    *t = (learner_trial){.c = c};
    parameters_init(rt, &t->learnt);
    TRY(matrix_of_parts(rt, parts, 1, c->users, c->items, true, &t->matrix, err));
    t->data = (training){.users = c->users,
                         .items = c->items,
                         .events = c->events,
                         .matrix = t->matrix.view,
                         .folder = c->folder,
                         .seed = 7};
    TRY(c->class->learner->begin(rt, c->values, &t->data, &t->context, err));
    c->class->learner->declare(t->context, &t->learnt);
    return parameters_allocate(rt, &t->learnt, t->data.seed, err);
}

static inline void learner_trial_release(learner_trial *t)
{
    model_state_release(&t->state);
    parameters_release(&t->learnt);
    if (t->context != NULL)
        t->c->class->learner->end(t->context);
    csr_release(&t->matrix);
}

static inline const real *learner_values(const learner_trial *t, const char *name)
{
    const parameter *p = parameters_find(&t->learnt, name);
    assert_non_null(p);
    return p->value;
}

/* What the model would be if its parameters were these. */
static inline scoring learner_trial_finish(const medley_runtime *rt, learner_trial *t)
{
    scoring how;
    model_state_release(&t->state);
    assert_ok(t->c->class->learner->finish(rt, t->context, &t->learnt, &t->state, err));
    assert_ok(t->c->class->scoring(t->c->values, &t->state, t->c->users, t->c->items, &how, err));
    return how;
}

/* A batch of an epoch, freed by mem_free. */
static inline void *learner_batch(const medley_runtime *rt, const learner_trial *t, int64_t epoch, int64_t first,
                                  int64_t count)
{
    const batch_place at = {.seed = t->data.seed, .epoch = epoch, .first = first, .count = count};
    void *batch;
    assert_ok(mem_alloc(rt, t->c->class->learner->batch_bytes(t->context, count), 1, &batch, err));
    t->c->class->learner->fill(t->context, &at, batch);
    return batch;
}

static inline double learner_loss(const medley_runtime *rt, const learner_trial *t, const void *batch)
{
    graph *g;
    assert_ok(graph_create(rt, &g, err));
    graph_begin(g, (graph_place){.seed = t->data.seed, .training = true});
    const node *loss = t->c->class->learner->loss(t->context, g, batch);
    assert_ok(graph_status(g, err));
    const double value = (double)loss->value[0];
    graph_free(g);
    return value;
}

static inline double inner_product(const real *a, const real *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* ---- a tensor that is not the model's ---- */

/* A model one of whose tensors has one row too many is refused: want is the whole message. */
static inline void refuse_tensor(const medley_runtime *rt, const fit_case *c, const char *name, const char *want)
{
    model_state state;
    scoring how;
    bool found = false;
    assert_ok(fit_model(rt, c, &state, err));
    for (int64_t i = 0; i < state.count; i++)
        if (strcmp(state.tensors[i].name, name) == 0) {
            state.tensors[i].shape[0]++;
            found = true;
        }
    assert_true(found);
    medley_error error = {MEDLEY_OK, ""};
    assert_int_equal(c->class->scoring(c->values, &state, c->users, c->items, &how, &error), MEDLEY_E_FORMAT);
    assert_string_equal(error.message, want);
    model_state_release(&state);
}

/* ---- a world of tastes ---- */

/* A user likes items of the kind user % KINDS, has most of them and rates them 4 or 5, and has some of the others, which get
 * 1 or 2. The last items, COLD of them, nobody has. */
enum { TASTE_USERS = 60, TASTE_ITEMS = 48, TASTE_KINDS = 3, TASTE_COLD = 6 };

typedef struct tastes {
    interactions view;
    uint32_t user[TASTE_USERS * TASTE_ITEMS], item[TASTE_USERS * TASTE_ITEMS];
    float rating[TASTE_USERS * TASTE_ITEMS];
    bool had[TASTE_USERS][TASTE_ITEMS];
} tastes;

static inline bool taste_likes(int64_t user, int64_t item)
{
    return user % TASTE_KINDS == item % TASTE_KINDS;
}

/* others: the share of the items that a user does not like and has. */
static inline interactions make_tastes(tastes *t, double others)
{
    int64_t n = 0;
    for (uint32_t u = 0; u < TASTE_USERS; u++)
        for (uint32_t i = 0; i < TASTE_ITEMS; i++) {
            const bool likes = taste_likes(u, i);
            t->had[u][i] = i < TASTE_ITEMS - TASTE_COLD && random_uniform(21, u, i) < (likes ? 0.6 : others);
            if (!t->had[u][i])
                continue;
            t->user[n] = u;
            t->item[n] = i;
            t->rating[n++] = (float)((likes ? 4 : 1) + (random_uniform(22, u, i) < 0.5));
        }
    t->view = (interactions){n, t->user, t->item, t->rating, NULL, NULL};
    return t->view;
}

/* How often an item that a user would like scores higher than one that they would not, of the items `first` .. `end` - 1
 * that they have not had. scores: [users, items]; NULL: the number of users that an item has. */
static inline double taste_order(const tastes *t, const double *scores, int64_t first, int64_t end)
{
    double right = 0, pairs = 0, users[TASTE_ITEMS] = {0};
    for (int64_t n = 0; n < t->view.count; n++)
        users[t->item[n]]++;
    for (int64_t u = 0; u < TASTE_USERS; u++) {
        const double *score = scores != NULL ? scores + u * TASTE_ITEMS : users;
        for (int64_t a = first; a < end; a++)
            for (int64_t b = first; b < end; b++)
                if (!t->had[u][a] && !t->had[u][b] && taste_likes(u, a) && !taste_likes(u, b)) {
                    right += score[a] > score[b] ? 1 : score[a] == score[b] ? 0.5 : 0;
                    pairs++;
                }
    }
    return right / pairs;
}

/* It orders what a user has not had better than the items' popularity does, by far. */
static inline void check_finds_tastes(const medley_runtime *rt, const fit_case *c, const tastes *t)
{
    enum { WARM = TASTE_ITEMS - TASTE_COLD };
    double *scores;
    assert_ok(fit_and_score(rt, c, &scores, err));
    const double order = taste_order(t, scores, 0, WARM), popular = taste_order(t, NULL, 0, WARM);
    if (order < 0.85 || order < popular + 0.2)
        fail_msg("%s: %g of the pairs are in order; by popularity %g", c->class->name, order, popular);
    mem_free(scores);
}

#endif
