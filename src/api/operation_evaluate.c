#include <medley/model.h>

#include "api/evaluation_file.h"
#include "api/evaluation_plan.h"
#include "api/judging.h"
#include "api/list_file.h"
#include "api/model_access.h"
#include "api/operation.h"
#include "io/save.h"

enum { PART_CHOICE_TEST = 0, PART_CHOICE_VAL = 1 };
enum { ON_UNKNOWN_STOP = 0, ON_UNKNOWN_SKIP = 1 };

typedef struct evaluate_params {
    const char *run, *store, *split, *recs_from, *task, *cutoffs, *metrics, *candidates, *space, *attribute;
    const char *name, *out, *per_user, *recs;
    int part, mask, history, cold_items, on_error, recs_format;
    double relevant_from;
    int64_t seed, cold_threshold, intervals;
    bool clip;
} evaluate_params;

static const medley_param table[] = {
    MEDLEY_TEXT(evaluate_params, run, "", .flags = MEDLEY_PARAM_PATH,
                .help = "the run to judge; or recs_from, store and split"),
    MEDLEY_TEXT(evaluate_params, recs_from, "", .flags = MEDLEY_PARAM_PATH,
                .help = "lists to judge instead of a run's: TSV (user, item[, score] or user, rank, item, ..., "
                        "with or without a header) or a TREC run, plain or compressed"),
    MEDLEY_ENUM(evaluate_params, on_error, "stop", "stop|skip",
                .help = "rows of recs_from that cannot be read, and users and items that the store does not have"),
    MEDLEY_TEXT(evaluate_params, task, "retrieval", .help = "what is asked of a list; see medley list tasks"),
    MEDLEY_ENUM(evaluate_params, part, "test", "test|val", .help = "the part of the split with the answers"),
    MEDLEY_TEXT(evaluate_params, cutoffs, "5,10,20", .help = "list lengths, ascending, separated by commas"),
    MEDLEY_TEXT(evaluate_params, metrics, "all",
                .help = "names separated by commas, or all that are possible; see medley list metrics"),
    MEDLEY_ENUM(evaluate_params, mask, "auto", "auto|known|none",
                .help = "take known items from the candidates; auto: as the task says"),
    MEDLEY_ENUM(evaluate_params, history, "known", "known|train",
                .help = "what models score from: all that is known before the target, or training only"),
    MEDLEY_REAL(evaluate_params, relevant_from, "0", 0, 1e6,
                .help = "a held-out interaction is relevant from this rating on"),
    MEDLEY_TEXT(evaluate_params, candidates, "all",
                .help =
                    "all items; of next_item also uniform:N or popular:N, a sample that compares with no other"),
    MEDLEY_INT(evaluate_params, cold_threshold, "5", 0, 1000000,
               .help = "of cold_user: users with at most so many training interactions"),
    MEDLEY_ENUM(evaluate_params, cold_items, "alone", "alone|mixed",
                .help = "of cold_item: candidates are the items unseen in training, alone or with all others"),
    MEDLEY_TEXT(evaluate_params, space, "",
                .help = "where diversity and ild measure: text, attribute:KEY, features:NAME or a .npy file"),
    MEDLEY_TEXT(evaluate_params, attribute, "",
                .help = "of s_recall and calibration: an attribute with names, such as genres"),
    MEDLEY_BOOL(evaluate_params, clip, "false",
                .help = "of rating: keep predictions within the ratings of training"),
    MEDLEY_INT(evaluate_params, intervals, "1000", 0, 100000,
               .help = "resamples of users for 95 % intervals; 0: none"),
    MEDLEY_INT(evaluate_params, seed, "0", 0, 9e15,
               .help = "of ties in the lists shown, of sampled candidates and of intervals"),
    MEDLEY_TEXT(evaluate_params, name, "",
                .help = "of the evaluation in <run>/evaluations; none: task-part, with what restricts it"),
    MEDLEY_TEXT(evaluate_params, out, "", .flags = MEDLEY_PARAM_PATH,
                .help = "folder for the evaluation, elsewhere than in the run"),
    MEDLEY_TEXT(evaluate_params, per_user, "", .flags = MEDLEY_PARAM_PATH,
                .help = "TSV file for every user's values"),
    MEDLEY_TEXT(evaluate_params, recs, "", .flags = MEDLEY_PARAM_PATH, .help = "file for the lists"),
    MEDLEY_ENUM(evaluate_params, recs_format, "tsv", "tsv|trec",
                .help = "of recs: user, rank, item, score, title; or a TREC run"),
    MEDLEY_TEXT(evaluate_params, store, "", .flags = MEDLEY_PARAM_PATH,
                .help = "the store, when it is not where the run was trained, or of recs_from"),
    MEDLEY_TEXT(evaluate_params, split, "", .help = "of recs_from: the split with the answers"),
    MEDLEY_PARAMS_END,
};

/* What is judged: a run's model, or lists in a file, with the store and the parts that judge them. */
typedef struct judged_source {
    const evaluate_params *p;
    medley_model *model; /* NULL: lists */
    medley_store *own_store;
    judging_parts own_parts;
    const medley_store *store;
    const judging_parts *parts;
    read_lists lists;
    int64_t removed;
    judging *judge;
} judged_source;

static judging_protocol protocol_of(const evaluate_params *p)
{
    return (judging_protocol){
        .task = p->task,
        .cutoffs = p->cutoffs,
        .metrics = p->metrics,
        .candidates = p->candidates,
        .space = p->space,
        .attribute = p->attribute,
        .mask = p->mask,
        .history = p->history,
        .cold_items = p->cold_items,
        .cold_threshold = p->cold_threshold,
        .seed = p->seed,
        .intervals = p->intervals,
        .relevant_from = p->relevant_from,
        .clip = p->clip,
        .given = p->recs_from[0] != '\0',
    };
}

static medley_status check_sources(const evaluate_params *p, medley_error *err)
{
    if ((p->run[0] != '\0') == (p->recs_from[0] != '\0'))
        return fail(err, MEDLEY_E_CONFIG, "run: give either a run, or lists with recs_from, store and split");
    if (p->run[0] != '\0')
        return p->split[0] == '\0'
                   ? MEDLEY_OK
                   : fail(err, MEDLEY_E_CONFIG, "split: '%s'; a run is judged by its own split", p->split);
    if (p->store[0] == '\0' || p->split[0] == '\0')
        return fail(err, MEDLEY_E_CONFIG, "recs_from: store and split must be given, which judge the lists");
    if (p->name[0] != '\0' && p->out[0] == '\0')
        return fail(err, MEDLEY_E_CONFIG, "name: '%s'; lists have no run to keep it in: give out", p->name);
    return MEDLEY_OK;
}

static medley_status check_name(const char *name, medley_error *err)
{
    if (strchr(name, '/') != NULL || name[0] == '.')
        return fail(err, MEDLEY_E_CONFIG, "name: '%s' is no plain name of a folder", name);
    return MEDLEY_OK;
}

medley_status evaluation_plan(const medley_runtime *rt, const bound_settings *settings, judging **out,
                              medley_error *err)
{
    const judging_protocol protocol = protocol_of(settings->values);
    return judging_plan(rt, &protocol, out, err);
}

static medley_status check(const medley_runtime *rt, const bound_settings *settings, medley_error *err)
{
    const evaluate_params *p = settings->values;
    judging *plan;
    TRY(check_sources(p, err));
    TRY(check_name(p->name, err));
    TRY(evaluation_plan(rt, settings, &plan, err));
    judging_end(plan);
    return MEDLEY_OK;
}

static medley_status open_source(const medley_runtime *rt, const evaluate_params *p, judged_source *s,
                                 medley_error *err)
{
    *s = (judged_source){.p = p};
    if (p->run[0] != '\0') {
        TRY(model_open(rt, p->run, p->store, true, &s->model, err));
        if (s->model->saw_validation && p->part == PART_CHOICE_VAL)
            return fail(err, MEDLEY_E_CONFIG, "part: val; the run '%s' has learnt from it; accepted: test",
                        p->run);
        s->store = s->model->store;
        s->parts = &s->model->split;
    } else {
        TRY(store_open(rt, p->store, true, &s->own_store, err));
        TRY(judging_open(s->own_store, p->split, &s->own_parts, err));
        s->store = s->own_store;
        s->parts = &s->own_parts;
    }
    const judging_protocol protocol = protocol_of(p);
    const judging_data data = judging_of_parts(s->parts, p->part == PART_CHOICE_TEST ? PART_TEST : PART_VAL);
    return judging_begin(s->store, &data, &protocol, &s->judge, err);
}

static void close_source(judged_source *s)
{
    judging_end(s->judge);
    read_lists_release(&s->lists);
    judging_release(&s->own_parts);
    store_free(s->own_store);
    medley_model_free(s->model);
}

static medley_status judge(const medley_runtime *rt, judged_source *s, evaluation *e, medley_error *err)
{
    if (s->model != NULL) {
        const judging_model model = {
            .class = s->model->file.class,
            .params = s->model->file.params,
            .state = &s->model->file.state,
            .how = &s->model->how,
        };
        return judging_run(rt, s->judge, &model, e, err);
    }
    TRY(list_file_read(s->store, s->p->recs_from, s->p->on_error == ON_UNKNOWN_SKIP, &s->lists, err));
    return judging_lists(rt, s->judge, &s->lists.view, &s->removed, e, err);
}

/* ---- What is told and written ---- */

static void tell_lists(const judged_source *s, const evaluation *e, medley_report *r)
{
    const list_counts *c = &s->lists.counts;
    int64_t without = 0;
    for (int64_t i = 0; i < e->users; i++)
        without += s->lists.start[e->user[i]] == s->lists.start[e->user[i] + 1];
    report_facts(r, "lists", "Lists");
    report_string(r, "file", s->p->recs_from);
    report_string(r, "form", c->form);
    report_int(r, "rows", c->rows);
    report_int(r, "users", c->users);
    report_int(r, "users_judged_without_list", without);
    report_int(r, "rows_unreadable", c->bad_rows);
    report_int(r, "rows_of_unknown_users", c->unknown_users);
    report_int(r, "rows_of_unknown_items", c->unknown_items);
    report_int(r, "rows_of_no_candidates", s->removed);
    report_int(r, "ranks_against_scores", c->ranks_against_scores);
}

static medley_status write_per_user(const judged_source *s, const evaluation *e, medley_error *err)
{
    int64_t count;
    const metric_column *columns = judging_columns(s->judge, &count);
    text out = {.rt = s->store->rt};
    text_add(&out, "user\ttargets");
    for (int64_t c = 0; c < count; c++)
        if (columns[c].metric->of_user != NULL) {
            char name[96];
            metric_column_name(&columns[c], name, sizeof name);
            text_format(&out, "\t%s", name);
        }
    text_add(&out, "\n");
    for (int64_t i = 0; i < e->users; i++) {
        text_add_plain(&out, s->store->user_ids[e->user[i]]);
        text_format(&out, "\t%lld", (long long)judging_target_count(s->judge, e->user[i]));
        for (int64_t c = 0; c < count; c++) {
            char value[40];
            if (columns[c].metric->of_user == NULL)
                continue;
            number_format(e->per_user[i * count + c], value, sizeof value);
            text_add(&out, "\t");
            text_add(&out, value);
        }
        text_add(&out, "\n");
    }
    medley_status status = text_status(&out, err);
    if (status == MEDLEY_OK)
        status = save_bytes(s->store->rt, s->p->per_user, out.bytes, (size_t)out.length, err);
    text_release(&out);
    return status;
}

static medley_status write_lists(const judged_source *s, const evaluation *e, medley_error *err)
{
    list_file *lists;
    medley_status status = list_file_open(s->store, s->p->recs, (list_form)s->p->recs_format,
                                          s->model != NULL ? medley_model_name(s->model) : "lists", &lists, err);
    TRY(status);
    for (int64_t i = 0; status == MEDLEY_OK && i < e->users * e->longest; i++)
        if (e->lists[i] != UINT32_MAX)
            status =
                list_file_add(lists, e->user[i / e->longest], i % e->longest + 1, e->lists[i], e->scores[i], err);
    if (status == MEDLEY_OK)
        return list_file_commit(lists, err);
    list_file_abandon(lists);
    return status;
}

/* <run>/evaluations/<name>, or `out`; lists from elsewhere are kept only on request. */
static medley_status keep(const medley_runtime *rt, const judged_source *s, const evaluation *e,
                          medley_report *report, medley_error *err)
{
    const evaluate_params *p = s->p;
    const char *name = p->name[0] != '\0' ? p->name : judging_name(s->judge);
    char *all = NULL, *folder = NULL;
    medley_status status = MEDLEY_OK;
    if (s->model == NULL && p->out[0] == '\0')
        return report_status(report, err);
    if (p->out[0] != '\0') {
        TRY_DONE(mem_text(rt, p->out, strlen(p->out), &folder, err));
    } else {
        TRY_DONE(file_join(rt, p->run, EVALUATIONS_FOLDER, &all, err));
        TRY_DONE(file_make_folder(rt, all, err));
        TRY_DONE(file_join(rt, all, name, &folder, err));
    }
    report_facts(report, "evaluation", "Evaluation");
    report_string(report, "folder", folder);
    TRY_DONE(report_status(report, err));
    status = evaluation_save(rt, folder, name, s->judge, e, report, err);
done:
    mem_free(all);
    mem_free(folder);
    return status;
}

static medley_status run(medley_runtime *rt, const bound_settings *settings, medley_report *report,
                         medley_error *err)
{
    judged_source s;
    evaluation e = {0};
    medley_status status;
    TRY_DONE(open_source(rt, settings->values, &s, err));
    TRY_DONE(judge(rt, &s, &e, err));
    TRY_DONE(judging_tell(s.judge, s.model != NULL ? medley_model_name(s.model) : "lists from elsewhere", &e,
                          report, err));
    if (s.model == NULL)
        tell_lists(&s, &e, report);
    if (s.p->per_user[0] != '\0')
        TRY_DONE(write_per_user(&s, &e, err));
    if (s.p->recs[0] != '\0')
        TRY_DONE(write_lists(&s, &e, err));
    status = keep(rt, &s, &e, report, err);
done:
    evaluation_release(&e);
    close_source(&s);
    return status;
}

const operation_class operation_evaluate = {
    .name = "evaluate",
    .summary = "judge a run's lists, or lists from elsewhere, by a part of a split",
    .details =
        "Prints every choice behind the numbers, and keeps them with every user's values in "
        "<run>/evaluations/<task>-<part>. Use part val while choosing; test is for the end. Lists of another "
        "program are judged by the same protocol: higher scores first, of equal scores the better rank; "
        "equal scores without ranks are tied.",
    .table = table,
    .size = sizeof(evaluate_params),
    .check = check,
    .run = run,
};

medley_status medley_evaluate(medley_runtime *rt, medley_config *config, medley_report **report, medley_error *err)
{
    return operation_run(&operation_evaluate, rt, config, report, err);
}
