/* Pictures of a folder to the numbers an encoder takes: decoding, and all of it, on one thread.
 *
 *   bench_image FOLDER [pictures] [runs] [edge]
 *
 * Prints name and milliseconds a picture between tabs, the median of the runs, as bench/peer_image.py does. */
#include "encode/image_preparation.h"
#include "io/file.h"
#include "measure.h"

enum { RUNS_MOST = 99 };

typedef struct folder {
    int64_t count;
    char **bytes;
    size_t *length;
} folder;

static medley_status load(const medley_runtime *rt, const char *path, int64_t most, folder *out, medley_error *err)
{
    char **names, *file_path;
    int64_t count;
    TRY(file_list(rt, path, &names, &count, err));
    out->count = count < most ? count : most;
    TRY(mem_alloc_zero(rt, out->count, sizeof *out->bytes, &out->bytes, err));
    TRY(mem_alloc_zero(rt, out->count, sizeof *out->length, &out->length, err));
    for (int64_t i = 0; i < out->count; i++) {
        TRY(file_join(rt, path, names[i], &file_path, err));
        TRY(file_read_whole(rt, file_path, INT64_MAX, &out->bytes[i], &out->length[i], err));
        mem_free(file_path);
    }
    file_names_free(names, count);
    return MEDLEY_OK;
}

/* p: NULL for decoding alone. */
static medley_status run(const medley_runtime *rt, const folder *f, const image_preparation *p, bool shrink,
                         float *out, double *ms, medley_error *err)
{
    const double start = now();
    for (int64_t i = 0; i < f->count; i++) {
        image m;
        TRY(image_decode(rt, f->bytes[i], f->length[i], shrink ? image_preparation_least(p) : 0,
                         &image_limits_default, &m, err));
        if (p != NULL)
            TRY(image_prepare(rt, p, &m, out, err));
        image_release(&m);
    }
    *ms = 1e3 * (now() - start) / (double)f->count;
    return MEDLEY_OK;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static medley_status measure(const medley_runtime *rt, const folder *f, int64_t runs, int64_t edge,
                             medley_error *err)
{
    const image_preparation p = {
        .resize = true,
        .crop = true,
        .rescale = true,
        .normalize = true,
        .shortest_edge = edge,
        .crop_height = edge,
        .crop_width = edge,
        .height = edge,
        .width = edge,
        .filter = RESAMPLE_BICUBIC,
        .rescale_factor = 1.0 / 255,
        .mean = {0.48, 0.45, 0.4},
        .deviation = {0.27, 0.26, 0.28},
    };
    const struct {
        const char *name;
        const image_preparation *p;
        bool shrink;
    } parts[] = {
        {"decode", NULL, false}, {"decode and prepare", &p, false}, {"the same, shrunk while read", &p, true}};
    double ms[RUNS_MOST];
    float *out;
    TRY(mem_alloc(rt, 3 * edge * edge, sizeof *out, &out, err));
    for (int part = 0; part < 3; part++) {
        for (int64_t i = 0; i < runs; i++)
            TRY(run(rt, f, parts[part].p, parts[part].shrink, out, &ms[i], err));
        qsort(ms, (size_t)runs, sizeof *ms, ascending);
        fprintf(stdout, "medley %s\t%.3f\n", parts[part].name, ms[runs / 2]);
    }
    mem_free(out);
    return MEDLEY_OK;
}

int main(int argc, char **argv)
{
    const medley_runtime_options options = {.threads = 1};
    const int64_t runs = argument(argc, argv, 3, 5);
    medley_runtime *rt;
    medley_error err;
    folder f = {0};
    if (argc < 2) {
        fprintf(stderr, "usage: bench_image FOLDER [pictures] [runs] [edge]\n");
        return 2;
    }
    if (medley_runtime_create(&options, &rt, &err) != MEDLEY_OK ||
        load(rt, argv[1], argument(argc, argv, 2, 300), &f, &err) != MEDLEY_OK ||
        measure(rt, &f, runs < RUNS_MOST ? runs : RUNS_MOST, argument(argc, argv, 4, 224), &err) != MEDLEY_OK) {
        fprintf(stderr, "bench_image: %s\n", err.message);
        return 1;
    }
    file_names_free(f.bytes, f.count);
    mem_free(f.length);
    medley_runtime_free(rt);
    return 0;
}
