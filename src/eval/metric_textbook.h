/* The oracles of metrics: textbook definitions, slow and plain, of one order of the list. */
#ifndef EVAL_METRIC_TEXTBOOK_H
#define EVAL_METRIC_TEXTBOOK_H

#include "eval/metric_world.h"

/* A list in one order: at[i] is the target in place i, or -1. */
typedef struct ordered {
    int at[8], n, k, relevant;
} ordered;

static const uint32_t target_item[MOST_TARGETS] = {1, 3, 0, 2, 1, 0, 3, 2, 1, 0};
static const float target_rating[MOST_TARGETS] = {4, 3, 5, 3.5f, 5, 4, 4.5f, 3, 5, 4};

static inline double weight_of(int t)
{
    return 1 / fmax(1, (double)item_count[target_item[t]]);
}

static inline double gain_of(int t)
{
    return pow(2, (double)target_rating[t] - 3 + 1) - 1;
}

static inline int hits_among(const ordered *o, int k)
{
    int hits = 0;
    for (int i = 0; i < o->n && i < k; i++)
        hits += o->at[i] >= 0;
    return hits;
}

static inline double textbook_precision(const ordered *o)
{
    return (double)hits_among(o, o->k) / o->k;
}

static inline double textbook_recall(const ordered *o)
{
    return (double)hits_among(o, o->k) / o->relevant;
}

static inline double textbook_recall_capped(const ordered *o)
{
    return (double)hits_among(o, o->k) / (o->k < o->relevant ? o->k : o->relevant);
}

static inline double textbook_f1(const ordered *o)
{
    const double p = textbook_precision(o), r = textbook_recall(o);
    return p + r > 0 ? 2 * p * r / (p + r) : 0;
}

static inline double textbook_hr(const ordered *o)
{
    return hits_among(o, o->k) > 0;
}

/* Discounted sums of `gain` over the list, and over the best order of all targets. */
static inline double discounted(const ordered *o, double (*gain)(int target))
{
    double sum = 0;
    for (int i = 0; i < o->n && i < o->k; i++)
        sum += o->at[i] >= 0 ? gain(o->at[i]) * log(2) / log(i + 2) : 0;
    return sum;
}

static inline int falling(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a < b) - (a > b);
}

static inline double best_discounted(const ordered *o, double (*gain)(int target), bool flat)
{
    double gains[MOST_TARGETS], sum = 0;
    for (int t = 0; t < o->relevant; t++)
        gains[t] = gain(t);
    qsort(gains, (size_t)o->relevant, sizeof *gains, falling);
    for (int i = 0; i < o->relevant && i < o->k; i++)
        sum += flat ? gains[i] : gains[i] * log(2) / log(i + 2);
    return sum;
}

static inline double one(int t)
{
    (void)t;
    return 1;
}

static inline double textbook_ndcg(const ordered *o)
{
    return discounted(o, one) / best_discounted(o, one, false);
}

static inline double textbook_ndcg_graded(const ordered *o)
{
    return discounted(o, gain_of) / best_discounted(o, gain_of, false);
}

static inline double textbook_ndcg_debiased(const ordered *o)
{
    return discounted(o, weight_of) / best_discounted(o, weight_of, false);
}

static inline double textbook_hr_debiased(const ordered *o)
{
    double sum = 0;
    for (int i = 0; i < o->n && i < o->k; i++)
        sum += o->at[i] >= 0 ? weight_of(o->at[i]) : 0;
    return sum / best_discounted(o, weight_of, true);
}

static inline double textbook_mrr(const ordered *o)
{
    for (int i = 0; i < o->k && i < o->n; i++)
        if (o->at[i] >= 0)
            return 1.0 / (i + 1);
    return 0;
}

static inline double textbook_map(const ordered *o)
{
    double sum = 0;
    for (int i = 0; i < o->k && i < o->n; i++)
        if (o->at[i] >= 0)
            sum += (double)hits_among(o, i + 1) / (i + 1);
    return sum / (o->k < o->relevant ? o->k : o->relevant);
}

static inline double textbook_map_elliot(const ordered *o)
{
    double sum = 0;
    for (int i = 1; i <= o->k; i++)
        sum += (double)hits_among(o, i) / i;
    return sum / o->k;
}

static inline double popularity_complement(int t)
{
    return 1 - (double)item_count[target_item[t]] / 8;
}

static inline double free_discovery(int t)
{
    return -log(fmax(2, (double)item_count[target_item[t]]) / 14) / log(2);
}

static inline double per_discount(const ordered *o, double (*novelty)(int target))
{
    double norm = 0;
    for (int i = 0; i < o->n && i < o->k; i++)
        norm += log(2) / log(i + 2);
    return discounted(o, novelty) / norm;
}

static inline double textbook_epc(const ordered *o)
{
    return per_discount(o, popularity_complement);
}

static inline double textbook_efd(const ordered *o)
{
    return per_discount(o, free_discovery);
}

/* The primitive list of every user is 1, 0. */
static const uint32_t primitive[] = {1, 0};

static inline double textbook_serendipity(const ordered *o)
{
    int hits = 0;
    for (int i = 0; i < o->n && i < o->k; i++)
        hits += o->at[i] >= 0 && target_item[o->at[i]] != 1 && (o->k < 2 || target_item[o->at[i]] != 0);
    return (double)hits / o->k;
}

/* ---- Textbooks of lists as shown ---- */

static inline double mean_of(const uint32_t *list, int64_t listed, int64_t k, double (*value)(uint32_t item))
{
    double sum = 0;
    int64_t length = 0;
    for (; length < k && length < listed; length++)
        sum += value(list[length]);
    return sum / (double)length;
}

static inline double information(uint32_t item)
{
    return -log(fmax((double)item_count[item], 1) / 8) / log(2);
}

static inline double count_of(uint32_t item)
{
    return (double)item_count[item];
}

static inline double is_tail(uint32_t item)
{
    return item == 1 || item == 2;
}

static inline double textbook_novelty(const uint32_t *list, int64_t listed, int64_t k)
{
    return listed > 0 ? mean_of(list, listed, k, information) : 0;
}

static inline double textbook_arp(const uint32_t *list, int64_t listed, int64_t k)
{
    return mean_of(list, listed, k, count_of);
}

static inline double textbook_aplt(const uint32_t *list, int64_t listed, int64_t k)
{
    return mean_of(list, listed, k, is_tail);
}

static inline double textbook_aclt(const uint32_t *list, int64_t listed, int64_t k)
{
    return listed > 0 ? mean_of(list, listed, k, is_tail) * fmin((double)listed, (double)k) : 0;
}

static inline double textbook_poprsp(const uint32_t *list, int64_t listed, int64_t k)
{
    const double tail = textbook_aclt(list, listed, k), all = fmin((double)listed, (double)k);
    const double p[] = {(all - tail) / 1, tail / 2}, mean = (p[0] + p[1]) / 2;
    return sqrt(((p[0] - mean) * (p[0] - mean) + (p[1] - mean) * (p[1] - mean)) / 2) / mean;
}

static inline double mean_distance(const uint32_t *list, int64_t listed, int64_t k, bool euclidean)
{
    double sum = 0;
    int pairs = 0;
    for (int64_t a = 0; a < listed && a < k; a++)
        for (int64_t b = 0; b < listed && b < k; b++) {
            if (a == b || list[a] == 3 || list[b] == 3)
                continue;
            const float *x = vectors + 2 * list[a], *y = vectors + 2 * list[b];
            const double cosine = (double)(x[0] * y[0] + x[1] * y[1]);
            sum += euclidean ? hypot((double)(x[0] - y[0]), (double)(x[1] - y[1])) : 1 - cosine;
            pairs++;
        }
    return sum / pairs;
}

static inline double textbook_diversity(const uint32_t *list, int64_t listed, int64_t k)
{
    return mean_distance(list, listed, k, false);
}

static inline double textbook_ild(const uint32_t *list, int64_t listed, int64_t k)
{
    return mean_distance(list, listed, k, true);
}

/* Shares of A, B and C; false: nothing has any. */
static inline bool mix(const uint32_t *list, int64_t count, double *share)
{
    static const double parts[ITEMS][VALUES] = {{1, 0, 0}, {0.5, 0.5, 0}, {0, 0, 1}, {0, 0, 0}};
    double total = 0;
    for (int v = 0; v < VALUES; v++) {
        share[v] = 0;
        for (int64_t i = 0; i < count; i++)
            share[v] += parts[list[i]][v];
        total += share[v];
    }
    for (int v = 0; v < VALUES; v++)
        share[v] /= total;
    return total > 0;
}

static inline double textbook_s_recall(const uint32_t *list, int64_t listed, int64_t k)
{
    double q[VALUES];
    return mix(list, listed < k ? listed : k, q) ? ((q[0] > 0) + (q[1] > 0) + (q[2] > 0)) / 3.0 : 0;
}

static inline double textbook_kl(const uint32_t *list, int64_t listed, int64_t k)
{
    const double p[] = {0.75, 0.25, 0};
    double q[VALUES], sum = 0;
    if (!mix(list, listed < k ? listed : k, q))
        return NAN;
    for (int v = 0; v < 2; v++)
        sum += p[v] * (log(p[v]) - log(0.99 * q[v] + 0.01 * p[v]));
    return sum;
}

static inline double textbook_hellinger(const uint32_t *list, int64_t listed, int64_t k)
{
    const double p[] = {0.75, 0.25, 0};
    double q[VALUES], overlap = 0;
    if (!mix(list, listed < k ? listed : k, q))
        return NAN;
    for (int v = 0; v < VALUES; v++)
        overlap += sqrt(p[v] * q[v]);
    return sqrt(fmax(0, 1 - overlap));
}

/* ---- Textbooks of all lists ---- */

static inline double textbook_item_coverage(const int64_t *shown)
{
    int seen = 0;
    for (int i = 0; i < ITEMS; i++)
        seen += shown[i] > 0;
    return (double)seen / ITEMS;
}

static inline double textbook_user_coverage(const int64_t *shown)
{
    (void)shown;
    return 3.0 / USERS; /* what the test says of lists that are not empty */
}

/* Half the relative mean absolute difference of distinct items. */
static inline double textbook_gini(const int64_t *shown)
{
    double differences = 0, total = 0;
    for (int i = 0; i < ITEMS; i++) {
        total += (double)shown[i];
        for (int j = 0; j < ITEMS; j++)
            differences += fabs((double)(shown[i] - shown[j]));
    }
    const double mean_difference = differences / (ITEMS * (ITEMS - 1));
    return total > 0 ? mean_difference / (2 * total / ITEMS) : 0;
}

static inline double textbook_gini_elliot(const int64_t *shown)
{
    return 1 - textbook_gini(shown);
}

static inline double textbook_entropy(const int64_t *shown)
{
    double total = 0, sum = 0;
    for (int i = 0; i < ITEMS; i++)
        total += (double)shown[i];
    for (int i = 0; i < ITEMS; i++)
        sum += shown[i] > 0 ? (double)shown[i] / total * log(total / (double)shown[i]) / log(2) : 0;
    return sum;
}

/* ---- Textbooks of scores ---- */

enum { CANDIDATES = 9 };

/* scores of all candidates, of which the first `relevant` are relevant and of these the last `masked` are none. */
static inline double textbook_auc(const float *score, int relevant, int masked)
{
    double right = 0;
    for (int t = 0; t < relevant - masked; t++)
        for (int o = relevant; o < CANDIDATES; o++)
            right += score[t] > score[o] ? 1 : score[t] == score[o] ? 0.5 : 0;
    return right / (relevant * (CANDIDATES - relevant));
}

static inline double textbook_rmse(const float *score, const float *rating, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += pow((double)score[i] - (double)rating[i], 2);
    return sqrt(sum / n);
}

static inline double textbook_mae(const float *score, const float *rating, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += fabs((double)rating[i] - (double)score[i]);
    return sum / n;
}

static inline double textbook_log_loss(const float *score, const float *rating, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const double p = score[i] < 1e-7f ? 1e-7 : score[i] > 1 - 1e-7 ? 1 - 1e-7 : (double)score[i];
        sum -= (double)rating[i] * log(p) + (1 - (double)rating[i]) * log(1 - p);
    }
    return sum / n;
}

static const struct oracle {
    const char *metric;
    double (*of_order)(const ordered *o);
    double (*of_list)(const uint32_t *list, int64_t listed, int64_t k);
    double (*of_shown)(const int64_t *shown);
    double (*of_scores)(const float *score, int relevant, int masked);
    double (*of_pairs)(const float *score, const float *rating, int n);
    bool of_users; /* together: a test of its own */
} oracles[] = {
    {"precision", .of_order = textbook_precision},
    {"recall", .of_order = textbook_recall},
    {"recall_capped", .of_order = textbook_recall_capped},
    {"f1", .of_order = textbook_f1},
    {"hr", .of_order = textbook_hr},
    {"ndcg", .of_order = textbook_ndcg},
    {"ndcg_graded", .of_order = textbook_ndcg_graded},
    {"mrr", .of_order = textbook_mrr},
    {"map", .of_order = textbook_map},
    {"map_elliot", .of_order = textbook_map_elliot},
    {"auc", .of_scores = textbook_auc},
    {"gauc", .of_scores = textbook_auc},
    {"rmse", .of_pairs = textbook_rmse},
    {"mae", .of_pairs = textbook_mae},
    {"log_loss", .of_pairs = textbook_log_loss},
    {"item_coverage", .of_shown = textbook_item_coverage},
    {"user_coverage", .of_shown = textbook_user_coverage},
    {"gini", .of_shown = textbook_gini},
    {"gini_elliot", .of_shown = textbook_gini_elliot},
    {"shannon_entropy", .of_shown = textbook_entropy},
    {"novelty", .of_list = textbook_novelty},
    {"epc", .of_order = textbook_epc},
    {"efd", .of_order = textbook_efd},
    {"arp", .of_list = textbook_arp},
    {"aplt", .of_list = textbook_aplt},
    {"aclt", .of_list = textbook_aclt},
    {"popreo", .of_users = true},
    {"poprsp", .of_list = textbook_poprsp},
    {"hr_debiased", .of_order = textbook_hr_debiased},
    {"ndcg_debiased", .of_order = textbook_ndcg_debiased},
    {"diversity", .of_list = textbook_diversity},
    {"ild", .of_list = textbook_ild},
    {"s_recall", .of_list = textbook_s_recall},
    {"serendipity", .of_order = textbook_serendipity},
    {"calibration_kl", .of_list = textbook_kl},
    {"calibration_hellinger", .of_list = textbook_hellinger},
};

static inline const struct oracle *oracle_of(const metric_class *metric)
{
    for (size_t i = 0; i < sizeof oracles / sizeof *oracles; i++)
        if (strcmp(oracles[i].metric, metric->name) == 0)
            return &oracles[i];
    fail_msg("%s has no oracle", metric->name);
    return NULL;
}

static inline bool counts_hits(const metric_class *metric)
{
    return oracle_of(metric)->of_order != NULL;
}

#endif
