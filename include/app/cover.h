/* cover.h -- which connections to LLM hosts were seen into, and which not, by process.
 *
 * The kernel tells of each TLS connection by its ClientHello (abi_sock); the probes tell of plaintext, and neither knows the
 * other's name for a connection. So they are paired within a process: plaintext goes with the oldest connection to the host
 * that it names, or to any where it names none. A connection over which a request may have gone, and that after
 * COVER_WAIT_NS has no plaintext, is unmetered; a later find takes that back. Plaintext in HTTP/2 names no host in its first
 * bytes. Where no function tells that a TLS object is gone, what it sends after the end of its connection goes with the next one.
 * The result is on the board. */
#ifndef APP_COVER_H
#define APP_COVER_H

#include "app/board.h"
#include "flow.h"

#define COVER_WAIT_NS (2 * 1000000000ull)

struct cover;

struct cover_who { /* absent: unknown */
	struct str exe, library, path, team;
};
struct cover_opts {
	struct board *board;
	bool (*llm)(
		void *ctx,
		struct str
			host); /* is this an LLM host? A name, an address, or either with ":PORT" */
	void (*who)(void *ctx, const struct origin *from, struct cover_who *ret);
	void *ctx;
};

int cover_new(const struct cover_opts *o, struct cover **ret) _must_use_;
/* `utc_off`: UTC minus CLOCK_BOOTTIME. */
void cover_sock(struct cover *c, const struct abi_sock *s, struct str hello, uint64_t utc_off);
void cover_chunk(struct cover *c, const struct chunk *in);
/* Nothing that happened before `clear_ns` (UTC) is still to come. */
void cover_tick(struct cover *c, uint64_t clear_ns);
void cover_free(struct cover **c);

#endif
