/* An operation without memory. */
#ifndef TESTS_STARVE_H
#define TESTS_STARVE_H

#include "operate.h"

/* As BRUTAL for a step in the current folder; returns how many allocations it makes. Until the operation itself succeeded the tree is as it was. */
static inline int64_t starve(medley_runtime *runtime, test_memory *own, const step *s, bool first)
{
    text before = {.rt = runtime};
    list_tree(".", &before);
    for (int64_t allowed = 0;; allowed++) {
        medley_error err = {MEDLEY_OK, ""};
        medley_report *report;
        const int64_t live = own->live;
        own->allowed = allowed;
        const medley_status status = operate(runtime, s->run, s->settings, &report, &err);
        own->allowed = -1;
        medley_report_free(report);
        assert_int_equal(own->live, live);
        if (status == MEDLEY_OK) {
            text_release(&before);
            return allowed;
        }
        if (status != MEDLEY_E_NOMEM || err.message[0] == '\0')
            fail_msg("%s, allocation %lld: %s '%s'", s->name, (long long)allowed, medley_status_name(status),
                     err.message);
        text now = {.rt = runtime};
        list_tree(".", &now);
        if (first && s->writes_several ? strstr(now.bytes, ".partial") != NULL
                                       : strcmp(now.bytes, before.bytes) != 0)
            fail_msg("%s, allocation %lld changed the disk:\n%s\nbefore:\n%s", s->name, (long long)allowed,
                     now.bytes, before.bytes);
        text_release(&now);
    }
}

#endif
