#include "command.h"
#include "output.h"

static medley_status run(const invocation *in, medley_error *err)
{
    medley_report *report = NULL;
    medley_status status = medley_doctor(in->runtime, &report, err);
    if (status == MEDLEY_OK)
        status = output_report(report, &in->options, err);
    medley_report_free(report);
    return status;
}

const command cmd_doctor = {
    .name = "doctor",
    .summary = "what this machine and this build offer",
    .example = "medley doctor",
    .run = run,
};
