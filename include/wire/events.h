/* events.h -- the ways to tell events apart in a body, behind one shape: a table, one row a framing, one splitter each.
 *
 * A splitter is fed decoded body bytes cut anywhere and hands the data of each event on in runs: memory is constant however
 * large an event is. What it cannot read it says by an error of feed(), which cuts the body, or, where it can find the next
 * event for certain, by ending the event as damaged. */
#ifndef WIRE_EVENTS_H
#define WIRE_EVENTS_H

#include "base/count.h"
#include "flow.h"

/* In front of the name of an AWS exception or error message (its :exception-type or :error-code), so that no event type can
 * be taken for one: "!throttlingException". */
#define EVENT_FAULT "!"

/* A run of an event's data. `name`: the event's own name as far as known, or absent. `last` comes once per event that has
 * begun, perhaps with no bytes. `why`, with `last` only: the event is damaged, nothing of it may be used. */
typedef int event_fn(void *ctx, struct str name, struct str data, bool last, enum why why);

struct events {
	enum framing framing;
	/* counters: for limits, may be NULL. -ENOMEM. */
	int (*open)(event_fn *fn, void *ctx, struct counters *c, void **ret);
	/* 0; -EBADMSG: not of this framing, nothing after it can be read; -EMSGSIZE: a limit, counted; else what fn returned */
	int (*feed)(void *state, struct str bytes);
	int (*end)(
		void *state); /* the body is whole: closes an event that may end so; -EBADMSG: it broke off */
	/* So many bytes of the body are missing here. 0: the next event will be found for certain, and there is a damaged
	 * one for what is missing; -EBADMSG: nothing after it can be read. NULL: as that. */
	int (*gap)(void *state, uint64_t bytes);
	void (*close)(void *state);
};

/* The row for a Content-Type value; NULL: one document, or no events that we know. Request and response alike. */
const struct events *events_find(struct str content_type);
/* What only the first byte of a body that is no blank tells: `json`, that it is an array and no document; without a known
 * type, how its events come, if they do. NULL: one document. */
const struct events *events_guess(char first, bool json);
bool events_json(struct str content_type); /* application/json: may be an array */

extern const struct events sse_events, lines_events, array_events, eventstream_events, grpc_events;

#endif
