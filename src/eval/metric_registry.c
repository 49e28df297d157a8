#include "eval/metric.h"

#define MEDLEY_METRIC(name) extern const metric_class metric_##name;
#include "eval/metrics.def"
#undef MEDLEY_METRIC

#define MEDLEY_METRIC(name) &metric_##name,
const metric_class *const metric_classes[] = {
#include "eval/metrics.def"
    NULL,
};
#undef MEDLEY_METRIC

int metric_column_name(const metric_column *column, char *name, size_t size)
{
    return column->metric->no_cutoff ? snprintf(name, size, "%s", column->metric->name)
                                     : snprintf(name, size, "%s@%lld", column->metric->name, (long long)column->k);
}
