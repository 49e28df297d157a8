/* A moment as a setting says it. */
#ifndef DATA_MOMENT_H
#define DATA_MOMENT_H

#include "base/base.h"

/* Seconds since 1970 (0..4102444799), or a date of UTC: 2019-03-31, 2019-03-31T07:19 or 2019-03-31T07:19:30, with a
 * space for the T or a Z at the end. "" and "0" are 0: not set. Four digits are refused, for they may be a year. Fails
 * with E_CONFIG, which names the setting. */
MEDLEY_MUST_USE medley_status moment_parse(const char *setting, const char *value, int64_t *seconds,
                                           medley_error *err);

#endif
