/* Our reader alone: ratings.csv to columns of dense indexes, neither sorted nor written.
 *
 *   bench_reader ratings.csv [threads]
 *
 * Prints name, seconds and the process's peak memory in MiB between tabs, as bench/peer_prepare.py does. */
#include <sys/resource.h>

#include "data/ingest.h"
#include "measure.h"

static medley_status read_once(const medley_runtime *rt, const char *path, double *seconds, medley_error *err)
{
    static const ingest_options options = {.rating_min = 0, .rating_max = 1000};
    static const interaction_layout movielens = {.delimiter = ",",
                                                 .header = true,
                                                 .quotes = true,
                                                 .user = "userId",
                                                 .item = "movieId",
                                                 .rating = "rating",
                                                 .timestamp = "timestamp",
                                                 .part = -1};
    ingest *in;
    TRY(ingest_create(rt, &options, &in, err));
    const double start = now();
    const medley_status status = ingest_interactions(in, path, &movielens, err);
    *seconds = now() - start;
    ingest_free(in);
    return status;
}

int main(int argc, char **argv)
{
    const medley_runtime_options options = {.threads = (int)argument(argc, argv, 2, 0)};
    medley_runtime *rt;
    medley_error err;
    double seconds;
    if (argc < 2) {
        fprintf(stderr, "usage: bench_reader ratings.csv [threads]\n");
        return 2;
    }
    if (medley_runtime_create(&options, &rt, &err) != MEDLEY_OK ||
        read_once(rt, argv[1], &seconds, &err) != MEDLEY_OK) {
        fprintf(stderr, "bench_reader: %s\n", err.message);
        return 1;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    fprintf(stdout, "medley read\t%.3f\t%.0f\n", seconds, (double)usage.ru_maxrss / 1024);
    medley_runtime_free(rt);
    return 0;
}
