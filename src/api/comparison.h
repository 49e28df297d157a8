/* Runs side by side: whether they may be compared, and which differences are more than chance. */
#ifndef API_COMPARISON_H
#define API_COMPARISON_H

#include "api/evaluation_file.h"

enum { COMPARISON_RUNS_MOST = 256 };

typedef enum comparison_pairs { PAIRS_BASELINE, PAIRS_ALL } comparison_pairs;
typedef enum comparison_mark { MARK_T, MARK_WILCOXON } comparison_mark;

/* Texts are borrowed until comparison_close. */
typedef struct comparison_choices {
    const char *runs;        /* folders of runs or of evaluations, separated by commas */
    const char *evaluation;  /* of runs; "": the one that all have */
    const char *baseline;    /* a run as named in `runs`, or a label; "": the first */
    const char *metrics;     /* "ndcg,recall@20" or "all": those that all runs have */
    int pairs, test, adjust; /* the enums above; which test and p_adjustment decide marks */
    double alpha;
    int64_t resamples, seed; /* of the bootstrap; 0: no intervals */
} comparison_choices;

/* A setting of a run's config.yaml. */
typedef struct compared_setting {
    const char *key, *value;
} compared_setting;

typedef struct compared_run {
    const char *path, *label; /* as named; its last part, or all of it where two end alike */
    evaluation_file file;
    compared_setting *settings; /* none for lists from elsewhere */
    int64_t setting_count, setting_capacity;
    int64_t system;
} compared_run;

/* A run, or runs that differ by their seed alone: its values are means over them, user by user first where users have
 * values of their own. Arrays are [columns]. */
typedef struct compared_system {
    const char *label, *model;
    int64_t first, runs; /* its first run, and how many it has */
    double *value, *std; /* std: between seeds, of a sample; NaN for one run */
    interval *interval;  /* of the mean over users; NaN: none */
} compared_system;

/* What is shown: a column that every run has. */
typedef struct compared_column {
    const char *name;       /* "ndcg@10" */
    const char *definition; /* "" when nobody knows */
    bool more_is_better, per_user;
    bool pooled; /* its value is a ratio of sums, not the mean of the users' own values, which tests compare */
} compared_column;

/* Of one column, for the users for whom both have a value. */
typedef struct compared_pair {
    int64_t system, against, column, users;
    double difference; /* mean of system - against */
    interval interval; /* NaN: none */
    t_test t;
    wilcoxon_test wilcoxon;
    double p[2], holm[2], bh[2]; /* by comparison_mark; NaN: fewer than 2 users */
    bool significant;            /* the chosen test with the chosen adjustment: below alpha */
} compared_pair;

typedef struct comparison {
    const medley_runtime *rt;
    comparison_choices choices;
    const char *evaluation; /* its name */
    compared_run *runs;
    int64_t run_count;
    compared_system *systems;
    int64_t system_count, baseline;
    compared_column *columns;
    int64_t column_count, users;
    compared_pair *pairs;       /* by system, then column */
    int64_t pair_count, family; /* family: tests that p values are adjusted for, of each of the two kinds */
    const char *left_out;       /* columns that not all runs have, separated by commas; "": none */
    arena texts;
} comparison;

/* Reads the evaluations, refuses (E_ARGUMENT) those that do not compare, and computes everything. Close it also when this
 * fails. Fails also as evaluation_load and with E_CONFIG for names that are not there. */
MEDLEY_MUST_USE medley_status comparison_open(const medley_runtime *rt, const comparison_choices *choices,
                                              comparison *out, medley_error *err);
void comparison_close(comparison *c);

/* The users' values of a system in a column, out [users]: means over its runs; NaN where one has none. */
void comparison_users(const comparison *c, const compared_system *system, int64_t column, double *out);
/* Whether no system is better in the column. */
bool comparison_is_best(const comparison *c, int64_t system, int64_t column);
/* The tests of a column of a system against the baseline, or NULL. */
const compared_pair *comparison_against_baseline(const comparison *c, int64_t system, int64_t column);
/* A fact of the protocol as text, "" when there is none. */
const char *comparison_fact(const json *protocol, const char *key, char buffer[64]);
/* "@10" of "ndcg@10"; "" without cutoff. */
const char *comparison_cutoff(const char *column);

/* Fails with E_CONFIG unless every word of `wanted`, "all" or "ndcg@10,recall", means one of the columns. */
MEDLEY_MUST_USE medley_status comparison_check_metrics(const medley_runtime *rt, const char *wanted,
                                                       const char *const *columns, int64_t count,
                                                       medley_error *err);

/* The parts, in this order, that comparison_open runs. */
MEDLEY_MUST_USE medley_status comparison_read(comparison *c, medley_error *err);
MEDLEY_MUST_USE medley_status comparison_group(comparison *c, medley_error *err);
MEDLEY_MUST_USE medley_status comparison_test(comparison *c, medley_error *err);

/* What is told: sections of a report; tables in CSV and LaTeX; a page of HTML that needs no network.
 * A text that has failed ran out of memory. */
MEDLEY_MUST_USE medley_status comparison_tell(const comparison *c, medley_report *report, medley_error *err);
void comparison_values_csv(const comparison *c, text *out);
void comparison_tests_csv(const comparison *c, text *out);
void comparison_latex(const comparison *c, text *out);
void comparison_page(const comparison *c, text *out);

/* How intervals, tests and marks were made, in sentences for captions. */
void comparison_explain(const comparison *c, text *out);

#endif
