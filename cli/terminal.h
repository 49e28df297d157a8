/* What goes to stderr: log, progress, errors; and the user's wish to stop. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <time.h>

#include <medley/runtime.h>

#include "options.h"

/* The progress line and what its rate is computed from. All zero before terminal_init. */
typedef struct terminal {
    medley_log_level level;
    bool shows_progress;
    bool line_shown; /* a progress line is on the screen */
    char phase[64];
    int64_t first; /* `done` when the phase began */
    struct timespec began, drawn;
} terminal;

/* Decides what is shown, and catches the first SIGINT or SIGTERM, after which progress asks the
 * library to stop; the second one ends the process. */
void terminal_init(terminal *t, const options *o);

/* medley_log_function and medley_progress_function; context is the terminal. */
void terminal_log(void *context, medley_log_level level, const char *line);
bool terminal_progress(void *context, const char *phase, int64_t done, int64_t total);

/* Takes the progress line off the screen. */
void terminal_clear(terminal *t);

#endif
