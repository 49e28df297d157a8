/* Texts to token ids on one thread.
 *
 *   bench_tokenizer TOKENIZER TEXTS [runs]     TEXTS: one a line
 *
 * Prints the median seconds of `runs` passes (5) over all texts, then the tokens and a hash of their ids, by which
 * bench/peer_tokenizers.py knows that both did the same. A pass starts with a list of tokens of its own. */
#include "encode/tokenizer.h"
#include "io/file.h"
#include "measure.h"

enum { RUNS_MOST = 99 };

static medley_status pass(const medley_runtime *rt, const tokenizer *t, const char *bytes, size_t length,
                          int64_t *count, uint64_t *hash, medley_error *err)
{
    token_list tokens = {0};
    medley_status status = MEDLEY_OK;
    *count = 0, *hash = 0;
    for (const char *at = bytes, *const end = bytes + length; at < end && status == MEDLEY_OK;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        status = tokenizer_encode(rt, t, at, (size_t)(stop - at), 0, true, &tokens, err);
        for (int64_t i = 0; i < tokens.count; i++)
            *hash = *hash * 31 + (uint64_t)tokens.id[i];
        *count += tokens.count;
        at = stop + 1;
    }
    token_list_release(&tokens);
    return status;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    const int64_t asked = argument(argc, argv, 3, 5), runs = asked < RUNS_MOST ? asked : RUNS_MOST;
    const medley_runtime_options one_thread = {.threads = 1};
    medley_runtime *rt = NULL;
    medley_error err = {MEDLEY_OK, ""};
    tokenizer *t = NULL;
    char *bytes = NULL;
    size_t length;
    int64_t count = 0;
    uint64_t hash = 0;
    double seconds[RUNS_MOST];
    if (argc < 3) {
        fprintf(stderr, "usage: bench_tokenizer TOKENIZER TEXTS [runs]\n");
        return 2;
    }
    medley_status status = medley_runtime_create(&one_thread, &rt, &err);
    if (status == MEDLEY_OK)
        status = tokenizer_open(rt, argv[1], &t, &err);
    if (status == MEDLEY_OK)
        status = file_read_whole(rt, argv[2], (int64_t)1 << 32, &bytes, &length, &err);
    for (int64_t run = 0; run < runs && status == MEDLEY_OK; run++) {
        const double start = now();
        status = pass(rt, t, bytes, length, &count, &hash, &err);
        seconds[run] = now() - start;
    }
    if (status == MEDLEY_OK) {
        qsort(seconds, (size_t)runs, sizeof *seconds, by_value);
        fprintf(stdout, "%.6f\t%lld\t%llu\n", seconds[runs / 2], (long long)count, (unsigned long long)hash);
    } else {
        fprintf(stderr, "bench_tokenizer: %s\n", err.message);
    }
    mem_free(bytes);
    tokenizer_close(t);
    medley_runtime_free(rt);
    return status == MEDLEY_OK ? 0 : 1;
}
