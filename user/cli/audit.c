#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/limit.h"
#include "base/log.h"
#include "base/names.h"
#include "cli/audit.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "report/record.h"

static const char help[] =
	"usage: submeter audit [OPTIONS] FILE...\n"
	"\n"
	"Prices saved traffic through the same code as live traffic. No root, no daemon.\n"
	"Prints one record per exchange, in order, also for those that are not inference; for a\n"
	"file of batch results one per result, too.\n"
	"\n"
	"  --format har|exchanges  HAR 1.2, or one JSON exchange a line; default: har, and "
	"exchanges\n"
	"                          for a name that ends in .jsonl\n"
	"  --prices FILE           another price book on top of the shipped one; may be repeated\n"
	"  --at TIME               when exchanges took place that do not say so; default: now\n"
	"  --cut SEED              cut the bytes at random places first (the result is the same)\n"
	"  -o table|json|jsonl|csv\n"
	"\n"
	"Exit status: 0, 1 when an exchange could not be read (the others are printed).\n";

enum { PROGRESS_EVERY = 50 };

struct audit {
	const struct cli *cli;
	const char *format; /* --format, or NULL */
	uint64_t at_ns, seed;
	struct book *book;
	struct audit_meter *meter;
	struct table *table;
	struct buf record;
	size_t done, failed, priced, unpriced;
	__int128 cost_pico;
	bool progress, har;
};

/* ---- what is printed -------------------------------------------------------------------------------- */

static int cell(struct audit *a, struct str s)
{
	char text[LIMIT_MODEL_TEXT + 1];
	size_t n = MIN(s.n, sizeof(text) - 1);

	memcpy(text, s.p ? s.p : "", n);
	text[n] = 0;
	return table_cell(a->table, text);
}

static uint64_t tokens(const struct leaves *l, int from, int to)
{
	uint64_t sum = 0;

	for (int i = from; i <= to; i++)
		sum += l->n[i];
	return sum;
}

static int cell_tokens(struct audit *a, const struct leaves *l, int from, int to)
{
	return l->has ? table_cell_u64(a->table, tokens(l, from, to)) : table_cell(a->table, "");
}

static int row(struct audit *a, const struct posting *p)
{
	const struct charge *c = p->charge;
	const struct usage *u = c->usage;
	bool priced = c->billing == BILLING_METERED || c->billing == BILLING_FREE;
	char cost[DEC_TEXT], status[16] = "";
	int r;

	if (u->status >= 0)
		snprintf(status, sizeof(status), "%d", u->status);
	r = p->source_id.n ? cell(a, p->source_id) : table_cell_u64(a->table, a->done + 1);
	if (r == 0)
		r = table_cell(a->table, names_kind[u->kind]);
	if (r == 0)
		r = cell(a, u->provider);
	if (r == 0)
		r = cell(a, u->model_served.n ? u->model_served : u->model_requested);
	if (r == 0)
		r = table_cell(a->table, status);
	if (r == 0)
		r = cell_tokens(a, &u->used, LEAF_IN_TEXT, LEAF_IN_TOOL);
	if (r == 0)
		r = cell_tokens(a, &u->used, LEAF_OUT_TEXT, LEAF_OUT_CITATION);
	if (r == 0)
		r = table_cell(a->table, names_source[u->source]);
	if (r == 0)
		r = priced ? cell(a, dec_text(c->pico, cost)) : table_cell(a->table, "");
	return r < 0 ? r : table_cell(a->table, names_why_words[c->why]);
}

static int print_record(struct audit *a, const struct posting *p)
{
	bool list = a->cli->format == FORMAT_JSON;
	int r;

	buf_reset(&a->record);
	r = record_json(p, &a->record);
	if (r < 0)
		return r;
	if (list)
		fputs(a->done ? ",\n" : "[\n", stdout);
	fwrite(a->record.p, 1, a->record.n, stdout);
	if (!list)
		putchar('\n');
	return ferror(stdout) ? -EIO : 0;
}

static int on_posting(void *ctx, const struct posting *p)
{
	struct audit *a = ctx;
	const struct charge *c = p->charge;
	int r;

	r = a->table ? row(a, p) : print_record(a, p);
	if (c->billing == BILLING_METERED) {
		a->cost_pico += c->pico;
		a->priced++;
	} else if (c->usage->kind == KIND_INFERENCE && c->billing == BILLING_UNPRICED) {
		a->unpriced++;
	}
	a->done++;
	return r;
}

static int print_end(struct audit *a)
{
	char cost[DEC_TEXT], words[96];
	int r = 0;

	if (a->cli->format == FORMAT_JSON)
		puts(a->done ? "\n]" : "[]");
	if (!a->table)
		return 0;
	snprintf(words, sizeof(words), "%zu calls, %zu priced, %zu unpriced", a->done, a->priced,
		 a->unpriced);
	table_totals(a->table);
	r = table_cell(a->table, words);
	for (int i = 0; r == 0 && i < 7; i++)
		r = table_cell(a->table, "");
	if (r == 0)
		r = cell(a, dec_text(a->cost_pico, cost));
	if (r == 0)
		r = table_cell(a->table, "");
	return r < 0 ? r : table_print(a->table, a->cli, stdout);
}

/* ---- what is read ----------------------------------------------------------------------------------- */

static void make_id(const struct audit_file *f, size_t number, unsigned char ret[CALL_ID])
{
	struct hash h;

	hash_init(&h, NULL, CALL_ID);
	hash_field(&h, S("audit"));
	hash_add(&h, (struct str){ (const char *)f->hash, sizeof(f->hash) });
	hash_u64(&h, number);
	hash_end(&h, ret, CALL_ID);
}

static void bad(struct audit *a, const struct audit_file *f, size_t number, const char *error)
{
	a->failed++;
	log_line(LOG_ERR, 0, "%s:%zu: %s", f->path, number, error);
}

static int begin_file(struct audit *a, const struct audit_file *f)
{
	struct audit_opts o = {
		.book = a->book,
		.key = f->hash, /* so that the same file gives the same fingerprints */
		.at_ns = a->at_ns,
		.seed = a->seed,
		.out = { on_posting, a }
	};

	return audit_meter_new(&o, &a->meter);
}

static int run_exchange(struct audit *a, const struct audit_file *f, size_t number,
			struct audit_exchange *x)
{
	unsigned char id[CALL_ID];
	size_t count = 0;
	int r;

	make_id(f, number, id);
	r = audit_meter_feed(a->meter, x, id, &count);
	if (r == -EBADMSG) {
		bad(a, f, number,
		    "this exchange cannot be said in HTTP: look at method, url, status");
		return 0;
	}
	if (r == 0 && !count)
		bad(a, f, number, "this exchange did not give a record");
	return r;
}

static int on_entry(void *ctx, const struct audit_file *f, size_t number, json_t *doc,
		    const char *error)
{
	struct audit *a = ctx;
	struct audit_exchange x = { 0 };
	int r = a->meter ? 0 : begin_file(a, f);

	if (r < 0)
		return r;
	if (doc)
		r = a->har ? audit_read_har(doc, &x, &error) : audit_read_line(doc, &x, &error);
	if (!doc || r == -EBADMSG) {
		bad(a, f, number, error);
		return 0;
	}
	if (r == 0)
		r = run_exchange(a, f, number, &x);
	audit_exchange_done(&x);
	if (a->progress && a->done % PROGRESS_EVERY == 0)
		fprintf(stderr, "\r%zu exchanges", a->done);
	return r;
}

static int run_file(struct audit *a, const char *path)
{
	struct audit_file f = { .path = path, .entry = on_entry, .ctx = a };
	int r;

	a->har = a->format ? strcmp(a->format, "har") == 0 : !str_ends(str_of(path), S(".jsonl"));
	r = audit_file_run(&f, a->har);
	audit_meter_free(&a->meter);
	if (r < 0) {
		a->failed++;
		return log_err(r, "cannot audit '%s'", path);
	}
	return 0;
}

/* ---- options ---------------------------------------------------------------------------------------- */

static int option(struct audit *a, const char *name, const char *value)
{
	char error[YAML_ERROR];

	if (!value)
		return cli_usage("audit", "%s needs a value", name);
	if (strcmp(name, "--format") == 0) {
		a->format = value;
		return strcmp(value, "har") == 0 || strcmp(value, "exchanges") == 0
			       ? CLI_OK
			       : cli_usage("audit", "--format is har or exchanges");
	}
	if (strcmp(name, "--prices") == 0) {
		if (book_load(a->book, value, error) == 0)
			return CLI_OK;
		log_line(LOG_ERR, 0, "%s", error);
		return CLI_ERROR;
	}
	if (strcmp(name, "--at") == 0)
		return clock_parse(str_of(value), &a->at_ns) == 0
			       ? CLI_OK
			       : cli_usage("audit", "--at is a time, as 2026-11-22T10:00:00Z");
	if (strcmp(name, "--cut") == 0)
		return str_u64(str_of(value), &a->seed) == 0
			       ? CLI_OK
			       : cli_usage("audit", "--cut is a number");
	return cli_usage("audit", "no option %s", name);
}

/* Moves the paths to the front of argv[1..]; *ret_paths says how many. */
static int options(struct audit *a, int argc, char **argv, int *ret_paths)
{
	bool only_paths = false;

	*ret_paths = 0;
	for (int i = 1; i < argc; i++) {
		char *equals = strchr(argv[i], '=');
		int r;

		if (only_paths || strncmp(argv[i], "--", 2) != 0) {
			argv[1 + (*ret_paths)++] = argv[i];
			continue;
		}
		if (!argv[i][2]) {
			only_paths = true;
			continue;
		}
		if (equals) {
			*equals = 0;
			r = option(a, argv[i], equals + 1);
		} else {
			r = option(a, argv[i], argv[i + 1]);
			i++;
		}
		if (r != CLI_OK)
			return r;
	}
	return *ret_paths ? CLI_OK : cli_usage("audit", "name at least one file");
}

static int run(struct audit *a, int paths, char **argv)
{
	int r = 0;

	if (a->cli->format != FORMAT_JSON && a->cli->format != FORMAT_JSONL)
		r = table_new(
			"id,kind,provider,model,>status,>input,>output,source,>cost_usd,reason",
			&a->table);
	for (int i = 1; r >= 0 && i <= paths; i++)
		(void)run_file(a, argv[i]);
	if (a->progress && a->done >= PROGRESS_EVERY)
		fputs("\r                    \r", stderr);
	if (r == 0)
		r = print_end(a);
	if (r == 0 && fflush(stdout) != 0)
		r = -errno;
	if (r < 0)
		log_err(r, "cannot print");
	return r < 0 || a->failed ? CLI_ERROR : CLI_OK;
}

int audit_main(const struct cli *cli, int argc, char **argv)
{
	struct audit a = { .cli = cli,
			   .at_ns = clock_utc_ns(),
			   .record = { .limit = LIMIT_RECORD_BYTES } };
	char error[YAML_ERROR] = "out of memory";
	int r, paths = 0;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		fputs(help, stdout);
		return CLI_OK;
	}
	a.progress = !cli->quiet && isatty(STDERR_FILENO);
	r = book_new(&a.book);
	if (r == 0)
		r = book_add(a.book, book_shipped(), "the shipped price book", error);
	if (r < 0) {
		log_line(LOG_ERR, 0, "%s", error);
		r = CLI_ERROR;
	} else {
		r = options(&a, argc, argv, &paths);
	}
	if (r == CLI_OK)
		r = run(&a, paths, argv);
	table_free(&a.table);
	book_free(&a.book);
	buf_done(&a.record);
	return r;
}
