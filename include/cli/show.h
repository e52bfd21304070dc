/* show.h -- members of an API answer as the cells of a table. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <jansson.h>
#include "base/dec.h"
#include "cli/cli.h"
#include "cli/table.h"

#define SHOW_TEXT 64

const char *show_str(const json_t *o, const char *key); /* "" where absent or no text */
uint64_t show_u64(const json_t *o, const char *key);    /* 0 where absent */
bool show_true(const json_t *o, const char *key);
/* A decimal amount: exact, or to six places where a person reads a table. Needs DEC_TEXT bytes. */
const char *show_usd(const struct cli *cli, const char *amount, char room[static DEC_TEXT]);
/* A member as a cell, whatever its type. */
int show_cell(struct table *t, const json_t *value) _must_use_;
/* The elements of an array, one a line. */
void show_lines(const json_t *array);
bool show_as_json(const struct cli *cli); /* json or jsonl */
void show_raw(struct str body);           /* an answer as it came, with a newline */
/* "no memory" on standard error; CLI_ERROR */
int show_no_memory(void);

#endif
