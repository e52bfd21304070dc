/* submeter detach --all, submeter attach: asks, and waits until it is so. */
#include <stdio.h>
#include <time.h>
#include "base/clock.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/show.h"

#define WAIT_NS (30 * NS_PER_SEC)

static int ask(const struct cli *cli, const char *path)
{
	struct client_answer a;
	int r = client_post(cli, path, S("{}"), NULL, &a);

	if (r != CLI_OK)
		return r;
	if (a.status != 200)
		r = client_complain(&a);
	buf_done(&a.body);
	return r;
}

static size_t attached(const json_t *status)
{
	const json_t *one;
	size_t i, n = 0;

	json_array_foreach(json_object_get(status, "targets"), i, one) n +=
		strcmp(show_str(one, "state"), "attached") == 0;
	return n;
}

/* The attacher acts within a second; it may be starting just now. */
static int wait_probes(const struct cli *cli, bool on)
{
	static const struct timespec nap = { 0, 20000000 };
	uint64_t until_ns = clock_boot_ns() + WAIT_NS;
	bool done = false;
	json_t *o;
	int r;

	do {
		r = client_json(cli, "/v1/status", &o);
		if (r != CLI_OK)
			return r;
		/* "since" goes when all are back */
		done = on ? !*show_str(o, "detached_since") : show_true(o, "detached");
		if (done && !cli->quiet)
			printf(on ? "attached again: %zu files\n"
				  : "detached: no file has a probe%.0zu\n",
			       attached(o));
		json_decref(o);
		if (!done)
			nanosleep(&nap, NULL);
	} while (!done && clock_boot_ns() < until_ns);
	if (!done)
		fprintf(stderr, "submeter: not %s within 30 s: `submeter status` says why\n",
			on ? "attached" : "detached");
	return done ? CLI_OK : CLI_ERROR;
}

int detach_main(const struct cli *cli, int argc, char **argv)
{
	const char *all = NULL;
	int r;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--all") == 0)
			all = argv[i];
		else
			return cli_usage("detach", "detach: takes no '%s'", argv[i]);
	if (!all)
		return cli_usage("detach",
				 "detach: say --all: it is for every file at once; single ones "
				 "are for observe.deny");
	r = ask(cli, "/v1/detach");
	return r == CLI_OK ? wait_probes(cli, false) : r;
}

int attach_main(const struct cli *cli, int argc, char **argv)
{
	int r;

	if (argc > 1)
		return cli_usage("attach", "attach: takes no '%s'", argv[1]);
	r = ask(cli, "/v1/attach");
	return r == CLI_OK ? wait_probes(cli, true) : r;
}
