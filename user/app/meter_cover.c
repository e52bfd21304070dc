/* What the meter makes of sockets and signatures: coverage, and proof. */
#include "app/meter.h"
#include "app/proof.h"
#include "base/clock.h"
#include "base/log.h"
#include "llm/provider.h"

struct str meter_endpoint(const struct meter *m, struct str host)
{
	const struct conf *c = &m->board->conf;

	for (unsigned i = 0; i < c->endpoint_count; i++)
		if (str_ieq(host, str_of(c->endpoint[i].host)) ||
		    str_ieq(provider_host_name(host), str_of(c->endpoint[i].host)))
			return str_of(c->endpoint[i].speaks);
	return STR_NONE;
}

static bool on_llm(void *ctx, struct str host)
{
	return meter_endpoint(ctx, host).n || provider_by_host(host, NULL) != &llm_unknown;
}

static void on_who(void *ctx, const struct origin *from, struct cover_who *ret)
{
	struct meter *m = ctx;
	struct subject s;
	struct owner owner;

	(void)!facts_subject(m->facts, from, &s);
	map_find(m->map, &s, NULL, NULL, &owner);
	ret->exe = s.exe;
	ret->path = s.cgroup;
	ret->team = owner.team;
	ret->library = facts_library_of(m->facts, from);
}

int meter_cover(struct meter *m)
{
	struct cover_opts o = { m->board, on_llm, on_who, m };
	int r = cover_new(&o, &m->cover);

	return r < 0 ? log_err(r, "cannot follow coverage") : 0;
}

void meter_socket(void *ctx, const struct abi_sock *s, struct str hello)
{
	struct meter *m = ctx;

	cover_sock(m->cover, s, hello, clock_utc_ns() - clock_boot_ns());
}

void meter_unread(void *ctx, const struct chunk *c)
{
	struct meter *m = ctx;

	if (c->from.target)
		proof_chunk(m->board, c, clock_utc_ns() - clock_boot_ns());
}

int meter_chunk(void *ctx, const struct chunk *c)
{
	struct meter *m = ctx;

	if (c->from.target)
		proof_chunk(m->board, c, clock_utc_ns() - clock_boot_ns());
	cover_chunk(m->cover, c);
	return chunk_put(pipeline_inlet(m->pipeline), c);
}
