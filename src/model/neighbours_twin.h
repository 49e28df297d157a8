/* For tests: similarities of neighbours.h from dense matrices in plain loops. */
#ifndef MODEL_NEIGHBOURS_TWIN_H
#define MODEL_NEIGHBOURS_TWIN_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/topk.h"

enum { TWIN_ROWS = 260, TWIN_COLUMNS = 260 };

typedef struct twin_settings {
    const char *similarity, *weighting;
    double shrinkage, alpha, beta, k1, b;
} twin_settings;

/* Rows 0..fitted-1 are learnt from; all are weighted. */
typedef struct twin {
    int rows, fitted, columns;
    bool there[TWIN_ROWS][TWIN_COLUMNS];
    double x[TWIN_ROWS][TWIN_COLUMNS];
} twin;

static inline double twin_sum(const twin *t, int row)
{
    double sum = 0;
    for (int u = 0; u < t->columns; u++)
        sum += t->there[row][u] ? t->x[row][u] : 0;
    return sum;
}

static inline void twin_weigh(twin *t, const twin_settings *s)
{
    double length = 0, idf[TWIN_COLUMNS];
    for (int row = 0; row < t->fitted; row++)
        length += twin_sum(t, row) / t->fitted;
    for (int u = 0; u < t->columns; u++) {
        double having = 0;
        for (int row = 0; row < t->fitted; row++)
            having += t->there[row][u];
        idf[u] = log((double)t->fitted) - log1p(having);
    }
    for (int row = 0; row < t->rows; row++) {
        const double sum = twin_sum(t, row);
        for (int u = 0; u < t->columns; u++) {
            double *x = &t->x[row][u];
            if (*x == 0 || strcmp(s->weighting, "none") == 0)
                continue;
            if (strcmp(s->weighting, "tfidf") == 0)
                *x = (float)(sqrt(*x) * idf[u]);
            else
                *x = (float)(*x * (s->k1 + 1) / (s->k1 * (1 - s->b + s->b * (sum / length)) + *x) * idf[u]);
        }
    }
}

static inline void twin_centre(twin *t, const twin_settings *s)
{
    double mean[TWIN_COLUMNS] = {0};
    for (int u = 0; u < t->columns; u++) {
        int count = 0;
        for (int row = 0; row < t->fitted; row++) {
            count += t->there[row][u];
            mean[u] += t->there[row][u] ? t->x[row][u] : 0;
        }
        mean[u] /= count > 0 ? count : 1;
    }
    for (int row = 0; row < t->rows; row++) {
        int count = 0;
        for (int u = 0; u < t->columns; u++)
            count += t->there[row][u];
        const double own = count > 0 ? twin_sum(t, row) / count : 0;
        for (int u = 0; u < t->columns; u++)
            if (t->there[row][u] && strcmp(s->similarity, "pearson") == 0)
                t->x[row][u] = (float)(t->x[row][u] - own);
            else if (t->there[row][u] && strcmp(s->similarity, "adjusted_cosine") == 0)
                t->x[row][u] = (float)(t->x[row][u] - mean[u]);
    }
}

static inline float twin_similarity(const twin *t, const twin_settings *s, int i, int j)
{
    const char *name = s->similarity;
    double dot = 0, a = 0, b = 0;
    for (int u = 0; u < t->columns; u++) {
        dot += t->x[i][u] * t->x[j][u];
        a += t->x[i][u] * t->x[i][u];
        b += t->x[j][u] * t->x[j][u];
    }
    if (strcmp(name, "dot") == 0)
        return (float)(dot / (1 + s->shrinkage));
    if (strcmp(name, "asymmetric_cosine") == 0)
        return (float)(dot / (pow(a, s->alpha) * pow(b, 1 - s->alpha) + s->shrinkage));
    if (strcmp(name, "jaccard") == 0)
        return (float)(dot / (a + b - dot + s->shrinkage));
    if (strcmp(name, "dice") == 0)
        return (float)(dot / ((a + b) / 2 + s->shrinkage));
    if (strcmp(name, "tversky") == 0)
        return (float)(dot / (s->alpha * a + s->beta * b + (1 - s->alpha - s->beta) * dot + s->shrinkage));
    return (float)(dot / (sqrt(a) * sqrt(b) + s->shrinkage));
}

static inline int twin_best_first(const void *a, const void *b)
{
    const topk_entry *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* near[j] = similarity of row i and j < fitted, not `itself`, if that is positive and among the `most` highest; else 0. */
static inline void twin_nearest(const twin *t, const twin_settings *s, int i, int itself, int64_t most,
                                uint64_t seed, uint64_t stream, float *near)
{
    topk_entry list[TWIN_ROWS];
    int64_t count = 0;
    memset(near, 0, (size_t)t->fitted * sizeof *near);
    for (uint32_t j = 0; j < (uint32_t)t->fitted; j++) {
        const float similarity = twin_similarity(t, s, i, (int)j);
        if ((int)j != itself && similarity > 0)
            list[count++] = (topk_entry){similarity, j, random_bits(seed, stream, j)};
    }
    qsort(list, (size_t)count, sizeof *list, twin_best_first);
    for (int64_t n = 0; n < count && n < most; n++)
        near[list[n].item] = list[n].score;
}

#endif
