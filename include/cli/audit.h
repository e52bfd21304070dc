/* audit.h -- saved traffic as the bytes that crossed the wire, run through the stages of live traffic. */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include <jansson.h>
#include "base/buf.h"
#include "base/hash.h"
#include "flow.h"
#include "price/price.h"

/* ---- one saved exchange ------------------------------------------------------------------------- */

struct audit_exchange {
	struct str id, method, url;
	json_t *ask_headers, *answer_headers; /* an object, or a list of {name, value} */
	struct buf ask, answer;               /* bodies as stored */
	uint64_t lost;                        /* bytes of the answer's body that were not stored */
	int status;                           /* 0: no answer */
	uint64_t start_ns, end_ns;            /* 0: not recorded */
};

void audit_exchange_done(struct audit_exchange *x);

/* From one element of HAR 1.2 log.entries, or one line of exchange JSONL. Texts are borrowed from `from`.
 * -EBADMSG with *ret_error saying what is wrong; -ENOMEM. */
int audit_read_har(json_t *from, struct audit_exchange *ret, const char **ret_error) _must_use_;
int audit_read_line(json_t *from, struct audit_exchange *ret, const char **ret_error) _must_use_;

/* The request and the answer as HTTP/1.1. -EBADMSG: cannot be said in HTTP. */
int audit_request_bytes(const struct audit_exchange *x, struct buf *out) _must_use_;
int audit_answer_bytes(const struct audit_exchange *x, struct buf *out) _must_use_;

/* ---- the stages ----------------------------------------------------------------------------------- */

struct audit_meter;

struct audit_opts {
	const struct book *book;
	const unsigned char *key; /* HASH_KEY bytes, for fingerprints */
	uint64_t at_ns;           /* the time of exchanges that have none */
	uint64_t seed;            /* not 0: cut the bytes at random places */
	struct posting_sink out;
};

int audit_meter_new(const struct audit_opts *o, struct audit_meter **ret) _must_use_;
/* Pours one posting per exchange found in the bytes; *ret_count says how many. */
int audit_meter_feed(struct audit_meter *m, const struct audit_exchange *x,
		     const unsigned char id[CALL_ID], size_t *ret_count) _must_use_;
void audit_meter_free(struct audit_meter **m);

/* ---- files ----------------------------------------------------------------------------------------- */

struct audit_file {
	const char *path;
	unsigned char hash[HASH_KEY]; /* of the content */
	/* `number` counts lines or entries from 1; a negative return stops */
	int (*entry)(void *ctx, const struct audit_file *f, size_t number, json_t *doc,
		     const char *error);
	void *ctx;
};

/* Reads the whole file twice: for its hash, then entry by entry. An entry that is not JSON is handed on as
 * `doc` NULL and `error`. Otherwise negative errno of the file. */
int audit_file_run(struct audit_file *f, bool har) _must_use_;

#endif
