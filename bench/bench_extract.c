/* Pictures or texts to vectors on disk, the model's file open already; and, of pictures, the runtime alone on tensors that are
 * ready.
 *
 *   bench_extract ENCODER MODEL LIST LOG THREADS [batch] [what]
 *
 * LIST: a picture's path or a text a line. what: `all`, from files to the log, twice: the first is for warmth; or `ready`, a
 * session of THREADS threads and THREADS sessions of one. Prints names, seconds, processor seconds and items between tabs. */
#include <unistd.h>

#include "encode/extraction.h"
#include "encode/onnx_session.h"
#include "encode/pretrained.h"
#include "io/file.h"
#include "measure.h"

enum { RUNS = 2, THREADS_MOST = 64 };

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

static medley_status measure_all(const medley_runtime *rt, const opened *o, const char *log, medley_error *err)
{
    const extraction_source source = {o->items, o->content, "", false};
    for (int run = 0; run < RUNS; run++) {
        extraction x;
        unlink(log);
        const instant start = begin();
        const medley_status status = extraction_run(rt, o->class, o->e, &source, log, NULL, &x, err);
        print_since(start, "all", x.encoded);
        extraction_release(&x);
        TRY(status);
    }
    return MEDLEY_OK;
}

/* ---- the runtime alone ---- */

typedef struct ready {
    const opened *o;
    onnx_session *session[THREADS_MOST]; /* a worker's */
    const medley_runtime *rt;
    float *pixels; /* [items, plane] */
    int64_t plane;
    onnx_tensor input;
    const char *output;
} ready;

static medley_status prepare_task(void *context, int64_t task, int worker, medley_error *err)
{
    ready *const r = context;
    char *bytes;
    size_t length;
    sample s;
    (void)worker;
    TRY(file_read_whole(r->rt, r->o->content[task], INT64_MAX, &bytes, &length, err));
    const medley_status status = r->o->class->prepare(r->o->e, bytes, length, &s, err);
    mem_free(bytes);
    TRY(status);
    memcpy(r->pixels + task * r->plane, s.data, s.bytes);
    sample_release(&s);
    return MEDLEY_OK;
}

static medley_status run_task(void *context, int64_t task, int worker, medley_error *err)
{
    const ready *const r = context;
    onnx_tensor input = r->input, shape;
    float *out;
    input.size[0] = least(r->o->params.batch, r->o->items - task * r->o->params.batch);
    input.data = r->pixels + task * r->o->params.batch * r->plane;
    TRY(onnx_session_run(r->session[worker], &input, 1, r->output, &shape, &out, err));
    mem_free(out);
    return MEDLEY_OK;
}

/* `sessions` of `threads` threads each. */
static medley_status run_ready(ready *r, const char *name, const onnx_library *lib, int sessions, int threads,
                               medley_error *err)
{
    const int64_t batch = r->o->params.batch, tasks = (r->o->items + batch - 1) / batch;
    for (int i = 0; i < sessions; i++)
        TRY(onnx_session_open(r->rt, lib, r->o->params.model, threads, &r->session[i], err));
    for (int run = 0; run < RUNS; run++) {
        const instant start = begin();
        if (sessions > 1)
            TRY(parallel_run(r->rt, tasks, run_task, r, err));
        else
            for (int64_t task = 0; task < tasks; task++)
                TRY(run_task(r, task, 0, err));
        print_since(start, name, r->o->items);
    }
    for (int i = 0; i < sessions; i++)
        onnx_session_close(r->session[i]);
    return MEDLEY_OK;
}

static medley_status measure_ready(const medley_runtime *rt, const opened *o, medley_error *err)
{
    ready r = {.o = o, .rt = rt, .output = o->e->output};
    onnx_library *lib;
    const int threads = parallel_workers(rt);
    TRY(onnx_library_open(rt, &lib, err));
    r.plane = 3 * o->e->pixels.height * o->e->pixels.width;
    r.input = o->e->inputs[0];
    r.input.size[2] = o->e->pixels.height;
    r.input.size[3] = o->e->pixels.width;
    TRY(mem_alloc(rt, o->items * r.plane, sizeof *r.pixels, &r.pixels, err));
    TRY(parallel_run(rt, o->items, prepare_task, &r, err));
    TRY(run_ready(&r, "ready, sessions of 1 thread", lib, least(threads, THREADS_MOST), 1, err));
    TRY(run_ready(&r, "ready, session of all threads", lib, 1, threads, err));
    mem_free(r.pixels);
    onnx_library_close(lib);
    return MEDLEY_OK;
}

int main(int argc, char **argv)
{
    const medley_runtime_options options = {.threads = (int)argument(argc, argv, 5, 1)};
    medley_runtime *rt;
    medley_error err;
    opened o = {0};
    if (argc < 6) {
        fprintf(stderr, "usage: bench_extract ENCODER MODEL LIST LOG THREADS [batch] [all|ready]\n");
        return 2;
    }
    const bool alone = argc > 7 && strcmp(argv[7], "ready") == 0;
    if (medley_runtime_create(&options, &rt, &err) != MEDLEY_OK ||
        open_all(rt, argv, argc, &o, &err) != MEDLEY_OK ||
        (alone ? measure_ready(rt, &o, &err) : measure_all(rt, &o, argv[4], &err)) != MEDLEY_OK) {
        fprintf(stderr, "bench_extract: %s\n", err.message);
        return 1;
    }
    o.class->close(o.e);
    mem_free(o.content);
    mem_free(o.bytes);
    medley_runtime_free(rt);
    return 0;
}
