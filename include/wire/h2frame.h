/* h2frame.h -- HTTP/2 frames of one direction, as they arrive (RFC 9113 section 4): in constant memory, whatever their size.
 *
 * Padding, the priority of HEADERS and the promised stream of PUSH_PROMISE are taken off. -EBADMSG: a frame that breaks
 * the rules of its type (its stream, its length, its padding), which ends a connection. */
#ifndef WIRE_H2FRAME_H
#define WIRE_H2FRAME_H

#include "base/str.h"

enum h2_type {
	H2_DATA,
	H2_HEADERS,
	H2_PRIORITY,
	H2_RST_STREAM,
	H2_SETTINGS,
	H2_PUSH_PROMISE,
	H2_PING,
	H2_GOAWAY,
	H2_WINDOW_UPDATE,
	H2_CONTINUATION
};

enum h2_flag {
	H2_END_STREAM = 1,
	H2_ACK = 1,
	H2_END_HEADERS = 4,
	H2_PADDED = 8,
	H2_WITH_PRIORITY = 0x20
};

#define H2FRAME_HEAD    9 /* bytes */
#define H2FRAME_UNKNOWN UINT64_MAX

struct h2frame { /* embedded; all zero: between frames */
	uint32_t stream;
	uint8_t type, flags;
	uint8_t got;   /* bytes of the head; H2FRAME_HEAD: in the payload */
	uint8_t front; /* bytes of the payload before the content, still to come */
	uint8_t back;  /* padding behind it */
	bool murky;    /* how long the padding is was lost: no more content */
	uint32_t left; /* bytes of the payload still to come, with front and back */
	unsigned char head[H2FRAME_HEAD];
};

struct h2frame_calls {
	int (*begin)(void *ctx, const struct h2frame *f);
	int (*content)(void *ctx, const struct h2frame *f, struct str run);
	/* So much of the content was lost; H2FRAME_UNKNOWN: it is not known how much of what follows is content. */
	int (*lost)(void *ctx, const struct h2frame *f, uint64_t bytes);
	int (*end)(void *ctx, const struct h2frame *f);
};

/* Consumes up to the end of one frame, or all. *ret_used says how much: at least 1 of 1 or more. 0; -EBADMSG; else what a
 * callback returned. After an error: h2frame_reset(). */
int h2frame_feed(struct h2frame *f, const struct h2frame_calls *calls, void *ctx, struct str bytes,
		 size_t *ret_used) _must_use_;
/* Bytes that are certain to follow in this frame: a gap of at most this is skipped exactly. */
uint64_t h2frame_sure(const struct h2frame *f);
int h2frame_skip(struct h2frame *f, const struct h2frame_calls *calls, void *ctx,
		 uint64_t bytes) _must_use_; /* at most h2frame_sure() */
bool h2frame_idle(const struct h2frame *f);  /* between frames */
void h2frame_reset(struct h2frame *f);
/* As they stand in frames: big-endian, of n bytes. */
uint32_t h2frame_number(const unsigned char *p, int n);

/* Do these bytes begin with whole frames, one after the other, as nothing else does? At least one that has a content has to
 * be whole, and what follows the whole ones has to be the beginning of another. */
bool h2frame_chain(struct str bytes);

#endif
