#include <stdio.h>
#include "cli/client.h"
#include "cli/options.h"
#include "cli/report.h"
#include "cli/show.h"

#define COLUMNS_ROOM 512
#define DATE_TEXT    10 /* 2026-11-22 */
#define SECOND_TEXT  19 /* 2026-11-22T01:02:03 */

static const struct sum {
	const char *key, *title;
	bool money, wide;
} sums[] = {
	{ "requests", "REQUESTS", false, false },
	{ "input_tokens", "INPUT TOKENS", false, false },
	{ "output_tokens", "OUTPUT TOKENS", false, false },
	{ "cost_usd", "COST USD", true, false },
	{ "reserved_usd", "RESERVED USD", true, true },
	{ "estimated_usd", "ESTIMATED USD", true, true },
	{ "unpriced_requests", "UNPRICED REQUESTS", false, true },
	{ "equivalent_usd", "EQUIVALENT USD", true, true },
	{ "shadow_usd", "SHADOW USD", true, true },
};

static bool shown(const struct cli *cli, const struct sum *s)
{
	return cli->format != FORMAT_TABLE || !s->wide;
}

static int make_columns(const struct cli *cli, const char *keys, struct buf *out)
{
	int r = 0;

	for (; r == 0 && *keys; keys++)
		r = *keys >= 'a' && *keys <= 'z' ? buf_put(out, (char)(*keys - 32))
						 : buf_put(out, *keys);
	for (size_t i = 0; r == 0 && i < COUNT_OF(sums); i++)
		if (shown(cli, &sums[i]))
			r = buf_printf(out, "%s>%s", out->n ? "," : "", sums[i].title);
	return r == 0 ? buf_put(out, '\0') : r;
}

static int add_sums(const struct cli *cli, struct table *t, const json_t *row)
{
	char room[DEC_TEXT];
	int r = 0;

	for (size_t i = 0; r == 0 && i < COUNT_OF(sums); i++) {
		if (!shown(cli, &sums[i]))
			continue;
		r = sums[i].money ? table_cell(t, show_usd(cli, show_str(row, sums[i].key), room))
				  : show_cell(t, json_object_get(row, sums[i].key));
	}
	return r;
}

/* The names of the comma list, one after another; "" with an absent value prints as "-". */
static int add_keys(struct table *t, const char *keys, const json_t *row, const char *instead)
{
	struct str rest = str_of(keys), name;
	char text[SHOW_TEXT];
	bool first = true;
	int r = 0;

	while (r == 0 && rest.n) {
		const char *value;

		if (!str_cut(&rest, &name, ',')) {
			name = rest;
			rest = STR_NONE;
		}
		snprintf(text, sizeof(text), STR_FMT, STR_ARG(name));
		value = json_string_value(json_object_get(row, text));
		if (instead)
			value = first ? instead : "";
		r = table_cell(t, value ? value : "-");
		first = false;
	}
	return r;
}

int report_table(const struct cli *cli, const json_t *report, const char *keys, FILE *to)
{
	_cleanup_(buf_done) struct buf columns = { .limit = COLUMNS_ROOM };
	_cleanup_(table_free) struct table *t = NULL;
	const json_t *row;
	size_t i;
	int r = make_columns(cli, keys, &columns);

	if (r == 0)
		r = table_new(columns.p, &t);
	json_array_foreach(json_object_get(report, "rows"), i, row)
	{
		if (r == 0)
			r = add_keys(t, keys, row, NULL);
		if (r == 0)
			r = add_sums(cli, t, row);
	}
	if (r < 0)
		return r;
	table_totals(t);
	r = add_keys(t, keys, NULL, "total");
	if (r == 0)
		r = add_sums(cli, t, json_object_get(report, "total"));
	return r == 0 ? table_print(t, cli, to) : r;
}

static void unpriced_notes(const json_t *report, FILE *to)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(report, "unpriced"), i, one)
	{
		fprintf(to, "  %llu x %s %s: %s%s, %llu tokens in, %llu out",
			(unsigned long long)show_u64(one, "requests"), show_str(one, "provider"),
			*show_str(one, "model") ? show_str(one, "model") : "(no model)",
			*show_str(one, "billing") ? "a plan pays, " : "", show_str(one, "why"),
			(unsigned long long)show_u64(one, "input_tokens"),
			(unsigned long long)show_u64(one, "output_tokens"));
		if (*show_str(one, "shadow_usd"))
			fprintf(to, "; by shadow rates $%s", show_str(one, "shadow_usd"));
		fputc('\n', to);
	}
}

void report_notes(const json_t *report, FILE *to)
{
	const json_t *total = json_object_get(report, "total"), *one;
	uint64_t unpriced = show_u64(total, "unpriced_requests");
	const char *estimated = show_str(total, "estimated_usd");
	const char *equivalent = show_str(total, "equivalent_usd");
	uint64_t unknown = show_u64(total, "no_equivalent_requests");
	size_t i;

	if (strcmp(estimated, "0") != 0 && *estimated)
		fprintf(to,
			"estimated: $%s of the total rests on bounds, not on what the provider "
			"reported\n",
			estimated);
	if (*equivalent && strcmp(equivalent, "0") != 0)
		fprintf(to,
			"subscription: calls that a plan pays would cost $%s by the token; in no "
			"total\n",
			equivalent);
	if (unknown)
		fprintf(to,
			"subscription: %llu request%s by a plan without a price to compare with\n",
			(unsigned long long)unknown, unknown == 1 ? "" : "s");
	if (unpriced)
		fprintf(to,
			"unpriced: %llu request%s without a price, in no total; once there is one: "
			"`submeter price reprice`\n",
			(unsigned long long)unpriced, unpriced == 1 ? "" : "s");
	unpriced_notes(report, to);
	json_array_foreach(json_object_get(report, "gaps"), i, one) fprintf(
		to, "gap: no probes from %s until %s: %s\n", show_str(one, "from"),
		*show_str(one, "until") ? show_str(one, "until") : "now", show_str(one, "reason"));
	if (show_true(report, "truncated"))
		fprintf(to, "more rows than are shown: the total counts them all\n");
}

/* A time without what is zero in it: midnight is a date, a whole second has no fraction. */
static const char *brief(const char *time, const char *instead, char room[static SHOW_TEXT])
{
	if (!*time)
		return instead;
	if (strcmp(time + MIN(strlen(time), (size_t)DATE_TEXT), "T00:00:00.000000000Z") == 0)
		snprintf(room, SHOW_TEXT, "%.*s", DATE_TEXT, time);
	else
		snprintf(room, SHOW_TEXT, "%.*sZ", SECOND_TEXT, time);
	return room;
}

static void print_window(const json_t *report)
{
	const json_t *w = json_object_get(report, "window");
	char since[SHOW_TEXT], until[SHOW_TEXT];

	printf("calls that began from %s until %s (UTC)\n\n",
	       brief(show_str(w, "since"), "the first", since),
	       brief(show_str(w, "until"), "now", until));
}

static int print_report(const struct cli *cli, const struct client_answer *a, const char *keys)
{
	json_t *o = json_loadb(a->body.p, a->body.n, 0, NULL);
	bool people = cli->format == FORMAT_TABLE || cli->format == FORMAT_WIDE;
	int r = CLI_OK;

	if (cli->format == FORMAT_JSON)
		show_raw(buf_str(&a->body));
	else if (cli->format == FORMAT_JSONL)
		show_lines(json_object_get(o, "rows"));
	else {
		if (people && !cli->no_header && !cli->quiet)
			print_window(o);
		if (report_table(cli, o, keys, stdout) < 0)
			r = show_no_memory();
		if (people && !cli->quiet)
			report_notes(o, stdout);
	}
	json_decref(o);
	return r;
}

int report_main(const struct cli *cli, int argc, char **argv)
{
	const char *window = NULL, *since = NULL, *until = NULL, *keys = NULL;
	const char *team = NULL, *cgroup = NULL, *model = NULL, *provider = NULL, *kind = NULL;
	const struct option_row rows[] = {
		{ "window", 'w', &window, NULL, "window" },
		{ "since", 0, &since, NULL, "since" },
		{ "until", 0, &until, NULL, "until" },
		{ "group", 'g', &keys, NULL, "aggregate" },
		{ "aggregate", 0, &keys, NULL, NULL },
		{ "team", 0, &team, NULL, "team" },
		{ "cgroup", 0, &cgroup, NULL, "cgroup" },
		{ "model", 0, &model, NULL, "model" },
		{ "provider", 0, &provider, NULL, "provider" },
		{ "kind", 0, &kind, NULL, "kind" },
	};
	_cleanup_(buf_done) struct buf path = { .limit = OPTIONS_PATH };
	struct client_answer a;
	int words, r = options_take(rows, COUNT_OF(rows), argc, argv, &words);

	if (r != CLI_OK)
		return r;
	if (words)
		return cli_usage("report", "report: takes no '%s'", argv[1]);
	if (buf_add(&path, S("/v1/usage")) < 0 || options_params(rows, COUNT_OF(rows), &path) < 0 ||
	    buf_put(&path, '\0') < 0)
		return show_no_memory();
	r = client_fetch(cli, path.p, &a);
	if (r != CLI_OK)
		return r;
	r = print_report(cli, &a, keys ? keys : "team");
	buf_done(&a.body);
	return r;
}
