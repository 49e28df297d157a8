/* The program: reads the command line, lends the library a terminal, turns failures into exit codes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "output.h"
#include "terminal.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_STOPPED = 3 };

static int exit_code(medley_status status)
{
    switch (status) {
    case MEDLEY_OK:
        return EXIT_DONE;
    case MEDLEY_E_ARGUMENT:
    case MEDLEY_E_CONFIG:
        return EXIT_USAGE;
    case MEDLEY_E_LIMIT:
    case MEDLEY_E_STOPPED:
        return EXIT_STOPPED;
    default:
        return EXIT_FAILED;
    }
}

static medley_status run(invocation *in, medley_error *err)
{
    if (in->options.version) {
        printf("medley %s\n", medley_version());
        return MEDLEY_OK;
    }
    if (in->options.help) { /* `medley train --help` is `medley help train` */
        in->arguments[0] = in->command != NULL ? in->command->name : in->first_word;
        in->argument_count = in->arguments[0] != NULL;
        in->command = command_find("help");
    }
    if (in->command == NULL)
        return refuse(err, MEDLEY_E_CONFIG, "no command was given; see 'medley help'");
    terminal_init(in->screen, &in->options);
    const medley_runtime_options lent = {
        .threads = (int)in->options.threads,
        .log = terminal_log,
        .log_context = in->screen,
        .progress = terminal_progress,
        .progress_context = in->screen,
    };
    medley_status status = medley_runtime_create(&lent, &in->runtime, err);
    if (status == MEDLEY_OK)
        status = command_run(in, err);
    medley_runtime_free(in->runtime);
    return status;
}

/* A caller may have closed a standard stream: a file of the library's would then be opened in its
 * place and take what is printed. What stands in for it refuses to be written. */
static void fill_standard_streams(void)
{
    int file;
    do
        file = open("/dev/null", O_RDONLY);
    while (file >= STDIN_FILENO && file <= STDERR_FILENO);
    if (file > STDERR_FILENO)
        close(file);
}

int main(int argc, char **argv)
{
    fill_standard_streams();
    medley_error err = {MEDLEY_OK, ""};
    terminal screen = {0};
    invocation in = {
        .screen = &screen,
        .arguments = calloc((size_t)argc + 1, sizeof *in.arguments),
        .settings = calloc((size_t)argc + 1, sizeof *in.settings),
    };
    medley_status status = MEDLEY_E_NOMEM;
    if (in.arguments == NULL || in.settings == NULL)
        refuse(&err, status, "out of memory");
    else
        status = options_read(argc, argv, &in, &err);
    if (status == MEDLEY_OK)
        status = run(&in, &err);
    if (status == MEDLEY_OK)
        status = output_end(&err);
    if (err.message[0] != '\0')
        fprintf(stderr, "medley: %s\n", err.message);
    free(in.arguments);
    free(in.settings);
    return exit_code(status);
}
