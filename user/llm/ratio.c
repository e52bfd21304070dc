#include <stdlib.h>
#include "base/obj.h"
#include "llm/ratio.h"

/* What few calls show is not all that there is: the first guess has a say too, and bounds are a fifth wider. */
enum { VOICES = 3, MARGIN_LOW = 4, MARGIN_HIGH = 6, MARGIN = 5 };

struct ratio_row {
	uint64_t key[2]; /* of cgroup, provider and model; 0: free */
	uint64_t used;   /* when: a count of uses */
	struct {
		uint8_t count, next;
		uint16_t factor[RATIO_WINDOW];
	} side[RATIO_SIDES];
};

struct ratios {
	unsigned magic;
#define RATIOS_MAGIC 0x4a710001u
	struct counters *counters;
	uint64_t uses;
	struct ratio_row row[LIMIT_RATIOS];
};

int ratios_new(struct counters *c, struct ratios **ret)
{
	struct ratios *r = obj_new(r, RATIOS_MAGIC);

	if (!r)
		return -ENOMEM;
	r->counters = c;
	*ret = r;
	return 0;
}

void ratios_free(struct ratios **rr)
{
	struct ratios *r = obj_take(rr, RATIOS_MAGIC);

	if (r)
		mem_free(r);
}

static void make_key(uint64_t cgroup, struct str provider, struct str model, uint64_t key[2])
{
	struct hash h;

	hash_init(&h, NULL, 2 * sizeof(*key));
	hash_u64(&h, cgroup);
	hash_field(&h, provider);
	hash_field(&h, model);
	hash_end(&h, (unsigned char *)key, 2 * sizeof(*key));
}

/* NULL: nothing is known of it, and `make` is false. */
static struct ratio_row *find(struct ratios *r, uint64_t cgroup, struct str provider,
			      struct str model, bool make)
{
	struct ratio_row *oldest = &r->row[0];
	uint64_t key[2];

	make_key(cgroup, provider, model, key);
	for (size_t i = 0; i < COUNT_OF(r->row); i++) {
		struct ratio_row *row = &r->row[i];

		if (row->used && row->key[0] == key[0] && row->key[1] == key[1]) {
			row->used = ++r->uses;
			return row;
		}
		if (row->used < oldest->used)
			oldest = row;
	}
	if (!make)
		return NULL;
	if (oldest->used)
		count_limit(r->counters, RATIOS);
	*oldest = (struct ratio_row){ .key = { key[0], key[1] }, .used = ++r->uses };
	return oldest;
}

void ratios_learn(struct ratios *r, uint64_t cgroup, struct str provider, struct str model,
		  enum ratio_side side, uint64_t guess, uint64_t truth)
{
	struct ratio_row *row;
	__uint128_t factor = (__uint128_t)truth * RATIO_ONE / MAX(guess, 1u);

	obj_check(r, RATIOS_MAGIC);
	row = find(r, cgroup, provider, model, true);
	row->side[side].factor[row->side[side].next] =
		(uint16_t)MIN(MAX(factor, 1u), (__uint128_t)RATIO_MOST);
	row->side[side].next = (row->side[side].next + 1) % RATIO_WINDOW;
	row->side[side].count = MIN(row->side[side].count + 1, RATIO_WINDOW);
}

static int compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

struct ratio ratios_get(struct ratios *r, uint64_t cgroup, struct str provider, struct str model,
			enum ratio_side side, struct ratio first)
{
	uint16_t sorted[RATIO_WINDOW + VOICES];
	struct ratio_row *row;
	struct ratio known;
	size_t n;

	obj_check(r, RATIOS_MAGIC);
	row = find(r, cgroup, provider, model, false);
	n = row ? row->side[side].count : 0;
	if (!n)
		return first;
	memcpy(sorted, row->side[side].factor, n * sizeof(*sorted));
	for (int i = 0; i < VOICES; i++)
		sorted[n++] = RATIO_ONE;
	qsort(sorted, n, sizeof(*sorted), compare);
	known = (struct ratio){
		.low = sorted[0] * (uint64_t)MARGIN_LOW / MARGIN,
		.middle = (sorted[(n - 1) / 2] + (uint64_t)sorted[n / 2]) / 2,
		.high = sorted[n - 1] * (uint64_t)MARGIN_HIGH / MARGIN,
		.known = n >= RATIO_ENOUGH + VOICES,
	};
	if (!known.known) {
		known.low = MIN(known.low, first.low);
		known.high = MAX(known.high, first.high);
	}
	return known;
}
