#include "tensor/work.h"

#include <math.h>
#include <time.h>

#include "tensor/cholesky.h"
#include "tensor/gemm.h"

const char *const work_names[WORK_KINDS] = {"single precision operations", "double precision operations",
                                            "scattered updates", "numbers in order"};

/* Sizes of the trials: large enough to be past start-up, small enough for a few milliseconds each. */
enum { SIDE = 192, CHOLESKY = 768, PLACES = 4096, UPDATES = 1 << 20, NUMBERS = 1 << 20, ROUNDS = 4, TRIES = 3 };

/* What is worked on. */
typedef struct trial {
    float *a, *b, *c; /* [SIDE, SIDE] */
    double *sums;     /* [PLACES] */
    uint32_t *place;  /* [UPDATES] */
    float *numbers;   /* [NUMBERS] */
    double sink;      /* what is computed, so that it must be */
} trial;

static void multiply(trial *t)
{
    for (int round = 0; round < ROUNDS; round++)
        gemm_abt(SIDE, SIDE, SIDE, t->a, SIDE, t->b, SIDE, t->c, SIDE);
}

static void scatter(trial *t)
{
    for (int64_t i = 0; i < UPDATES; i++)
        t->sums[t->place[i]] += 1;
}

static void scan(trial *t)
{
    float lanes[16] = {0};
    for (int64_t i = 0; i < NUMBERS; i += 16)
        for (int lane = 0; lane < 16; lane++)
            lanes[lane] += t->numbers[i + lane];
    for (int lane = 0; lane < 16; lane++)
        t->sink += (double)lanes[lane];
}

static const struct {
    void (*run)(trial *t);
    double amount;
} trials[WORK_KINDS] = {
    [WORK_SINGLE] = {multiply, 2.0 * SIDE *SIDE *SIDE *ROUNDS},
    [WORK_UPDATES] = {scatter, UPDATES},
    [WORK_SCANS] = {scan, NUMBERS},
};

/* Of this thread's own: others may use the machine, too. */
static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double time_trial(trial *t, int kind)
{
    double best = INFINITY;
    for (int n = 0; n < TRIES; n++) {
        const double start = seconds_now();
        trials[kind].run(t);
        best = fmin(best, seconds_now() - start);
    }
    return trials[kind].amount / fmax(best, 1e-9);
}

/* n³ operations: a third for the factors, two thirds for the inverse. */
static medley_status time_cholesky(const medley_runtime *rt, double *rate, medley_error *err)
{
    double *a, best = INFINITY;
    medley_status status = MEDLEY_OK;
    TRY(mem_alloc_zero(rt, CHOLESKY * CHOLESKY, sizeof *a, &a, err));
    for (int n = 0; n < TRIES && status == MEDLEY_OK; n++) {
        memset(a, 0, CHOLESKY * CHOLESKY * sizeof *a);
        for (int64_t i = 0; i < CHOLESKY; i++)
            a[i * CHOLESKY + i] = 2;
        const double start = seconds_now();
        status = cholesky_inverse(rt, a, CHOLESKY, "measuring", err);
        best = fmin(best, seconds_now() - start);
    }
    mem_free(a);
    *rate = pow(CHOLESKY, 3) / fmax(best, 1e-9);
    return status;
}

static medley_status trial_create(const medley_runtime *rt, trial *t, medley_error *err)
{
    TRY(mem_alloc_zero(rt, SIDE * SIDE, sizeof *t->a, &t->a, err));
    TRY(mem_alloc_zero(rt, SIDE * SIDE, sizeof *t->b, &t->b, err));
    TRY(mem_alloc_zero(rt, SIDE * SIDE, sizeof *t->c, &t->c, err));
    TRY(mem_alloc_zero(rt, PLACES, sizeof *t->sums, &t->sums, err));
    TRY(mem_alloc(rt, UPDATES, sizeof *t->place, &t->place, err));
    TRY(mem_alloc_zero(rt, NUMBERS, sizeof *t->numbers, &t->numbers, err));
    for (int64_t i = 0; i < UPDATES; i++)
        t->place[i] = (uint32_t)(random_bits(0, 0, (uint64_t)i) % PLACES);
    return MEDLEY_OK;
}

static void trial_release(trial *t)
{
    mem_free(t->a);
    mem_free(t->b);
    mem_free(t->c);
    mem_free(t->sums);
    mem_free(t->place);
    mem_free(t->numbers);
}

medley_status work_measure(const medley_runtime *rt, work_rates *out, medley_error *err)
{
    medley_runtime alone = *rt;
    trial t = {0};
    medley_status status;
    alone.threads = 1;
    alone.progress = NULL;
    *out = (work_rates){.threads = parallel_workers(rt)};
    TRY_DONE(trial_create(rt, &t, err));
    TRY_DONE(time_cholesky(&alone, &out->a_second[WORK_DOUBLE], err));
    for (int kind = 0; kind < WORK_KINDS; kind++)
        if (trials[kind].run != NULL)
            out->a_second[kind] = time_trial(&t, kind);
    for (int kind = 0; kind < WORK_KINDS; kind++)
        out->a_second[kind] *= out->threads;
done:
    trial_release(&t);
    return status;
}

double work_seconds(const workload *w, const work_rates *rates)
{
    double seconds = 0;
    for (int kind = 0; kind < WORK_KINDS; kind++)
        seconds += (w->shared[kind] + w->alone[kind] * rates->threads) / rates->a_second[kind];
    return seconds;
}
