/* flow.h -- the six records that travel through submeter. Read this first.
 *
 *   probe --chunk--> conn --piece--> wire --part--> llm --usage--> price --charge--> team
 *         --posting--> ledger
 *
 * A record is plain data, valid only during the call that hands it over: `struct str` members and
 * pointers included. Times are UTC nanoseconds. A stage takes one record and pours the next into
 * an outlet it was given; it never learns where that leads. */
#ifndef FLOW_H
#define FLOW_H

#include "base/dec.h"
#include "base/str.h"

enum flow_dir { DIR_OUT, DIR_IN }; /* written, read by the observed process */

/* ---- chunk: bytes of one TLS call, or the end of a connection -------------------------------- */

struct origin {            /* who; the kernel's answer, never the traffic's */
	uint64_t gen;      /* generation: names the connection, unique within a capture epoch */
	uint64_t obj;      /* address of the TLS object */
	uint64_t cgroup;   /* cgroup v2 id, at the time of the call; 0 in saved traffic */
	uint64_t start_ns; /* start of the process, CLOCK_BOOTTIME */
	uint32_t tgid, uid;
	uint32_t cg_slot; /* row of the kernel's per-cgroup counters */
	uint32_t target;  /* number of the probed file; 0 = none */
	uint32_t row;     /* of tbl/tls.h: through which function the bytes came */
	char comm[16];    /* not always NUL-terminated */
};

/* END_STOP: we stop listening, the connection itself goes on. */
enum flow_end { END_NONE, END_EOF, END_FREE, END_EXEC, END_EXIT, END_STOP };

#define OFF_UNKNOWN UINT64_MAX

struct chunk {
	struct origin from;
	uint64_t at_ns;
	enum flow_end end; /* END_NONE: data */
	enum flow_dir dir; /* of data; of END_EOF */
	uint64_t off;      /* stream offset of bytes.p[0] in its direction */
	struct str bytes;  /* 1 to 16384 */
	uint64_t final[2]; /* an end: bytes of each direction, or OFF_UNKNOWN */
};

/* ---- piece: the same bytes in order, or a gap of known size ---------------------------------- */

enum piece_kind { PIECE_BYTES, PIECE_GAP, PIECE_END };

struct piece {
	const struct origin *from;
	uint64_t at_ns;
	enum piece_kind kind;
	enum flow_end
		end; /* PIECE_END: why; END_EOF closes only `dir`, the others the connection */
	enum flow_dir dir;
	uint64_t off; /* of the first byte, or of the gap */
	uint64_t gap; /* bytes lost */
	struct str bytes;
};

/* ---- part: HTTP meaning --------------------------------------------------------------------- */

enum part_kind {
	PART_REQUEST,  /* request head */
	PART_RESPONSE, /* response head (final, not 1xx) */
	PART_BODY,     /* body bytes of `dir`, decoded from transfer and content coding, any cut */
	PART_EVENT,    /* part of an event of the body of `dir`, or of a WebSocket message */
	PART_CUT,      /* body bytes of `dir` are missing or unreadable from here: see `why` */
	PART_END,      /* the exchange is over; nothing follows for it */
};

enum header { /* tbl/header.h: every other header is forgotten by the decoder that saw it */
#define HEADER(name, text) HDR_##name,
#include "tbl/header.h"
#undef HEADER
	      HDR_COUNT
};

enum why { /* why a call is not exactly known; WHY_NONE = it is */
	   WHY_NONE,
#define WHY(name, words) WHY_##name,
#include "tbl/why.h"
#undef WHY
	   WHY_COUNT
};

enum framing { /* of a body's events: tbl/framing.h */
	       FRAMING_NONE,
#define FRAMING(name, words) FRAMING_##name,
#include "tbl/framing.h"
#undef FRAMING
	       FRAMING_COUNT
};

struct part {
	const struct origin *from;
	uint64_t at_ns;
	/* with from->gen it names the exchange: offset of the request's first byte; HTTP/2: the stream id, above it 2^32 for
	 * each earlier connection on the same TLS object */
	uint64_t off;
	enum part_kind kind;
	enum flow_dir dir;
	enum framing
		framing; /* heads: how events of this side will come; PART_EVENT: how it came */
	enum why why;    /* PART_CUT; PART_END of an exchange that did not end by itself; PART_EVENT
			    that is `last`: it is damaged and nothing of it may be used */
	bool aborted;    /* PART_END: the connection ended before the response did */
	bool orphan;     /* PART_RESPONSE: its request was not seen (joined midway) */
	bool last;       /* PART_EVENT: the event is whole now */
	bool body_less;  /* heads: no body follows */
	bool upgraded;   /* PART_RESPONSE: messages of both directions follow, until PART_END */
	bool blurred; /* heads: some of it lies in what was sent before we joined, and is absent */
	unsigned status;           /* PART_RESPONSE */
	struct str method, target; /* PART_REQUEST */
	struct str
		header[HDR_COUNT]; /* heads; absent where not sent; repeated ones joined by ", " */
	uint64_t message; /* PART_EVENT, FRAMING_MESSAGES: offset in `dir` of its first byte */
	struct str name;  /* PART_EVENT: the event's name so far */
	struct str bytes; /* PART_BODY, PART_EVENT: data, possibly empty on the last */
	uint64_t body_bytes[2]; /* PART_END: decoded body bytes of the request and the response */
};

/* ---- usage: one finished call --------------------------------------------------------------- */

enum leaf { /* disjoint units; a token is counted in exactly one */
#define LEAF(name, text, words) LEAF_##name,
#include "tbl/leaf.h"
#undef LEAF
	    LEAF_COUNT
};

struct leaves {
	uint64_t has; /* bit per leaf: absent is not zero */
	uint64_t n[LEAF_COUNT];
};

static inline void leaf_set(struct leaves *l, enum leaf leaf, uint64_t n)
{
	l->has |= 1ull << leaf;
	l->n[leaf] = n;
}

static inline bool leaf_has(const struct leaves *l, enum leaf leaf)
{
	return l->has >> leaf & 1;
}

#define ENUM(set, name, text) set##_##name,
enum kind {
#define KIND(name, text) ENUM(KIND, name, text)
#include "tbl/kind.h"
#undef KIND
	KIND_COUNT
};
enum outcome {
#define OUTCOME(name, text) ENUM(OUTCOME, name, text)
#include "tbl/kind.h"
#undef OUTCOME
	OUTCOME_COUNT
};
enum source {
#define SOURCE(name, text) ENUM(SOURCE, name, text)
#include "tbl/kind.h"
#undef SOURCE
	SOURCE_COUNT
};
enum billing {
#define BILLING(name, text) ENUM(BILLING, name, text)
#include "tbl/kind.h"
#undef BILLING
	BILLING_COUNT
};

enum flag { /* what a reader should know of a call that is priced all the same: bits of `flags` */
#define FLAG(name, text, words) FLAG_##name,
#include "tbl/flag.h"
#undef FLAG
	    FLAG_COUNT
};

enum later { /* the usage was told by another exchange than the one that made the call */
	     LATER_NOT,
	     LATER_FETCHED, /* an answer fetched by its id: it is billed only where its creation was
			     booked here and has no price yet, and to whoever created it */
	     LATER_RESULT, /* one result of a batch: billed once a response id, to whoever fetches it */
};

struct usage {
	struct origin from;
	uint64_t off;      /* with from.gen: names the call */
	uint64_t start_ns; /* request's first byte */
	uint64_t first_ns; /* first byte of the answer's body; 0 = none */
	uint64_t end_ns;
	enum kind kind;
	enum outcome outcome;
	enum source source;
	enum billing billing; /* what llm knows: METERED, SUBSCRIPTION or FREE */
	enum why why;
	enum later later;
	unsigned flags;      /* 1u << enum flag */
	bool stream;         /* the answer was a stream */
	int status;          /* -1: no response seen */
	int retry;           /* -1: not told */
	struct str provider; /* "unknown" for a host that is not listed */
	struct str host;     /* server_address */
	struct str operation;
	struct str model_requested, model_served;
	struct str response_id, request_id;
	struct str tier, region;
	struct str credential;   /* "cred:<12 hex>" */
	struct str request_hash; /* 32 hex, keyed; absent for an empty body */
	struct str session;
	struct str raw;           /* the provider's usage object, verbatim JSON */
	struct str reported_cost; /* dollars, decimal text: what the provider says it costs */
	struct leaves used;
	struct leaves low, high; /* unless REPORTED; the least input is IN_CACHE_READ */
};

/* ---- charge: usage with prices -------------------------------------------------------------- */

struct charge_line {
	enum leaf leaf; /* what was counted */
	uint64_t quantity;
	struct rate rate;
	int64_t pico;
};

struct charge {
	const struct usage *usage;
	enum billing billing;
	enum why why;                                      /* usage's, or why it has no price */
	unsigned flags;                                    /* usage's, and those of its price */
	struct str book, entry, match, tier, band, region; /* which price; absent when unpriced */
	struct str contract; /* whose rates changed the list price; absent: none */
	size_t count;
	struct charge_line line[LEAF_COUNT];
	int64_t pico;                /* sum of the lines */
	int64_t list_pico;           /* the same at list price, before any contract */
	int64_t shadow_pico;         /* unpriced: what to show instead; no money, never charged */
	int64_t low_pico, high_pico; /* at usage->low and ->high; equal to pico when reported */
};

/* ---- posting: a charge with an owner -------------------------------------------------------- */

#define CALL_ID 16 /* bytes */

struct posting {
	const struct charge *charge;
	unsigned char id[CALL_ID]; /* deterministic: DESIGN.md section 4 */
	struct str source_id;      /* saved traffic only */
	struct str host, boot_id;
	struct str cgroup; /* path as in /proc/PID/cgroup */
	struct str unit, container, pod, namespace_, exe;
	struct str team, project, department, cost_center, environment;
	struct str rule; /* id of the rule that matched; absent: none did */
	struct str map_revision;
	bool gateway; /* by the map it calls on behalf of those who call it */
};

/* ---- outlets -------------------------------------------------------------------------------- */

/* An outlet for a record. put() returns 0 or a negative errno that stops the stage. */
#define FLOW(record)                                                                    \
	struct record##_sink {                                                          \
		int (*put)(void *ctx, const struct record *r);                          \
		void *ctx;                                                              \
	};                                                                              \
	static inline int record##_put(struct record##_sink to, const struct record *r) \
	{                                                                               \
		return to.put(to.ctx, r);                                               \
	}
FLOW(chunk)
FLOW(piece)
FLOW(part)
FLOW(usage)
FLOW(charge)
FLOW(posting)

#endif
