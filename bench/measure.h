/* What the benchmarks share: a clock, arguments, lines of results, interactions to work on. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdio.h>
#include <time.h>

#include "io/npy.h"
#include "tensor/csr.h"

static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* name  ours_s  peer_s  ratio */
static inline void print_result(const char *name, double ours, double peer)
{
    fprintf(stdout, "%s  %.3f  %.3f  %.3f\n", name, ours, peer, ours / peer);
}

static inline int64_t argument(int argc, char **argv, int at, int64_t preset)
{
    int64_t value;
    return argc > at && number_int(argv[at], strlen(argv[at]), &value) && value > 0 ? value : preset;
}

/* The distinct pairs of <folder>/user.npy and item.npy, as a store's interactions/ holds them; rated: with rating.npy. */
static inline medley_status matrix_open_rated(const medley_runtime *rt, const char *folder, bool rated,
                                              csr_owner *out, medley_error *err)
{
    npy user = {0}, item = {0}, rating = {0};
    int64_t items = 0;
    char path[4096];
    medley_status status;
    snprintf(path, sizeof path, "%s/user.npy", folder);
    TRY_DONE(npy_open_as(path, NPY_U32, -1, &user, err));
    snprintf(path, sizeof path, "%s/item.npy", folder);
    TRY_DONE(npy_open_as(path, NPY_U32, user.rows, &item, err));
    snprintf(path, sizeof path, "%s/rating.npy", folder);
    if (rated)
        TRY_DONE(npy_open_as(path, NPY_F32, user.rows, &rating, err));
    const uint32_t *const users = user.data, *const indexes = item.data;
    for (int64_t i = 0; i < item.rows; i++)
        items = indexes[i] >= items ? (int64_t)indexes[i] + 1 : items;
    TRY_DONE(csr_build(rt, user.rows > 0 ? (int64_t)users[user.rows - 1] + 1 : 0, items, users, indexes,
                       rating.data, user.rows, out, err));
done:
    npy_release(&user);
    npy_release(&item);
    npy_release(&rating);
    return status;
}

static inline medley_status matrix_open(const medley_runtime *rt, const char *folder, csr_owner *out,
                                        medley_error *err)
{
    return matrix_open_rated(rt, folder, false, out, err);
}

/* `each` items a user, item i drawn about as often as 1 / sqrt(i). */
static inline medley_status matrix_make(const medley_runtime *rt, int64_t users, int64_t items, int64_t each,
                                        csr_owner *out, medley_error *err)
{
    uint32_t *row = NULL, *column = NULL;
    medley_status status;
    TRY_DONE(mem_alloc(rt, users * each, sizeof *row, &row, err));
    TRY_DONE(mem_alloc(rt, users * each, sizeof *column, &column, err));
    for (int64_t i = 0; i < users * each; i++) {
        const double u = random_uniform(1, 3, (uint64_t)i);
        row[i] = (uint32_t)(i / each);
        column[i] = (uint32_t)((double)items * u * u);
    }
    TRY_DONE(csr_build(rt, users, items, row, column, NULL, users * each, out, err));
done:
    mem_free(row);
    mem_free(column);
    return status;
}

#endif
