/* glob.h -- patterns of the team map. No escapes: cgroup names hold backslashes ("a\x2db.service"). */
#ifndef TEAM_GLOB_H
#define TEAM_GLOB_H

#include "base/str.h"

bool glob_text(struct str pattern, struct str s); /* '*' any bytes, '?' one byte */
/* Segment by segment: '*' and '?' within one, a segment "**" stands for any number of them, also none:
 * "/a/" "**" matches "/a" and all below it. Time is bounded by pattern x path. */
bool glob_path(struct str pattern, struct str path);

#endif
