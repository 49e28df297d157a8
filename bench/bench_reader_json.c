/* Amazon reviews of the 2014 form: JSON lines to columns of dense indexes, neither sorted nor written.
 *
 *   bench_reader_json make FILE MIB     writes reviews of about that size, the same every time
 *   bench_reader_json FILE [threads]
 *
 * Prints name, seconds and the process's peak memory in MiB between tabs, as bench/peer_json.cpp does. */
#include <sys/resource.h>

#include "data/ingest.h"
#include "measure.h"

/* Words are drawn by Zipf's law; every tenth review quotes something, so that there are escapes. */
static void put_words(FILE *out, uint64_t row, int count)
{
    static const char *const words[] = {"the",   "and",   "a",       "to",           "it",
                                        "is",    "of",    "I",       "for",          "this",
                                        "that",  "with",  "product", "very",         "quality",
                                        "great", "would", "bought",  "disappointed", "recommendation"};
    for (int i = 0; i < count; i++) {
        const double u = random_uniform(7, row, (uint64_t)i);
        const char *word = words[(int)(20 * u * u)];
        fprintf(out, row % 10 == 0 && i % 17 == 5 ? "\\\"%s\\\" " : "%s ", word);
    }
}

static void put_review(FILE *out, uint64_t row)
{
    const double u = random_uniform(1, 1, row), v = random_uniform(1, 2, row);
    fprintf(out, "{\"reviewerID\": \"A%012llX\", \"asin\": \"B%09d\", \"reviewerName\": \"",
            (unsigned long long)(random_bits(2, 0, (uint64_t)(2e6 * u)) >> 16), (int)(2e5 * v * v));
    put_words(out, row * 4, 2);
    fprintf(out, "\", \"helpful\": [%d, %d], \"reviewText\": \"", (int)(row % 3), (int)(row % 7));
    put_words(out, row * 4 + 1, 10 + (int)(200 * random_uniform(1, 3, row) * random_uniform(1, 4, row)));
    fprintf(out, "\", \"overall\": %d.0, \"summary\": \"", (int)(row % 5) + 1);
    put_words(out, row * 4 + 2, 4);
    fprintf(out, "\", \"unixReviewTime\": %d, \"reviewTime\": \"09 13, 2009\"}\n",
            1100000000 + (int)(2e8 * random_uniform(1, 5, row)));
}

static int make(const char *path, int64_t mib)
{
    FILE *out = fopen(path, "w");
    if (out == NULL || mib <= 0) {
        fprintf(stderr, "bench_reader_json: cannot make %s\n", path);
        return 1;
    }
    for (uint64_t row = 0; ftell(out) < mib << 20; row++)
        put_review(out, row);
    return fclose(out) == 0 ? 0 : 1;
}

static medley_status read_once(const medley_runtime *rt, const char *path, double *seconds, medley_error *err)
{
    static const ingest_options options = {.rating_min = 0, .rating_max = 1000};
    static const interaction_layout reviews = {.format = ROWS_JSON_LINES,
                                               .user = "reviewerID",
                                               .item = "asin",
                                               .rating = "overall",
                                               .timestamp = "unixReviewTime",
                                               .part = -1};
    ingest *in;
    TRY(ingest_create(rt, &options, &in, err));
    const double start = now();
    const medley_status status = ingest_interactions(in, path, &reviews, err);
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
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return make(argv[2], argument(argc, argv, 3, 0));
    if (argc < 2) {
        fprintf(stderr, "usage: bench_reader_json FILE [threads] | make FILE MIB\n");
        return 2;
    }
    if (medley_runtime_create(&options, &rt, &err) != MEDLEY_OK ||
        read_once(rt, argv[1], &seconds, &err) != MEDLEY_OK) {
        fprintf(stderr, "bench_reader_json: %s\n", err.message);
        return 1;
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    fprintf(stdout, "medley json\t%.3f\t%.0f\n", seconds, (double)usage.ru_maxrss / 1024);
    medley_runtime_free(rt);
    return 0;
}
