#include <arpa/inet.h>
#include <stdio.h>
#include "app/cover_text.h"

struct board_host *cover_host_row(struct board *b, const char *name)
{
	uint32_t i;

	for (i = 0; i < b->host_count; i++)
		if (str_ieq(str_of(b->host[i].name), str_of(name)))
			return &b->host[i];
	if (i == BOARD_HOSTS)
		return &b->host[i - 1];
	snprintf(b->host[i].name, sizeof(b->host[i].name), "%s",
		 i + 1 == BOARD_HOSTS ? "(others)" : name);
	__atomic_store_n(&b->host_count, i + 1, __ATOMIC_RELEASE);
	return &b->host[i];
}

void cover_address(const struct abi_sock *s, char *ret, size_t room)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool four = memcmp(s->addr, mapped, sizeof(mapped)) == 0;

	if (!inet_ntop(four ? AF_INET : AF_INET6, s->addr + (four ? 12 : 0), ret, (socklen_t)room))
		ret[0] = '\0';
}

struct str cover_host_of(struct str bytes)
{
	struct str line, name;

	while (str_cut(&bytes, &line, '\n')) {
		if (!str_cut(&line, &name, ':') || !str_ieq(name, S("host")))
			continue;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		line = str_trim(line);
		return str_cut(&line, &name, ':') ? name : line;
	}
	return STR_NONE;
}

static struct str base_name(struct str path)
{
	const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

	return slash ? str_skip(path, (size_t)(slash - path.p) + 1) : path;
}

static const struct board_target *target_of(const struct board *b, struct str path)
{
	uint32_t count =
		MIN(__atomic_load_n(&b->target_count, __ATOMIC_ACQUIRE), (uint32_t)BOARD_TARGETS);

	for (uint32_t i = 0; path.n && i < count; i++)
		if (b->target[i].state != TARGET_GONE && str_eq(str_of(b->target[i].path), path))
			return &b->target[i];
	return NULL;
}

void cover_why(const struct board *b, const struct cover_who *who, uint64_t at_ns, char *ret,
	       size_t room)
{
	const struct board_target *t = target_of(b, who->exe);
	bool known = t && t->state == TARGET_ATTACHED;
	const char *what = "no known TLS function in ";

	if (str_starts(base_name(who->library), S("libjvm")) ||
	    str_eq(base_name(who->exe), S("java"))) {
		snprintf(ret, room, "Java: TLS inside the JVM");
	} else if (str_starts(base_name(who->library), S("libnss3"))) {
		snprintf(ret, room, "NSS is not read");
	} else if (t && t->why[0] && !(known && t->attached_ns > at_ns)) {
		snprintf(ret, room, "%s", t->why);
	} else {
		if (known)
			what = t->attached_ns > at_ns ? "sent before the probes were in "
						      : "nothing came through the probes in ";
		snprintf(ret, room, "%s" STR_FMT, what, (int)MIN(who->exe.n, (size_t)200),
			 who->exe.n ? who->exe.p : "the program");
	}
}
