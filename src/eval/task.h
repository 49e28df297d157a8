/* Evaluation tasks: what is asked of a list. */
#ifndef EVAL_TASK_H
#define EVAL_TASK_H

#include "base/base.h"

typedef struct task_class {
    const char *name, *summary, *definition;
    bool masks_known;  /* unless told otherwise, what was known before the target is no candidate */
    bool first_target; /* only the first interaction of the part, in time, is the target */
    bool needs_order;
    bool samples;    /* candidates may be sampled */
    bool cold_users; /* only users with few training interactions */
    bool cold_items; /* only targets without training users */
    bool beyond;     /* metrics beyond accuracy are part of `all` */
    bool pairs;      /* no lists: ratings of given pairs are predicted */
} task_class;

extern const task_class task_classes[]; /* ends with name NULL */

#endif
