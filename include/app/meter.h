/* meter.h -- the meter role, in parts: what it owns, and the steps that meter.c's loop takes. */
#ifndef APP_METER_H
#define APP_METER_H

#include "app/cover.h"
#include "app/facts.h"
#include "app/pipeline.h"
#include "app/role.h"
#include "ledger/ledger.h"
#include "probe/ring.h"

#define METER_ENDED 64 /* ends that wait for their turn; then the attacher's facts wait */

struct meter {
	struct world *world;
	struct board *board;
	struct facts *facts;
	struct book *book;
	struct map *map;
	struct pipeline *pipeline;
	struct ledger *ledger;
	struct ring *ring;
	struct cover *cover;
	struct uv_timer_s *tick; /* while the loop runs */
	bool stopping;           /* SIGTERM, or the supervisor is gone */
	bool orphan;             /* the supervisor is gone */
	uint64_t beat_ns;        /* UTC of the last heartbeat's writing */
	bool closing;            /* what ends now does so because we stop */
	bool gave_up;            /* while stopping: the ledger takes nothing */
	uint64_t again_ns;       /* CLOCK_BOOTTIME: no commit before it */
	bool complained;         /* about the ledger, since it last worked */
	uint64_t batch_since;    /* CLOCK_BOOTTIME of the oldest row not committed; 0 = none */
	struct ended { /* processes or probes that are gone: over once what lay in the rings then is read */
		uint64_t start_ns;
		uint32_t tgid, target; /* one of them is 0 */
		struct ring_mark mark;
	} ended[METER_ENDED];
	size_t ended_count;
	bool stopped; /* every probe was taken away: what lay in the rings then is the last of its connections */
	struct ring_mark stop_mark;
	uint64_t
		off_booked_ns; /* the last time without probes that is in the ledger as a whole, by its begin */
	char host[65], boot_id[37];
	struct creation made; /* of what is priced now, where it was fetched */
	struct arena made_text;
};

/* meter_state.c: keys, prices, team map. Each logs its own failure. */
/* Can these prices and this team map be used? Asked once, before anything is started. */
int meter_check(const struct conf *c) _must_use_;
int meter_key(struct meter *m, const char *name, unsigned char *ret, size_t size) _must_use_;
int meter_book(struct meter *m) _must_use_;
int meter_map(struct meter *m) _must_use_; /* at start: falls back to the last good map */
void meter_reload(struct meter *m); /* map and prices: the old ones stay when the new are broken */

/* meter_ask.c: requests of the desk and facts of the attacher, all that are waiting. */
void meter_answer(struct meter *m);
void meter_learn(struct meter *m);
void meter_ends(struct meter *m); /* after a drain */

/* meter_reprice.c: a part of the calls that are asked for, within a moment */
void meter_reprice(struct meter *m, const struct ask *q, struct answer *a);

/* meter_cover.c */
struct str meter_endpoint(const struct meter *m,
			  struct str host); /* what it speaks, by the settings */
int meter_cover(struct meter *m) _must_use_;
void meter_socket(void *ctx, const struct abi_sock *s, struct str hello);
int meter_chunk(void *ctx, const struct chunk *c); /* between the rings and the pipeline */
void meter_unread(void *ctx, const struct chunk *c);

/* meter.c */
int meter_commit(struct meter *m) _must_use_; /* logs */

#endif
