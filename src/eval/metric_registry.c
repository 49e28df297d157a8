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
