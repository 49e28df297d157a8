/* Pictures or texts to vectors on disk, the model's file open already, in turns with the runtime alone on tensors that are
 * ready.
 *
 *   bench_extract ENCODER MODEL LIST LOG THREADS [batch] [runs] [all]
 *
 * LIST: a picture's path or a text a line. A run is `all`, from files to the log; then, unless `all` is all that is asked
 * for, THREADS sessions of one thread on batches in turns, and a session of THREADS threads. The first run is for warmth, and
 * not told. Prints names, seconds, processor seconds and items between tabs. */
#include <unistd.h>

#include "encode/extraction.h"
#include "encode/onnx_session.h"
#include "encode/pretrained.h"
#include "io/file.h"
#include "measure.h"

enum { THREADS_MOST = 64 };

typedef struct opened {
    const encoder_class *class;
    encoder *e;
    pretrained_params params;
    const char **content;
    int64_t items, threads;
    char *bytes;
} opened;

typedef struct instant {
    double clock, processor;
} instant;

static instant begin(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (instant){now(), (double)t.tv_sec + 1e-9 * (double)t.tv_nsec};
}

static void print_since(instant start, const char *name, int64_t items)
{
    const instant end = begin();
    fprintf(stdout, "%s\t%.4f\t%.4f\t%lld\n", name, end.clock - start.clock, end.processor - start.processor,
            (long long)items);
}

static medley_status open_list(const medley_runtime *rt, const char *path, opened *o, medley_error *err)
{
    size_t length;
    int64_t capacity = 0;
    TRY(file_read_whole(rt, path, INT64_MAX, &o->bytes, &length, err));
    for (char *line = o->bytes, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        TRY(mem_reserve(rt, &o->content, &capacity, o->items + 1, sizeof *o->content, err));
        o->content[o->items++] = line;
    }
    return MEDLEY_OK;
}

static medley_status open_all(const medley_runtime *rt, char **argv, int argc, opened *o, medley_error *err)
{
    for (int i = 0; encoder_classes[i] != NULL; i++)
        if (strcmp(encoder_classes[i]->name, argv[1]) == 0)
            o->class = encoder_classes[i];
    if (o->class == NULL || o->class->params_size != sizeof o->params)
        return fail(err, MEDLEY_E_NOT_FOUND, "no pretrained encoder '%s'", argv[1]);
    medley_params_reset(o->class->params, &o->params);
    TRY(medley_param_set(medley_param_find(o->class->params, "model"), &o->params, argv[2], err));
    o->params.batch = argument(argc, argv, 6, o->params.batch);
    TRY(open_list(rt, argv[3], o, err));
    return o->class->open(rt, &o->params, &o->e, err);
}

static medley_status measure_all(const medley_runtime *rt, const opened *o, const char *log, bool told,
                                 medley_error *err)
{
    const extraction_source source = {o->items, o->content, "", false};
    extraction x;
    unlink(log);
    const instant start = begin();
    const medley_status status = extraction_run(rt, o->class, o->e, &source, log, NULL, &x, err);
    if (told)
        print_since(start, "all", x.encoded);
    extraction_release(&x);
    return status;
}

/* ---- the runtime alone ---- */

/* Samples in order of size, cut into batches as extraction does. */
typedef struct ready {
    const opened *o;
    const medley_runtime *rt;
    onnx_session *single[THREADS_MOST], *all_threads;
    sample *samples; /* [items] */
    const sample **sorted;
    int64_t *start; /* [batches + 1] */
    int64_t batches;
    float *pixels; /* [items, plane]; of texts NULL */
    int64_t plane;
    onnx_tensor input;
    bool single_threads;
} ready;

static medley_status prepare_task(void *context, int64_t task, int worker, medley_error *err)
{
    ready *const r = context;
    const opened *const o = r->o;
    char *bytes = NULL;
    size_t length;
    (void)worker;
    if (r->pixels == NULL)
        return o->class->prepare(o->e, o->content[task], strlen(o->content[task]), &r->samples[task], err);
    TRY(file_read_whole(r->rt, o->content[task], INT64_MAX, &bytes, &length, err));
    const medley_status status = o->class->prepare(o->e, bytes, length, &r->samples[task], err);
    mem_free(bytes);
    TRY(status);
    image_normalize(&o->e->pixels, r->samples[task].data, r->pixels + task * r->plane);
    return MEDLEY_OK;
}

static int larger_first(const void *a, const void *b)
{
    const sample *const x = *(const sample *const *)a, *const y = *(const sample *const *)b;
    return x->size != y->size ? (x->size < y->size ? 1 : -1) : (x > y) - (x < y);
}

static void cut_batches(ready *r)
{
    const int64_t most = r->o->params.batch;
    for (int64_t i = 0; i < r->o->items; i++)
        r->sorted[i] = &r->samples[i];
    qsort(r->sorted, (size_t)r->o->items, sizeof *r->sorted, larger_first);
    for (int64_t first = 0, end; first < r->o->items; first = end) {
        const int64_t rows = most / r->sorted[first]->size;
        end = least(first + (rows > 0 ? rows : 1), r->o->items);
        r->start[++r->batches] = end;
    }
}

static medley_status run_task(void *context, int64_t task, int worker, medley_error *err)
{
    const ready *const r = context;
    const opened *const o = r->o;
    onnx_session *const session = r->single_threads ? r->single[worker] : r->all_threads;
    const int64_t first = r->start[task], count = r->start[task + 1] - first;
    onnx_tensor input = r->input, shape;
    encoder own = {.rt = NULL};
    float *out;
    if (r->pixels != NULL) {
        input.size[0] = count;
        input.data = r->pixels + first * r->plane;
        TRY(onnx_session_run(session, &input, 1, o->e->output, &shape, &out, err));
    } else {
        memcpy(&own, o->e, sizeof own);
        own.session = session;
        TRY(own.run(&own, r->sorted + first, count, &shape, &out, err));
    }
    mem_free(out);
    return MEDLEY_OK;
}

static medley_status measure_ready(ready *r, bool single_threads, bool told, medley_error *err)
{
    const instant start = begin();
    r->single_threads = single_threads;
    if (single_threads)
        TRY(parallel_run(r->rt, r->batches, run_task, r, err));
    else
        for (int64_t task = 0; task < r->batches; task++)
            TRY(run_task(r, task, 0, err));
    if (told)
        print_since(start, single_threads ? "ready, sessions of 1 thread" : "ready, session of all threads",
                    r->o->items);
    return MEDLEY_OK;
}

static medley_status make_ready(ready *r, const onnx_library *lib, medley_error *err)
{
    const opened *const o = r->o;
    const int threads = parallel_workers(r->rt);
    for (int i = 0; i < threads && i < THREADS_MOST; i++)
        TRY(onnx_session_open(r->rt, lib, o->e->files.model, 1, &r->single[i], err));
    TRY(onnx_session_open(r->rt, lib, o->e->files.model, threads, &r->all_threads, err));
    TRY(mem_alloc_zero(r->rt, o->items, sizeof *r->samples, &r->samples, err));
    TRY(mem_alloc(r->rt, o->items, sizeof *r->sorted, &r->sorted, err));
    TRY(mem_alloc_zero(r->rt, o->items + 1, sizeof *r->start, &r->start, err));
    if (o->class->modality == MODALITY_IMAGE) {
        r->plane = 3 * o->e->pixels.height * o->e->pixels.width;
        r->input = o->e->inputs[0];
        r->input.size[2] = o->e->pixels.height;
        r->input.size[3] = o->e->pixels.width;
        TRY(mem_alloc(r->rt, o->items * r->plane, sizeof *r->pixels, &r->pixels, err));
    }
    TRY(parallel_run(r->rt, o->items, prepare_task, r, err));
    cut_batches(r);
    return MEDLEY_OK;
}

static void ready_release(ready *r)
{
    for (int i = 0; i < THREADS_MOST; i++)
        onnx_session_close(r->single[i]);
    onnx_session_close(r->all_threads);
    for (int64_t i = 0; r->samples != NULL && i < r->o->items; i++)
        sample_release(&r->samples[i]);
    mem_free(r->samples);
    mem_free(r->sorted);
    mem_free(r->start);
    mem_free(r->pixels);
}

static medley_status measure(const medley_runtime *rt, const opened *o, const char *log, int64_t runs, bool alone,
                             medley_error *err)
{
    ready r = {.o = o, .rt = rt};
    onnx_library *lib = NULL;
    medley_status status = MEDLEY_OK;
    TRY(onnx_library_open(rt, &lib, err));
    if (!alone)
        TRY_DONE(make_ready(&r, lib, err));
    for (int64_t run = 0; run <= runs; run++) {
        TRY_DONE(measure_all(rt, o, log, run > 0, err));
        if (alone)
            continue;
        TRY_DONE(measure_ready(&r, true, run > 0, err));
        TRY_DONE(measure_ready(&r, false, run > 0, err));
    }
done:
    ready_release(&r);
    onnx_library_close(lib);
    return status;
}

int main(int argc, char **argv)
{
    const medley_runtime_options options = {.threads = (int)argument(argc, argv, 5, 1)};
    medley_runtime *rt;
    medley_error err;
    opened o = {0};
    if (argc < 6) {
        fprintf(stderr, "usage: bench_extract ENCODER MODEL LIST LOG THREADS [batch] [runs] [all]\n");
        return 2;
    }
    const bool alone = argc > 8 && strcmp(argv[8], "all") == 0;
    if (medley_runtime_create(&options, &rt, &err) != MEDLEY_OK ||
        open_all(rt, argv, argc, &o, &err) != MEDLEY_OK ||
        measure(rt, &o, argv[4], argument(argc, argv, 7, 3), alone, &err) != MEDLEY_OK) {
        fprintf(stderr, "bench_extract: %s\n", err.message);
        return 1;
    }
    o.class->close(o.e);
    mem_free(o.content);
    mem_free(o.bytes);
    medley_runtime_free(rt);
    return 0;
}
