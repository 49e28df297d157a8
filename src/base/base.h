/* The face of base/: what every layer may use. Nothing here knows of files or models. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <medley/param.h>
#include <medley/runtime.h>
#include <medley/status.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/idmap.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/parallel.h"
#include "base/runtime.h"
#include "base/text.h"

#include "base/banned.h"

#endif
