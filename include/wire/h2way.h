/* h2way.h -- one direction of an HTTP/2 connection: its frames, and what they mean for the streams. The connection itself,
 * gaps and ends are in h2.c. */
#ifndef WIRE_H2WAY_H
#define WIRE_H2WAY_H

#include "wire/h2frame.h"
#include "wire/h2stream.h"
#include "wire/hpack.h"

#define H2_DEFAULT_TABLE 4096 /* bytes; RFC 9113 section 6.5.2 */
#define H2_SETTING       6    /* bytes */

struct h2_block { /* HEADERS or PUSH_PROMISE, and its CONTINUATIONs */
	bool open, end, promise, lost;
	uint8_t more; /* CONTINUATIONs */
	uint32_t stream;
	struct h2head *head; /* NULL: its fields are of no interest */
};

struct h2_way { /* one direction */
	struct h2 *h;
	enum flow_dir dir;
	struct h2frame frame;
	bool lost;           /* waiting for a provable start of a frame */
	bool joined;         /* blocks were missed before `hpack` was made */
	uint32_t table;      /* what the other side's SETTINGS allow the encoder of this one */
	struct hpack *hpack; /* made by the first block */
	struct h2_block block;
	struct h2_place place;          /* where the frame, or the block, under way began */
	unsigned char item[H2_SETTING]; /* of SETTINGS, RST_STREAM or GOAWAY */
	uint8_t got;                    /* bytes of it, before any that were lost */
	enum skip skip; /* why the frame under way is not parsed; PROTO_ALIVE: it is */
};

struct h2 {
	unsigned magic;
#define H2_MAGIC 0x42c00001u
	struct proto_env *env;
	struct h2_streams streams;
	struct h2_way way[2];
	size_t preface;   /* bytes of it seen */
	bool client;      /* that the observed process is it is proven */
	enum skip missed; /* the reason for bytes skipped meanwhile */
	enum skip dead;
	uint32_t last;    /* highest number of a request */
	uint32_t hole[2]; /* requests of numbers between these may have passed unseen */
	unsigned resets;  /* of requests, since the last answer */
	/* the peer answered this one, which was not asked, or any before: if no hole in what was written shows next, it lied */
	uint32_t stray;
};

extern const struct h2frame_calls h2way_calls; /* their ctx is the struct h2_way */

/* The sender of SETTINGS allows the encoder of direction `w` a table of this size; UINT32_MAX: not known. */
void h2way_allow(struct h2_way *w, uint32_t bytes);
/* A hole in what was written shows: there was room for what was answered. */
void h2way_excuse(struct h2 *h);
/* Gives up the block under way. */
void h2way_forget(struct h2_way *w);
struct h2_way *h2way_other(struct h2_way *w);

#endif
