#include "train/trial_log.h"

#include <math.h>

#include "io/save.h"

enum { LOG_LONGEST = 256 * 1024 * 1024, COLUMNS = 9 };
enum { MODEL, TRIAL, STATE, VALUE, SECONDS, SETTINGS, MESSAGE, BEST_EPOCH, KEY };

static const char header[] = "model\ttrial\tstate\tvalue\tseconds\tsettings\tmessage\tbest_epoch\tkey";

/* ---- reading ---- */

static medley_status parse_state(const char *word, medley_status *out)
{
    for (int s = MEDLEY_OK; s <= MEDLEY_E_STALE; s++)
        if (strcmp(word, medley_status_name((medley_status)s)) == 0) {
            *out = (medley_status)s;
            return MEDLEY_OK;
        }
    return MEDLEY_E_FORMAT;
}

static bool parse_value(const char *word, double *out)
{
    *out = NAN;
    return word[0] == '\0' || number_real(word, strlen(word), out);
}

static bool parse_epoch(const char *word, int64_t *out)
{
    *out = 0;
    return word[0] == '\0' || (number_int(word, strlen(word), out) && *out > 0);
}

/* One line, whose tabs become NULs. */
static medley_status read_line(trial_log *log, char *line, int64_t number, medley_error *err)
{
    char *cell[COLUMNS];
    int count = 0;
    for (char *at = line; at != NULL && count < COLUMNS; count++) {
        cell[count] = at;
        at = strchr(at, '\t');
        if (at != NULL)
            *at++ = '\0';
    }
    trial_record r = {0};
    if (count < COLUMNS || !number_int(cell[TRIAL], strlen(cell[TRIAL]), &r.trial) ||
        parse_state(cell[STATE], &r.outcome.status) != MEDLEY_OK || !parse_value(cell[VALUE], &r.outcome.value) ||
        (r.outcome.status == MEDLEY_OK && isnan(r.outcome.value)) ||
        !parse_value(cell[SECONDS], &r.outcome.seconds) || !parse_epoch(cell[BEST_EPOCH], &r.outcome.best_epoch))
        return fail(err, MEDLEY_E_FORMAT, "%s:%lld: no trial; accepted: a file written by sweep, or none",
                    log->path, (long long)number);
    snprintf(r.outcome.message, sizeof r.outcome.message, "%s", cell[MESSAGE]);
    TRY(arena_text(&log->texts, cell[MODEL], strlen(cell[MODEL]), &r.model, err));
    TRY(arena_text(&log->texts, cell[SETTINGS], strlen(cell[SETTINGS]), &r.settings, err));
    TRY(arena_text(&log->texts, cell[KEY], strlen(cell[KEY]), &r.key, err));
    TRY(mem_reserve(log->rt, &log->records, &log->capacity, log->count + 1, sizeof r, err));
    log->records[log->count++] = r;
    return MEDLEY_OK;
}

static medley_status read_lines(trial_log *log, char *bytes, medley_error *err)
{
    int64_t number = 1;
    for (char *line = bytes; *line != '\0'; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        if (number > 1)
            TRY(read_line(log, line, number, err));
        else if (strcmp(line, header) != 0)
            return fail(err, MEDLEY_E_FORMAT,
                        "%s:1: no table of trials; accepted: a file written by sweep, or none", log->path);
        if (end == NULL)
            break;
        line = end + 1;
    }
    return MEDLEY_OK;
}

medley_status trial_log_open(const medley_runtime *rt, const char *path, trial_log *out, medley_error *err)
{
    char *bytes = NULL;
    size_t length;
    *out = (trial_log){.rt = rt, .path = path, .texts = {.rt = rt}};
    pthread_mutex_init(&out->lock, NULL);
    if (!file_exists(path))
        return MEDLEY_OK;
    TRY(file_read_whole(rt, path, LOG_LONGEST, &bytes, &length, err));
    const medley_status status = read_lines(out, bytes, err);
    mem_free(bytes);
    return status;
}

void trial_log_close(trial_log *log)
{
    if (log->rt == NULL)
        return;
    pthread_mutex_destroy(&log->lock);
    mem_free(log->records);
    arena_release(&log->texts);
    *log = (trial_log){0};
}

/* ---- finding and adding ---- */

static bool is_same(const trial_record *r, const char *model, const char *key, const char *settings)
{
    return strcmp(r->settings, settings) == 0 && strcmp(r->key, key) == 0 && strcmp(r->model, model) == 0;
}

bool trial_log_find(trial_log *log, const char *model, const char *key, const char *settings, study_trial *out)
{
    bool found = false;
    pthread_mutex_lock(&log->lock);
    for (int64_t i = 0; i < log->count && !found; i++)
        if (is_same(&log->records[i], model, key, settings) && log->records[i].outcome.status != MEDLEY_E_LIMIT) {
            *out = log->records[i].outcome;
            found = true;
        }
    pthread_mutex_unlock(&log->lock);
    return found;
}

static medley_status add_locked(trial_log *log, const trial_record *given, medley_error *err)
{
    trial_record r = *given;
    int64_t at = 0;
    while (at < log->count && !is_same(&log->records[at], r.model, r.key, r.settings))
        at++;
    TRY(arena_text(&log->texts, r.model, strlen(r.model), &r.model, err));
    TRY(arena_text(&log->texts, r.settings, strlen(r.settings), &r.settings, err));
    TRY(arena_text(&log->texts, r.key, strlen(r.key), &r.key, err));
    TRY(mem_reserve(log->rt, &log->records, &log->capacity, log->count + 1, sizeof r, err));
    log->records[at] = r;
    log->count += at == log->count;
    return trial_log_write(log->rt, log->path, log->records, log->count, err);
}

medley_status trial_log_add(trial_log *log, const trial_record *record, medley_error *err)
{
    pthread_mutex_lock(&log->lock);
    const medley_status status = add_locked(log, record, err);
    pthread_mutex_unlock(&log->lock);
    return status;
}

static void write_number(text *out, double value)
{
    char number[40] = "";
    if (!isnan(value))
        number_format(value, number, sizeof number);
    text_add(out, number);
    text_add(out, "\t");
}

medley_status trial_log_write(const medley_runtime *rt, const char *path, const trial_record *records,
                              int64_t count, medley_error *err)
{
    text out = {.rt = rt};
    text_add(&out, header);
    text_add(&out, "\n");
    for (const trial_record *r = records; r < records + count; r++) {
        text_format(&out, "%s\t%lld\t%s\t", r->model, (long long)r->trial, medley_status_name(r->outcome.status));
        write_number(&out, r->outcome.status == MEDLEY_OK ? r->outcome.value : NAN);
        write_number(&out, r->outcome.seconds);
        text_add_plain(&out, r->settings);
        text_add(&out, "\t");
        text_add_plain(&out, r->outcome.message);
        text_add(&out, "\t");
        if (r->outcome.best_epoch > 0)
            text_format(&out, "%lld", (long long)r->outcome.best_epoch);
        text_format(&out, "\t%s\n", r->key);
    }
    medley_status status = text_status(&out, err);
    if (status == MEDLEY_OK)
        status = save_bytes(rt, path, out.bytes, (size_t)out.length, err);
    text_release(&out);
    return status;
}
