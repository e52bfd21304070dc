#include <stdio.h>
#include <stdlib.h>
#include <curl/curl.h>
#include "base/log.h"
#include "base/obj.h"
#include "cli/cli.h"
#include "cli/run.h"

static const struct command {
	const char *name;
	cli_fn *fn;
	const char *usage, *help, *more;
} commands[] = {
#define COMMAND(name, fn, usage, help, more) { name, fn, usage, help, more },
#include "tbl/command.h"
#undef COMMAND
};

static const char *const formats[FORMAT_COUNT] = { "table", "wide", "json", "jsonl", "csv", "md" };

static const char global_help[] =
	"Global options, before or after the command:\n"
	"  -c FILE           settings (submeter.yaml): where the meter's socket is\n"
	"  --server URL      unix:PATH or http://HOST:PORT; else $SUBMETER_SERVER, else -c, else\n"
	"                    unix:/run/submeter/api.sock\n"
	"  -o FORMAT         table wide json jsonl csv md\n"
	"  --no-header       rows alone\n"
	"  --no-color        plain text on a terminal, too\n"
	"  -q, -v            say less, say more\n"
	"  --help            this, or a command's own\n"
	"\n"
	"Exit status: 0 ok, 1 error, 2 usage, 3 doctor warnings, 4 does not tie out,\n"
	"5 no meter answers, 6 budget exceeded\n";

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

static void help_all(FILE *to)
{
	fputs("usage: submeter [OPTIONS] COMMAND [ARG...]\n\n"
	      "What every team spends on LLM calls: read from the TLS traffic, priced, booked.\n\n",
	      to);
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n`submeter COMMAND --help` says more.\n\n", to);
	fputs(global_help, to);
}

static void help_one(const struct command *c)
{
	printf("usage: submeter %s %s\n\n%s\n", c->name, c->usage, c->help);
	if (*c->more)
		printf("\n%s", c->more);
}

int version_main(const struct cli *cli, int argc, char **argv)
{
	(void)argc, (void)argv;
	printf(cli->format == FORMAT_JSON ? "{\"version\": \"%s\"}\n" : "submeter %s\n",
	       SUBMETER_VERSION);
	return CLI_OK;
}

/* ---- global options, taken out of argv wherever they stand ---- */

struct globals {
	struct cli cli;
	bool help;
	char **argv; /* what is left */
	int argc;
};

static int set_format(struct cli *cli, const char *name)
{
	for (int i = 0; i < FORMAT_COUNT; i++)
		if (strcmp(name, formats[i]) == 0) {
			cli->format = (enum cli_format)i;
			cli->format_given = true;
			return CLI_OK;
		}
	return cli_usage("", "-o: no format '%s'; there are table, wide, json, jsonl, csv, md",
			 name);
}

static int set_value(struct globals *g, char option, const char *value)
{
	if (!value)
		return cli_usage("", "an option lacks its value");
	if (option == 'o')
		return set_format(&g->cli, value);
	if (option == 'c')
		g->cli.conf = value;
	else
		g->cli.server = value;
	return CLI_OK;
}

/* Does `arg` name this option? Its value is behind '=' (long) or right behind the letter (short). */
static bool names(const char *arg, const char *option, const char **ret_value)
{
	size_t n = strlen(option);
	bool is_long = option[1] == '-';

	if (strncmp(arg, option, n) != 0)
		return false;
	*ret_value = NULL;
	if (!arg[n])
		return true;
	if (is_long && arg[n] != '=')
		return false;
	*ret_value = arg + n + is_long;
	return true;
}

static bool set_switch(struct globals *g, const char *arg)
{
	const struct {
		const char *name;
		bool *to;
	} switches[] = {
		{ "--no-header", &g->cli.no_header },
		{ "--no-color", &g->cli.no_color },
		{ "-q", &g->cli.quiet },
		{ "--quiet", &g->cli.quiet },
		{ "-v", &g->cli.verbose },
		{ "--verbose", &g->cli.verbose },
		{ "-h", &g->help },
		{ "--help", &g->help },
	};

	for (size_t i = 0; i < COUNT_OF(switches); i++)
		if (strcmp(arg, switches[i].name) == 0) {
			*switches[i].to = true;
			return true;
		}
	return false;
}

static int sift(struct globals *g, int argc, char **argv)
{
	static const struct {
		const char *name;
		char option;
	} valued[] = { { "-c", 'c' },
		       { "--config", 'c' },
		       { "--server", 's' },
		       { "--output", 'o' },
		       { "-o", 'o' } };
	int stop = argc, r = CLI_OK;

	for (int i = 1; i < argc && r == CLI_OK; i++) {
		const char *value;
		size_t v = 0;

		/* What stands behind `run` belongs to the command that it runs. */
		if (g->argc == 1 && strcmp(g->argv[0], "run") == 0 && stop == argc)
			stop = i + run_words(argc - i, argv + i);
		if (i >= stop || strcmp(argv[i], "--") == 0) {
			for (; i < argc; i++)
				g->argv[g->argc++] = argv[i];
			break;
		}
		if (set_switch(g, argv[i]))
			continue;
		while (v < COUNT_OF(valued) && !names(argv[i], valued[v].name, &value))
			v++;
		if (v == COUNT_OF(valued))
			g->argv[g->argc++] = argv[i];
		else
			r = set_value(g, valued[v].option,
				      value          ? value
				      : i + 1 < argc ? argv[++i]
						     : NULL);
	}
	g->argv[g->argc] = NULL;
	return r;
}

static int start(struct globals *g)
{
	const struct command *c;

	if (g->argc == 0) {
		help_all(g->help ? stdout : stderr);
		return g->help ? CLI_OK : CLI_USAGE;
	}
	if (strcmp(g->argv[0], "help") == 0) {
		g->help = true;
		if (g->argc == 1) {
			help_all(stdout);
			return CLI_OK;
		}
		g->argv++;
	}
	if (strcmp(g->argv[0], "--version") == 0)
		g->argv[0] = (char *)"version";
	c = find(g->argv[0]);
	if (!c)
		return cli_usage("", "no command '%s'", g->argv[0]);
	if (g->help && c->more) {
		help_one(c);
		return CLI_OK;
	}
	if (g->help) /* it prints its own */
		g->argv[g->argc++] = (char *)"--help";
	return c->fn(&g->cli, g->argc, g->argv);
}

int main(int argc, char **argv)
{
	struct globals g = { 0 };
	char **kept;
	int r;

	log_who = "submeter";
	g.cli.server = getenv("SUBMETER_SERVER");
	if (g.cli.server && !*g.cli.server)
		g.cli.server = NULL;
	kept = g.argv = mem_zero((size_t)argc + 2, sizeof(*g.argv));
	if (!g.argv)
		return CLI_ERROR;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	r = sift(&g, argc, argv);
	if (r == CLI_OK)
		r = start(&g);
	curl_global_cleanup();
	mem_free(kept);
	return r;
}
