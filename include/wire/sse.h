/* sse.h -- server-sent events, decoded as they arrive (WHATWG HTML section 9.2.6).
 *
 * LF, CR and CRLF end a line, a leading BOM is dropped, comments vanish, several data lines are
 * joined by LF. Data is handed on in runs, memory is constant; an event above LIMIT_EVENT_BYTES is damaged. The last
 * event needs no blank line: sse_end() closes it (providers end some streams so). */
#ifndef WIRE_SSE_H
#define WIRE_SSE_H

#include "wire/events.h"

struct sse;
/* See events.h. `name` is the event's name as far as known. Events without data are not reported. */
int sse_new(event_fn *fn, void *ctx, struct counters *c, struct sse **ret) _must_use_;
int sse_feed(struct sse *s, struct str bytes) _must_use_;
int sse_end(struct sse *s) _must_use_;
void sse_free(struct sse **s);

#endif
