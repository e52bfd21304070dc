/* schema.h -- the tables of user/ledger/NNN.sql, brought up to date; and the checks before anything is written.
 *
 * A migration is one transaction: all of it or nothing. A file that is not a ledger is never touched. */
#ifndef LEDGER_SCHEMA_H
#define LEDGER_SCHEMA_H

#include "ledger/db.h"

#define SCHEMA_VERSION 2

/* Before SQLite sees the file: 0 for an empty one or one that begins like a database; -EUCLEAN. */
int schema_sniff(int fd, const char *path, char error[256]) _must_use_;
/* -EUCLEAN: damaged or no ledger; -EPROTONOSUPPORT: made by a newer version. */
int schema_ready(struct db *db, const char *path, char error[256]) _must_use_;
/* The pages and indexes hang together. -EUCLEAN. Reads the whole file. */
int schema_sound(struct db *db, const char *path, char error[256]) _must_use_;

#endif
