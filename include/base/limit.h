/* limit.h -- the ceilings of tbl/limit.h as constants LIMIT_NAME. */
#ifndef BASE_LIMIT_H
#define BASE_LIMIT_H

enum {
#define LIMIT(name, value, unit, words) LIMIT_##name = (value),
#include "tbl/limit.h"
#undef LIMIT
};

#endif
