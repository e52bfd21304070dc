/* boring.h -- a made file that holds BoringSSL's functions as error sites, without symbols. */
#ifndef UNIT_BORING_H
#define UNIT_BORING_H

#include "made.h"

enum { QUIC = 0x42, UNINITIALIZED = 0xe2, HANDSHAKE = 0xd7, LENGTH = 0x6f };

struct boring_lib {
	struct made m;
	uint64_t file, raise;             /* addresses */
	uint64_t write, read, peek, impl; /* where they begin */
	unsigned library;
};

static inline void boring_raise(struct boring_lib *l, uint32_t reason, uint32_t line)
{
	made_address(&l->m, 1, l->file);
	made_mov(&l->m, "\xbf", l->library);
	made_code(&l->m, "\x31\xf6");
	made_mov(&l->m, "\xba", reason);
	made_mov(&l->m, "\x41\xb8", line);
	made_to(&l->m, 0xe8, l->raise);
}

static inline uint64_t boring_begin(struct boring_lib *l)
{
	made_align(&l->m);
	made_code(&l->m, "\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc\xcc");
	return made_here(&l->m);
}

static inline void boring_end(struct boring_lib *l, uint64_t start, bool frames)
{
	made_code(&l->m, "\x5d\xc3");
	if (frames)
		made_frame(&l->m, start, made_here(&l->m));
}

static inline uint64_t boring_put_write(struct boring_lib *l, bool frames)
{
	uint64_t at = boring_begin(l);

	made_code(&l->m, "\x55\x48\x89\xe5\x41\x89\xd7\x49\x89\xf6\x48\x89\xfb");
	boring_raise(l, QUIC, 953);
	boring_raise(l, UNINITIALIZED, 958);
	boring_raise(l, HANDSHAKE, 973);
	boring_raise(l, LENGTH, 979);
	boring_end(l, at, frames);
	return at;
}

/* SSL_read() with what it inlines; without the store it is SSL_peek(). */
static inline uint64_t boring_put_read(struct boring_lib *l, bool consumes, uint32_t line,
				       bool frames)
{
	uint64_t at = boring_begin(l);

	made_code(&l->m, "\x55\x48\x89\xe5\x89\xd3\x49\x89\xf6\x49\x89\xff");
	boring_raise(l, QUIC, line);
	made_to(&l->m, 0xe8, l->impl);
	if (consumes)
		made_code(&l->m, "\x48\x89\x98\x80\x00\x00\x00");
	boring_end(l, at, frames);
	return at;
}

static inline void boring_lib(struct boring_lib *l, bool fixed, bool frames, bool called)
{
	uint64_t at;

	memset(l, 0, sizeof(*l));
	made_init(&l->m, fixed);
	l->library = 16;
	l->file = made_text(&l->m, "../../vendor/boringssl/ssl/ssl_lib.cc");
	l->raise = boring_begin(l);
	made_code(&l->m, "\x55");
	boring_end(l, l->raise, frames);
	l->impl = boring_begin(l);
	made_code(&l->m, "\x55\x48\x89\xe5");
	boring_raise(l, UNINITIALIZED, 837);
	boring_raise(l, HANDSHAKE, 870);
	boring_end(l, l->impl, frames);
	l->write = boring_put_write(l, frames);
	l->peek = boring_put_read(l, false, 931, frames);
	l->read = boring_put_read(l, true, 931, frames);
	at = boring_begin(l);
	made_code(&l->m, "\x55");
	if (called) {
		made_to(&l->m, 0xe8, l->write);
		made_to(&l->m, 0xe8, l->read);
	}
	boring_end(l, at, frames);
}

#endif
