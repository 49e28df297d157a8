#include <medley/model.h>

#include <sys/resource.h>

#include "api/job_cost.h"
#include "api/settings_list.h"

typedef struct estimate_params {
    const char *job;
} estimate_params;

static const medley_param table[] = {
    MEDLEY_TEXT(estimate_params, job, NULL, .flags = MEDLEY_PARAM_REQUIRED,
                .help =
                    "what is to be done: prepare, train, sweep, evaluate or recommend, with its settings beside"),
    MEDLEY_PARAMS_END,
};

static medley_status find_job(const char *job, registry_member *out, job_counter *counter, medley_error *err)
{
    const medley_status status = registry_find("operations", job, out, err);
    if (status != MEDLEY_OK)
        return fail_while(err, MEDLEY_E_CONFIG, "job");
    *counter = job_counter_find(job);
    return *counter != NULL
               ? MEDLEY_OK
               : fail(err, MEDLEY_E_CONFIG, "job: '%s' is not estimated; accepted: %s", job, job_counter_names);
}

/* What the job's own command would be given. */
static medley_status settings_of_job(medley_runtime *rt, const medley_config *all, medley_config **out,
                                     medley_error *err)
{
    medley_config *own;
    TRY(medley_config_create(rt, &own, err));
    medley_status status = MEDLEY_OK;
    for (int64_t i = 0; i < all->count && status == MEDLEY_OK; i++) {
        const setting *s = &all->settings[i];
        if (strcmp(s->key, "job") != 0)
            status = medley_config_set(own, s->key, s->value, s->rank, s->origin, err);
    }
    if (status == MEDLEY_OK)
        *out = own;
    else
        medley_config_free(own);
    return status;
}

/* What the process holds already: code, libraries, their tables; and what it comes to touch of them. */
static double program_bytes(void)
{
    struct rusage usage;
    return 4e6 + (getrusage(RUSAGE_SELF, &usage) == 0 ? 1024.0 * (double)usage.ru_maxrss : 0);
}

/* ---- Telling ---- */

static double tell_seconds(const job_cost *cost, const work_rates *rates, bool *all_known)
{
    double seconds = 0;
    *all_known = true;
    for (int64_t i = 0; i < cost->step_count; i++) {
        seconds += cost_seconds(&cost->steps[i], rates);
        *all_known = *all_known && cost->steps[i].known;
    }
    return seconds;
}

static void tell_sum(const char *job, const job_cost *cost, const work_rates *rates, medley_report *r)
{
    const double bytes = cost_bytes(cost);
    const int64_t available = runtime_memory_available();
    bool all_known;
    const double seconds = tell_seconds(cost, rates, &all_known);
    report_facts(r, "estimate", "Estimate");
    report_string(r, "job", job);
    report_int(r, "peak_bytes", (int64_t)bytes);
    report_int(r, "available_bytes", available);
    report_string(r, "fits", bytes <= (double)available ? "yes" : "no");
    if (bytes > (double)available)
        report_string(r, "advice", cost->advice);
    if (all_known)
        report_real(r, "seconds", seconds);
    else
        report_string(r, "seconds", "not estimated");
    report_int(r, "threads", rates->threads);
}

static void tell_cost(const job_cost *cost, const work_rates *rates, medley_report *r)
{
    report_table(r, "memory", "Memory at its peak", "part|bytes");
    for (int64_t i = 0; i < cost->part_count; i++) {
        report_string(r, NULL, cost->parts[i].name);
        report_int(r, NULL, (int64_t)cost->parts[i].bytes);
    }
    report_table(r, "time", "Time", "step|seconds");
    for (int64_t i = 0; i < cost->step_count; i++) {
        report_string(r, NULL, cost->steps[i].name);
        if (cost->steps[i].known)
            report_real(r, NULL, cost_seconds(&cost->steps[i], rates));
        else
            report_string(r, NULL, "not estimated");
    }
    report_table(r, "rates", "This machine, as just measured", "work|a_second");
    for (int kind = 0; kind < WORK_KINDS; kind++) {
        report_string(r, NULL, work_names[kind]);
        report_real(r, NULL, rates->a_second[kind]);
    }
}

static medley_status run(medley_runtime *rt, const bound_settings *s, medley_report *report, medley_error *err)
{
    const estimate_params *p = s->values;
    registry_member member;
    job_counter counter;
    medley_config *config = NULL;
    bound_settings job = {0};
    job_cost cost = {0};
    work_rates rates;
    medley_status status;
    TRY(find_job(p->job, &member, &counter, err));
    TRY(settings_of_job(rt, s->config, &config, err));
    TRY_DONE(settings_bind(config, operation_classes[member.index], &job, err));
    cost_add_part(&cost, "program", program_bytes());
    cost_add_step(&cost, "starting", true)->seconds = 0.015;
    TRY_DONE(counter(rt, &job, &cost, err));
    TRY_DONE(work_measure(rt, &rates, err));
    tell_sum(p->job, &cost, &rates, report);
    tell_cost(&cost, &rates, report);
done:
    settings_release(&job);
    medley_config_free(config);
    return status;
}

const operation_class operation_estimate = {
    .name = "estimate",
    .summary = "predict the memory and time of a job before it is done",
    .details =
        "Takes the settings that the job itself would take. Memory is counted from the sizes of the data, the model and "
        "what the job makes of them. Time is counted work over this machine's rates, which are measured for some 50 ms: "
        "good to a factor of two or so; of a sweep with the models' defaults for all trials. Nothing is written.",
    .table = table,
    .size = sizeof(estimate_params),
    .hands_on = true,
    .run = run,
};

medley_status medley_estimate(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_estimate, rt, config, report, err);
}
