#include <stdio.h>
#include "cli/client.h"
#include "cli/show.h"

static int print_targets(const struct cli *cli, const json_t *o)
{
	static const char *const keys[] = { "state", "family", "sites", "attached", "path", "why" };
	_cleanup_(table_free) struct table *t = NULL;
	const json_t *one;
	size_t i;
	int r = table_new("STATE,FAMILY,>PROBES,SINCE,PATH,WHY", &t);

	json_array_foreach(json_object_get(o, "targets"), i,
			   one) for (size_t k = 0; r == 0 && k < COUNT_OF(keys); k++) r =
		show_cell(t, json_object_get(one, keys[k]));
	return r == 0 ? table_print(t, cli, stdout) : r;
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
	else if (cli->format == FORMAT_TABLE || cli->format == FORMAT_WIDE)
		print_gaps(json_object_get(o, "gaps"));
	json_decref(o);
	buf_done(&a.body);
	return r;
}
