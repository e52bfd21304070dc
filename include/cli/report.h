/* report.h -- a report of the API as people read it; also the bill of `submeter run`. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <jansson.h>
#include <stdio.h>
#include "cli/cli.h"

/* Rows and total; `keys` as they were asked for. 0 or -ENOMEM, -EIO. */
int report_table(const struct cli *cli, const json_t *report, const char *keys,
		 FILE *to) _must_use_;
/* A line each about what is estimated, unpriced, or fell into a gap. */
void report_notes(const json_t *report, FILE *to);

#endif
