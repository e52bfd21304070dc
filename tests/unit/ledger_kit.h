/* ledger_kit.h -- what the tests of the ledger share: a file of their own, postings, and questions to it. */
#ifndef TESTS_LEDGER_KIT_H
#define TESTS_LEDGER_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>
#include "base/clock.h"
#include "base/hash.h"
#include "base/obj.h"
#include "ledger/ledger.h"

#define KIT_START 1795651200000000000ull /* 2026-11-26T00:00:00Z */

struct kit {
	char folder[64], path[96];
	struct counters counters;
	struct ledger *l;
};

static uint64_t kit_clock = KIT_START;

static uint64_t kit_now(void)
{
	return kit_clock += 1000;
}

static int kit_open(struct kit *k)
{
	struct ledger_opts o = { .path = k->path, .counters = &k->counters, .now_ns = kit_now };
	char error[256] = "";
	int r = ledger_open(&o, &k->l, error);

	assert_true(r < 0 ? error[0] != '\0' : k->l != NULL);
	return r;
}

static void kit_make(struct kit *k)
{
	*k = (struct kit){
		.folder = "/dev/shm/submeter-ledger-XXXXXX"
	}; /* a disk that does not make us wait */
	kit_clock = KIT_START;
	if (!mkdtemp(k->folder)) {
		k->folder[0] = '\0';
		strncat(k->folder, "/tmp/submeter-ledger-XXXXXX", sizeof(k->folder) - 1);
		assert_non_null(mkdtemp(k->folder));
	}
	snprintf(k->path, sizeof(k->path), "%s/ledger.db", k->folder);
}

static void kit_done(struct kit *k)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-old" };
	char path[128];

	ledger_close(&k->l);
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		snprintf(path, sizeof(path), "%s%s", k->path, tails[i]);
		(void)!unlink(path);
	}
	assert_int_equal(rmdir(k->folder), 0);
}

/* A call that cost `pico`; a posting with all it points to. */
struct kit_call {
	struct usage usage;
	struct charge charge;
	struct posting posting;
	char response[32], model[32];
};

static void kit_call(struct kit_call *c, unsigned number, const char *team, int64_t pico)
{
	*c = (struct kit_call){ 0 };
	snprintf(c->response, sizeof(c->response), "resp_%u", number);
	snprintf(c->model, sizeof(c->model), "model-%u", number % 3);
	c->usage = (struct usage){
		.from = { .gen = number,
			  .obj = 0xffff888800001000ull,
			  .cgroup = 7,
			  .tgid = 42,
			  .comm = "curl" },
		.off = number,
		.start_ns = KIT_START + number * 1000ull,
		.first_ns = KIT_START + number * 1000ull + 5,
		.end_ns = KIT_START + number * 1000ull + 9,
		.kind = KIND_INFERENCE,
		.source = SOURCE_REPORTED,
		.billing = BILLING_METERED,
		.status = 200,
		.retry = -1,
		.provider = S("openai"),
		.model_served = str_of(c->model),
		.response_id = str_of(c->response),
		.raw = S("{\"input_tokens\": 12}"),
	};
	leaf_set(&c->usage.used, LEAF_IN_TEXT, (uint64_t)pico);
	c->charge = (struct charge){
		.usage = &c->usage,
		.billing = BILLING_METERED,
		.book = S("book"),
		.entry = S("entry"),
		.count = 1,
		.line = { { LEAF_IN_TEXT, (uint64_t)pico, { 1, 1 }, pico } },
		.pico = pico,
		.low_pico = pico,
		.high_pico = pico,
	};
	c->posting =
		(struct posting){ .charge = &c->charge, .cgroup = S("/a/b"), .team = str_of(team) };
	memset(c->posting.id, 0x11, CALL_ID);
	memcpy(c->posting.id, &number, sizeof(number));
}

static inline int kit_feed(struct kit *k, unsigned number, const char *team, int64_t pico)
{
	struct kit_call c;

	kit_call(&c, number, team, pico);
	return ledger_feed(k->l, &c.posting);
}

/* The first column of the first row as a number, seen by a stranger's connection. */
static int64_t kit_ask(const struct kit *k, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	assert_int_equal(sqlite3_open_v2(k->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

static inline void kit_do(const struct kit *k, const char *sql)
{
	sqlite3 *db = NULL;
	char *error = NULL;

	assert_int_equal(sqlite3_open_v2(k->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Small balances only: the high column is 0 or -1. */
static inline int64_t kit_balance(const struct kit *k, const char *team, const char *kind)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "SELECT balance_low + iif(balance_high < 0, -9223372036854775807 - 1, 0) FROM "
		 "account "
		 "WHERE team = '%s' AND kind = '%s'",
		 team, kind);
	return kit_ask(k, sql);
}

static void kit_sound(struct kit *k)
{
	char error[256] = "";
	int r = ledger_verify(k->l, error);

	if (r < 0)
		fail_msg("%d: %s", r, error);
	assert_int_equal(kit_ask(k, "SELECT count(*) FROM pragma_integrity_check WHERE "
				    "integrity_check <> 'ok'"),
			 0);
	assert_int_equal(kit_ask(k, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

#endif
