/* Epochs of iALS with 64 factors, by each solver. bench/peer_ials.py runs it beside implicit and prints the
 * ratios.
 *
 *   bench_ials [threads] [folder of user.npy and item.npy] [solver] [epochs] [factors] [implicit's alpha and lambda]
 *
 * Prints the seconds an epoch takes (without the last solution for the users), and the loss after each. Without
 * a folder: generated data. */
#include <math.h>

#include "measure.h"
#include "model/model.h"

extern const model_class model_ials;

/* When the log told of the end of each epoch. */
typedef struct watch {
    double at[1024];
    int count;
} watch;

static void note(void *context, medley_log_level level, const char *message)
{
    watch *w = context;
    if (level == MEDLEY_LOG_INFO && strncmp(message, "epoch ", 6) == 0 && w->count < 1024)
        w->at[w->count++] = now();
}

static medley_status set(void *params, const char *name, const char *value, medley_error *err)
{
    return medley_param_set(medley_param_find(model_ials.params, name), params, value, err);
}

/* The loss of `implicit` for data without ratings: alpha, regularization -> a0 = 1 / (alpha - 1), reg = lambda
 * a0. */
static medley_status set_loss(void *params, const char *alpha, const char *lambda, medley_error *err)
{
    char a0[64], reg[64];
    double a = 2, l = 0;
    number_real(alpha, strlen(alpha), &a);
    number_real(lambda, strlen(lambda), &l);
    number_format(1 / (a - 1), a0, sizeof a0);
    number_format(l / (a - 1), reg, sizeof reg);
    TRY(set(params, "unobserved_weight", a0, err));
    TRY(set(params, "regularization", reg, err));
    TRY(set(params, "frequency_exponent", "0", err));
    return set(params, "loss", "confidence", err);
}

int main(int argc, char **argv)
{
    watch w = {.count = 0};
    const medley_runtime_options options = {
        .threads = (int)argument(argc, argv, 1, 0), .log = note, .log_context = &w};
    medley_runtime *rt;
    medley_error err;
    csr_owner matrix = {0};
    model_state state = {0};
    _Alignas(16) char params[512];
    medley_status status = medley_runtime_create(&options, &rt, &err);
    if (status != MEDLEY_OK)
        goto done;
    medley_params_reset(model_ials.params, params);
    if (argc > 2 && strcmp(argv[2], "-") != 0)
        TRY_DONE(matrix_open(rt, argv[2], &matrix, &err));
    else
        TRY_DONE(matrix_make(rt, 20000, 8192, 100, &matrix, &err));
    TRY_DONE(set(params, "solver", argc > 3 ? argv[3] : "cholesky", &err));
    TRY_DONE(set(params, "epochs", argc > 4 ? argv[4] : "10", &err));
    TRY_DONE(set(params, "factors", argc > 5 ? argv[5] : "64", &err));
    if (argc > 7)
        TRY_DONE(set_loss(params, argv[6], argv[7], &err));
    const training data = {
        .users = matrix.view.rows, .items = matrix.view.columns, .matrix = matrix.view, .seed = 1};
    const double start = now();
    TRY_DONE(model_ials.fit(rt, params, &data, &state, &err));
    const double *const loss = state.tensors[0].data;
    fprintf(stdout, "ials, %lld users, %lld items, %lld interactions, %s: %.4f s an epoch, %.4f s in all\n",
            (long long)data.users, (long long)data.items, (long long)csr_count(&matrix.view),
            argc > 3 ? argv[3] : "cholesky", (w.at[w.count - 1] - start) / w.count, now() - start);
    for (int epoch = 0; epoch < w.count; epoch++)
        fprintf(stdout, "%d  %.4f  %.10g\n", epoch + 1, w.at[epoch] - start, loss[epoch]);
done:
    if (status != MEDLEY_OK)
        fprintf(stderr, "bench_ials: %s\n", err.message);
    model_state_release(&state);
    csr_release(&matrix);
    medley_runtime_free(status == MEDLEY_OK ? rt : NULL);
    return status == MEDLEY_OK ? 0 : 1;
}
