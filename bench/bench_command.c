/* A command from start to end.
 *
 *   bench_command NAME COMMAND [ARGUMENT...]
 *
 * Prints name, seconds and the peak memory of its largest process in MiB between tabs; the command's own output
 * is dropped. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

int main(int argc, char **argv)
{
    int code;
    struct rusage usage;
    if (argc < 3) {
        fprintf(stderr, "usage: bench_command NAME COMMAND [ARGUMENT...]\n");
        return 2;
    }
    const double start = now();
    const pid_t child = fork();
    if (child == 0) {
        const int null = open("/dev/null", O_WRONLY);
        if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
            execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &code, 0) < 0 || code != 0) {
        fprintf(stderr, "bench_command: %s failed\n", argv[2]);
        return 1;
    }
    const double seconds = now() - start;
    getrusage(RUSAGE_CHILDREN, &usage);
    fprintf(stdout, "%s\t%.3f\t%.0f\n", argv[1], seconds, (double)usage.ru_maxrss / 1024);
    return 0;
}
