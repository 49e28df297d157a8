/* Medley, a multimodal recommender system: the whole public interface.
 *
 * Conventions: status codes with a caller-owned message (status.h); objects are opaque, made by
 * _create or _open and ended by _free, which takes NULL; results go through pointers, set to
 * NULL or 0 first; counts and indexes are int64_t; text is UTF-8 and ends with NUL. */
#ifndef MEDLEY_MEDLEY_H
#define MEDLEY_MEDLEY_H

#include <medley/config.h>
#include <medley/model.h>
#include <medley/param.h>
#include <medley/registry.h>
#include <medley/report.h>
#include <medley/runtime.h>
#include <medley/status.h>
#include <medley/store.h>

#endif
