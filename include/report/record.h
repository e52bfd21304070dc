/* record.h -- the call record of DESIGN.md section 4 as one JSON object. The only place that names its fields. */
#ifndef REPORT_RECORD_H
#define REPORT_RECORD_H

#include "base/buf.h"
#include "flow.h"

/* Appends the object, no newline. Absent means unknown. */
int record_json(const struct posting *p, struct buf *out) _must_use_;

#endif
