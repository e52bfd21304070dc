/* cli.h -- what every command of `submeter` is given, and what it answers. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/str.h"

enum cli_exit { /* exit statuses; DESIGN.md section 5 */
		CLI_OK,
		CLI_ERROR,
		CLI_USAGE,
		CLI_WARNINGS,    /* doctor */
		CLI_DIFFERS,     /* does not tie out */
		CLI_UNREACHABLE, /* no daemon answers */
		CLI_BUDGET,
};

enum cli_format {
	FORMAT_TABLE,
	FORMAT_WIDE,
	FORMAT_JSON,
	FORMAT_JSONL,
	FORMAT_CSV,
	FORMAT_MD,
	FORMAT_COUNT
};

struct cli {                /* the global options; borrowed from argv */
	const char *conf;   /* -c, or NULL */
	const char *server; /* --server or $SUBMETER_SERVER, or NULL */
	enum cli_format format;
	bool no_header, no_color, quiet, verbose;
	bool format_given; /* -o was on the command line */
};

/* One command: argv[0] is its name, global options are already taken out of argv. Returns an exit status. */
typedef int cli_fn(const struct cli *cli, int argc, char **argv);

#define COMMAND(name, fn, usage, help, more) cli_fn fn;
#include "tbl/command.h"
#undef COMMAND

/* For commands: complains on standard error, points to --help, returns CLI_USAGE. */
int cli_usage(const char *command, const char *format, ...) _printf_(2, 3);

#endif
