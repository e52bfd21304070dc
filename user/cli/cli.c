#include <stdarg.h>
#include <stdio.h>
#include "cli/cli.h"

int cli_usage(const char *command, const char *format, ...)
{
	va_list va;

	fputs("submeter: ", stderr);
	va_start(va, format);
	vfprintf(stderr, format, va);
	va_end(va);
	fprintf(stderr, "\n  `submeter %s%s--help` says how\n", command, *command ? " " : "");
	return CLI_USAGE;
}
