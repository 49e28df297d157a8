/* Times written for people, as seconds since 1970, UTC; no locale.
 *
 * A pattern is "iso8601" (2018-07-01, 2018-07-01T12:30, with seconds, fraction and Z or +hh:mm as they come), or has
 * %Y %y %m %d %H %I %M %S %f %p %b %B %a %A %j %z %s %T %F and %%, as strptime reads them; %f is a fraction of a
 * second, %b and %a are English names, short or long. Other characters stand for themselves, a space for any number
 * of them. */
#ifndef DATA_TIME_PATTERN_H
#define DATA_TIME_PATTERN_H

#include "base/base.h"

/* The whole text must match. */
bool time_parse(const char *pattern, const char *bytes, size_t length, int64_t *seconds);

/* Whether the pattern holds no letter that is not known, and tells at least a year or %s. */
bool time_pattern_is_known(const char *pattern);

#endif
