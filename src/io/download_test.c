/* Against a server of our own that breaks the ways servers break. */
#include "testing.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/download.h"
#include "io/file.h"

#include "fixture.h"

enum { BODY = 300000, REQUESTS_MOST = 64, WHOLE = -1 };

/* How one request is answered. Ranges are honoured where `ranges` says so and If-Range names the ETag. */
typedef struct reply {
    int code;         /* 0: 200, or 206 */
    bool ranges;      /* whether it knows Range */
    const char *etag; /* NULL: none */
    const char *modified;
    int64_t cut;       /* bytes of the body until it hangs up; WHOLE, or 0 for all */
    bool hang_up;      /* without a word */
    bool no_length;    /* the end of the body is the end of the connection */
    int64_t longer_by; /* how much too long it says the body is */
    bool wrong_range;  /* answers another range than was asked for */
    int stall_ms;      /* before the body */
    const char *location;
    bool other_body;
} reply;

typedef struct server {
    int listener;
    char url[64];
    const reply *replies; /* the last one is repeated */
    int reply_count;
    pthread_t thread;
    /* of requests so far; the thread's until it is joined */
    int requests;
    char ranges[REQUESTS_MOST][64], conditions[REQUESTS_MOST][64], paths[REQUESTS_MOST][64];
} server;

static unsigned char body[BODY], other_body[BODY];

static void copy_header(const char *request, const char *name, char out[64])
{
    const char *at = strstr(request, name);
    out[0] = '\0';
    if (at != NULL)
        snprintf(out, 64, "%.*s", (int)strcspn(at + strlen(name), "\r\n"), at + strlen(name));
}

static void send_all(int peer, const void *bytes, int64_t length)
{
    for (const char *rest = bytes; length > 0;) {
        const ssize_t sent = send(peer, rest, (size_t)length, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        rest += sent;
        length -= sent;
    }
}

static void send_reply(server *s, int peer, const reply *r, int request)
{
    char head[1024];
    int64_t start = 0;
    const bool same = s->conditions[request][0] == '\0' ||
                      (r->etag != NULL && strcmp(s->conditions[request], r->etag) == 0) ||
                      (r->modified != NULL && strcmp(s->conditions[request], r->modified) == 0);
    if (r->ranges && same && strncmp(s->ranges[request], "bytes=", 6) == 0)
        start = strtoll(s->ranges[request] + 6, NULL, 10);
    const bool beyond = start >= BODY;
    const int code = r->code != 0 ? r->code : beyond ? 416 : start > 0 ? 206 : 200;
    const int64_t length = code == 200 || code == 206 ? BODY - start : 5;
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d Reply\r\nConnection: close\r\n", code);
    if (!r->no_length)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Length: %lld\r\n",
                      (long long)(length + r->longer_by));
    if (r->etag != NULL)
        n += snprintf(head + n, sizeof head - (size_t)n, "ETag: %s\r\n", r->etag);
    if (r->modified != NULL)
        n += snprintf(head + n, sizeof head - (size_t)n, "Last-Modified: %s\r\n", r->modified);
    if (r->location != NULL)
        n += snprintf(head + n, sizeof head - (size_t)n, "Location: %s\r\n", r->location);
    if (code == 206)
        n += snprintf(head + n, sizeof head - (size_t)n, "content-range: bytes %lld-%d/%d\r\n",
                      (long long)(start + r->wrong_range), BODY - 1, BODY);
    if (code == 416)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Range: bytes */%d\r\n", BODY);
    n += snprintf(head + n, sizeof head - (size_t)n, "\r\n");
    send_all(peer, head, n);
    if (r->stall_ms > 0)
        nanosleep(&(struct timespec){r->stall_ms / 1000, r->stall_ms % 1000 * 1000000L}, NULL);
    const void *content =
        code == 200 || code == 206 ? (r->other_body ? other_body : body) + start : (const void *)"error";
    send_all(peer, content, r->cut > 0 && r->cut < length ? r->cut : length);
}

/* Answers one connection; false once it is told to end. */
static bool serve_one(server *s)
{
    char request[4096];
    size_t length = 0;
    const int peer = accept(s->listener, NULL, NULL);
    if (peer < 0)
        return false;
    request[0] = '\0';
    while (strstr(request, "\r\n\r\n") == NULL && length < sizeof request - 1) {
        const ssize_t got = recv(peer, request + length, sizeof request - 1 - length, 0);
        if (got <= 0)
            break;
        length += (size_t)got;
        request[length] = '\0';
    }
    const int n = s->requests < REQUESTS_MOST - 1 ? s->requests : REQUESTS_MOST - 1;
    const bool ends = strncmp(request, "END", 3) == 0;
    if (!ends) {
        const reply *r = &s->replies[s->requests < s->reply_count ? s->requests : s->reply_count - 1];
        copy_header(request, "\r\nRange: ", s->ranges[n]);
        copy_header(request, "\r\nIf-Range: ", s->conditions[n]);
        snprintf(s->paths[n], sizeof s->paths[n], "%.*s", (int)strcspn(request + 4, " "), request + 4);
        if (!r->hang_up)
            send_reply(s, peer, r, n);
        s->requests++;
    }
    shutdown(peer, SHUT_WR);
    close(peer);
    return !ends;
}

static void *serve(void *context)
{
    while (serve_one(context))
        continue;
    return NULL;
}

static struct sockaddr_in address_of(const server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t length = sizeof a;
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &length), 0);
    return a;
}

static void server_start(server *s, const reply *replies, int count)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *s = (server){.replies = replies, .reply_count = count, .listener = socket(AF_INET, SOCK_STREAM, 0)};
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&any, sizeof any), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d/set.zip", ntohs(address_of(s).sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(server *s)
{
    const struct sockaddr_in address = address_of(s);
    const int peer = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(peer, (const struct sockaddr *)&address, sizeof address), 0);
    send_all(peer, "END\r\n\r\n", 7);
    pthread_join(s->thread, NULL);
    close(peer);
    close(s->listener);
}

/* ---- */

static const download_options quick = {.most = 1 << 20, .tries = 3, .wait_ms = 1, .connect_s = 5, .stall_s = 1};

static medley_status fetch(const char *url, medley_error *err)
{
    return download_file(rt, url, test_path(folder, "set.zip"), &quick, err);
}

static int64_t part_bytes(void)
{
    struct stat st;
    return stat(test_path(folder, "set.zip.part"), &st) == 0 ? (int64_t)st.st_size : -1;
}

static void assert_arrived(const void *want)
{
    size_t length;
    char *got = test_read(test_path(folder, "set.zip"), &length);
    assert_int_equal(length, BODY);
    assert_memory_equal(got, want, BODY);
    test_read_end(got);
    assert_int_equal(part_bytes(), -1);
    assert_false(file_exists(test_path(folder, "set.zip.part.json")));
}

#define WITH_SERVER(s, ...)                 \
    server s;                               \
    const reply replies_[] = {__VA_ARGS__}; \
    server_start(&s, replies_, (int)(sizeof replies_ / sizeof *replies_))

static void test_a_file_arrives(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\""});
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_int_equal(s.requests, 1);
    assert_string_equal(s.ranges[0], "");
}

static void test_a_file_without_a_length_arrives(void **state)
{
    (void)state;
    WITH_SERVER(s, {.no_length = true});
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
}

static void test_a_lost_connection_goes_on_where_it_was(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\"", .cut = 100000},
                {.ranges = true, .etag = "\"v1\"", .cut = 50000}, {.ranges = true, .etag = "\"v1\""});
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_int_equal(s.requests, 3);
    assert_string_equal(s.ranges[1], "bytes=100000-");
    assert_string_equal(s.conditions[1], "\"v1\"");
    assert_string_equal(s.ranges[2], "bytes=150000-");
}

static void test_a_date_stands_in_for_a_weak_etag(void **state)
{
    (void)state;
    static const char date[] = "Mon, 29 Jul 2024 10:00:00 GMT";
    WITH_SERVER(s, {.ranges = true, .etag = "W/\"v1\"", .modified = date, .cut = 1000},
                {.ranges = true, .modified = date});
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_string_equal(s.conditions[1], date);
}

static void test_a_later_call_goes_on_with_the_part(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\"", .cut = 70000}, {.hang_up = true}, {.hang_up = true},
                {.hang_up = true}, {.ranges = true, .etag = "\"v1\""});
    assert_fails(fetch(s.url, err), MEDLEY_E_IO, "gave up after 4 tries: http://127.0.0.1:");
    assert_int_equal(part_bytes(), 70000);
    assert_false(file_exists(test_path(folder, "set.zip")));
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_string_equal(s.ranges[4], "bytes=70000-");
}

static void test_a_changed_file_is_fetched_anew(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\"", .cut = 100000},
                {.ranges = true, .etag = "\"v2\"", .other_body = true, .cut = 50000},
                {.ranges = true, .etag = "\"v2\"", .other_body = true});
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(other_body);
    assert_string_equal(s.conditions[1], "\"v1\"");
    assert_string_equal(s.ranges[2], "bytes=50000-");
    assert_string_equal(s.conditions[2], "\"v2\"");
}

static void test_a_server_without_ranges_starts_again(void **state)
{
    (void)state;
    WITH_SERVER(s, {.etag = "\"v1\"", .cut = 100000}, {.etag = "\"v1\""});
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_string_equal(s.ranges[1], "bytes=100000-");
}

static void test_without_a_validator_nothing_is_resumed(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .cut = 100000}, {.ranges = true});
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_string_equal(s.ranges[1], "");
}

static void test_a_part_of_another_url_is_not_resumed(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\""});
    test_write_text(test_path(folder, "set.zip.part"), "something else");
    test_write_text(test_path(folder, "set.zip.part.json"),
                    "{\"url\": \"http://127.0.0.1/other\", \"validator\": \"\\\"v1\\\"\"}");
    assert_ok(fetch(s.url, err));
    assert_arrived(body);
    static const char *const damaged[] = {"", "{", "[]", "{\"url\": 1}", "{\"url\": \"\", \"validator\": null}"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        test_write_text(test_path(folder, "set.zip.part"), "something else");
        test_write_text(test_path(folder, "set.zip.part.json"), damaged[i]);
        assert_ok(fetch(s.url, err));
        assert_arrived(body);
    }
    server_end(&s);
    for (int i = 0; i < s.requests; i++)
        assert_string_equal(s.ranges[i], "");
}

static void write_part(const server *s, const void *bytes, size_t length)
{
    char notes[256];
    snprintf(notes, sizeof notes, "{\"url\": \"%s\", \"validator\": \"\\\"v1\\\"\"}", s->url);
    test_write(test_path(folder, "set.zip.part"), bytes, length);
    test_write_text(test_path(folder, "set.zip.part.json"), notes);
}

static void test_a_part_that_is_whole_is_taken(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\""});
    write_part(&s, body, BODY);
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_int_equal(s.requests, 1);
}

static void test_a_part_that_is_too_long_starts_again(void **state)
{
    (void)state;
    static char longer[BODY + 10];
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\""});
    write_part(&s, longer, sizeof longer);
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_int_equal(s.requests, 2);
}

static void test_a_busy_server_is_asked_again(void **state)
{
    (void)state;
    WITH_SERVER(s, {.code = 500}, {.code = 429}, {.ranges = true});
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_int_equal(s.requests, 3);
}

static void test_patience_ends(void **state)
{
    (void)state;
    WITH_SERVER(s, {.code = 503});
    assert_fails(fetch(s.url, err), MEDLEY_E_IO, "gave up after 3 tries: http://127.0.0.1:");
    assert_fails(fetch(s.url, err), MEDLEY_E_IO, "the server answers 503");
    server_end(&s);
    assert_int_equal(s.requests, 6);
    assert_int_equal(part_bytes(), -1); /* an error page is no content */
}

/* A server that always breaks at the same place brings nothing new, however much it sends. */
static void test_the_same_bytes_again_are_no_progress(void **state)
{
    (void)state;
    WITH_SERVER(s, {.cut = 1000});
    assert_fails(fetch(s.url, err), MEDLEY_E_IO, "gave up after 4 tries");
    server_end(&s);
    assert_int_equal(s.requests, 4);
}

static void test_what_is_not_there_is_not_asked_for_again(void **state)
{
    (void)state;
    WITH_SERVER(s, {.code = 404}, {.code = 403});
    assert_fails(fetch(s.url, err), MEDLEY_E_NOT_FOUND, "/set.zip: the server answers 404");
    assert_fails(fetch(s.url, err), MEDLEY_E_IO, "/set.zip: the server answers 403");
    server_end(&s);
    assert_int_equal(s.requests, 2);
    assert_false(file_exists(test_path(folder, "set.zip")));
}

static void test_a_wrong_length_is_a_lost_connection(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\"", .longer_by = 10});
    assert_fails(fetch(s.url, err), MEDLEY_E_IO, "gave up after");
    server_end(&s);
    assert_false(file_exists(test_path(folder, "set.zip")));
}

static void test_another_range_than_asked_for_is_refused(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\"", .cut = 1000},
                {.ranges = true, .etag = "\"v1\"", .wrong_range = true});
    assert_fails(fetch(s.url, err), MEDLEY_E_IO, "asked for bytes from 1000 on, the server sends those from 1001");
    server_end(&s);
    assert_int_equal(part_bytes(), 1000);
}

static void test_a_silent_server_is_given_up(void **state)
{
    (void)state;
    WITH_SERVER(s, {.stall_ms = 1500, .etag = "\"v1\""}, {.etag = "\"v1\""});
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
    assert_true(s.requests >= 2);
}

static void test_what_is_too_long_is_refused(void **state)
{
    (void)state;
    WITH_SERVER(s, {.no_length = true});
    download_options little = quick;
    little.most = 1000;
    assert_fails(download_file(rt, s.url, test_path(folder, "set.zip"), &little, err), MEDLEY_E_FORMAT,
                 "longer than the 1000 bytes that are accepted");
    server_end(&s);
    assert_int_equal(s.requests, 1);
}

static void test_redirects_are_followed_but_not_to_files(void **state)
{
    (void)state;
    char target[300];
    snprintf(target, sizeof target, "file://%s", test_path(folder, "secret"));
    test_write_text(test_path(folder, "secret"), "not for the web");
    WITH_SERVER(s, {.code = 302, .location = "/elsewhere", .etag = "\"redirect\""}, {.etag = "\"v1\""},
                {.code = 302, .location = target}, {.code = 302, .location = "/round"});
    assert_ok(fetch(s.url, err));
    assert_arrived(body);
    assert_fails(fetch(s.url, err), MEDLEY_E_CONFIG, "file");
    assert_fails(fetch(s.url, err), MEDLEY_E_IO, "redirects");
    server_end(&s);
    assert_string_equal(s.paths[1], "/elsewhere");
}

static bool stop_after_some(void *context, const char *phase, int64_t done, int64_t total)
{
    (void)context;
    (void)phase;
    (void)total;
    return done < 100000;
}

static void test_a_stop_keeps_what_came(void **state)
{
    (void)state;
    WITH_SERVER(s, {.ranges = true, .etag = "\"v1\"", .cut = 100000}, {.ranges = true, .etag = "\"v1\""});
    rt->progress = stop_after_some;
    assert_fails(fetch(s.url, err), MEDLEY_E_STOPPED, "");
    assert_true(part_bytes() >= 100000);
    rt->progress = NULL;
    assert_ok(fetch(s.url, err));
    server_end(&s);
    assert_arrived(body);
}

static void test_files_and_wrong_urls(void **state)
{
    (void)state;
    char url[300];
    test_write(test_path(folder, "source"), body, BODY);
    snprintf(url, sizeof url, "file://%s", test_path(folder, "source"));
    assert_ok(fetch(url, err));
    assert_arrived(body);
    test_write(test_path(folder, "source"), "", 0);
    assert_ok(fetch(url, err));
    assert_int_equal(part_bytes(), -1);
    snprintf(url, sizeof url, "file://%s", test_path(folder, "none"));
    assert_fails(fetch(url, err), MEDLEY_E_NOT_FOUND, "none");
    assert_fails(fetch("ftp://127.0.0.1/x", err), MEDLEY_E_CONFIG,
                 "ftp://127.0.0.1/x: no address that can be read; http://, https:// and file:// are accepted");
    assert_fails(fetch("", err), MEDLEY_E_CONFIG, "");
}

/* But for libcurl's and jansson's own. */
static void test_every_allocation_and_write_can_fail(void **state)
{
    (void)state;
    char url[300];
    test_write(test_path(folder, "source"), body, BODY);
    snprintf(url, sizeof url, "file://%s", test_path(folder, "source"));
    BRUTAL(rt, &memory, fetch(url, err), (void)0);
    assert_ok(file_remove_tree(rt, test_path(folder, "set.zip"), err));
    FULL_DISK(rt, &memory, fetch(url, err), (void)0, assert_arrived(body));
}

static int prepare(void **state)
{
    (void)state;
    setenv("no_proxy", "*", 1);
    for (uint64_t i = 0; i < BODY; i++) {
        body[i] = (unsigned char)random_bits(1, 0, i);
        other_body[i] = (unsigned char)random_bits(2, 0, i);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_arrives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_without_a_length_arrives, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_connection_goes_on_where_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_date_stands_in_for_a_weak_etag, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_later_call_goes_on_with_the_part, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_changed_file_is_fetched_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_server_without_ranges_starts_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_a_validator_nothing_is_resumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_part_of_another_url_is_not_resumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_part_that_is_whole_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_part_that_is_too_long_starts_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_busy_server_is_asked_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_patience_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_same_bytes_again_are_no_progress, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_there_is_not_asked_for_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_wrong_length_is_a_lost_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_range_than_asked_for_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_silent_server_is_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_too_long_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_redirects_are_followed_but_not_to_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_stop_keeps_what_came, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files_and_wrong_urls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_allocation_and_write_can_fail, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, prepare, NULL);
}
