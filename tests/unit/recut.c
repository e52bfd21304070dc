/* recut -- recorded exchanges said anew in every framing and content coding, cut anywhere, against the plain form.
 *
 *   recut [ROUNDS [SEED [EXCHANGE]]]
 *
 * Each exchange of corpus/dev goes through the whole pipeline as it was recorded, and ROUNDS times for each framing and each
 * coding of the answer as chance has it (kit/talk.h), alone or beside others on one connection. The call record must be the same
 * every time, as text, whole but for `id`, which names the connection. Nothing may be skipped, nothing may stay open.
 *
 * A failure says SEED and EXCHANGE; with both given the same bytes come again. Without ROUNDS one form of each is tried. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "app/pipeline.h"
#include "base/limit.h"
#include "base/obj.h"
#include "cli/audit.h"
#include "report/record.h"
#include "../kit/talk.h"

enum {
	MOST = 4096,
	HEAD_FIELDS = 64,
	BESIDE = 6,
	SMALL = 20000,
	WORKERS = 2,
	SHOWN = 4,
	BEFORE = 40,
	WIDTH = 200
};

#define START_NS UINT64_C(1795305600000000000)
#define END_NS   UINT64_C(1795305603000000000)

struct exchange_text {
	json_t *doc; /* its texts are borrowed */
	struct audit_exchange x;
	struct buf head[2]; /* as recorded, up to the empty line; names in lower case */
	struct buf plain;   /* the answer's body, where it was recorded in a coding */
	struct make_field field[2][HEAD_FIELDS];
	struct talk_exchange talk;
	struct buf record; /* of the plain form */
};

struct shared { /* by the workers */
	size_t next, runs[TALK_FRAMINGS], failed[TALK_FRAMINGS], bytes, postings;
};

struct recut {
	struct exchange_text *all[MOST];
	size_t count, small[MOST], smalls;
	const struct book *book;
	size_t rounds;
	uint64_t seed;
	struct str only;
	struct shared *shared;
	/* a worker's */
	struct counters counters;
	struct pipeline *pipeline;
	uint64_t gen, fed, parsed, skipped;
	bool ignored;
	/* the connection under way */
	struct talk_exchange *talk;
	struct buf got[TALK_MOST];
	size_t talks;
	bool stray; /* a call that nobody made */
};

/* ---- the pipeline and what comes out of it ----------------------------------------------------------- */

static struct str no_id(void *ctx, const struct origin *from)
{
	(void)ctx;
	(void)from;
	return STR_NONE;
}

static void no_facts(void *ctx, const struct origin *from, struct subject *ret)
{
	(void)ctx;
	(void)from;
	*ret = (struct subject){ 0 };
}

static void parsed(void *ctx, const struct origin *from, uint64_t bytes)
{
	(void)from;
	((struct recut *)ctx)->parsed += bytes;
}

static void skipped(void *ctx, const struct origin *from, int skip, uint64_t bytes)
{
	(void)from;
	(void)skip;
	((struct recut *)ctx)->skipped += bytes;
}

static void ignore(void *ctx, const struct origin *from, enum skip reason)
{
	(void)from;
	(void)reason;
	((struct recut *)ctx)->ignored = true;
}

static int feed(void *ctx, const struct chunk *c)
{
	struct recut *t = ctx;

	t->fed += c->bytes.n;
	return chunk_put(pipeline_inlet(t->pipeline), c);
}

/* Records are told apart by where their request began; a call may have several. */
static int on_posting(void *ctx, const struct posting *in)
{
	struct recut *t = ctx;
	const struct usage *u = in->charge->usage;
	struct posting p = *in;

	memset(p.id, 0, sizeof(p.id));
	for (size_t i = 0; i < t->talks; i++) {
		if (t->talk[i].off != u->off)
			continue;
		assert(record_json(&p, &t->got[i]) == 0);
		make_add(&t->got[i], S(" request "));
		make_add(&t->got[i], u->request_hash);
		make_add(&t->got[i], S("\n"));
		return 0;
	}
	t->stray = true;
	return 0;
}

static void pipeline_start(struct recut *t)
{
	struct pipeline_opts o = { .counters = &t->counters,
				   .alone = true,
				   .book = t->book,
				   .team = { .saved = true, .facts = no_facts, .source_id = no_id },
				   .parsed = parsed,
				   .skipped = skipped,
				   .ignore = ignore,
				   .ctx = t };

	for (size_t i = 0; i < TALK_MOST; i++)
		t->got[i].limit = 4 * LIMIT_RECORD_BYTES;
	assert(pipeline_new(&o, (struct posting_sink){ on_posting, t }, &t->pipeline) == 0);
}

static void connection_start(struct recut *t, struct talk_exchange *x, size_t count)
{
	t->gen++;
	t->talk = x;
	t->talks = count;
	t->fed = t->parsed = t->skipped = 0;
	t->ignored = t->stray = false;
	for (size_t i = 0; i < count; i++)
		buf_reset(&t->got[i]);
}

/* What is wrong whatever was said; NULL: nothing. */
static const char *connection_trouble(struct recut *t, int r)
{
	if (r < 0)
		return strerror(-r);
	if (t->ignored)
		return "the connection was ignored";
	if (t->skipped || t->parsed != t->fed)
		return "bytes were skipped";
	if (t->stray)
		return "a call that nobody made";
	return pipeline_open(t->pipeline) ? "a call stayed open" : NULL;
}

/* ---- exchanges as recorded --------------------------------------------------------------------------- */

static void read_head(struct exchange_text *e, enum flow_dir dir, struct buf *whole)
{
	struct talk_side *side = &e->talk.side[dir];
	const char *end = memmem(whole->p, whole->n, "\r\n\r\n", 4);
	struct str rest = { whole->p, (size_t)(end - whole->p) + 2 }, line, name;

	assert(end && str_cut(&rest, &line, '\n'));
	if (dir == DIR_OUT)
		assert(str_cut(&line, &e->talk.method, ' ') &&
		       str_cut(&line, &e->talk.target, ' '));
	side->field = e->field[dir];
	side->body_less = true;
	while (str_cut(&rest, &line, '\n')) {
		struct make_field *f = &e->field[dir][side->fields];

		line.n--; /* CR */
		assert(str_cut(&line, &name, ':') && side->fields < HEAD_FIELDS);
		for (size_t i = 0; i < name.n; i++)
			((char *)name.p)[i] |= name.p[i] >= 'A' && name.p[i] <= 'Z' ? 0x20 : 0;
		*f = (struct make_field){ name, str_trim(line), false };
		if (str_eq(name, S("content-length")) || str_eq(name, S("transfer-encoding")))
			side->body_less = false;
		else if (str_eq(name, S("host")))
			e->talk.host = f->value;
		else if (!str_eq(name, S("content-encoding")))
			side->fields++;
	}
	e->head[dir] = *whole;
}

/* Bodies that are still in gzip are said in other codings too. */
static struct str unzipped(struct exchange_text *e, struct str body)
{
	z_stream z = { .next_in = (unsigned char *)body.p, .avail_in = (unsigned)body.n };
	char room[LIMIT_CHUNK_BYTES];
	int r;

	if (!str_starts(body, S("\x1f\x8b")))
		return body;
	assert(inflateInit2(&z, 15 + 16) == Z_OK);
	e->plain.limit = LIMIT_AUDIT_LINE;
	do {
		z.next_out = (unsigned char *)room;
		z.avail_out = sizeof(room);
		r = inflate(&z, Z_NO_FLUSH);
		assert(r == Z_OK || r == Z_STREAM_END);
		make_add(&e->plain, (struct str){ room, sizeof(room) - z.avail_out });
	} while (r != Z_STREAM_END);
	inflateEnd(&z);
	return buf_str(&e->plain);
}

static int plainly(struct recut *t, enum flow_dir dir, uint64_t at_ns, struct str bytes)
{
	struct chunk c = { .from.gen = t->gen, .dir = dir, .at_ns = at_ns };
	int r = 0;

	while (r == 0 && bytes.n) {
		c.bytes = str_head(bytes, LIMIT_CHUNK_BYTES);
		r = feed(t, &c);
		c.off += c.bytes.n;
		bytes = str_skip(bytes, c.bytes.n);
	}
	return r;
}

static void take_exchange(struct recut *t, struct exchange_text *e)
{
	struct buf ask = { .limit = LIMIT_AUDIT_LINE }, answer = { .limit = LIMIT_AUDIT_LINE };
	const char *trouble;
	int r;

	assert(audit_request_bytes(&e->x, &ask) == 0 && audit_answer_bytes(&e->x, &answer) == 0);
	connection_start(t, &e->talk, 1);
	r = plainly(t, DIR_OUT, START_NS, buf_str(&ask));
	if (r == 0)
		r = plainly(t, DIR_IN, END_NS, buf_str(&answer));
	if (r == 0)
		r = feed(t, &(struct chunk){ .from.gen = t->gen,
					     .at_ns = END_NS,
					     .end = END_FREE,
					     .final = { ask.n, answer.n } });
	trouble = connection_trouble(t, r);
	if (!trouble && !t->got[0].n)
		trouble = "no call";
	if (trouble) {
		printf("Bail out! as recorded, " STR_FMT ": %s\n", STR_ARG(e->x.id), trouble);
		exit(1);
	}
	e->record = t->got[0];
	t->got[0] = (struct buf){ .limit = 4 * LIMIT_RECORD_BYTES };
	read_head(e, DIR_OUT, &ask);
	read_head(e, DIR_IN, &answer);
	e->talk.status = (unsigned)e->x.status;
	e->talk.side[DIR_OUT].body = buf_str(&e->x.ask);
	e->talk.side[DIR_IN].body = unzipped(e, buf_str(&e->x.answer));
	if (e->x.ask.n + e->x.answer.n < SMALL)
		t->small[t->smalls++] = t->count;
	t->all[t->count++] = e;
}

static int on_entry(void *ctx, const struct audit_file *f, size_t number, json_t *doc,
		    const char *error)
{
	struct recut *t = ctx;
	struct exchange_text *e = mem_zero(1, sizeof(*e));

	(void)f;
	assert(e && t->count < MOST);
	if (!doc || audit_read_line(doc, &e->x, &error) < 0) {
		printf("Bail out! line %zu: %s\n", number, error);
		exit(1);
	}
	if (e->x.status < 200) { /* never answered */
		audit_exchange_done(&e->x);
		mem_free(e);
		return 0;
	}
	e->doc = json_incref(doc);
	take_exchange(t, e);
	return 0;
}

/* ---- one connection ------------------------------------------------------------------------------------ */

static void complain(struct recut *t, const char *framing, const struct exchange_text *e,
		     const char *trouble)
{
	fprintf(stderr, "# %s, SEED %" PRIu64 ", EXCHANGE " STR_FMT ": %s\n", framing, t->seed,
		STR_ARG(e->x.id), trouble);
}

/* Where two records begin to differ. */
static void show(const struct exchange_text *e, const struct buf *got)
{
	size_t n = 0, from;

	while (n < got->n && n < e->record.n && got->p[n] == e->record.p[n])
		n++;
	from = n > BEFORE ? n - BEFORE : 0;
	fprintf(stderr,
		"# the record of " STR_FMT "\n#   want ... " STR_FMT "\n#   got  ... " STR_FMT "\n",
		STR_ARG(e->x.id), STR_ARG(str_head(str_skip(buf_str(&e->record), from), WIDTH)),
		STR_ARG(str_head(str_skip(buf_str(got), from), WIDTH)));
}

static struct talk_exchange said(uint64_t *seed, const struct exchange_text *e,
				 enum make_coding answer)
{
	struct talk_exchange x = e->talk;

	if (!x.side[DIR_IN].body_less)
		x.side[DIR_IN].coding = answer;
	if (x.side[DIR_OUT].body.n)
		x.side[DIR_OUT].coding = make_below(seed, MAKE_CODINGS);
	return x;
}

/* One connection that carries this exchange, and perhaps others. */
static void one_run(struct recut *t, size_t at, enum talk_framing framing, enum make_coding coding,
		    uint64_t seed)
{
	static const char *const names[TALK_FRAMINGS] = { "length", "chunked", "until close",
							  "HTTP/2" };
	struct exchange_text *who[TALK_MOST] = { t->all[at] };
	struct talk_exchange x[TALK_MOST];
	struct talk how = { { feed, t }, framing, t->gen + 1, seed, { START_NS, END_NS } };
	size_t count = make_chance(&seed, 30) ? 2 + make_below(&seed, BESIDE) : 1;
	size_t place = make_below(&seed, count);
	const struct exchange_text *wrong = NULL;
	const char *trouble;

	for (size_t i = 0; i < count; i++) {
		who[i] = i == place ? t->all[at] : t->all[t->small[make_below(&seed, t->smalls)]];
		x[i] = said(&seed, who[i], i == place ? coding : make_below(&seed, MAKE_CODINGS));
	}
	connection_start(t, x, count);
	trouble = connection_trouble(t, talk_run(&how, x, count));
	for (size_t i = 0; i < count && !trouble; i++) {
		if (!str_eq(buf_str(&t->got[i]), buf_str(&who[i]->record))) {
			trouble = "another record";
			wrong = who[i];
			place = i;
		}
	}
	__atomic_fetch_add(&t->shared->runs[framing], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&t->shared->bytes, t->fed, __ATOMIC_RELAXED);
	if (!trouble ||
	    __atomic_fetch_add(&t->shared->failed[framing], 1, __ATOMIC_RELAXED) > SHOWN)
		return;
	complain(t, names[framing], t->all[at], trouble);
	if (wrong)
		show(wrong, &t->got[place]);
}

static uint64_t mixed(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t z = seed ^ a << 40 ^ b << 32 ^ c;

	return make_random(&z);
}

static void worker(struct recut *t)
{
	size_t at;

	while ((at = __atomic_fetch_add(&t->shared->next, 1, __ATOMIC_RELAXED)) < t->count) {
		if (t->only.n && !str_eq(t->only, t->all[at]->x.id))
			continue;
		for (unsigned f = 0; f < TALK_FRAMINGS; f++) {
			uint64_t seed = mixed(t->seed, at, f, UINT32_MAX);

			if (!t->rounds)
				one_run(t, at, f, make_below(&seed, MAKE_CODINGS), seed);
			for (size_t i = 0; i < t->rounds * MAKE_CODINGS; i++)
				one_run(t, at, f, i % MAKE_CODINGS, mixed(t->seed, at, f, i));
		}
	}
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static void free_all(struct recut *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct exchange_text *e = t->all[i];

		json_decref(e->doc);
		audit_exchange_done(&e->x);
		buf_done(&e->head[0]);
		buf_done(&e->head[1]);
		buf_done(&e->plain);
		buf_done(&e->record);
		mem_free(e);
	}
	for (size_t i = 0; i < TALK_MOST; i++)
		buf_done(&t->got[i]);
	pipeline_free(&t->pipeline);
}

static bool run_workers(struct recut *t)
{
	bool good = true;
	int status;

	fflush(stdout);
	for (int i = 0; i < WORKERS; i++) {
		pid_t pid = fork();

		assert(pid >= 0);
		if (pid == 0) {
			worker(t);
			free_all(t); /* a leak checker looks at what is left */
			exit(0);
		}
	}
	while (wait(&status) > 0)
		good &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return good;
}

static bool tell(const struct recut *t, bool ran)
{
	static const char *const names[TALK_FRAMINGS] = { "HTTP/1 with lengths", "HTTP/1 chunked",
							  "HTTP/1 until the connection ends",
							  "HTTP/2" };
	bool good = ran;

	printf("1..%d\n", TALK_FRAMINGS + 1);
	printf("%sok 1 - the pipeline lives\n", ran ? "" : "not ");
	for (int f = 0; f < TALK_FRAMINGS; f++) {
		bool ok = t->shared->runs[f] && !t->shared->failed[f];

		printf("%sok %d - %s: %zu of %zu runs differ\n", ok ? "" : "not ", f + 2, names[f],
		       t->shared->failed[f], t->shared->runs[f]);
		good &= ok;
	}
	printf("# %zu exchanges, SEED %" PRIu64 ", %zu MB\n", t->count, t->seed,
	       t->shared->bytes >> 20);
	return good;
}

int main(int argc, char **argv)
{
	static struct recut t;
	const char *folder = getenv("SUBMETER_SHARED");
	_cleanup_(buf_done) struct buf path = { .limit = 4096 };
	_cleanup_(book_free) struct book *book = NULL;
	struct audit_file f = { .entry = on_entry, .ctx = &t };
	char error[YAML_ERROR];
	bool good;

	make_printf(&path, "%s/corpus/dev/exchanges.jsonl%c", folder ? folder : "../shared", 0);
	f.path = path.p;
	if (access(f.path, R_OK) < 0) {
		puts("1..0 # SKIP no corpus/dev");
		return 0;
	}
	t.rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	t.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 4;
	t.only = argc > 3 ? str_of(argv[3]) : STR_NONE;
	t.shared = mmap(NULL, sizeof(*t.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	assert(t.shared != MAP_FAILED && book_new(&book) == 0 &&
	       book_add(book, book_shipped(), "the shipped price book", error) == 0);
	t.book = book;
	pipeline_start(&t);
	assert(audit_file_run(&f, false) == 0);
	good = tell(&t, run_workers(&t));
	free_all(&t);
	return good ? 0 : 1;
}
