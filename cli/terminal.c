#include "terminal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { UPDATES_PER_SECOND = 6, LINE_MOST = 256 };

/* A handler can reach nothing but a global. */
static volatile sig_atomic_t stop_wanted;

static void on_stop(int number)
{
    (void)number;
    stop_wanted = 1;
}

/* A signal that whoever started the program ignores stays ignored, as `nohup` and `&` expect. */
static void catch_stop(int number)
{
    struct sigaction before, action = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void terminal_init(terminal *t, const options *o)
{
    const char *term = getenv("TERM");
    const bool can_rewrite = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
    *t = (terminal){
        .level = o->verbose ? MEDLEY_LOG_DEBUG
                 : o->quiet ? MEDLEY_LOG_WARNING
                            : MEDLEY_LOG_INFO,
        .shows_progress =
            o->progress == PROGRESS_ALWAYS || (o->progress == PROGRESS_AUTO && can_rewrite && !o->quiet),
    };
    catch_stop(SIGINT);
    catch_stop(SIGTERM);
}

void terminal_clear(terminal *t)
{
    if (t->line_shown)
        fputs("\r\033[K", stderr);
    t->line_shown = false;
}

void terminal_log(void *context, medley_log_level level, const char *line)
{
    terminal *t = context;
    if (level > t->level)
        return;
    terminal_clear(t);
    fprintf(stderr, "%s%s\n", level == MEDLEY_LOG_WARNING ? "medley: warning: " : "", line);
}

static double seconds_between(const struct timespec *a, const struct timespec *b)
{
    return (double)(b->tv_sec - a->tv_sec) + 1e-9 * (double)(b->tv_nsec - a->tv_nsec);
}

/* "950", "12.3k", "4.5M": three digits and a unit. */
static void format_count(double count, char *out, size_t size)
{
    static const char units[] = " kMGT";
    int unit = 0;
    for (; count >= 999.5 && units[unit + 1] != '\0'; unit++)
        count /= 1000;
    if (unit == 0)
        snprintf(out, size, "%.0f", count);
    else
        snprintf(out, size, "%.*f%c", count < 9.995 ? 2 : count < 99.95 ? 1 : 0, count, units[unit]);
}

/* "ranking  42%  12.3k/s  0:07 left"; without a total the count instead of the percentage. */
static void format_line(const terminal *t, double elapsed, int64_t done, int64_t total, char *out, size_t size)
{
    char count[32], rate[48] = "", left[48] = "";
    const double speed = elapsed > 0 ? (double)(done - t->first) / elapsed : 0;
    if (total > 0)
        snprintf(count, sizeof count, "%3.0f%%", 100 * (double)done / (double)total);
    else
        format_count((double)done, count, sizeof count);
    if (speed > 0) {
        format_count(speed, rate, sizeof rate - 4);
        strncat(rate, "/s", sizeof rate - strlen(rate) - 1);
    }
    if (speed > 0 && total > done) {
        const double wait = (double)(total - done) / speed;
        if (wait < 360000)
            snprintf(left, sizeof left, "%d:%02d left", (int)wait / 60, (int)wait % 60);
    }
    snprintf(out, size, "%s  %s  %s  %s", t->phase, count, rate, left);
}

static int columns(void)
{
    struct winsize window;
    const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
    return known ? window.ws_col : 80;
}

/* What stands behind a ':' is news of the phase, not its name. */
static bool is_same_phase(const char *shown, const char *phase)
{
    const size_t length = strcspn(phase, ":");
    return strcspn(shown, ":") == length && memcmp(shown, phase, length) == 0;
}

bool terminal_progress(void *context, const char *phase, int64_t done, int64_t total)
{
    terminal *t = context;
    if (!t->shows_progress)
        return !stop_wanted;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!is_same_phase(t->phase, phase)) {
        t->first = done;
        t->began = now;
    }
    snprintf(t->phase, sizeof t->phase, "%s", phase);
    if (seconds_between(&t->drawn, &now) < 1.0 / UPDATES_PER_SECOND)
        return !stop_wanted;
    char line[LINE_MOST];
    format_line(t, seconds_between(&t->began, &now), done, total, line, sizeof line);
    fprintf(stderr, "\r%.*s\033[K", columns() - 1, line);
    fflush(stderr);
    t->drawn = now;
    t->line_shown = true;
    return !stop_wanted;
}
