/* libcurl allocates by itself; its memory does not pass through the runtime's allocator. */
#include <curl/curl.h> /* first: it says words that base.h bans */

#include <pthread.h>
#include <signal.h>
#include <strings.h>
#include <time.h>

#include "io/download.h"

#include "io/file.h"
#include "io/json.h"
#include "io/save.h"

enum {
    VALIDATOR_SIZE = 512,
    NOTES_LONGEST = 1 << 16,
    REDIRECTS_MOST = 5,
    RECEIVE_BYTES = 512 * 1024,
    WAIT_MOST_MS = 60 * 1000,
    WAIT_STEP_MS = 100,
    TRIES_MOST = 1000,
};

const download_options download_defaults = {
    .most = INT64_MAX, .tries = 5, .wait_ms = 1000, .connect_s = 30, .stall_s = 60};

/* What the headers of the current answer say. */
typedef struct answer {
    long code; /* 0: a file URL, which has no headers */
    char etag[VALIDATOR_SIZE], modified[VALIDATOR_SIZE];
    int64_t range_start, range_total; /* of Content-Range; -1: not said */
} answer;

typedef struct download {
    const medley_runtime *rt;
    const char *url, *path;
    const download_options *options;
    char *part, *notes;             /* paths */
    char validator[VALIDATOR_SIZE]; /* of the file that `part` is the beginning of; "": not known */
    int64_t done;                   /* bytes of `part` */
    answer answer;
    file *file; /* open while a body arrives */
    CURL *curl;
    medley_status status; /* a failure of ours inside libcurl's callbacks, its message in *err */
    medley_error *err;
} download;

/* ---- what is kept beside a part ---- */

static medley_status write_notes(const download *d, medley_error *err)
{
    text out = {.rt = d->rt};
    json *notes = json_new_object();
    json_set_text(notes, "url", d->url);
    json_set_text(notes, "validator", d->validator);
    medley_status status = json_render(notes, 2, &out, err);
    if (status == MEDLEY_OK)
        status = save_bytes(d->rt, d->notes, out.bytes, (size_t)out.length, err);
    json_free(notes);
    text_release(&out);
    return status;
}

/* The validator of the part, if its notes are there and are of this URL. What they lack costs a
 * new start, no failure. */
static medley_status read_notes(download *d, medley_error *err)
{
    char *bytes = NULL;
    size_t length;
    json *notes = NULL;
    if (!file_exists(d->part) || !file_exists(d->notes))
        return MEDLEY_OK;
    const medley_status status = file_read_whole(d->rt, d->notes, NOTES_LONGEST, &bytes, &length, err);
    if (status == MEDLEY_E_NOMEM)
        return status;
    error_clear(err);
    if (status == MEDLEY_OK && json_parse(d->notes, bytes, length, &notes, NULL) == MEDLEY_OK) {
        const char *url = json_text(notes, "url"), *validator = json_text(notes, "validator");
        if (url != NULL && validator != NULL && strcmp(url, d->url) == 0 && strlen(validator) < VALIDATOR_SIZE)
            memcpy(d->validator, validator, strlen(validator) + 1);
    }
    json_free(notes);
    mem_free(bytes);
    return MEDLEY_OK;
}

static medley_status measure_part(download *d, medley_error *err)
{
    file *f;
    d->done = 0;
    if (d->validator[0] == '\0' || !file_exists(d->part))
        return MEDLEY_OK;
    TRY(file_open(d->rt, d->part, &f, err));
    d->done = file_size(f) > 0 ? file_size(f) : 0;
    file_close(f);
    return MEDLEY_OK;
}

/* ---- an answer arrives ---- */

/* If the header line is `name`, copies its value, unless it is too long. */
static void take_header(const char *line, size_t length, const char *name, char value[VALIDATOR_SIZE])
{
    const size_t skip = strlen(name) + 1;
    if (length < skip || strncasecmp(line, name, skip - 1) != 0 || line[skip - 1] != ':')
        return;
    const char *start = line + skip, *end = line + length;
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (unsigned char)end[-1] <= ' ')
        end--;
    if (end - start >= VALIDATOR_SIZE || memchr(start, '\0', (size_t)(end - start)) != NULL)
        return;
    memcpy(value, start, (size_t)(end - start));
    value[end - start] = '\0';
}

/* "bytes 100-199/200"; the total may be '*', and so may the range in an answer 416. */
static void take_range(const char *value, answer *a)
{
    const char *dash = strchr(value, '-'), *slash = strchr(value, '/');
    if (strncasecmp(value, "bytes ", 6) != 0 || slash == NULL)
        return;
    if (dash != NULL && !number_int(value + 6, (size_t)(dash - value - 6), &a->range_start))
        a->range_start = -1;
    if (!number_int(slash + 1, strlen(slash + 1), &a->range_total))
        a->range_total = -1;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    answer *a = &((download *)context)->answer;
    const size_t length = size * count;
    char range[VALIDATOR_SIZE] = "";
    if (length >= 5 && strncmp(line, "HTTP/", 5) == 0) /* a new answer: after a redirect, or "100 Continue" */
        *a = (answer){.range_start = -1, .range_total = -1};
    take_header(line, length, "etag", a->etag);
    take_header(line, length, "last-modified", a->modified);
    take_header(line, length, "content-range", range);
    if (range[0] != '\0')
        take_range(range, a);
    return length;
}

/* RFC 9110, 13.1.5: If-Range takes a strong ETag or else a date. A file URL has a date, but nobody who checks it. */
static const char *strong_validator(const answer *a)
{
    if (a->code == 0)
        return "";
    return a->etag[0] == '"' ? a->etag : a->modified;
}

/* The first byte of a body: goes on behind the part, or starts it anew. */
static medley_status open_part(download *d, medley_error *err)
{
    if (d->answer.code == 206) {
        if (d->answer.range_start != d->done)
            return fail(err, MEDLEY_E_IO, "%s: asked for bytes from %lld on, the server sends those from %lld",
                        d->url, (long long)d->done, (long long)d->answer.range_start);
        return file_append(d->rt, d->part, &d->file, err);
    }
    d->done = 0;
    snprintf(d->validator, sizeof d->validator, "%s", strong_validator(&d->answer));
    /* The notes go first: with a part whose notes are of another one, it would go on where it must not. */
    TRY(file_remove_tree(d->rt, d->part, err));
    TRY(write_notes(d, err));
    return file_create(d->rt, d->part, &d->file, err);
}

static medley_status take_body(download *d, const char *bytes, size_t length, medley_error *err)
{
    if (d->file == NULL)
        TRY(open_part(d, err));
    if ((int64_t)length > d->options->most - d->done)
        return fail(err, MEDLEY_E_FORMAT, "%s: longer than the %lld bytes that are accepted", d->url,
                    (long long)d->options->most);
    TRY(file_write(d->file, bytes, length, err));
    d->done += (int64_t)length;
    return MEDLEY_OK;
}

static bool has_content(long code)
{
    return code == 0 || code == 200 || code == 206;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    download *d = context;
    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &d->answer.code);
    if (has_content(d->answer.code)) /* else it is an error page */
        d->status = take_body(d, bytes, size * count, d->err);
    return d->status == MEDLEY_OK ? size * count : 0;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
    download *d = context;
    (void)up_total;
    (void)up_now;
    if (d->status == MEDLEY_OK)
        d->status = runtime_progress(d->rt, "bytes", d->done, total > 0 ? d->done - now + total : 0, d->err);
    return d->status != MEDLEY_OK;
}

/* ---- one try ---- */

static bool set_options(download *d, char *message)
{
    CURL *c = d->curl;
    const bool is_secure = strncasecmp(d->url, "https:", 6) == 0;
    CURLcode code = CURLE_OK;
#define SET(option, value) code = code != CURLE_OK ? code : curl_easy_setopt(c, CURLOPT_##option, value)
    SET(ERRORBUFFER, message);
    SET(URL, d->url);
    SET(PROTOCOLS_STR, "http,https,file");
    SET(REDIR_PROTOCOLS_STR, is_secure ? "https" : "http,https");
    SET(FOLLOWLOCATION, 1L);
    SET(MAXREDIRS, (long)REDIRECTS_MOST);
    SET(SSL_VERIFYPEER, 1L);
    SET(SSL_VERIFYHOST, 2L);
    SET(USERAGENT, "medley");
    SET(NOSIGNAL, 1L);
    SET(CONNECTTIMEOUT, (long)d->options->connect_s);
    SET(LOW_SPEED_LIMIT, 1L);
    SET(LOW_SPEED_TIME, (long)d->options->stall_s);
    SET(BUFFERSIZE, (long)RECEIVE_BYTES);
    SET(HEADERFUNCTION, on_header);
    SET(HEADERDATA, d);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, d);
    SET(XFERINFOFUNCTION, on_progress);
    SET(XFERINFODATA, d);
    SET(NOPROGRESS, 0L);
#undef SET
    return code == CURLE_OK;
}

/* Asks for what is behind the part, provided the file is still the one it is part of. */
static bool set_range(download *d, struct curl_slist **headers)
{
    char line[VALIDATOR_SIZE + 16], range[32];
    if (d->done == 0)
        return true;
    snprintf(line, sizeof line, "If-Range: %s", d->validator);
    snprintf(range, sizeof range, "%lld-", (long long)d->done);
    *headers = curl_slist_append(NULL, line);
    return *headers != NULL && curl_easy_setopt(d->curl, CURLOPT_HTTPHEADER, *headers) == CURLE_OK &&
           curl_easy_setopt(d->curl, CURLOPT_RANGE, range) == CURLE_OK;
}

/* A peer that hangs up may raise SIGPIPE, which would end the process: this thread waits it out. */
static CURLcode perform_quietly(CURL *curl)
{
    sigset_t pipe_only, before, pending;
    const struct timespec now = {0, 0};
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    const CURLcode code = curl_easy_perform(curl);
    if (!was_pending)
        (void)sigtimedwait(&pipe_only, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* Failures that may be gone a moment later. */
static bool is_passing(CURLcode code)
{
    static const CURLcode passing[] = {
        CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY,
        CURLE_COULDNT_CONNECT,      CURLE_PARTIAL_FILE,
        CURLE_OPERATION_TIMEDOUT,   CURLE_GOT_NOTHING,
        CURLE_SEND_ERROR,           CURLE_RECV_ERROR,
        CURLE_SSL_CONNECT_ERROR,    CURLE_HTTP2,
        CURLE_HTTP2_STREAM,
    };
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (passing[i] == code)
            return true;
    return false;
}

static medley_status fail_transfer(const download *d, CURLcode code, const char *message, medley_error *err)
{
    static const struct {
        CURLcode code;
        medley_status status;
    } known[] = {
        {CURLE_OUT_OF_MEMORY, MEDLEY_E_NOMEM},
        {CURLE_FILE_COULDNT_READ_FILE, MEDLEY_E_NOT_FOUND},
        {CURLE_UNSUPPORTED_PROTOCOL, MEDLEY_E_CONFIG},
        {CURLE_URL_MALFORMAT, MEDLEY_E_CONFIG},
    };
    medley_status status = MEDLEY_E_IO;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == code)
            status = known[i].status;
    if (code == CURLE_UNSUPPORTED_PROTOCOL)
        return fail(err, status, "%s: no address that can be read; http://, https:// and file:// are accepted",
                    d->url);
    return fail(err, status, "%s: %s", d->url, message[0] != '\0' ? message : curl_easy_strerror(code));
}

/* RFC 9110, 15: the server is busy, or broken for now. */
static bool is_passing_answer(long code)
{
    return code == 408 || code == 429 || code >= 500;
}

/* Judges an answer that arrived in full. */
static medley_status judge_answer(download *d, bool *again, medley_error *err)
{
    const answer *a = &d->answer;
    if (a->code == 416 && a->range_total == d->done) /* all of it had come before */
        return file_append(d->rt, d->part, &d->file, err);
    if (a->code == 416) {
        *again = true;
        d->validator[0] = '\0';
        return fail(err, MEDLEY_E_IO, "%s: the server's file is shorter than what came of it", d->url);
    }
    if (!has_content(a->code)) {
        *again = is_passing_answer(a->code);
        return fail(err, a->code == 404 || a->code == 410 ? MEDLEY_E_NOT_FOUND : MEDLEY_E_IO,
                    "%s: the server answers %ld", d->url, a->code);
    }
    if (d->file == NULL)
        TRY(open_part(d, err)); /* empty */
    if (a->code == 206 && a->range_total >= 0 && d->done != a->range_total) {
        *again = true;
        return fail(err, MEDLEY_E_IO, "%s: %lld of %lld bytes came", d->url, (long long)d->done,
                    (long long)a->range_total);
    }
    return MEDLEY_OK;
}

/* *again: whether another try may help. */
static medley_status try_once(download *d, bool *again, medley_error *err)
{
    char message[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    *again = false;
    TRY(measure_part(d, err));
    d->status = MEDLEY_OK;
    d->err = err;
    d->answer = (answer){.range_start = -1, .range_total = -1};
    d->curl = curl_easy_init();
    CURLcode code = CURLE_OUT_OF_MEMORY;
    if (d->curl != NULL && set_options(d, message) && set_range(d, &headers))
        code = perform_quietly(d->curl);
    if (code == CURLE_OK)
        curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &d->answer.code);
    medley_status status = d->status;
    if (status == MEDLEY_OK && code == CURLE_OK) {
        status = judge_answer(d, again, err);
    } else if (status == MEDLEY_OK) {
        *again = is_passing(code);
        status = fail_transfer(d, code, message, err);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(d->curl);
    if (status == MEDLEY_OK)
        status = file_finish(d->file, err);
    else
        file_close(d->file);
    d->file = NULL;
    return status;
}

/* ---- until it is there ---- */

/* In steps, so that a caller who asks to stop is heard. */
static medley_status wait_a_little(const download *d, int64_t ms, medley_error *err)
{
    for (; ms > 0; ms -= WAIT_STEP_MS) {
        const int64_t step = ms < WAIT_STEP_MS ? ms : WAIT_STEP_MS;
        nanosleep(&(struct timespec){.tv_nsec = (long)step * 1000000}, NULL);
        TRY(runtime_progress(d->rt, "bytes", d->done, 0, err));
    }
    return MEDLEY_OK;
}

static medley_status try_until_done(download *d, medley_error *err)
{
    int64_t most = 0, wait = d->options->wait_ms;
    TRY(measure_part(d, err));
    most = d->done;
    for (int tries = 1, failures = 0; tries <= TRIES_MOST; tries++) {
        bool again;
        const medley_status status = try_once(d, &again, err);
        if (status == MEDLEY_OK)
            return MEDLEY_OK;
        if (!again)
            return status;
        failures = d->done > most ? 0 : failures + 1;
        if (d->done > most) { /* further than ever: patience starts anew */
            most = d->done;
            wait = d->options->wait_ms;
        }
        if (failures >= d->options->tries || tries == TRIES_MOST)
            return fail_while(err, status, "gave up after %d tries", tries);
        runtime_log(d->rt, MEDLEY_LOG_WARNING, "%s; trying again", err->message);
        error_clear(err);
        TRY(wait_a_little(d, wait, err));
        wait = wait < WAIT_MOST_MS / 2 ? 2 * wait : WAIT_MOST_MS;
    }
    return MEDLEY_OK;
}

static medley_status with_ending(const medley_runtime *rt, const char *path, const char *ending, char **out,
                                 medley_error *err)
{
    text whole = {.rt = rt};
    text_add(&whole, path);
    text_add(&whole, ending);
    const medley_status status = text_status(&whole, err);
    if (status != MEDLEY_OK)
        text_release(&whole);
    *out = whole.bytes;
    return status;
}

medley_status download_file(const medley_runtime *rt, const char *url, const char *path,
                            const download_options *options, medley_error *err)
{
    medley_status status;
    medley_error own = {MEDLEY_OK, ""}; /* for the warnings, when the caller wants no message */
    medley_error *message = err != NULL ? err : &own;
    download d = {.rt = rt, .url = url, .path = path, .options = options};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return fail(err, MEDLEY_E_NOMEM, "%s: libcurl does not start", url);
    TRY_DONE(with_ending(rt, path, ".part", &d.part, message));
    TRY_DONE(with_ending(rt, path, ".part.json", &d.notes, message));
    TRY_DONE(read_notes(&d, message));
    TRY_DONE(try_until_done(&d, message));
    TRY_DONE(file_rename(rt, d.part, path, message));
    TRY_DONE(file_remove_tree(rt, d.notes, message));
done:
    mem_free(d.notes);
    mem_free(d.part);
    curl_global_cleanup();
    return status;
}
