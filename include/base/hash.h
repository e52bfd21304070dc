/* hash.h -- ids, keyed fingerprints and the ledger's chain, on libsodium's BLAKE2b. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

#define HASH_KEY 32 /* bytes of a key */

struct hash {
	_Alignas(64) unsigned char state[384];
};

/* `key` may be NULL; `size` is the number of output bytes, 16 to 64. */
void hash_init(struct hash *h, const unsigned char key[HASH_KEY], size_t size);
void hash_add(struct hash *h, struct str s);   /* the bytes alone */
void hash_field(struct hash *h, struct str s); /* length first: fields cannot run together */
void hash_u64(struct hash *h, uint64_t n);     /* 8 bytes, little endian */
void hash_end(struct hash *h, unsigned char *ret, size_t size);

void hash_hex(const unsigned char *p, size_t n, char *ret); /* 2n characters and a NUL */
int hash_unhex(struct str hex, unsigned char *ret, size_t n) _must_use_; /* -EBADMSG */
void hash_random(unsigned char *ret, size_t n);

#endif
