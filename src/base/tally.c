#include "base/tally.h"

#include "base/runtime.h"

void tally_start(tally *t, const medley_runtime *rt, const char *phase, int64_t total)
{
    t->rt = rt;
    t->phase = phase;
    t->total = total;
    atomic_init(&t->done, 0);
    atomic_flag_clear(&t->reporting);
}

medley_status tally_add(tally *t, int64_t units, medley_error *err)
{
    atomic_fetch_add(&t->done, units);
    if (atomic_flag_test_and_set(&t->reporting))
        return MEDLEY_OK;
    /* Read under the flag, so that what is reported never falls. */
    const medley_status status = runtime_progress(t->rt, t->phase, atomic_load(&t->done), t->total, err);
    atomic_flag_clear(&t->reporting);
    return status;
}
