#include <stdio.h>
#include <sys/socket.h>
#include "app/meter.h"
#include "base/clock.h"
#include "base/log.h"

void meter_learn(struct meter *m)
{
	struct fact f;
	ssize_t n;

	while (m->ended_count < METER_ENDED &&
	       (n = recv(m->world->chan[CHAN_FACT][1], &f, sizeof(f), MSG_DONTWAIT)) > 0) {
		struct str text;

		if (n != (ssize_t)sizeof(f))
			continue;
		text = (struct str){ f.text, strnlen(f.text, sizeof(f.text)) };
		if (f.op == FACT_CGROUP)
			facts_cgroup(m->facts, f.cgroup, text);
		else if (f.op == FACT_PROCESS)
			facts_process(m->facts, f.tgid, f.start_ns, text);
		else if (f.op == FACT_LIBRARY)
			facts_library(m->facts, f.tgid, f.start_ns, text);
		else if (f.op == FACT_STOPPED)
			m->stopped = true, m->stop_mark = ring_mark(m->ring);
		else if (f.op == FACT_ENDED)
			m->ended[m->ended_count++] =
				(struct ended){ f.start_ns, f.tgid, 0, ring_mark(m->ring) };
		else if (f.op == FACT_LET_GO)
			m->ended[m->ended_count++] =
				(struct ended){ 0, 0, f.tgid, ring_mark(m->ring) };
	}
}

/* The probes come back to other connections: these end here, for us. */
static void meter_stopped(struct meter *m)
{
	if (!m->stopped || !ring_passed(m->ring, m->stop_mark))
		return;
	m->stopped = false;
	m->closing = true;
	if (pipeline_flush(m->pipeline, clock_utc_ns()) < 0)
		log_warn(0, "some calls under way could not be closed");
	m->closing = false;
}

void meter_ends(struct meter *m)
{
	size_t kept = 0;

	meter_stopped(m);

	for (size_t i = 0; i < m->ended_count; i++) {
		const struct ended *e = &m->ended[i];
		struct chunk c = {
			.from = { .tgid = e->tgid, .start_ns = e->start_ns, .target = e->target },
			.at_ns = clock_utc_ns(),
			.end = e->target ? END_STOP : END_EXIT,
			.final = { OFF_UNKNOWN, OFF_UNKNOWN }
		};
		int r;

		if (!ring_passed(m->ring, e->mark)) {
			m->ended[kept++] = *e;
			continue;
		}
		r = chunk_put(pipeline_inlet(m->pipeline), &c);
		if (r < 0)
			log_err(r, "calls that are not seen any more could not be closed");
	}
	m->ended_count = kept;
}

static bool team_known(const struct meter *m, struct str team)
{
	if (str_eq(team, S(TEAM_NONE)))
		return true;
	for (size_t i = 0; i < map_teams(m->map); i++)
		if (str_eq(map_team(m->map, i)->id, team))
			return true;
	return false;
}

static struct str field(const char *p, size_t room)
{
	struct str s = { p, strnlen(p, room) };

	return s.n ? s : STR_NONE;
}

static void ask_allocate(struct meter *m, const struct ask *q, struct answer *a)
{
	struct wallet_move move = {
		.team = field(q->team, sizeof(q->team)),
		.reason = field(q->reason, sizeof(q->reason)),
		.key = field(q->key, sizeof(q->key)),
		.actor = field(q->actor, sizeof(q->actor)),
		.pico = q->pico,
	};

	if (!team_known(m, move.team)) {
		a->r = -ENOENT;
		snprintf(a->text, sizeof(a->text),
			 "no team '" STR_FMT
			 "' in the team map: add it there, then reload with SIGHUP",
			 STR_ARG(move.team));
		return;
	}
	a->r = ledger_allocate(m->ledger, &move, a->text);
	if (a->r == -EEXIST)
		snprintf(a->text, sizeof(a->text),
			 "this idempotency key was used for something else");
	else if (a->r < 0)
		snprintf(a->text, sizeof(a->text), "the ledger refused: %s", strerror(-a->r));
}

static void ask_idle(struct meter *m, const struct ask *q, struct answer *a)
{
	struct ring_mark mark = { q->mark[0], q->mark[1] };

	a->open = pipeline_open(m->pipeline);
	a->r = -EAGAIN;
	if (!ring_passed(m->ring, mark) || a->open)
		return;
	if (meter_commit(m) == 0)
		a->r = 0;
}

void meter_answer(struct meter *m)
{
	int fd = m->world->chan[CHAN_ASK][1];
	struct ask q;
	ssize_t n;

	while ((n = recv(fd, &q, sizeof(q), MSG_DONTWAIT)) > 0) {
		struct answer a = { .id = q.id, .r = -EINVAL };
		struct ring_mark mark;

		if (n != (ssize_t)sizeof(q))
			continue;
		switch (q.op) {
		case ASK_MARK:
			mark = ring_mark(m->ring);
			a.mark[0] = mark.data;
			a.mark[1] = mark.ctl;
			a.r = 0;
			break;
		case ASK_IDLE:
			ask_idle(m, &q, &a);
			break;
		case ASK_ALLOCATE:
			ask_allocate(m, &q, &a);
			break;
		case ASK_REPRICE:
			meter_reprice(m, &q, &a);
			break;
		}
		if (send(fd, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			log_warn(-errno, "cannot answer the desk");
	}
}
