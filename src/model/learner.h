/* How a model is learnt by gradients: what it declares, how a batch is drawn, what its loss is. train/training_loop.h runs it.
 *
 * A model's settings struct starts with `learning settings;` and its table with LEARNING_ROWS, which gives every such
 * model the same settings under the same names; only the defaults are the model's. */
#ifndef MODEL_LEARNER_H
#define MODEL_LEARNER_H

#include "autograd/ops.h"
#include "model/model.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

typedef struct learning {
    int64_t epochs, batch_size;
    double learning_rate;
    int optimizer, rows; /* optimizer_kind, optimizer_rows */
    double momentum, beta1, beta2, weight_decay, clip_norm;
    int schedule; /* schedule_kind */
    int64_t warmup_steps, schedule_epochs, schedule_every, schedule_patience;
    double schedule_gamma, schedule_floor;
    int64_t validate_every, patience; /* epochs; validations */
    const char *metric;               /* of validation: "recall@20" */
    bool mixed_precision;
} learning;

/* clang-format off */
#define LEARNING_ROW_INT(o, f, n, preset_, lo, hi, ...) \
    {.name = #n, .kind = MEDLEY_PARAM_INT, .offset = MEDLEY_FIELD(int64_t, o, f.n), .preset = preset_, .min = lo, .max = hi, __VA_ARGS__}
#define LEARNING_ROW_REAL(o, f, n, preset_, lo, hi, ...) \
    {.name = #n, .kind = MEDLEY_PARAM_REAL, .offset = MEDLEY_FIELD(double, o, f.n), .preset = preset_, .min = lo, .max = hi, __VA_ARGS__}
#define LEARNING_ROW_ENUM(o, f, n, preset_, choices_, ...) \
    {.name = #n, .kind = MEDLEY_PARAM_ENUM, .offset = MEDLEY_FIELD(int, o, f.n), .preset = preset_, .choices = choices_, __VA_ARGS__}
#define LEARNING_ROW_BOOL(o, f, n, preset_, ...) \
    {.name = #n, .kind = MEDLEY_PARAM_BOOL, .offset = MEDLEY_FIELD(bool, o, f.n), .preset = preset_, __VA_ARGS__}
#define LEARNING_ROW_TEXT(o, f, n, preset_, ...) \
    {.name = #n, .kind = MEDLEY_PARAM_TEXT, .offset = MEDLEY_FIELD(const char *, o, f.n), .preset = preset_, __VA_ARGS__}

/* The rows of `owner`, whose first field is `learning settings`. */
#define LEARNING_ROWS(owner, epochs_, batch_, rate_, optimizer_, rows_, metric_)                                        \
    LEARNING_ROW_INT(owner, settings, epochs, epochs_, 1, 1000000, .help = "passes over the training interactions"),    \
    LEARNING_ROW_INT(owner, settings, batch_size, batch_, 1, 1 << 24, .help = "examples of a step"),                    \
    LEARNING_ROW_REAL(owner, settings, learning_rate, rate_, 0, 1000, .sweep = "log:1e-4..1e-1",                        \
                      .help = "of the optimizer, before the schedule"),                                                 \
    LEARNING_ROW_ENUM(owner, settings, optimizer, optimizer_, OPTIMIZER_CHOICES, .help = "rule of a step"),             \
    LEARNING_ROW_ENUM(owner, settings, rows, rows_, OPTIMIZER_ROWS_CHOICES,                                             \
                      .help = "tables: touched rows alone move (lazy), or as a dense gradient would move all (exact)"), \
    LEARNING_ROW_REAL(owner, settings, momentum, "0", 0, 1, .help = "of sgd"),                                          \
    LEARNING_ROW_REAL(owner, settings, beta1, "0.9", 0, 1, .help = "of adam and adamw"),                                \
    LEARNING_ROW_REAL(owner, settings, beta2, "0.999", 0, 1, .help = "of adam and adamw"),                              \
    LEARNING_ROW_REAL(owner, settings, weight_decay, "0", 0, 1000,                                                      \
                      .help = "times a weight, added to its gradient; adamw: taken from it apart from the gradient"),   \
    LEARNING_ROW_REAL(owner, settings, clip_norm, "0", 0, 1e9, .help = "longest gradient; 0: any"),                     \
    LEARNING_ROW_ENUM(owner, settings, schedule, "constant", SCHEDULE_CHOICES, .help = "of the learning rate"),         \
    LEARNING_ROW_INT(owner, settings, warmup_steps, "0", 0, 1e12, .help = "steps in which the rate rises from zero"),   \
    LEARNING_ROW_INT(owner, settings, schedule_epochs, "0", 0, 1000000,                                                 \
                     .help = "epochs that schedule cosine falls over, were there so many; 0: as many as there are"),    \
    LEARNING_ROW_INT(owner, settings, schedule_every, "10", 1, 1000000, .help = "epochs between steps of schedule step"), \
    LEARNING_ROW_INT(owner, settings, schedule_patience, "3", 0, 1000000,                                               \
                     .help = "validations without gain before schedule plateau lowers the rate"),                       \
    LEARNING_ROW_REAL(owner, settings, schedule_gamma, "0.1", 0, 1, .help = "factor of schedules step and plateau"),    \
    LEARNING_ROW_REAL(owner, settings, schedule_floor, "0", 0, 1, .help = "least factor of cosine and plateau"),        \
    LEARNING_ROW_INT(owner, settings, validate_every, "10", 0, 1000000,                                                 \
                     .help = "epochs between validations; 0: never, and the last parameters are kept"),                 \
    LEARNING_ROW_INT(owner, settings, patience, "0", 0, 1000000,                                                        \
                     .help = "validations without gain that end the training; 0: it goes on to the last epoch"),        \
    LEARNING_ROW_TEXT(owner, settings, metric, metric_, .help = "of validation: what best means"),                      \
    LEARNING_ROW_BOOL(owner, settings, mixed_precision, "false",                                                        \
                      .help = "matrix products of layers in bfloat16, everything else (attention, losses) in float")
/* clang-format on */

/* Where a batch stands: all that its random numbers may come from. */
typedef struct batch_place {
    uint64_t seed;
    int64_t epoch, step;  /* step of the epoch, from 0 */
    int64_t first, count; /* the examples of the epoch that it holds: first .. first + count - 1 */
} batch_place;

typedef struct learner_class {
    const char *loss_name; /* for curves: "bpr", "mse" */
    bool needs_ratings;
    /* Makes what is made once from settings and data (graphs, features, samplers); to be ended also after a failure,
     * when *context is not NULL. */
    medley_status (*begin)(const medley_runtime *rt, const void *params, const training *data, void **context,
                           medley_error *err);
    void (*end)(void *context);
    void (*declare)(void *context, parameters *p); /* failures are sticky in p */
    /* Examples of an epoch. */
    int64_t (*examples)(const void *context);
    /* A batch: bytes of its struct and arrays for `count` examples, and how to fill it from its place alone. Called from
     * several threads at once, one batch each. `batch` is 64-byte aligned. */
    int64_t (*batch_bytes)(const void *context, int64_t count);
    void (*fill)(const void *context, const batch_place *at, void *batch);
    /* The loss of a batch, a scalar. */
    node *(*loss)(void *context, graph *g, const void *batch);
    /* Adds the model's tensors (model_add), from settled parameters: what model_class.scoring reads. */
    medley_status (*finish)(const medley_runtime *rt, void *context, const parameters *p, model_state *state,
                            medley_error *err);
} learner_class;

/* Adds a copy of an array as a tensor of the model. */
MEDLEY_MUST_USE medley_status model_add_copy(const medley_runtime *rt, model_state *state, const char *name,
                                             shape s, const real *values, medley_error *err);

/* The scoring of models whose tensors are "user" [U, D], "item" [I, D] and, if they have one, "bias" [I]. */
MEDLEY_MUST_USE medley_status factored_scoring(const model_state *state, int64_t users, int64_t items,
                                               int64_t factors, bool bias, scoring *out, medley_error *err);

#endif
