#include <sodium.h>
#include "base/table.h"

unsigned table_hash(const void *key, size_t size)
{
	static unsigned char secret[crypto_shorthash_KEYBYTES];
	static bool made;
	unsigned char out[crypto_shorthash_BYTES];
	unsigned n;

	if (!made) { /* threads: only the meter and tools hash, in one thread each */
		randombytes_buf(secret, sizeof(secret));
		made = true;
	}
	crypto_shorthash(out, key, size, secret);
	memcpy(&n, out, sizeof(n));
	return n;
}
