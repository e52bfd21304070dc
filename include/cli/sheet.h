/* sheet.h -- rows that a command has itself, in any format: a table, CSV, Markdown, or JSON objects with the columns' names. */
#ifndef CLI_SHEET_H
#define CLI_SHEET_H

#include "cli/table.h"

struct sheet;

/* `columns` as of table_new(). */
int sheet_new(const struct cli *cli, const char *columns, struct sheet **ret) _must_use_;
/* Adds a cell; NULL or "" is an empty cell, and no member of a JSON object. */
int sheet_cell(struct sheet *s, const char *text) _must_use_;
int sheet_str(struct sheet *s, struct str text) _must_use_;
size_t sheet_rows(const struct sheet *s);
/* json: an array; jsonl: an object a line. */
int sheet_print(struct sheet *s, FILE *to) _must_use_;
void sheet_free(struct sheet **s);

#endif
