/* doctor.h -- what the parts of `submeter doctor` share: the checks of tbl/check.h. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "app/conf.h"
#include "cli/cli.h"

#define DOCTOR_TEXT 512

enum doctor_verdict { FINE, NOTE, WARN };

struct doctor {
	const struct cli *cli;
	struct conf conf;
	char text[DOCTOR_TEXT]; /* what was found */
	char todo[DOCTOR_TEXT]; /* what to do about it; empty = nothing */
};

typedef enum doctor_verdict doctor_fn(struct doctor *c);
#define CHECK(name, fn) doctor_fn fn;
#include "tbl/check.h"
#undef CHECK

/* Returns the verdict. `todo` may be NULL. */
enum doctor_verdict doctor_say(struct doctor *c, enum doctor_verdict v, const char *todo,
			       const char *format, ...) _printf_(4, 5);

#endif
