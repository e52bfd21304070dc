/* case_seed.c -- the bytes of a case as inputs of the fuzz targets, in the shape that each says in its first lines. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "case.h"
#include "make.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum { FRAME = 9, HEADERS = 1, PADDED = 8, PRIORITY = 32 };
enum { SEED_LIMIT = 1 << 26, SEED_MOST = 8192, WIRE_MOST = 0xffff, PATH_ROOM = 4096, CUTS = 5 };

struct seeder {
	const struct case_file *c;
	const struct case_acts *a;
	const char *dir;
	unsigned number; /* of the next one of this case */
};

/* `head`: bytes in front of `bytes`. A large one helps no fuzzer. */
static void save(struct seeder *s, const char *target, struct str head, struct str bytes)
{
	const char *slash = strrchr(s->c->path, '/'), *name = slash ? slash + 1 : s->c->path;
	struct buf b = { .limit = SEED_LIMIT };
	char path[PATH_ROOM];
	int fd;

	if (!bytes.n || head.n + bytes.n > SEED_MOST)
		return;
	make_add(&b, head);
	make_add(&b, bytes);
	snprintf(path, sizeof(path), "%s/%s", s->dir, target);
	(void)mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/case-%.*s-%u", s->dir, target, (int)strcspn(name, "."),
		 name, s->number++);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || write(fd, b.p, b.n) != (ssize_t)b.n)
		case_die(s->c, 0, "cannot write %s", path);
	close(fd);
	buf_done(&b);
}

/* wire.c and h2.c, of one connection: a byte of cuts; then (control, two bytes of length, bytes): bit 0 direction, 3 << 1 lost,
 * 8 an end. Which end: wire.c in bits 4 and 5, h2.c in 5 and 6; there bit 4 says that the bytes are no frame's payload, and
 * the preface is not among them. */
static void seed_acts(struct seeder *s, unsigned conn, bool h2)
{
	struct buf to = { .limit = SEED_LIMIT };

	for (size_t i = 0; i < s->a->count; i++) {
		const struct case_act *act = &s->a->act[i];
		struct str bytes = { s->a->bytes.p + act->at, act->n };
		unsigned control = act->dir | (act->lost ? 6 : 0) | (h2 ? 16 : 0);

		if (act->conn != conn || act->n > WIRE_MOST || act->what == CASE_WAIT)
			continue;
		if (act->what == CASE_END)
			control |= 8 | (unsigned)(act->end - END_EOF) % 4 << (h2 ? 5 : 4);
		if (h2 && str_starts(bytes, S(PREFACE)))
			bytes = str_skip(bytes, sizeof(PREFACE) - 1);
		make_number(&to, control, 1);
		make_number(&to, bytes.n & 255, 1);
		make_number(&to, bytes.n >> 8, 1);
		make_add(&to, bytes);
	}
	save(s, h2 ? "h2" : "wire", h2 ? S("\4") : S("\5"), buf_str(&to));
	buf_done(&to);
}

/* hpack.c: cuts, missed; then (two bytes of length, a header block): here the blocks of one direction. */
static void seed_blocks(struct seeder *s, struct str bytes)
{
	struct buf to = { .limit = SEED_LIMIT };

	if (str_starts(bytes, S(PREFACE)))
		bytes = str_skip(bytes, sizeof(PREFACE) - 1);
	while (bytes.n >= FRAME) {
		const unsigned char *h = (const unsigned char *)bytes.p;
		struct str payload = str_head(str_skip(bytes, FRAME),
					      (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2]);

		bytes = str_skip(bytes, FRAME + payload.n);
		if (h[3] != HEADERS || h[4] & (PADDED | PRIORITY))
			continue;
		make_number(&to, payload.n & 255, 1);
		make_number(&to, payload.n >> 8, 1);
		make_add(&to, payload);
	}
	save(s, "hpack", S("\5\1"), buf_str(&to));
	buf_done(&to);
}

static struct str behind_head(struct str s)
{
	for (size_t i = 0; i + 4 <= s.n; i++)
		if (memcmp(s.p + i, "\r\n\r\n", 4) == 0)
			return str_skip(s, i + 4);
	return STR_NONE;
}

/* ws.c: bit 0 the server's, 1 deflate, 2 without takeover; then the frames behind the handshake. */
static void seed_frames(struct seeder *s, unsigned conn, enum flow_dir dir, struct str bytes)
{
	bool deflate = false, fresh = false;
	char head[2] = { (char)dir, CUTS };

	for (size_t i = 0; i < s->a->msgs; i++) {
		const struct case_message *m = s->a->msg[i];

		deflate |= m->conn == conn && m->status == 101 && m->extensions.n;
		fresh |= m->conn == conn && m->extensions.n > sizeof("permessage-deflate; ser");
	}
	head[0] = (char)(head[0] | (deflate ? 2 : 0) | (fresh ? 4 : 0));
	save(s, "ws", (struct str){ head, 2 }, behind_head(bytes));
}

/* One direction of one connection, as it was delivered. http1.c: choices (bit 0: responses), cuts, the stream. */
static void seed_stream(struct seeder *s, unsigned conn, enum flow_dir dir)
{
	char head[2] = { (char)dir, CUTS };
	struct buf to = { .limit = SEED_LIMIT };

	for (size_t i = 0; i < s->a->count; i++) {
		const struct case_act *act = &s->a->act[i];

		if (act->what == CASE_LINE && act->conn == conn && act->dir == dir && !act->lost)
			make_add(&to, (struct str){ s->a->bytes.p + act->at, act->n });
	}
	if (s->c->conn[conn].speaks == CASE_H2)
		seed_blocks(s, buf_str(&to));
	else
		save(s, "http1", (struct str){ head, 2 }, buf_str(&to));
	if (s->c->conn[conn].speaks == CASE_WS)
		seed_frames(s, conn, dir, buf_str(&to));
	buf_done(&to);
}

/* events.c: 0 lines, 1 gRPC, 2 array, 3 AWS. body.c: gzip, deflate, br, zstd. sse.c and json.c: the document alone. */
static void seed_body(struct seeder *s, const struct case_message *m)
{
	static const char *const codings[] = { "gzip", "deflate", "br", "zstd" };
	struct str plain = buf_str(&m->plain);
	char head[2] = { 0, CUTS };

	for (unsigned i = 0; i < COUNT_OF(codings); i++) {
		head[0] = (char)i;
		if (str_ieq(m->how.coding.n ? m->how.coding : m->coding, str_of(codings[i])))
			save(s, "body", (struct str){ head, 2 }, buf_str(&m->coded));
	}
	head[0] = m->kind == CASE_JSON_LINES ? 0
		  : m->kind == CASE_GRPC     ? 1
		  : m->kind == CASE_AWS      ? 3
					     : 2;
	if (m->kind == CASE_SSE)
		save(s, "sse", (struct str){ head + 1, 1 }, plain);
	else if (m->kind != CASE_TEXT_BODY || (plain.n && plain.p[0] == '['))
		save(s, "events", (struct str){ head, 2 }, plain);
}

void case_seeds(const struct case_file *c, const struct case_acts *a, const char *dir)
{
	struct seeder s = { .c = c, .a = a, .dir = dir };

	(void)mkdir(dir, 0777);
	for (unsigned n = 0; n < c->conns; n++) {
		seed_acts(&s, n, false);
		if (c->conn[n].speaks == CASE_H2)
			seed_acts(&s, n, true);
		seed_stream(&s, n, DIR_OUT);
		seed_stream(&s, n, DIR_IN);
	}
	for (size_t n = 0; n < a->msgs; n++)
		seed_body(&s, a->msg[n]);
}
