/* Recommending by taste groups: users are clustered by their vectors of a matrix factorisation (model/mf.h), and an item is
 * worth its mean rating in the user's cluster:
 *
 *   score(u, i) = mean of r_vi over users v of the cluster of u who have rated i, if they are min_support or more
 *
 * An item with less support comes after all others, the sooner the more ratings it has at all. As in the MovieLens notebook
 * that pairs matrix factorisation with k-means; there each cluster's list is the same for all its users, here what a user has
 * had is left out, and a list goes on behind the supported items. */
#include "model/mf.h"
#include "tensor/kmeans.h"

typedef struct kmeans_params {
    mf_params mf; /* first: its rows are theirs */
    int64_t clusters, restarts, min_support;
} kmeans_params;

enum { ITERATIONS = 300 };

static const medley_param params[] = {
    MEDLEY_INT(kmeans_params, clusters, "10", 1, 65536, .sweep = "5,10,20,50", .help = "groups of users"),
    MEDLEY_INT(kmeans_params, restarts, "10", 1, 1000, .help = "starts of k-means, of which the best is kept"),
    MEDLEY_INT(kmeans_params, min_support, "5", 1, 1e9, .sweep = "2,5,10",
               .help = "ratings in a cluster that an item needs, to have a mean there"),
    MF_ROWS(mf_params),
    LEARNING_ROWS(mf_params, "128", "128", "0.001", "adam", "exact", "ndcg@10"),
    MEDLEY_PARAMS_END,
};

/* Vectors of users and items are as long as there are clusters. */
static medley_status begin(const medley_runtime *rt, const void *values, const training *data, void **context,
                           medley_error *err)
{
    const kmeans_params *p = values;
    const double each = (double)data->users * sizeof(float) +
                        (double)data->items * (sizeof(float) + sizeof(double) + sizeof(int64_t));
    TRY(runtime_memory_fits("kmeans_mf", p->clusters, "clusters", (double)p->clusters * each, "lower clusters",
                            err));
    return mf_begin(rt, values, data, context, err);
}

/* Sum and number of the ratings of every item in every cluster: [I, K]. */
typedef struct cluster_means {
    double *sum;
    int64_t *count;
} cluster_means;

static medley_status sum_ratings(const medley_runtime *rt, const csr *ratings, const kmeans *k, cluster_means *out,
                                 medley_error *err)
{
    TRY(mem_alloc_zero(rt, ratings->columns * k->clusters, sizeof *out->sum, &out->sum, err));
    TRY(mem_alloc_zero(rt, ratings->columns * k->clusters, sizeof *out->count, &out->count, err));
    for (int64_t u = 0; u < ratings->rows; u++)
        for (int64_t at = ratings->start[u]; at < ratings->start[u + 1]; at++) {
            const int64_t place = ratings->index[at] * k->clusters + k->cluster[u];
            out->sum[place] += (double)ratings->value[at];
            out->count[place]++;
        }
    return MEDLEY_OK;
}

static double lowest(const csr *ratings)
{
    double low = 0;
    for (int64_t i = 0; i < csr_count(ratings); i++)
        low = (double)ratings->value[i] < low ? (double)ratings->value[i] : low;
    return low;
}

/* Ratings of an item in all clusters. */
static int64_t count_ratings(const cluster_means *means, int64_t item, int64_t clusters)
{
    int64_t sum = 0;
    for (int64_t c = 0; c < clusters; c++)
        sum += means->count[item * clusters + c];
    return sum;
}

static int64_t most_ratings(const cluster_means *means, int64_t items, int64_t clusters)
{
    int64_t most = 1;
    for (int64_t i = 0; i < items; i++) {
        const int64_t count = count_ratings(means, i, clusters);
        most = count > most ? count : most;
    }
    return most;
}

static medley_status add_tensors(const medley_runtime *rt, const kmeans_params *p, const mf *m, const kmeans *k,
                                 const cluster_means *means, model_state *state, medley_error *err)
{
    const int64_t users = m->ratings->rows, items = m->ratings->columns, K = p->clusters;
    const int64_t left[] = {users, K}, right[] = {items, K}, centres[] = {k->clusters, p->mf.factors};
    const double low = lowest(m->ratings), most = (double)most_ratings(means, items, k->clusters);
    float *user, *item, *centre;
    TRY(model_add(rt, state, "user", TENSOR_F32, 2, left, &user, err));
    TRY(model_add(rt, state, "item", TENSOR_F32, 2, right, &item, err));
    TRY(model_add(rt, state, "centre", TENSOR_F32, 2, centres, &centre, err));
    for (int64_t u = 0; u < users; u++)
        user[u * K + k->cluster[u]] = 1;
    for (int64_t i = 0; i < items; i++) {
        const double below = low - 2 + (double)count_ratings(means, i, k->clusters) / most;
        for (int64_t c = 0; c < k->clusters; c++) {
            const int64_t place = i * k->clusters + c;
            const bool supported = means->count[place] >= p->min_support;
            item[i * K + c] = (float)(supported ? means->sum[place] / (double)means->count[place] : below);
        }
    }
    memcpy(centre, k->centre, (size_t)(k->clusters * p->mf.factors) * sizeof *centre);
    return MEDLEY_OK;
}

static medley_status finish(const medley_runtime *rt, void *context, const parameters *parameters_,
                            model_state *state, medley_error *err)
{
    const mf *m = context;
    const kmeans_params *p = (const kmeans_params *)m->p;
    const kmeans_job job = {.rows = m->user->value,
                            .count = m->ratings->rows,
                            .length = p->mf.factors,
                            .clusters = p->clusters,
                            .seed = m->seed,
                            .restarts = p->restarts,
                            .iterations = ITERATIONS};
    kmeans k = {0};
    cluster_means means = {0};
    medley_status status;
    (void)parameters_;
    TRY_DONE(kmeans_run(rt, &job, &k, err));
    TRY_DONE(sum_ratings(rt, m->ratings, &k, &means, err));
    status = add_tensors(rt, p, m, &k, &means, state, err);
done:
    mem_free(means.sum);
    mem_free(means.count);
    kmeans_release(&k);
    return status;
}

static medley_status score(const void *values, const model_state *state, int64_t users, int64_t items,
                           scoring *out, medley_error *err)
{
    return factored_scoring(state, users, items, ((const kmeans_params *)values)->clusters, false, out, err);
}

static const learner_class learner = {
    .loss_name = "mse",
    .needs_ratings = true,
    .begin = begin,
    .end = mf_end,
    .declare = mf_declare,
    .examples = mf_examples,
    .batch_bytes = mf_batch_bytes,
    .fill = mf_fill,
    .loss = mf_loss,
    .finish = finish,
};

extern const model_class model_kmeans_mf;
const model_class model_kmeans_mf = {
    .name = "kmeans_mf",
    .title = "MF + k-means",
    .summary = "the mean ratings of a group of users whose vectors are alike",
    .paper =
        "Koren, Bell and Volinsky, Computer 2009, and k-means++ (Arthur and Vassilvitskii, SODA 2007) on its user "
        "vectors, as in the MovieLens notebook; what a user has had is left out",
    .params = params,
    .params_size = sizeof(kmeans_params),
    .limits = "users that were not trained on; items with few ratings in a cluster",
    .advice = "lower clusters",
    .learner = &learner,
    .scoring = score,
};
