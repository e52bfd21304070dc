/* capture_check.h -- what came out of the ring against what the observed process says that it did. */
#ifndef TESTS_CAPTURE_CHECK_H
#define TESTS_CAPTURE_CHECK_H

#include <bpf/bpf.h>
#include "capture.h"

static inline const struct stream *stream_find(const struct bench *b, pid_t pid,
					       const uint64_t side[5])
{
	size_t i;

	/* An address can name several connections, one after another: the final offsets tell. */
	for (i = 0; i < b->streams; i++)
		if (b->stream[i].tgid == (uint32_t)pid && b->stream[i].obj == side[0] &&
		    b->stream[i].final[0] == side[2] && b->stream[i].final[1] == side[4])
			return &b->stream[i];
	return NULL;
}

/* Every object the child reports: both directions whole, by offset, byte for byte; freed once, at the right offsets. */
static inline unsigned sides_match(const struct bench *b, const struct child *c,
				   unsigned *ret_sides)
{
	unsigned good = 0, sides = 0;
	const char *p = c->text;
	const struct stream *s;
	uint64_t v[5];

	while ((p = strstr(p, "side "))) {
		bool fits = true;
		char *end;

		p += 5;
		sides++;
		for (int i = 0; i < 5; i++, p = end)
			v[i] = strtoull(p, &end, i ? 10 : 16);
		s = stream_find(b, c->pid, v);
		if (!s || s->frees != 1 || s->lost[0] || s->lost[1])
			continue;
		if (s->at[0] != v[2] || s->at[1] != v[4])
			continue;
		for (int d = 0; d < 2; d++)
			fits &= !v[1 + 2 * d] || !v[2 + 2 * d] ||
				(s->seed[d] == v[1 + 2 * d] && !s->bad[d]);
		good += fits;
	}
	*ret_sides = sides;
	return good;
}

static inline uint64_t dropped(const struct abi_cg *cg)
{
	uint64_t n = 0;

	for (int i = 0; i < ABI_DR_COUNT; i++)
		n += cg->dropped[i];
	return n;
}

static inline bool ties_out(const struct abi_cg *cg, const struct child *c)
{
	const char *p = strstr(c->text, "calls ");
	uint64_t lost = 0, calls = 0, empty = 0;
	char *end;

	if (p) {
		calls = strtoull(p + 6, &end, 10);
		empty = strtoull(end, NULL, 10);
	}
	for (int i = 0; i < ABI_DR_COUNT; i++)
		lost += cg->bytes_lost[i];
	return cg->hits == cg->delivered + cg->ignored[0] + cg->empty + dropped(cg) &&
	       cg->bytes == cg->bytes_out + lost && cg->hits == calls && cg->empty == empty &&
	       cg->ends_lost == 0;
}

static inline void check_exact(struct bench *b, const char *what, uint64_t drops)
{
	const struct abi_cg *cg;
	struct child c;
	unsigned good, sides;

	cgroup_make(what);
	child_run(&c, b, what, what);
	cg = counts(b, what);
	good = sides_match(b, &c, &sides);
	ok(good == sides && sides,
	   "%s: %u of %u objects whole, both directions, with their final offsets", what, good,
	   sides);
	ok(cg && ties_out(cg, &c), "%s: the counters tie out with what the program did", what);
	ok(cg && dropped(cg) == drops, "%s: %llu calls lost", what,
	   cg ? (unsigned long long)dropped(cg) : 0);
	ok(b->exit_tgid == (uint32_t)c.pid, "%s: the end of the process is told", what);
}

static inline size_t keys_held(const struct bench *b, enum kfd map)
{
	char key[64], next[64];
	size_t n = 0;

	if (bpf_map_get_next_key(b->k.fd[map], NULL, key) == 0)
		for (n = 1; bpf_map_get_next_key(b->k.fd[map], key, next) == 0; n++)
			memcpy(key, next, sizeof(key));
	return n;
}

static inline bool answer(void *ctx, uint32_t tgid, uint64_t start_ns)
{
	return tgid && start_ns && *(bool *)ctx;
}

#endif
