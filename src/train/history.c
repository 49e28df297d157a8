#include "train/history.h"

#include <math.h>

#include "io/event_file.h"
#include "io/save.h"
#include "io/svg.h"

/* ---- records as numbers ---- */

void epoch_record_put(const epoch_record *r, double numbers[EPOCH_RECORD_NUMBERS])
{
    const double all[] = {(double)r->epoch, (double)r->step,      r->loss, r->rate, r->gradient, r->metric,
                          r->seconds,       r->examples_a_second, r->time};
    _Static_assert(sizeof all == sizeof(double) * EPOCH_RECORD_NUMBERS, "one number a field");
    memcpy(numbers, all, sizeof all);
}

epoch_record epoch_record_get(const double numbers[EPOCH_RECORD_NUMBERS])
{
    return (epoch_record){
        .epoch = (int64_t)numbers[0],
        .step = (int64_t)numbers[1],
        .loss = numbers[2],
        .rate = numbers[3],
        .gradient = numbers[4],
        .metric = numbers[5],
        .seconds = numbers[6],
        .examples_a_second = numbers[7],
        .time = numbers[8],
    };
}

/* ---- history.csv ---- */

static void add_number(text *out, double number)
{
    char shown[40];
    text_add(out, ",");
    if (isfinite(number)) {
        number_format(number, shown, sizeof shown);
        text_add(out, shown);
    }
}

static void add_table(text *out, const epoch_record *all, int64_t count)
{
    text_add(out, "epoch,step,loss,rate,gradient,metric,seconds,examples_a_second,time\n");
    for (int64_t i = 0; i < count; i++) {
        double numbers[EPOCH_RECORD_NUMBERS];
        epoch_record_put(&all[i], numbers);
        text_format(out, "%lld,%lld", (long long)all[i].epoch, (long long)all[i].step);
        for (int n = 2; n < EPOCH_RECORD_NUMBERS; n++)
            add_number(out, numbers[n]);
        text_add(out, "\n");
    }
}

/* ---- curves.svg ---- */

/* Room for the points of both panels: x and y each. */
static medley_status add_curves(const medley_runtime *rt, text *out, const history_names *names,
                                const epoch_record *all, int64_t count, medley_error *err)
{
    double *points;
    TRY(mem_alloc(rt, 4 * count, sizeof *points, &points, err));
    svg_panel panels[2] = {
        {.title = names->model, .x_label = "epoch", .y_label = names->loss, .x = points, .y = points + count},
        {.title = "validation",
         .x_label = "epoch",
         .y_label = names->metric,
         .x = points + 2 * count,
         .y = points + 3 * count},
    };
    int64_t n[2] = {0, 0};
    for (int64_t i = 0; i < count; i++) {
        const double y[2] = {all[i].loss, all[i].metric};
        for (int panel = 0; panel < 2; panel++)
            if (isfinite(y[panel])) {
                points[2 * panel * count + n[panel]] = (double)all[i].epoch;
                points[(2 * panel + 1) * count + n[panel]++] = y[panel];
            }
    }
    panels[0].count = n[0];
    panels[1].count = n[1];
    svg_plot(out, panels, names->metric != NULL && n[1] > 0 ? 2 : 1);
    mem_free(points);
    return MEDLEY_OK;
}

/* ---- events ---- */

static void add_scalar(text *out, const epoch_record *r, const char *prefix, const char *name, double value)
{
    char tag[160];
    if (!isfinite(value))
        return;
    snprintf(tag, sizeof tag, "%s%.120s", prefix, name);
    event_file_scalar(out, r->time, r->step, tag, (float)value);
}

static void add_events(text *out, const history_names *names, const epoch_record *all, int64_t count)
{
    event_file_begin(out, count > 0 ? all[0].time : 0);
    for (int64_t i = 0; i < count; i++) {
        const epoch_record *r = &all[i];
        add_scalar(out, r, "loss/", names->loss, r->loss);
        if (names->metric != NULL)
            add_scalar(out, r, "validation/", names->metric, r->metric);
        add_scalar(out, r, "training/", "learning_rate", r->rate);
        add_scalar(out, r, "training/", "gradient", r->gradient);
        add_scalar(out, r, "training/", "examples_a_second", r->examples_a_second);
        add_scalar(out, r, "training/", "epoch", (double)r->epoch);
    }
}

/* ---- all three ---- */

static medley_status save_text(const char *folder, const char *name, text *out, medley_error *err)
{
    medley_status status = text_status(out, err);
    if (status == MEDLEY_OK)
        status = save_in(out->rt, folder, name, out->bytes, (size_t)out->length, err);
    out->length = 0;
    return status;
}

medley_status history_write(const medley_runtime *rt, const char *folder, const history_names *names,
                            const epoch_record *all, int64_t count, medley_error *err)
{
    text out = {.rt = rt};
    medley_status status;
    add_table(&out, all, count);
    TRY_DONE(save_text(folder, "history.csv", &out, err));
    TRY_DONE(add_curves(rt, &out, names, all, count, err));
    TRY_DONE(save_text(folder, "curves.svg", &out, err));
    add_events(&out, names, all, count);
    status = save_text(folder, HISTORY_EVENTS, &out, err);
done:
    text_release(&out);
    return status;
}
