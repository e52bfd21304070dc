/* table.h -- rows of text as an aligned table, CSV (RFC 4180) or Markdown. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>
#include "cli/cli.h"

#define TABLE_COLUMNS 32

struct table;

/* `columns`: names with commas; a name that starts with '>' is a column of numbers, put to the right. */
int table_new(const char *columns, struct table **ret) _must_use_;
/* Adds a cell; after the last column the next row begins. Copied. NULL prints as nothing. */
int table_cell(struct table *t, const char *text) _must_use_;
int table_cell_u64(struct table *t, uint64_t n) _must_use_;
/* The rows added from here on are totals: apart in a table, absent from CSV. */
void table_totals(struct table *t);
size_t table_rows(const struct table *t);
/* TABLE and WIDE align, CSV and MD as named. */
int table_print(const struct table *t, const struct cli *cli, FILE *to) _must_use_;
void table_free(struct table **t);

#endif
