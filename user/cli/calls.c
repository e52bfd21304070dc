#include <stdio.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/obj.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/show.h"
#include "report/query.h"

#define PAGE      1000   /* rows asked for at once */
#define TAIL_ROWS 10     /* shown before following */
#define FOLLOW_US 300000 /* between two questions */

enum shape {
	SHAPE_TEXT,
	SHAPE_TIME,
	SHAPE_USD,
	SHAPE_IN,
	SHAPE_OUT,
	SHAPE_ID,
	SHAPE_MODEL,
	SHAPE_LIST
};

static const struct column {
	const char *title, *key;
	enum shape shape;
	bool narrow; /* in the plain table, too */
} columns[] = {
	{ "TIME", "ts_start", SHAPE_TIME, true },
	{ "ID", "id", SHAPE_ID, true },
	{ "KIND", "kind", SHAPE_TEXT, true },
	{ "TEAM", "team", SHAPE_TEXT, true },
	{ "CGROUP", "cgroup", SHAPE_TEXT, true },
	{ "COMM", "comm", SHAPE_TEXT, false },
	{ ">PID", "pid", SHAPE_TEXT, false },
	{ "PROVIDER", "provider", SHAPE_TEXT, false },
	{ "SERVER ADDRESS", "server_address", SHAPE_TEXT, false },
	{ "OPERATION", "operation", SHAPE_TEXT, false },
	{ "MODEL", "model_served", SHAPE_MODEL, true },
	{ "STREAM", "stream", SHAPE_TEXT, false },
	{ ">HTTP STATUS", "http_status", SHAPE_TEXT, false },
	{ "OUTCOME", "outcome", SHAPE_TEXT, true },
	{ ">INPUT TOKENS", "in_", SHAPE_IN, true },
	{ ">OUTPUT TOKENS", "out_", SHAPE_OUT, true },
	{ ">COST USD", "cost_usd", SHAPE_USD, true },
	{ "USAGE SOURCE", "usage_source", SHAPE_TEXT, false },
	{ "BILLING", "billing", SHAPE_TEXT, false },
	{ ">EQUIVALENT USD", "equivalent_cost_usd", SHAPE_USD, false },
	{ ">REPORTED USD", "reported_cost_usd", SHAPE_USD, false },
	{ "CONTRACT", "contract", SHAPE_TEXT, false },
	{ "FLAGS", "flags", SHAPE_LIST, false },
	{ "PAID BY", "paid_by", SHAPE_TEXT, false },
	{ "JOINED TO", "joined_to", SHAPE_ID, false },
	{ "RETRY OF", "retry_of", SHAPE_ID, false },
	{ "WHY", "why", SHAPE_TEXT, true },
};

struct listing { /* one run of the command */
	const struct cli *cli;
	struct table *table; /* NULL: lines are printed as they come */
	struct buf path;     /* with the filters, without paging; not NUL-terminated */
	uint64_t after;      /* last row seen */
	uint64_t rows;
	bool began; /* something was printed */
};

static bool shown(const struct cli *cli, const struct column *c)
{
	return cli->format != FORMAT_TABLE || c->narrow;
}

static int add_tokens(struct table *t, const json_t *call, const char *head)
{
	const char *name;
	json_t *n;
	uint64_t sum = 0;
	bool any = false;

	json_object_foreach(json_object_get(call, "usage"), name, n)
	{
		if (strncmp(name, head, strlen(head)) != 0)
			continue;
		sum += (uint64_t)json_integer_value(n);
		any = true;
	}
	/* unknown is not zero */
	return any ? table_cell_u64(t, sum) : table_cell(t, NULL);
}

static int add_list(struct table *t, const json_t *list)
{
	_cleanup_(buf_done) struct buf text = { .limit = OPTIONS_PATH };
	const json_t *one;
	size_t i;
	int r = 0;

	json_array_foreach(list, i, one)
	{
		if (r == 0)
			r = buf_printf(&text, "%s%s", i ? " " : "", json_string_value(one));
	}
	if (r == 0 && text.n)
		r = buf_put(&text, '\0');
	return r < 0 ? r : table_cell(t, text.p);
}

static int add_cell(const struct cli *cli, struct table *t, const struct column *c,
		    const json_t *call)
{
	bool people = cli->format == FORMAT_TABLE;
	const char *text = show_str(call, c->key);
	char room[DEC_TEXT];

	switch (c->shape) {
	case SHAPE_TIME: /* to the second where people read */
		snprintf(room, sizeof(room), people ? "%.19s" : "%.40s", text);
		return table_cell(t, room);
	case SHAPE_ID:
		if (!*text)
			return table_cell(t, NULL);
		snprintf(room, sizeof(room), people ? "%.12s" : "%.40s", text);
		return table_cell(t, room);
	case SHAPE_USD:
		return table_cell(t, *text ? show_usd(cli, text, room) : NULL);
	case SHAPE_IN:
	case SHAPE_OUT:
		return add_tokens(t, call, c->key);
	case SHAPE_LIST:
		return add_list(t, json_object_get(call, c->key));
	case SHAPE_MODEL:
		return table_cell(t, *text ? text : show_str(call, "model_requested"));
	default:
		return show_cell(t, json_object_get(call, c->key));
	}
}

static int new_table(const struct cli *cli, struct table **ret)
{
	struct buf names = { .limit = OPTIONS_PATH };
	int r = 0;

	for (size_t i = 0; r == 0 && i < COUNT_OF(columns); i++)
		if (shown(cli, &columns[i]))
			r = buf_printf(&names, "%s%s", names.n ? "," : "", columns[i].title);
	if (r == 0)
		r = buf_put(&names, '\0');
	if (r == 0)
		r = table_new(names.p, ret);
	buf_done(&names);
	return r;
}

/* One record, as its line came. */
static int put_line(struct listing *l, struct str line)
{
	json_t *call;
	int r = 0;

	l->rows++;
	if (!l->table) {
		if (l->cli->format == FORMAT_JSON)
			fputs(l->began ? ",\n" : "{\"calls\": [", stdout);
		l->began = true;
		fwrite(line.p, 1, line.n, stdout);
		if (l->cli->format == FORMAT_JSONL)
			putchar('\n');
		return 0;
	}
	call = json_loadb(line.p, line.n, 0, NULL);
	for (size_t i = 0; r == 0 && i < COUNT_OF(columns); i++)
		if (shown(l->cli, &columns[i]))
			r = add_cell(l->cli, l->table, &columns[i], call);
	json_decref(call);
	return r;
}

static int get_page(struct listing *l, uint64_t limit, bool newest, struct client_answer *ret)
{
	struct buf path = { .limit = OPTIONS_PATH };
	char number[24], after[24];
	int r = buf_add(&path, buf_str(&l->path));

	snprintf(number, sizeof(number), "%llu", (unsigned long long)limit);
	snprintf(after, sizeof(after), "%llu", (unsigned long long)l->after);
	if (r == 0)
		r = client_param(&path, "limit", number);
	if (r == 0 && l->after)
		r = client_param(&path, "after", after);
	if (r == 0 && newest)
		r = client_param(&path, "newest", "1");
	if (r == 0)
		r = buf_put(&path, '\0');
	r = r < 0 ? show_no_memory() : client_fetch(l->cli, path.p, ret);
	buf_done(&path);
	return r;
}

/* Everything booked after l->after, oldest first. */
static int print_all(struct listing *l)
{
	for (;;) {
		struct client_answer a;
		struct str rest, line;
		uint64_t before = l->rows;
		int r = get_page(l, PAGE, false, &a);

		if (r != CLI_OK)
			return r;
		rest = buf_str(&a.body);
		while (r == 0 && str_cut(&rest, &line, '\n'))
			r = put_line(l, line);
		l->after = MAX(l->after, a.next);
		buf_done(&a.body);
		if (r < 0)
			return show_no_memory();
		if (l->rows - before < PAGE)
			return CLI_OK;
	}
}

struct pile { /* pages that came newest first, to be printed the other way round */
	size_t count;
	struct buf *page;
};

static void pile_done(struct pile *p)
{
	while (p->count)
		buf_done(&p->page[--p->count]);
	mem_free(p->page);
	p->page = NULL;
}

static int pile_add(struct pile *p, struct buf *page)
{
	struct buf *grown = mem_grow(p->page, p->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->page = grown;
	p->page[p->count++] = *page;
	*page = (struct buf){ .limit = page->limit };
	return 0;
}

static size_t count_lines(struct str s)
{
	struct str line;
	size_t n = 0;

	while (str_cut(&s, &line, '\n'))
		n++;
	return n;
}

static int print_backwards(struct listing *l, struct str page)
{
	int r = 0;

	while (r == 0 && page.n) {
		size_t end = page.n - 1, begin = end;

		while (begin && page.p[begin - 1] != '\n')
			begin--;
		r = put_line(l, (struct str){ page.p + begin, end - begin });
		page.n = begin;
	}
	return r;
}

/* The last `limit` calls, oldest first; l->after is of no use behind it. */
static int print_last(struct listing *l, uint64_t limit)
{
	struct pile pile = { 0 };
	uint64_t got = 0;
	int r = CLI_OK;

	while (r == CLI_OK && got < limit) {
		struct client_answer a;
		size_t n;

		r = get_page(l, MIN(limit - got, (uint64_t)PAGE), true, &a);
		if (r != CLI_OK)
			break;
		n = count_lines(buf_str(&a.body));
		l->after = a.next;
		got += n;
		if (n && pile_add(&pile, &a.body) < 0)
			r = show_no_memory();
		buf_done(&a.body);
		if (n < PAGE)
			break;
	}
	for (size_t i = pile.count; i-- > 0 && r == CLI_OK;)
		if (print_backwards(l, buf_str(&pile.page[i])) < 0)
			r = show_no_memory();
	pile_done(&pile);
	return r;
}

static int end_listing(struct listing *l)
{
	if (l->table)
		return table_print(l->table, l->cli, stdout) < 0 ? show_no_memory() : CLI_OK;
	if (l->cli->format == FORMAT_JSON)
		fputs(l->began ? "]}\n" : "{\"calls\": []}\n", stdout);
	return fflush(stdout) == 0 ? CLI_OK : CLI_ERROR;
}

/* The row after which nothing is booked yet. */
static int newest_row(struct listing *l, uint64_t *ret)
{
	struct client_answer a;
	int r;

	l->after = 0;
	r = get_page(l, 1, true, &a);
	if (r != CLI_OK)
		return r;
	*ret = a.next;
	buf_done(&a.body);
	return CLI_OK;
}

static int follow(struct listing *l)
{
	struct cli plain = *l->cli;

	plain.no_header = true;
	for (;;) {
		int r = print_all(l);

		if (r == CLI_OK && l->table && table_rows(l->table)) {
			if (table_print(l->table, l->began ? &plain : l->cli, stdout) < 0)
				return CLI_ERROR;
			l->began = true;
			table_free(&l->table);
			if (new_table(l->cli, &l->table) < 0)
				return show_no_memory();
		}
		/* the reader of a pipe may be gone */
		if (r != CLI_OK || fflush(stdout) != 0 || ferror(stdout))
			return r;
		usleep(FOLLOW_US);
	}
}

/* A time relative to now means one moment, not another one for each page. */
static int fix_time(const char *option, const char **text, char room[CLOCK_TEXT])
{
	uint64_t ns;

	if (!*text)
		return CLI_OK;
	if (query_time(str_of(*text), clock_utc_ns(), &ns) < 0)
		return cli_usage("calls",
				 "calls: %s: '%s' is no time: use RFC 3339, a date, or 30m, "
				 "12h, 7d",
				 option, *text);
	*text = clock_text(ns, room).p;
	return CLI_OK;
}

static int run_listing(struct listing *l, const char *limit, bool following)
{
	uint64_t n = TAIL_ROWS, start = 0;
	int r = CLI_OK;

	if (limit && str_u64(str_of(limit), &n) < 0)
		return cli_usage("calls", "calls: --limit takes a whole number");
	if (following) {
		if (l->cli->format == FORMAT_JSON)
			return cli_usage("calls",
					 "calls: a list without end is no JSON: use -o jsonl");
		r = newest_row(l, &start);
		l->after = 0;
	}
	if (r == CLI_OK && (limit || following))
		r = print_last(l, n);
	else if (r == CLI_OK)
		r = print_all(l);
	if (r != CLI_OK || !following)
		return r == CLI_OK ? end_listing(l) : r;
	l->after = start;
	return follow(l);
}

int calls_main(const struct cli *cli, int argc, char **argv)
{
	const char *since = NULL, *until = NULL, *team = NULL, *cgroup = NULL, *model = NULL;
	const char *provider = NULL, *kind = NULL, *limit = NULL;
	bool following = false;
	const struct option_row rows[] = {
		{ "since", 0, &since, NULL, "since" },
		{ "until", 0, &until, NULL, "until" },
		{ "team", 0, &team, NULL, "team" },
		{ "cgroup", 0, &cgroup, NULL, "cgroup" },
		{ "model", 0, &model, NULL, "model" },
		{ "provider", 0, &provider, NULL, "provider" },
		{ "kind", 0, &kind, NULL, "kind" },
		{ "limit", 0, &limit, NULL, NULL },
		{ "follow", 'f', NULL, &following, NULL },
	};
	struct listing l = { .cli = cli, .path.limit = OPTIONS_PATH };
	char since_room[CLOCK_TEXT], until_room[CLOCK_TEXT];
	int words, r = options_take(rows, COUNT_OF(rows), argc, argv, &words);

	if (r == CLI_OK && words == 1 && strcmp(argv[1], "tail") == 0)
		following = true;
	else if (r == CLI_OK && words)
		return cli_usage("calls", "calls: takes no '%s'", argv[1]);
	if (r == CLI_OK)
		r = fix_time("--since", &since, since_room);
	if (r == CLI_OK)
		r = fix_time("--until", &until, until_room);
	if (r != CLI_OK)
		return r;
	if (buf_add(&l.path, S("/v1/calls?format=jsonl")) < 0 ||
	    options_params(rows, COUNT_OF(rows), &l.path) < 0 ||
	    (!show_as_json(cli) && new_table(cli, &l.table) < 0))
		r = show_no_memory();
	else
		r = run_listing(&l, limit, following);
	table_free(&l.table);
	buf_done(&l.path);
	return r;
}
