/* h2talk.h -- HTTP/2 conversations, written step by step: a step is what one side sends at once. */
#ifndef TESTS_H2TALK_H
#define TESTS_H2TALK_H

#include "../kit/make.h"
#include "wiretest.h"

#define OUT        DIR_OUT
#define IN         DIR_IN

#define TALK_STEPS 4096

struct talk {
	struct make_h2 side[2];
	struct buf bytes[2];
	struct talk_step {
		enum flow_dir dir;
		size_t from, n;
	} step[TALK_STEPS];
	size_t steps;
	char text[64][64]; /* values of fields, until the talk is over */
	size_t texts;
};

static void talk_init(struct talk *t)
{
	t->steps = t->texts = 0;
	for (int dir = 0; dir < 2; dir++) {
		t->bytes[dir] = (struct buf){ .limit = 64u << 20 };
		make_h2_init(&t->side[dir], &t->bytes[dir], 4096);
	}
}

static void talk_done(struct talk *t)
{
	for (int dir = 0; dir < 2; dir++) {
		make_h2_done(&t->side[dir]);
		buf_done(&t->bytes[dir]);
	}
}

/* What `dir` has written since its last step becomes one. */
static void talk_step(struct talk *t)
{
	for (int dir = 0; dir < 2; dir++) {
		size_t from = 0;

		for (size_t i = 0; i < t->steps; i++)
			if (t->step[i].dir == (enum flow_dir)dir)
				from = t->step[i].from + t->step[i].n;
		if (t->bytes[dir].n == from)
			continue;
		assert(t->steps < TALK_STEPS);
		t->step[t->steps++] = (struct talk_step){ dir, from, t->bytes[dir].n - from };
	}
}

static struct make_h2 *say(struct talk *t, enum flow_dir dir)
{
	talk_step(t);
	return &t->side[dir];
}

WORLD_UNUSED static void hello(struct talk *t)
{
	make_h2_preface(say(t, OUT));
	make_h2_settings(&t->side[OUT], (const uint32_t[][2]){ { 2, 0 }, { 4, 65535 } }, 2);
	make_h2_settings(say(t, IN), NULL, 0);
	make_h2_ack(say(t, OUT));
	make_h2_ack(say(t, IN));
}

static struct str text(struct talk *t, const char *format, unsigned n)
{
	char *to = t->text[t->texts++ % COUNT_OF(t->text)];

	snprintf(to, sizeof(t->text[0]), format, n);
	return str_of(to);
}

/* A request of stream `id` with that number as its x-request-id. */
static void ask(struct talk *t, uint32_t id, const char *method, struct make_frame how)
{
	struct make_field f[] = {
		{ S(":method"), str_of(method), false },
		{ S(":scheme"), S("https"), false },
		{ S(":authority"), S("h"), false },
		{ S(":path"), text(t, "/%u", id), false },
		{ S("x-request-id"), text(t, "%u", id), false },
		{ S("user-agent"), S("a test that says so each time"), false },
	};

	make_h2_headers(say(t, OUT), id, f, COUNT_OF(f), &how);
}

static void answer(struct talk *t, uint32_t id, const char *status, struct make_frame how)
{
	struct make_field f[] = {
		{ S(":status"), str_of(status), false },
		{ S("content-type"), S("text/plain"), false },
		{ S("x-request-id"), text(t, "%u", id), false },
		{ S("server"), S("a test that says so each time"), false },
	};

	make_h2_headers(say(t, IN), id, f, COUNT_OF(f), &how);
}

WORLD_UNUSED static void data(struct talk *t, enum flow_dir dir, uint32_t id, const char *bytes,
			      struct make_frame how)
{
	make_h2_data(say(t, dir), id, str_of(bytes), &how);
}

WORLD_UNUSED static void block(struct talk *t, enum flow_dir dir, uint32_t id,
			       const char *const (*f)[2], bool end)
{
	struct make_field field[200];
	struct make_frame how = { .end = end };
	size_t n = 0;

	for (; f[n][0]; n++)
		field[n] = (struct make_field){ str_of(f[n][0]), str_of(f[n][1]), false };
	make_h2_headers(say(t, dir), id, field, n, &how);
}

#define BLOCK(t, dir, id, end, ...) \
	block(t, dir, id, (const char *const[][2]){ __VA_ARGS__, { NULL, NULL } }, end)

#define END ((struct make_frame){ .end = true })
#define NOT ((struct make_frame){ .end = false })

/* ---- played ---------------------------------------------------------------------------------- */

#define ALL SIZE_MAX

static void play_step(struct world *w, const struct talk *t, size_t i, size_t cut, bool lost)
{
	const struct talk_step *step = &t->step[i];
	struct str rest = { t->bytes[step->dir].p + step->from, step->n };

	while (rest.n) {
		struct str one = str_head(rest, MIN(cut, 16384));

		(void)!world_chunk(w, step->dir, one, lost);
		rest = str_skip(rest, one.n);
	}
}

WORLD_UNUSED static void play(struct world *w, struct talk *t, size_t cut)
{
	talk_step(t);
	for (size_t i = 0; i < t->steps; i++)
		play_step(w, t, i, cut, false);
}

static const char *why_name(enum why why)
{
	static const char *const names[] = {
		".",
#define WHY(name, words) #name,
#include "tbl/why.h"
#undef WHY
	};

	return names[why];
}

/* "METHOD TARGET ID request-body status ID response-body why"; "~": blurred; a cut is "!WHY" behind its body. */
WORLD_UNUSED static void tell(const struct world *w, struct buf *to)
{
	for (size_t i = 0; i < w->count && i < WORLD_SEEN; i++) {
		const struct seen *s = &w->seen[i];
		char line[512];

		snprintf(line, sizeof(line),
			 "%s%s %s %s " STR_FMT STR_FMT "%s%s > %u%s %s " STR_FMT STR_FMT
			 "%s%s %s%s\n",
			 s->orphan ? "orphan" : s->method, s->blurred[0] ? "~" : "", s->target,
			 s->id[0], STR_ARG(buf_str(&s->body[0])), STR_ARG(buf_str(&s->sent)),
			 s->cut[0] ? "!" : "", s->cut[0] ? why_name(s->cut[0]) : "", s->status,
			 s->blurred[1] ? "~" : "", s->id[1], STR_ARG(buf_str(&s->body[1])),
			 STR_ARG(buf_str(&s->events)), s->cut[1] ? "!" : "",
			 s->cut[1] ? why_name(s->cut[1]) : "", why_name(s->why),
			 s->aborted ? " aborted" : "");
		world_keep(to, str_of(line));
	}
}

#endif
