/* query.h -- reads the ledger: calls, reports, wallets. A read-only connection; every answer is JSON. */
#ifndef REPORT_QUERY_H
#define REPORT_QUERY_H

#include "base/buf.h"
#include "flow.h"

struct query; /* an open read-only ledger */

int query_open(const char *path, struct query **ret, char error[256]) _must_use_;
void query_close(struct query **q);

struct query_filter {
	uint64_t since_ns, until_ns;	  /* [since, until); 0 = open */
	struct str team, cgroup, model, provider, kind; /* absent = any; cgroup: a subtree */
	uint64_t after_seq;		  /* calls booked after this row (tail) */
	size_t limit;			  /* rows; 0 = LIMIT_API_ROWS */
	bool newest;			  /* newest first */
};

/* Each appends one JSON value to `out`. -EINVAL: bad argument, `error` says which. */
/* {"calls": [RECORD...], "next_seq": N} */
int query_calls(struct query *q, const struct query_filter *f, struct buf *out, char error[256]) _must_use_;
/* RECORD plus {"ledger": {...rows}, "why_words": ..., "lines": ...}; -ENOENT. `id` may be a unique prefix. */
int query_call(struct query *q, struct str id, struct buf *out, char error[256]) _must_use_;
/* DESIGN.md section 5. `group`: comma list of team, cgroup, model, provider, kind, host, project, department,
 * cost_center, environment, unit, day. */
int query_report(struct query *q, const struct query_filter *f, struct str group, struct buf *out,
		 char error[256]) _must_use_;
/* {"wallets": [{"team_id", "balance", "allocated", "spent", "adjusted", "currency", "status"}]} */
int query_wallets(struct query *q, struct str team, struct buf *out, char error[256]) _must_use_;
/* {"transactions": [{seq, id, debit, credit, amount, kind, refers_to, reason, ts}]} */
int query_transactions(struct query *q, struct str team, size_t limit, struct buf *out, char error[256]) _must_use_;
/* {"gaps": [{"from", "until", "reason"}]} that overlap [since, until) */
int query_gaps(struct query *q, uint64_t since_ns, uint64_t until_ns, struct buf *out, char error[256]) _must_use_;

#endif
