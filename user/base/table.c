#include <sodium.h>
#include "base/table.h"

void *table_get(size_t size)
{
	struct mem_account *payer = mem_pay(NULL);
	void *p = mem_zero(1, size);

	mem_pay(payer);
	return p;
}

void table_give(void *p)
{
	struct mem_account *payer = mem_pay(NULL);

	mem_free(p);
	mem_pay(payer);
}

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
