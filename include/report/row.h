/* row.h -- a row of the ledger as the record it was made from, as it stands now: after its last revision. */
#ifndef REPORT_ROW_H
#define REPORT_ROW_H

#include "report/query_db.h"

struct query_row { /* texts are valid until the next step */
	struct posting posting;
	struct charge charge;
	struct usage usage; /* with billing, why and flags as they were before any price */
	uint64_t seq, booked_ns;
	uint64_t revision, revision_seq; /* how often it was revised; 0: never */
	uint64_t booked_pico;            /* as it was booked first */
	enum billing booked_billing;
	struct str paid_by; /* team of who asked the gateway that made this call */
	struct str id, repeat_of, retry_of, joined_to, usage_text, low_text, high_text,
		told_billing, told_why;
};

/* Inference that is billed for itself, in the order of booking, from f->after_seq on: what has no price, with `all` also what
 * has one. Where `fn` answers more than 0 it was enough. *ret_more: there may be more behind the last. */
typedef int query_row_fn(void *ctx, const struct query_row *row);
int query_each_priced(struct query *q, const struct query_filter *f, bool all, query_row_fn *fn,
		      void *ctx, bool *ret_more, char error[QUERY_ERROR]) _must_use_;

int row_select(struct buf *sql) _must_use_; /* "SELECT ... FROM call_now" */
int row_lines(struct query *q,
	      sqlite3_stmt **ret) _must_use_; /* what row_read() wants for the lines */
int row_read(struct query *q, sqlite3_stmt *s, sqlite3_stmt *lines,
	     struct query_row *ret) _must_use_;

#endif
