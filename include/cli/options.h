/* options.h -- the options that commands share, each written once. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/buf.h"
#include "cli/cli.h"

#define OPTIONS_PATH 8192 /* most bytes of a path with its parameters */

/* One option of a command: "--name VALUE" (a letter too, if not 0) or, without `value`, a switch. */
struct option_row {
	const char *name;
	char letter;
	const char **value;
	bool *is;
	const char *param; /* the API's parameter it becomes; NULL = none */
};

/* Takes the options out of argv, in any order among the words; *ret_words words are left at argv[1]... Complains itself:
 * CLI_USAGE. */
int options_take(const struct option_row *rows, size_t count, int argc, char **argv,
		 int *ret_words) _must_use_;
/* Adds every option that was given to the path of a request. */
int options_params(const struct option_row *rows, size_t count, struct buf *path) _must_use_;
/* Seconds, whole. */
int options_seconds(const char *command, const char *option, const char *text,
		    unsigned *ret) _must_use_;

#endif
