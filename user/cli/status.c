#include <stdio.h>
#include "cli/client.h"
#include "cli/options.h"
#include "cli/show.h"
#include "cli/wait.h"

static uint64_t sum_of(const json_t *o, const char *key)
{
	const char *name;
	json_t *n;
	uint64_t sum = 0;

	json_object_foreach(json_object_get(o, key), name, n) sum +=
		(uint64_t)json_integer_value(n);
	return sum;
}

static bool agrees(const json_t *row)
{
	const char *name;
	json_t *one;

	json_object_foreach(json_object_get(row, "identities"), name,
			    one) if (!json_is_true(one)) return false;
	return true;
}

static int add_cgroup(struct table *t, const json_t *o, const char *name)
{
	int r = table_cell(t, name);

	if (r == 0)
		r = table_cell_u64(t, show_u64(o, "hits"));
	if (r == 0)
		r = table_cell_u64(t, show_u64(o, "delivered"));
	if (r == 0)
		r = table_cell_u64(t, sum_of(o, "ignored") + show_u64(o, "empty"));
	if (r == 0)
		r = table_cell_u64(t, sum_of(o, "dropped"));
	if (r == 0)
		r = table_cell_u64(t, show_u64(o, "parsed"));
	if (r == 0)
		r = table_cell_u64(t, sum_of(o, "skipped"));
	if (r == 0)
		r = table_cell_u64(t, sum_of(o, "bytes_lost"));
	return r == 0 ? table_cell(t, agrees(o) ? "yes" : "no") : r;
}

static int print_cgroups(const struct cli *cli, const json_t *o)
{
	_cleanup_(table_free) struct table *t = NULL;
	const json_t *cgroups = json_object_get(o, "cgroups"), *one;
	size_t i;
	int r = table_new(
		"CGROUP,>TLS CALLS,>READ,>NOT WANTED,>DROPPED,>BYTES PARSED,>SKIPPED,>LOST,"
		"ADDS UP",
		&t);

	json_array_foreach(cgroups, i, one) if (r == 0) r =
		add_cgroup(t, one, *show_str(one, "cgroup") ? show_str(one, "cgroup") : "?");
	if (r == 0)
		table_totals(t);
	if (r == 0)
		r = add_cgroup(t, json_object_get(o, "totals"), "total");
	return r == 0 ? table_print(t, cli, stdout) : r;
}

static void print_roles(const json_t *o)
{
	const json_t *one;
	size_t i;

	printf("processes ");
	json_array_foreach(json_object_get(o, "roles"), i, one)
	{
		printf("%s%s ", i ? ", " : "", show_str(one, "name"));
		if (show_u64(one, "pid"))
			printf("%llu", (unsigned long long)show_u64(one, "pid"));
		else
			printf("not running");
		if (show_u64(one, "restarts"))
			printf(" (restarted %llu times)",
			       (unsigned long long)show_u64(one, "restarts"));
	}
	putchar('\n');
}

static size_t count_state(const json_t *targets, const char *state)
{
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach(targets, i, one) n += strcmp(show_str(one, "state"), state) == 0;
	return n;
}

/* Nothing, as it should be, unless something was given up. */
static void print_limits(const json_t *o)
{
	json_t *limits = json_object_get(o, "limits"), *times;
	const char *name, *before = "limits    ";

	json_object_foreach(limits, name, times)
	{
		printf("%s%s %llu times", before, name,
		       (unsigned long long)json_integer_value(times));
		before = ", ";
	}
	if (json_object_size(limits))
		putchar('\n');
}

static void print_state(const json_t *o)
{
	const json_t *map = json_object_get(o, "team_map"),
		     *targets = json_object_get(o, "targets");
	const json_t *counters = json_object_get(o, "counters");
	bool ready = show_true(o, "ready");

	printf("state     %s%s\n", ready ? "ready since " : "not ready: ",
	       ready ? show_str(o, "ready_since") : show_str(o, "missing"));
	printf("heartbeat %s, everything that ended before it is booked\n",
	       show_str(o, "heartbeat"));
	print_roles(o);
	printf("attached  %zu %s, %zu refused\n", count_state(targets, "attached"),
	       count_state(targets, "attached") == 1 ? "library or program"
						     : "libraries or programs",
	       count_state(targets, "refused"));
	if (*show_str(o, "no_return_probes"))
		printf("          most cannot be: %s\n", show_str(o, "no_return_probes"));
	printf("calls     %llu finished, %llu under way, %llu booked\n",
	       (unsigned long long)show_u64(counters, "calls"),
	       (unsigned long long)show_u64(counters, "calls_open"),
	       (unsigned long long)show_u64(counters, "posted"));
	printf("team map  %s\n", *show_str(map, "revision") ? show_str(map, "revision") : "none");
	if (*show_str(map, "error"))
		printf("          the file was refused, the map above stays: %s\n",
		       show_str(map, "error"));
	print_limits(o);
	printf("gaps      %zu\n\n", json_array_size(json_object_get(o, "gaps")));
}

static int print_status(const struct cli *cli)
{
	struct client_answer a;
	json_t *o;
	int r = client_fetch(cli, "/v1/status", &a);

	if (r != CLI_OK)
		return r;
	o = json_loadb(a.body.p, a.body.n, 0, NULL);
	r = show_true(o, "ready") ? CLI_OK : CLI_ERROR;
	if (show_as_json(cli))
		show_raw(buf_str(&a.body));
	else if (!cli->quiet) {
		if (cli->format == FORMAT_TABLE || cli->format == FORMAT_WIDE)
			print_state(o);
		if (print_cgroups(cli, o) < 0)
			r = show_no_memory();
	}
	json_decref(o);
	buf_done(&a.body);
	return r;
}

int status_main(const struct cli *cli, int argc, char **argv)
{
	const char *ready = NULL, *idle = NULL;
	const struct option_row rows[] = { { "wait", 0, &ready, NULL, NULL },
					   { "wait-idle", 0, &idle, NULL, NULL } };
	unsigned seconds;
	int words, r = options_take(rows, COUNT_OF(rows), argc, argv, &words);

	if (r == CLI_OK && words)
		return cli_usage("status", "status: takes no '%s'", argv[1]);
	if (r == CLI_OK && ready) {
		r = options_seconds("status", "--wait", ready, &seconds);
		if (r == CLI_OK)
			r = wait_ready(cli, seconds, NULL, NULL);
	}
	if (r == CLI_OK && idle) {
		r = options_seconds("status", "--wait-idle", idle, &seconds);
		/* A wait is an answer of its own: the state is printed where it was asked for. */
		if (r == CLI_OK)
			r = wait_idle(cli, seconds);
		return r == CLI_OK && cli->format_given ? print_status(cli) : r;
	}
	return r == CLI_OK ? print_status(cli) : r;
}
