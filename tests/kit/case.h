/* case.h -- the case files of tests/cases/: read, turned into the bytes of connections, played through the pipeline, compared.
 *
 * The format is described for its readers in tests/cases/README.md. A case that cannot be read is a mistake of its author: the
 * program says FILE:LINE and ends. */
#ifndef KIT_CASE_H
#define KIT_CASE_H

#include "app/pipeline.h"
#include "base/buf.h"

enum {
	CASE_CONNS = 32,
	CASE_CALLS = 72,
	CASE_GROUPS = 16,
	CASE_PAIRS = 16,
	CASE_OTHERS = 16,
	CASE_TRAILERS = 4
};

/* ---- as written (case_read.c) ------------------------------------------------------------------- */

enum case_speaks { CASE_H1, CASE_H2, CASE_WS };

struct case_conn {
	struct str host;
	enum case_speaks speaks;
	bool plain;       /* came without TLS */
	bool midway;      /* offsets count from the first byte that was not lost */
	bool bare;        /* HTTP/2: no preface and SETTINGS of their own accord */
	unsigned process; /* 1, 2, ... */
	uint64_t obj;
};

struct case_how { /* `with`: how a message is written */
	bool as_is, members, unfinished, priority, plain, binary, padded;
	size_t pad, fragment, continuation;
	struct str coding; /* absent: as the head says */
	struct str trailer[CASE_TRAILERS];
	size_t trailers;
};

enum case_what { CASE_LINE, CASE_FRAME, CASE_END, CASE_WAIT };

struct case_item {
	enum case_what what;
	unsigned line; /* of the file */
	unsigned conn, cgroup;
	uint32_t stream; /* HTTP/2 */
	enum flow_dir dir;
	bool lost;      /* written, but never delivered */
	bool fresh;     /* begins a write: a paragraph of the file */
	unsigned times; /* the line is written so often */
	struct str text;
	unsigned type, flags; /* CASE_FRAME */
	enum flow_end end;    /* CASE_END */
	uint64_t ns;          /* CASE_WAIT */
	struct case_how how;
	/* case_make.c: */
	int message;    /* that it belongs to; -1: none */
	bool head;      /* a line of its head */
	unsigned run;   /* of its body: lines that are written together */
	unsigned write; /* lines of one write have the same */
};

struct case_pair {
	struct str key, value;
};

struct case_call { /* `expect usage` and the lines that go on */
	unsigned line;
	struct str provider, model;
	struct leaves used;
	struct case_pair is[CASE_PAIRS];
	size_t count;
	bool charged;
	int64_t pico, low_pico, high_pico;
};

struct case_file {
	const char *path;
	struct buf source; /* every text below points into it */
	struct str title;
	uint64_t at_ns; /* when it begins */
	struct case_conn conn[CASE_CONNS];
	struct str cgroup[CASE_GROUPS];
	struct case_item *item;
	struct case_call call[CASE_CALLS];
	struct case_pair other
		[CASE_OTHERS]; /* "skipped.NAME", "count.NAME", "limit.NAME": a number or "*" */
	size_t conns, cgroups, items, calls, others;
	bool loose;    /* where a piece begins matters: other cuts give a reason at least */
	bool oversize; /* its numbers fit no text: the bounds of an estimate cannot hold them */
};

struct case_file *case_read(const char *path);
void case_free(struct case_file **c);
_printf_(3, 4) _Noreturn void case_die(const struct case_file *c, unsigned line, const char *format,
				       ...);

/* ---- as bytes (case_make.c, case_body.c, case_frame.c) -------------------------------------------- */

struct case_message; /* head and body, see below */

struct case_act { /* one write or read of a connection; or its end; or time that passes */
	enum case_what what; /* CASE_LINE, CASE_END, CASE_WAIT */
	unsigned conn, cgroup, write;
	enum flow_dir dir;
	bool lost;
	size_t at, n; /* of `bytes` */
	enum flow_end end;
	uint64_t ns;
};

struct case_acts {
	struct buf bytes;
	struct case_act *act;
	size_t count;
	size_t plain; /* bytes of all bodies before coding: what playing it once costs */
	struct case_message **msg;
	size_t msgs;
};

void case_make(struct case_file *c, struct case_acts *ret);
void case_acts_done(struct case_acts *a);

/* Inside. Undoes the escapes; true: the line says that it does not end in a newline. */
bool case_text(struct buf *to, struct str raw);

#define CASE_RUNS 4096

enum case_kind { CASE_TEXT_BODY, CASE_AWS, CASE_GRPC, CASE_SSE, CASE_JSON_LINES };

struct case_message {
	unsigned conn;
	enum flow_dir dir;
	uint32_t stream;
	size_t first, last; /* items */
	bool head_ended, chunked, length_auto;
	unsigned status;
	enum case_kind kind;
	struct str coding, extensions;
	struct case_how how;
	struct buf plain, coded;
	unsigned runs;
	size_t flush[CASE_RUNS], edge[CASE_RUNS]; /* where each run ends in `plain`, in `coded` */
};

void case_body_line(struct case_file *c, struct case_message *m, const struct case_item *i);
void case_body_code(struct case_file *c, struct case_message *m);
struct str case_body_run(const struct case_message *m, unsigned run);

struct case_talk; /* how a connection goes on: HTTP/2 and WebSocket encoders */
struct case_talk *case_talk_new(const struct case_file *c);
void case_talk_free(struct case_talk **t);
/* The preface of a direction, before its first frame; nothing where it was said already. */
void case_talk_preface(struct case_talk *t, unsigned conn, enum flow_dir dir, struct buf *out);
void case_talk_head(struct case_talk *t, const struct case_message *m, struct buf *out);
void case_talk_data(struct case_talk *t, const struct case_message *m, struct str bytes, bool end,
		    struct buf *out);
void case_talk_trailers(struct case_talk *t, const struct case_message *m, struct buf *out);
void case_talk_frame(struct case_talk *t, const struct case_item *i, struct buf *out);
void case_talk_upgrade(struct case_talk *t, const struct case_message *answer);
bool case_talk_upgraded(const struct case_talk *t, unsigned conn);
void case_talk_message(struct case_talk *t, const struct case_item *i, struct buf *out);

/* ---- played (case_play.c) --------------------------------------------------------------------------- */

#define CASE_ALL SIZE_MAX

struct case_way { /* how a case is played; see case_way_whole */
	size_t cut; /* every delivered byte stream is cut before this delivered byte; CASE_ALL: nowhere */
	size_t step;     /* in pieces of at most this many bytes; CASE_ALL */
	size_t lose[2];  /* delivered bytes [0], up to [1], are lost */
	bool midway;     /* offsets count from the first byte that was not lost */
	long fail_after; /* mem_fail_after; negative: never */
};

extern const struct case_way case_way_whole;

struct case_seen { /* one posting, flat; comparable with memcmp */
	uint64_t gen, off;
	enum kind kind;
	enum outcome outcome;
	enum source source;
	enum billing billing;
	enum why why;
	enum later later;
	unsigned flags;
	int status, retry;
	bool stream;
	char provider[32], host[64], operation[32], asked[80], served[80], id[64], request_id[64];
	char tier[64], region[64], session[64], cgroup[64], credential[24], hash[40], raw[256],
		entry[96], match[16], contract[32], reported[48];
	struct leaves used, low, high;
	int64_t pico, low_pico, high_pico;
};

struct case_run { /* zero before its first use */
	struct counters counters;
	uint64_t delivered, lost[CASE_CONNS], parsed, skipped[SKIP_COUNT];
	uint64_t holes; /* lost bytes that a later byte or the end of their connection tells of */
	bool holes_unsure; /* a process ended: what its other connections lost at last nobody knows */
	int first_r;       /* first error that a step returned */
	uint64_t shift[CASE_CONNS][2]; /* where offset 0 lies in what was written */
	bool started;                  /* the pipeline could be made */
	bool failed;                   /* the allocation of fail_after was reached */
	size_t count;
	size_t open;               /* calls still under way after the end: must be 0 */
	const struct case_file *c; /* of the play under way */
	struct case_seen seen[CASE_CALLS];
};

struct case_world; /* price book and keys */
struct case_world *case_world_new(const char *book_path);
void case_world_free(struct case_world **w);
void case_play(const struct case_world *w, const struct case_file *c, const struct case_acts *a,
	       const struct case_way *way, struct case_run *ret);

/* ---- compared (case_check.c): false with a line in `why` --------------------------------------------- */

void case_say(const struct case_run *run, struct buf *to);    /* all that came out */
bool case_books(const struct case_run *run, struct buf *why); /* what holds however it was played */
bool case_expected(const struct case_file *c, const struct case_run *run, struct buf *why);
bool case_same(const struct case_run *whole, const struct case_run *run, struct buf *why);
/* Right numbers or a reason; see tests/cases/README.md. */
bool case_honest(const struct case_run *whole, const struct case_run *run, struct buf *why);

/* Seeds for the fuzz targets: DIR/TARGET/case-NAME... (case_seed.c) */
void case_seeds(const struct case_file *c, const struct case_acts *a, const char *dir);

#endif
