#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "cli/client.h"
#include "cli/show.h"

static int print_targets(const struct cli *cli, const json_t *o)
{
	static const char *const keys[] = { "state", "family",   "how",  "sites",
					    "trial", "attached", "path", "why" };
	_cleanup_(table_free) struct table *t = NULL;
	const json_t *one;
	size_t i;
	int r = table_new("STATE,FAMILY,FOUND BY,>PROBES,ON TRIAL,SINCE,PATH,WHY", &t);

	json_array_foreach(json_object_get(o, "targets"), i,
			   one) for (size_t k = 0; r == 0 && k < COUNT_OF(keys); k++) r =
		show_cell(t, json_object_get(one, keys[k]));
	return r == 0 ? table_print(t, cli, stdout) : r;
}

static void print_connections(const json_t *o)
{
	const json_t *c = json_object_get(o, "connections"), *s = json_object_get(o, "sockets");
	uint64_t llm = show_u64(c, "llm"), metered = show_u64(c, "metered"),
		 idle = show_u64(c, "idle"), unmetered = show_u64(c, "unmetered");

	if (!show_true(s, "looked_at")) {
		printf("\nconnections are not counted, plain HTTP is not metered: %s\n",
		       show_str(s, "why"));
		return;
	}
	printf("\nconnections to LLM hosts: %" PRIu64 ", %" PRIu64 " metered, %" PRIu64
	       " closed without a request, %" PRIu64 " unmetered",
	       llm, metered, idle, unmetered);
	if (llm > metered + idle + unmetered)
		printf(", %" PRIu64 " open and not told yet", llm - metered - idle - unmetered);
	putchar('\n');
	if (show_u64(c, "not_followed"))
		printf("and %" PRIu64 " connections that were not followed: too many at a time\n",
		       show_u64(c, "not_followed"));
	if (show_u64(c, "processes_forgotten"))
		printf("%" PRIu64 " processes of long ago are in the sums, and not listed below\n",
		       show_u64(c, "processes_forgotten"));
}

static void print_unix(const json_t *o)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(o, "sockets"), "unix"), i, one)
		printf("%sunix socket %s: not metered; connections now: %" PRIu64 "\n",
		       i ? "" : "\n", show_str(one, "path"), show_u64(one, "connections"));
}

/* By team, by LLM host. */
static int print_sums(const struct cli *cli, const json_t *array, const char *columns,
		      const char *name)
{
	const char *const keys[] = { "unmetered", "metered", "idle", name };
	_cleanup_(table_free) struct table *t = NULL;
	const json_t *one;
	size_t i;
	int r = table_new(columns, &t);

	json_array_foreach(array, i, one)
	{
		for (size_t k = 0; r == 0 && show_u64(one, "llm") && k < COUNT_OF(keys); k++)
			r = show_cell(t, json_object_get(one, keys[k]));
	}
	if (r < 0 || !table_rows(t))
		return r;
	putchar('\n');
	return table_print(t, cli, stdout);
}

/* "openssl, http": through what its plaintext came. */
static int seen_cell(struct table *t, const json_t *seen)
{
	char list[128] = "";
	const char *family;
	json_t *n;

	json_object_foreach((json_t *)seen, family, n)
	{
		size_t at = strlen(list);

		snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "", family);
	}
	return table_cell(t, list);
}

/* Those with plaintext or with a connection to an LLM host; what is not seen into first. */
static int print_processes(const struct cli *cli, const json_t *o)
{
	static const char *const keys[] = { "unmetered", "metered", "idle", "team", "pid",
					    "comm",      "seen",    "host", "why",  "exe" };
	_cleanup_(table_free) struct table *t = NULL;
	const json_t *one, *cell;
	size_t i;
	int r = table_new(
		">UNMETERED,>METERED,>IDLE,TEAM,>PID,COMMAND,SEEN BY,UNMETERED HOST,WHY,PROGRAM",
		&t);

	for (int unmetered = 1; unmetered >= 0; unmetered--)
		json_array_foreach(json_object_get(o, "processes"), i, one)
		{
			if ((show_u64(one, "unmetered") > 0) != unmetered)
				continue;
			for (size_t k = 0; r == 0 && k < COUNT_OF(keys); k++) {
				cell = json_object_get(one, keys[k]);
				r = json_is_object(cell) ? seen_cell(t, cell) : show_cell(t, cell);
			}
		}
	if (r < 0 || !table_rows(t))
		return r;
	putchar('\n');
	return table_print(t, cli, stdout);
}

static int print_coverage(const struct cli *cli, const json_t *o)
{
	int r;

	print_connections(o);
	print_unix(o);
	r = print_sums(cli, json_object_get(o, "teams"), ">UNMETERED,>METERED,>IDLE,TEAM", "team");
	if (r == 0)
		r = print_sums(cli, json_object_get(o, "hosts"),
			       ">UNMETERED,>METERED,>IDLE,LLM HOST", "host");
	return r == 0 ? print_processes(cli, o) : r;
}

static void print_untried(const json_t *untried)
{
	const json_t *one;
	size_t i;

	json_array_foreach(untried, i, one)
		printf("%s%s %s",
		       i ? ", " : "\nnot tried on a real program yet: ", show_str(one, "family"),
		       show_str(one, "function"));
	if (json_array_size(untried))
		putchar('\n');
}

/* Why nothing, or not everything, has a probe. */
static void print_off(const json_t *o)
{
	if (*show_str(o, "detached_since"))
		printf("\nevery probe was taken away by `submeter detach`, since %s; `submeter "
		       "attach` resumes\n",
		       show_str(o, "detached_since"));
	if (*show_str(o, "no_return_probes"))
		printf("\nonly Go programs are metered: %s\n", show_str(o, "no_return_probes"));
}

static void print_gaps(const json_t *gaps)
{
	const json_t *one;
	size_t i;

	if (json_array_size(gaps) == 0)
		puts("\nno time without probes");
	json_array_foreach(gaps, i, one) printf(
		"%sno probes from %s until %s: %s\n", i ? "" : "\n", show_str(one, "from"),
		*show_str(one, "until") ? show_str(one, "until") : "now", show_str(one, "reason"));
}

int coverage_main(const struct cli *cli, int argc, char **argv)
{
	struct client_answer a;
	json_t *o;
	int r;

	if (argc > 1)
		return cli_usage("coverage", "coverage: takes no '%s'", argv[1]);
	r = client_fetch(cli, "/v1/coverage", &a);
	if (r != CLI_OK)
		return r;
	o = json_loadb(a.body.p, a.body.n, 0, NULL);
	if (show_as_json(cli))
		show_raw(buf_str(&a.body));
	else if (print_targets(cli, o) < 0)
		r = show_no_memory();
	else if (cli->format == FORMAT_TABLE || cli->format == FORMAT_WIDE) {
		print_off(o);
		if (print_coverage(cli, o) < 0)
			r = show_no_memory();
		print_untried(json_object_get(o, "untried"));
		print_gaps(json_object_get(o, "gaps"));
	}
	json_decref(o);
	buf_done(&a.body);
	return r;
}
