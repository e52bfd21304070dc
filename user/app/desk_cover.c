#include "app/desk_cover.h"
#include "base/clock.h"
#include "base/obj.h"
#include "host/unixsock.h"
#include "probe/kernel.h"

#define LOOK(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define TRIES   64

static const struct {
	const char *family, *function, *tried, *finder;
} rows[TLS_COUNT] = {
#define TLS(row, family_, function_, shape, dir, finder_, tried_) \
	[TLS_##row] = { family_, function_, tried_, #finder_ },
#include "tbl/tls.h"
#undef TLS
};

static void key_text(struct jsonw *w, const char *key, const char *p, size_t room)
{
	struct str s = { p, strnlen(p, room) };

	if (s.n)
		jsonw_key_str(w, key, s);
}

static void key_time(struct jsonw *w, const char *key, uint64_t ns)
{
	char text[CLOCK_TEXT];

	if (ns)
		jsonw_key_str(w, key, clock_text(ns, text));
}

/* Nothing is read there; the kernel can be asked who is connected, in our network namespace. */
static void write_unix(const struct conf_list *paths, struct jsonw *w)
{
	jsonw_key(w, "unix");
	jsonw_open(w, '[');
	for (unsigned i = 0; i < paths->count; i++) {
		uint64_t n;

		jsonw_open(w, '{');
		jsonw_key_str(w, "path", str_of(paths->item[i]));
		if (unixsock_count("/proc/net/unix", paths->item[i], &n) == 0)
			jsonw_key_u64(w, "connections", n);
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
}

void desk_sockets(const struct board *b, struct jsonw *w)
{
	const struct board_cover *c = &b->cover;

	jsonw_key(w, "sockets");
	jsonw_open(w, '{');
	jsonw_key(w, "looked_at");
	jsonw_bool(w, !b->no_sockets[0]);
	key_text(w, "why", b->no_sockets, sizeof(b->no_sockets));
	jsonw_key(w, "plaintext");
	jsonw_open(w, '[');
	for (unsigned i = 0; !b->no_sockets[0] && i < b->conf.plaintext.count; i++)
		jsonw_str(w, str_of(b->conf.plaintext.item[i]));
	jsonw_close(w, ']');
	write_unix(&b->conf.unix_paths, w);
	jsonw_close(w, '}');
	jsonw_key(w, "connections");
	jsonw_open(w, '{');
	jsonw_key_u64(w, "llm", LOOK(c->llm));
	jsonw_key_u64(w, "metered", LOOK(c->metered));
	jsonw_key_u64(w, "idle", LOOK(c->idle));
	jsonw_key_u64(w, "unmetered", LOOK(c->unmetered));
	jsonw_key_u64(w, "processes_forgotten", LOOK(c->forgotten));
	jsonw_key_u64(w, "not_followed", LOOK(c->refused));
	jsonw_close(w, '}');
}

/* A copy that the meter did not change meanwhile; false: there is none to be had, or the row is free. */
static bool process_copy(const struct board_process *from, struct board_process *to)
{
	for (int i = 0; i < TRIES; i++) {
		uint32_t version = __atomic_load_n(&from->version, __ATOMIC_ACQUIRE);

		if (version & 1)
			continue;
		memcpy(to, from, sizeof(*to));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (LOOK(from->version) == version)
			return to->first_ns != 0;
	}
	return false;
}

/* Connections with plaintext, by family. */
static void write_seen(const struct board_process *p, struct jsonw *w)
{
	jsonw_key(w, "seen");
	jsonw_open(w, '{');
	for (size_t i = 0; i < TLS_COUNT; i++) {
		uint64_t sum = 0;
		bool first = true;

		for (size_t k = 0; k < TLS_COUNT; k++) {
			if (strcmp(rows[k].family, rows[i].family) != 0)
				continue;
			first &= k >= i;
			sum += p->seen[k];
		}
		if (first && sum)
			jsonw_key_u64(w, rows[i].family, sum);
	}
	jsonw_close(w, '}');
}

static void write_sums(const struct board_process *p, struct jsonw *w)
{
	jsonw_key_u64(w, "llm", p->llm);
	jsonw_key_u64(w, "metered", p->metered);
	jsonw_key_u64(w, "idle", p->idle);
	jsonw_key_u64(w, "unmetered", p->unmetered);
}

static void write_process(const struct board_process *p, struct jsonw *w)
{
	jsonw_open(w, '{');
	if (p->tgid)
		jsonw_key_u64(w, "pid", p->tgid);
	key_text(w, "comm", p->comm, sizeof(p->comm));
	key_text(w, "exe", p->exe, sizeof(p->exe));
	key_text(w, "cgroup", p->path, sizeof(p->path));
	key_text(w, "team", p->team, sizeof(p->team));
	key_time(w, "first", p->first_ns);
	key_time(w, "last", p->last_ns);
	write_seen(p, w);
	write_sums(p, w);
	if (p->unmetered) {
		key_text(w, "host", p->host, sizeof(p->host));
		key_text(w, "why", p->why, sizeof(p->why));
	}
	jsonw_close(w, '}');
}

static void write_teams(struct board_process *p, size_t count, struct jsonw *w)
{
	jsonw_key(w, "teams");
	jsonw_open(w, '[');
	for (size_t i = 0; i < count; i++) {
		struct board_process sum = p[i];
		bool first = p[i].team[0] != '\0';

		for (size_t k = 0; first && k < i; k++)
			first = strcmp(p[k].team, p[i].team) != 0;
		for (size_t k = i + 1; first && k < count; k++) {
			if (strcmp(p[k].team, p[i].team) != 0)
				continue;
			sum.llm += p[k].llm;
			sum.metered += p[k].metered;
			sum.idle += p[k].idle;
			sum.unmetered += p[k].unmetered;
		}
		if (!first)
			continue;
		jsonw_open(w, '{');
		jsonw_key_str(w, "team", str_of(p[i].team));
		write_sums(&sum, w);
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
}

static void write_hosts(const struct board *b, struct jsonw *w)
{
	uint32_t count =
		MIN(__atomic_load_n(&b->host_count, __ATOMIC_ACQUIRE), (uint32_t)BOARD_HOSTS);

	jsonw_key(w, "hosts");
	jsonw_open(w, '[');
	for (uint32_t i = 0; i < count; i++) {
		const struct board_host *h = &b->host[i];
		struct board_process sum = { .llm = LOOK(h->llm),
					     .metered = LOOK(h->metered),
					     .idle = LOOK(h->idle),
					     .unmetered = LOOK(h->unmetered) };

		jsonw_open(w, '{');
		key_text(w, "host", h->name, sizeof(h->name));
		write_sums(&sum, w);
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
}

static void write_untried(struct jsonw *w)
{
	jsonw_key(w, "untried");
	jsonw_open(w, '[');
	for (size_t i = 0; i < TLS_COUNT; i++) {
		if (rows[i].tried[0])
			continue;
		jsonw_open(w, '{');
		jsonw_key_str(w, "family", str_of(rows[i].family));
		if (rows[i].function[0])
			jsonw_key_str(w, "function", str_of(rows[i].function));
		jsonw_key_str(w, "finder", str_of(rows[i].finder));
		jsonw_close(w, '}');
	}
	jsonw_close(w, ']');
}

void desk_cover(const struct board *b, struct jsonw *w)
{
	struct board_process *p = mem_zero(BOARD_PROCESSES, sizeof(*p));
	size_t count = 0;

	if (!p)
		return;
	for (size_t i = 0; i < BOARD_PROCESSES; i++)
		count += process_copy(&b->process[i], &p[count]);
	jsonw_key(w, "processes");
	jsonw_open(w, '[');
	for (size_t i = 0; i < count; i++)
		write_process(&p[i], w);
	jsonw_close(w, ']');
	for (size_t i = 0; i < count; i++)
		p[i].team[sizeof(p[i].team) - 1] = '\0';
	write_teams(p, count, w);
	write_hosts(b, w);
	mem_free(p);
	write_untried(w);
}
