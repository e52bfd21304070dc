/* query.h -- reads the ledger: calls, reports, wallets. A read-only connection; every answer is JSON.
 *
 * An answer is one consistent state of the ledger. A read ends after 30 s (-ETIME). -EAGAIN: the ledger cannot be read
 * now (not made yet, being recovered); close, open again later. */
#ifndef REPORT_QUERY_H
#define REPORT_QUERY_H

#include "base/buf.h"
#include "flow.h"

#define QUERY_ERROR 256

struct query; /* an open read-only ledger; one thread at a time */

int query_open(const char *path, struct query **ret, char error[QUERY_ERROR]) _must_use_;
void query_close(struct query **q);

struct query_filter {
	uint64_t since_ns, until_ns; /* the call's start in [since, until); 0 = open */
	struct str team, cgroup, model, provider, kind; /* absent = any; cgroup: a subtree */
	uint64_t
		after_seq; /* calls booked after this row (tail); newest: booked before it, unless 0 */
	size_t limit;      /* rows; 0 = LIMIT_API_ROWS */
	bool newest;       /* newest first */
};

/* Each appends one JSON value to `out`. -EINVAL: bad argument, `error` says which. */
/* {"calls": [RECORD...], "next_seq": N} */
int query_calls(struct query *q, const struct query_filter *f, struct buf *out,
		char error[QUERY_ERROR]) _must_use_;
/* The same, one RECORD a line. */
int query_call_lines(struct query *q, const struct query_filter *f, struct buf *out,
		     uint64_t *ret_next_seq, char error[QUERY_ERROR]) _must_use_;
/* RECORD plus {"ledger": {...rows}, "why_words": ..., "lines": ...}; -ENOENT. `id` may be a unique prefix. */
int query_call(struct query *q, struct str id, struct buf *out, char error[QUERY_ERROR]) _must_use_;
/* DESIGN.md section 5. `group`: comma list of team, cgroup, model, provider, kind, host, project, department,
 * cost_center, environment, unit, day. Counts inference alone, unless kind is a key or filtered on. */
int query_report(struct query *q, const struct query_filter *f, struct str group, struct buf *out,
		 char error[QUERY_ERROR]) _must_use_;
/* {"wallets": [{"team_id", "balance", "allocated", "spent", "adjusted", "currency", "status"}]} */
int query_wallets(struct query *q, struct str team, struct buf *out,
		  char error[QUERY_ERROR]) _must_use_;
/* One of those objects; -ENOENT. */
int query_wallet(struct query *q, struct str team, struct buf *out,
		 char error[QUERY_ERROR]) _must_use_;
/* {"transactions": [{seq, id, debit, credit, amount, kind, refers_to, reason, ts}]}, newest first; -ENOENT */
int query_transactions(struct query *q, struct str team, size_t limit, struct buf *out,
		       char error[QUERY_ERROR]) _must_use_;
/* {"gaps": [{"from", "until", "reason"}]} that overlap [since, until); no "until" while a gap is open */
int query_gaps(struct query *q, uint64_t since_ns, uint64_t until_ns, struct buf *out,
	       char error[QUERY_ERROR]) _must_use_;
/* The array alone. */
int query_gap_list(struct query *q, uint64_t since_ns, uint64_t until_ns, struct buf *out,
		   char error[QUERY_ERROR]) _must_use_;

/* ---- times as people write them ---- */

/* RFC 3339, a date, unix seconds, or how long before now: 30m, 12h, 7d, 2w. -EINVAL */
int query_time(struct str text, uint64_t now_ns, uint64_t *ret) _must_use_;
/* today yesterday week lastweek month lastmonth all, 30m 12h 7d, or FROM,UNTIL. Weeks begin on Monday; all in UTC.
 * "all" is 0, 0. -EINVAL */
int query_window(struct str text, uint64_t now_ns, uint64_t *ret_since,
		 uint64_t *ret_until) _must_use_;

#endif
