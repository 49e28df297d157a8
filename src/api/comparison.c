#include "api/comparison.h"

#include <math.h>

medley_status comparison_open(const medley_runtime *rt, const comparison_choices *choices, comparison *out,
                              medley_error *err)
{
    *out = (comparison){.rt = rt, .choices = *choices, .texts = {.rt = rt}};
    TRY(comparison_read(out, err));
    TRY(comparison_group(out, err));
    return comparison_test(out, err);
}

void comparison_close(comparison *c)
{
    for (int64_t i = 0; i < c->run_count; i++) {
        evaluation_file_release(&c->runs[i].file);
        mem_free(c->runs[i].settings);
    }
    mem_free(c->runs);
    mem_free(c->systems);
    mem_free(c->columns);
    mem_free(c->pairs);
    arena_release(&c->texts);
    *c = (comparison){0};
}

/* ---- What is asked of it ---- */

void comparison_users(const comparison *c, const compared_system *system, int64_t column, double *out)
{
    for (int64_t u = 0; u < c->users; u++)
        out[u] = 0;
    for (const compared_run *run = c->runs; run < c->runs + c->run_count; run++) {
        const int64_t from = evaluation_file_find(&run->file, c->columns[column].name);
        if (run->system != system - c->systems)
            continue;
        for (int64_t u = 0; u < c->users; u++)
            out[u] += run->file.per_user[u * run->file.column_count + from];
    }
    for (int64_t u = 0; u < c->users; u++)
        out[u] /= (double)system->runs;
}

bool comparison_is_best(const comparison *c, int64_t system, int64_t column)
{
    const double own = c->systems[system].value[column];
    for (int64_t s = 0; s < c->system_count; s++) {
        const double other = c->systems[s].value[column];
        if (c->columns[column].more_is_better ? other > own : other < own)
            return false;
    }
    return !isnan(own);
}

const compared_pair *comparison_against_baseline(const comparison *c, int64_t system, int64_t column)
{
    for (const compared_pair *p = c->pairs; p < c->pairs + c->pair_count; p++)
        if (p->system == system && p->against == c->baseline && p->column == column)
            return p;
    return NULL;
}
