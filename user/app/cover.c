#include <arpa/inet.h>
#include <stdio.h>
#include <utlist.h>
#include "app/cover.h"
#include "base/limit.h"
#include "base/table.h"
#include "conn/hello.h"
#include "probe/kernel.h"

#define SLIP_NS 10000000ull /* between two readings of the clocks */

struct line { /* a TLS connection, as the kernel knows it */
	uint64_t cookie, at_ns;
	uint64_t spent_ns; /* when a request may have gone; 0 = not yet */
	char *host;
	bool llm, found, closed;
	bool counted; /* as unmetered */
	struct person *of;
	struct line *prev, *next;    /* of its process */
	struct line *before, *after; /* of those that wait for plaintext, by spent_ns */
	UT_hash_handle hh;
};

struct talk { /* a connection, as the probes know it */
	uint64_t gen, at_ns;
	char *host; /* NULL: not told */
	bool found;
	struct person *of;
	struct talk *prev, *next;
	UT_hash_handle hh;
};

struct person { /* a process */
	struct person_key {
		uint64_t start_ns, tgid, cgroup; /* cgroup: only of unknown processes */
	} key;
	struct board_process *row;
	struct line *lines;
	struct talk *talks;
	struct origin from;
	UT_hash_handle hh;
};

struct cover {
	unsigned magic;
#define COVER_MAGIC 0xc0fe0001u
	struct cover_opts o;
	struct person *persons;
	struct line *lines, *waiting;
	struct talk *talks;
	bool used[BOARD_PROCESSES];
};

#define BUMP(c, p, name, by)                                                                     \
	do {                                                                                     \
		__atomic_fetch_add(&(p)->row->name, (uint64_t)(by), __ATOMIC_RELAXED);           \
		__atomic_fetch_add(&(c)->o.board->cover.name, (uint64_t)(by), __ATOMIC_RELAXED); \
	} while (0)

static void refuse(struct cover *c)
{
	__atomic_fetch_add(&c->o.board->cover.refused, 1, __ATOMIC_RELAXED);
}

/* ---- rows on the board ----------------------------------------------------------------------- */

static void row_open(struct board_process *row)
{
	__atomic_store_n(&row->version, row->version | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void row_shut(struct board_process *row)
{
	__atomic_store_n(&row->version, row->version + 1, __ATOMIC_RELEASE);
}

int cover_new(const struct cover_opts *o, struct cover **ret)
{
	struct cover *c = obj_new(c, COVER_MAGIC);

	static_assert(TLS_COUNT <= BOARD_ROWS, "a counter for each");
	if (!c)
		return -ENOMEM;
	c->o = *o;
	/* of a meter before us: what it knew of them is gone */
	for (size_t i = 0; i < BOARD_PROCESSES; i++) {
		struct board_process *row = &o->board->process[i];

		row_open(row);
		*row = (struct board_process){ .version = row->version };
		row_shut(row);
	}
	*ret = c;
	return 0;
}

static void text(char *to, size_t room, struct str s)
{
	snprintf(to, room, STR_FMT, (int)MIN(s.n, room - 1), s.p ? s.p : "");
}

/* Its owner and its program may become known after its first connection. */
static void row_who(struct cover *c, struct person *p, struct cover_who *ret)
{
	struct board_process *row = p->row;

	*ret = (struct cover_who){ 0 };
	c->o.who(c->o.ctx, &p->from, ret);
	row_open(row);
	text(row->exe, sizeof(row->exe), ret->exe);
	text(row->path, sizeof(row->path), ret->path);
	text(row->team, sizeof(row->team), ret->team);
	memcpy(row->comm, p->from.comm, sizeof(row->comm));
	row_shut(row);
}

static struct str base_name(struct str path)
{
	const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

	return slash ? str_skip(path, (size_t)(slash - path.p) + 1) : path;
}

static const char *refused_target(const struct board *b, struct str exe)
{
	uint32_t count =
		MIN(__atomic_load_n(&b->target_count, __ATOMIC_ACQUIRE), (uint32_t)BOARD_TARGETS);

	for (uint32_t i = 0; exe.n && i < count; i++) {
		const struct board_target *t = &b->target[i];

		if (t->why[0] && t->state != TARGET_GONE && str_eq(str_of(t->path), exe))
			return t->why;
	}
	return NULL;
}

/* Why there is no plaintext of it, as well as can be said. */
static void row_why(struct cover *c, struct person *p, const char *host, const char *why)
{
	struct board_process *row = p->row;
	struct cover_who who;
	const char *target;

	row_who(c, p, &who);
	target = refused_target(c->o.board, who.exe);
	row_open(row);
	text(row->host, sizeof(row->host), str_of(host));
	if (why)
		text(row->why, sizeof(row->why), str_of(why));
	else if (str_starts(base_name(who.library), S("libjvm")) ||
		 str_eq(base_name(who.exe), S("java")))
		text(row->why, sizeof(row->why), S("Java: TLS inside the JVM"));
	else if (str_starts(base_name(who.library), S("libnss3")))
		text(row->why, sizeof(row->why), S("NSS is not read"));
	else if (target)
		text(row->why, sizeof(row->why), str_of(target));
	else
		snprintf(row->why, sizeof(row->why), "no known TLS function in " STR_FMT,
			 (int)MIN(who.exe.n, (size_t)200), who.exe.n ? who.exe.p : "the program");
	row_shut(row);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void line_still(struct cover *c, struct line *l)
{
	if (l->before)
		DL_DELETE2(c->waiting, l, before, after);
	l->before = l->after = NULL;
}

static void line_drop(struct cover *c, struct line *l)
{
	line_still(c, l);
	DL_DELETE(l->of->lines, l);
	HASH_DEL(c->lines, l);
	mem_free(l->host);
	mem_free(l);
}

static void talk_drop(struct cover *c, struct talk *t)
{
	DL_DELETE(t->of->talks, t);
	HASH_DEL(c->talks, t);
	mem_free(t->host);
	mem_free(t);
}

static void person_drop(struct cover *c, struct person *p)
{
	struct talk *t, *t_next;
	struct line *l, *l_next;

	DL_FOREACH_SAFE(p->lines, l, l_next)
	line_drop(c, l);
	DL_FOREACH_SAFE(p->talks, t, t_next)
	talk_drop(c, t);
	c->used[p->row - c->o.board->process] = false;
	HASH_DEL(c->persons, p);
	mem_free(p);
}

/* A free row, or that of the process that was quiet longest; one with something unmetered goes last. */
static struct board_process *row_get(struct cover *c)
{
	struct person *p, *next, *oldest = NULL;
	struct board_process *row;

	for (size_t i = 0; i < BOARD_PROCESSES && HASH_COUNT(c->persons) < BOARD_PROCESSES; i++)
		if (!c->used[i])
			return &c->o.board->process[i];
	HASH_ITER (hh, c->persons, p, next)
		if (!oldest || (p->row->unmetered != 0) < (oldest->row->unmetered != 0) ||
		    ((p->row->unmetered != 0) == (oldest->row->unmetered != 0) &&
		     p->row->last_ns < oldest->row->last_ns))
			oldest = p;
	row = oldest->row;
	person_drop(c, oldest);
	__atomic_fetch_add(&c->o.board->cover.forgotten, 1, __ATOMIC_RELAXED);
	return row;
}

static struct person *person_get(struct cover *c, const struct origin *from, uint64_t at_ns)
{
	struct person_key key = { from->start_ns, from->tgid, from->tgid ? 0 : from->cgroup };
	struct board_process *row;
	struct cover_who who;
	struct person *p;
	uint32_t version;

	HASH_FIND(hh, c->persons, &key, sizeof(key), p);
	if (!p) {
		p = mem_zero(1, sizeof(*p));
		if (!p)
			return NULL;
		p->key = key;
		row = p->row = row_get(c);
		HASH_ADD(hh, c->persons, key, sizeof(key), p);
		if (!p->hh.tbl) {
			mem_free(p);
			return NULL;
		}
		p->from = *from;
		c->used[row - c->o.board->process] = true;
		row_open(row);
		version = row->version;
		*row = (struct board_process){ .version = version,
					       .tgid = from->tgid,
					       .start_ns = from->start_ns,
					       .cgroup = from->cgroup,
					       .first_ns = at_ns };
		row_shut(row);
		row_who(c, p, &who);
	}
	p->from = *from;
	p->row->last_ns = MAX(p->row->last_ns, at_ns);
	return p;
}

static bool suits(const struct line *l, const struct talk *t)
{
	/* what was said before there was the connection was said on another */
	return !l->found && !t->found && t->at_ns + SLIP_NS >= l->at_ns &&
	       (!t->host || !l->host || str_ieq(str_of(t->host), str_of(l->host)));
}

static void pair(struct cover *c, struct line *l, struct talk *t)
{
	l->found = t->found = true;
	line_still(c, l);
	if (l->llm)
		BUMP(c, l->of, metered, 1);
	if (l->counted)
		BUMP(c, l->of, unmetered, -1);
	if (l->closed)
		line_drop(c, l);
}

/* ---- from the kernel ------------------------------------------------------------------------- */

static void address(const struct abi_sock *s, char *ret, size_t room)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool four = memcmp(s->addr, mapped, sizeof(mapped)) == 0;

	if (!inet_ntop(four ? AF_INET : AF_INET6, s->addr + (four ? 12 : 0), ret, (socklen_t)room))
		ret[0] = '\0';
}

static bool is_llm(struct cover *c, const char *host, unsigned port)
{
	char full[CONF_TEXT + 8];

	snprintf(full, sizeof(full), "%s:%u", host, port);
	return c->o.llm(c->o.ctx, str_of(host)) || c->o.llm(c->o.ctx, str_of(full));
}

static void line_new(struct cover *c, struct person *p, const struct abi_sock *s, struct str name,
		     uint64_t at_ns)
{
	char addr[INET6_ADDRSTRLEN];
	struct talk *t;
	struct line *l;

	if (HASH_COUNT(c->lines) >= LIMIT_COVER_CONNS) {
		refuse(c);
		line_drop(c, c->lines); /* the oldest: its end may have been lost */
	}
	address(s, addr, sizeof(addr));
	l = mem_zero(1, sizeof(*l));
	if (!l)
		return refuse(c);
	l->cookie = s->cookie;
	l->at_ns = at_ns;
	l->of = p;
	l->host = name.n ? mem_text(name.p, name.n) : mem_text(addr, strlen(addr));
	if (l->host)
		HASH_ADD(hh, c->lines, cookie, sizeof(l->cookie), l);
	if (!l->host || !l->hh.tbl) {
		mem_free(l->host);
		mem_free(l);
		return refuse(c);
	}
	DL_APPEND(p->lines, l);
	l->llm = is_llm(c, l->host, s->port) || (name.n && is_llm(c, addr, s->port));
	if (l->llm)
		BUMP(c, p, llm, 1);
	DL_FOREACH(p->talks, t)
	if (suits(l, t)) {
		pair(c, l, t);
		break;
	}
}

static void line_over(struct cover *c, struct line *l)
{
	l->closed = true;
	if (!l->found && l->spent_ns && !l->counted)
		return; /* its plaintext may be on its way */
	if (!l->spent_ns && !l->found && l->llm)
		BUMP(c, l->of, idle, 1);
	line_drop(c, l);
}

void cover_sock(struct cover *c, const struct abi_sock *s, struct str hello, uint64_t utc_off)
{
	uint64_t cookie = s->cookie, at_ns = s->at_ns + utc_off;
	struct origin from = {
		.cgroup = s->cgroup, .start_ns = s->start_ns, .tgid = s->tgid, .uid = s->uid
	};
	char addr[INET6_ADDRSTRLEN];
	struct person *p;
	struct line *l;

	obj_check(c, COVER_MAGIC);
	memcpy(from.comm, s->comm, sizeof(from.comm));
	HASH_FIND(hh, c->lines, &cookie, sizeof(cookie), l);
	if (l && s->type == ABI_SHUT)
		return line_over(c, l);
	if (l && s->type == ABI_SPENT && !l->spent_ns) {
		l->spent_ns = at_ns;
		if (!l->found)
			DL_APPEND2(c->waiting, l, before, after);
	}
	if (l || (s->type != ABI_HELLO && s->type != ABI_QUIC))
		return;
	p = person_get(c, &from, at_ns);
	if (!p)
		return refuse(c);
	if (s->type == ABI_HELLO)
		return line_new(c, p, s, hello_name(hello), at_ns);
	address(s, addr, sizeof(addr));
	BUMP(c, p, llm, 1);
	BUMP(c, p, unmetered, 1);
	row_why(c, p, addr, "QUIC: the host's name is not visible, and HTTP/3 is not read");
}

/* ---- from the probes ------------------------------------------------------------------------- */

/* The Host of an HTTP/1 request whose head lies in these bytes. */
static struct str host_of(struct str bytes)
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

static void talk_new(struct cover *c, const struct chunk *in)
{
	struct str host = in->dir == DIR_OUT && in->off == 0 ? host_of(in->bytes) : STR_NONE;
	struct person *p = person_get(c, &in->from, in->at_ns);
	struct talk *t = p ? mem_zero(1, sizeof(*t)) : NULL;
	struct line *l;

	if (!t)
		return refuse(c);
	t->gen = in->from.gen;
	t->at_ns = in->at_ns;
	t->host = host.n ? mem_text(host.p, host.n) : NULL;
	t->of = p;
	HASH_ADD(hh, c->talks, gen, sizeof(t->gen), t);
	if (!t->hh.tbl) {
		mem_free(t->host);
		mem_free(t);
		return refuse(c);
	}
	DL_APPEND(p->talks, t);
	t->found = in->from.row == TLS_PLAIN; /* no TLS connection is missing it */
	__atomic_fetch_add(&p->row->seen[in->from.row % BOARD_ROWS], 1, __ATOMIC_RELAXED);
	DL_FOREACH(p->lines, l)
	if (suits(l, t)) {
		pair(c, l, t);
		return;
	}
}

void cover_chunk(struct cover *c, const struct chunk *in)
{
	uint64_t gen = in->from.gen;
	struct talk *t;

	obj_check(c, COVER_MAGIC);
	if (!gen)
		return;
	HASH_FIND(hh, c->talks, &gen, sizeof(gen), t);
	if (t && in->end == END_FREE)
		talk_drop(c, t);
	else if (!t && in->end == END_NONE && in->bytes.n) {
		if (HASH_COUNT(c->talks) >= LIMIT_COVER_CONNS)
			talk_drop(c, c->talks); /* the oldest */
		talk_new(c, in);
	}
}

void cover_tick(struct cover *c, uint64_t clear_ns)
{
	obj_check(c, COVER_MAGIC);
	while (c->waiting && c->waiting->spent_ns + COVER_WAIT_NS <= clear_ns) {
		struct line *l = c->waiting;

		line_still(c, l);
		l->counted = l->llm;
		if (l->llm) {
			BUMP(c, l->of, unmetered, 1);
			row_why(c, l->of, l->host, NULL);
		}
		if (l->closed)
			line_drop(c, l);
	}
}

void cover_free(struct cover **pc)
{
	struct cover *c = obj_take(pc, COVER_MAGIC);
	struct person *p, *next;

	if (!c)
		return;
	HASH_ITER (hh, c->persons, p, next)
		person_drop(c, p);
	mem_free(c);
}
