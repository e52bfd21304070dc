/* llm, files of batch results: what they are is seen by their lines, and a call that may have been missed is never silent. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "base/limit.h"
#include "base/obj.h"
#include "llm/llm.h"
#include "llm/results.h"

#define RESULT(id, in, out)                                                             \
	"{\"custom_id\":\"c\",\"response\":{\"status_code\":200,\"body\":{\"id\":\"" id \
	"\",\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":[],\"usage\":"   \
	"{\"prompt_tokens\":" in ",\"completion_tokens\":" out "}}}}\n"
#define LISTED "{\"custom_id\":1}\n"

enum { KEPT = 8 };

struct bed {
	struct counters c;
	struct llm *llm;
	const struct origin *from;
	uint64_t off;
	size_t calls;
	struct usage u[KEPT]; /* texts are gone; the last is the exchange's */
	int fail;
};

static const struct origin from = { .gen = 1 };

static int on_usage(void *ctx, const struct usage *u)
{
	struct bed *b = ctx;

	if (b->fail)
		return b->fail;
	assert_true(b->calls < KEPT);
	b->u[b->calls++] = *u;
	return 0;
}

static int begin(struct bed *b, const char *target, unsigned status)
{
	struct llm_opts o = { .counters = &b->c };
	struct part ask = { .from = &from,
			    .at_ns = 1,
			    .off = b->off,
			    .kind = PART_REQUEST,
			    .body_less = true,
			    .method = S("GET"),
			    .target = str_of(target) };
	struct part answer = { .from = &from,
			       .at_ns = 2,
			       .off = b->off,
			       .kind = PART_RESPONSE,
			       .dir = DIR_IN,
			       .status = status };
	int r = llm_new(&o, (struct usage_sink){ on_usage, b }, &b->llm);

	ask.header[HDR_HOST] = S("api.openai.com");
	if (r == 0)
		r = llm_feed(b->llm, &ask);
	return r < 0 ? r : llm_feed(b->llm, &answer);
}

static int say(struct bed *b, enum part_kind kind, const char *bytes, enum why why, bool aborted)
{
	struct part p = { .from = &from,
			  .at_ns = 3,
			  .off = b->off,
			  .kind = kind,
			  .dir = DIR_IN,
			  .why = why,
			  .aborted = aborted,
			  .bytes = str_of(bytes) };

	return llm_feed(b->llm, &p);
}

static const char content[] = "/v1/files/file-1/content";

static void open_file(struct bed *b, unsigned status)
{
	assert_int_equal(begin(b, content, status), 0);
}

static void body(struct bed *b, const char *bytes)
{
	assert_int_equal(say(b, PART_BODY, bytes, WHY_NONE, false), 0);
}

/* The exchange itself, once it is over. */
static const struct usage *end(struct bed *b, enum why why, bool aborted, size_t results)
{
	assert_int_equal(say(b, PART_END, NULL, why, aborted), 0);
	llm_free(&b->llm);
	assert_int_equal(b->calls, results + 1);
	for (size_t i = 0; i < results; i++) {
		assert_int_equal(b->u[i].later, LATER_RESULT);
		assert_int_equal(b->u[i].kind, KIND_INFERENCE);
		assert_int_equal(b->u[i].source, SOURCE_REPORTED);
		assert_int_equal(b->u[i].why, WHY_NONE);
	}
	assert_int_equal(b->u[results].later, LATER_NOT);
	assert_int_equal(b->u[results].off, b->off);
	return &b->u[results];
}

static void assert_other(const struct usage *u)
{
	assert_int_equal(u->kind, KIND_OTHER);
	assert_int_equal(u->why, WHY_NOT_INFERENCE);
}

/* Calls may have passed unseen. */
static void assert_unread(const struct usage *u, enum why why)
{
	assert_int_equal(u->kind, KIND_INFERENCE);
	assert_int_equal(u->billing, BILLING_UNPRICED);
	assert_int_equal(u->why, why);
	assert_int_equal(u->used.has, 0);
}

static void names(void **state)
{
	struct bed b = { .off = 5 };

	(void)state;
	open_file(&b, 200);
	body(&b, RESULT("a", "3", "1") LISTED "\n \r\n" RESULT("b", "5", "2"));
	assert_other(end(&b, WHY_NONE, false, 2));
	assert_int_equal(b.u[0].off, 5 | 1ull << RESULTS_SHIFT);
	assert_int_equal(b.u[1].off, 5 | 3ull << RESULTS_SHIFT);
	assert_int_equal(b.u[0].used.n[LEAF_IN_TEXT], 3);
	assert_int_equal(b.u[1].used.n[LEAF_OUT_TEXT], 2);
	assert_int_equal(b.u[0].start_ns, 3);
	assert_int_equal(b.u[0].retry, -1);
}

static void too_many(void **state)
{
	struct bed b = { .off = 0 };

	(void)state;
	open_file(&b, 200);
	for (size_t i = 0; i + 1 < LIMIT_BATCH_LINES; i++)
		body(&b, LISTED);
	assert_int_equal(b.c.limit[LIM_BATCH_LINES], 0);
	body(&b, RESULT("a", "3", "1") RESULT("b", "3", "1"));
	assert_int_equal(b.c.limit[LIM_BATCH_LINES], 1);
	assert_unread(end(&b, WHY_NONE, false, 0), WHY_LIMIT);
	/* an exchange whose name leaves no room */
	b = (struct bed){ .off = 1ull << RESULTS_SHIFT };
	open_file(&b, 200);
	body(&b, RESULT("a", "3", "1"));
	assert_int_equal(b.c.limit[LIM_BATCH_LINES], 1);
	assert_unread(end(&b, WHY_NONE, false, 0), WHY_LIMIT);
}

static void other_files(void **state)
{
	static const char *const files[] = {
		"%PDF-1.7 \x01\x02\n" RESULT("a", "3", "1"),
		"{\"prompt\":\"a\"}\n" RESULT("a", "3", "1"),
		"[" RESULT("a", "3", "1") "]",
		"\n\n",
		"",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct bed b = { .off = 0 };

		open_file(&b, 200);
		body(&b, files[i]);
		assert_other(end(&b, WHY_NONE, false, 0));
	}
}

static void refused(void **state)
{
	struct bed b = { .off = 0 };

	(void)state;
	open_file(&b, 404);
	body(&b, RESULT("a", "3", "1"));
	assert_int_equal(end(&b, WHY_NONE, false, 0)->kind, KIND_ERROR);
	b = (struct bed){ .off = 0 };
	open_file(&b, 302);
	body(&b, RESULT("a", "3", "1"));
	assert_other(end(&b, WHY_NONE, false, 0));
}

static void parts(void **state)
{
	struct bed b = { .off = 0 };

	(void)state;
	open_file(&b, 206); /* not of results: two lines say so */
	body(&b, "tail\nline\n" RESULT("a", "3", "1"));
	assert_other(end(&b, WHY_NONE, false, 0));
	b = (struct bed){ .off = 0 };
	open_file(&b, 206);
	body(&b, "\"usage\":null}\n" RESULT("a", "3", "1"));
	assert_unread(end(&b, WHY_NONE, false, 1), WHY_BAD_BODY);
}

static void lost(void **state)
{
	struct bed b = { .off = 0 };

	(void)state;
	open_file(&b, 200); /* nothing was seen of it: it may have been one */
	assert_int_equal(say(&b, PART_CUT, NULL, WHY_GAP, false), 0);
	assert_unread(end(&b, WHY_NONE, false, 0), WHY_GAP);
	b = (struct bed){ .off = 0 };
	open_file(&b, 200); /* this may not */
	body(&b, "%PDF");
	assert_int_equal(say(&b, PART_CUT, NULL, WHY_GAP, false), 0);
	assert_other(end(&b, WHY_NONE, false, 0));
	b = (struct bed){ .off = 0 };
	open_file(&b, 200);
	body(&b, RESULT("a", "3", "1") "{\"custom_id\":");
	assert_int_equal(say(&b, PART_CUT, NULL, WHY_ENCODING, false), 0);
	assert_unread(end(&b, WHY_NONE, false, 1), WHY_ENCODING);
	b = (struct bed){ .off = 0 };
	open_file(&b, 200);
	body(&b, RESULT("a", "3", "1"));
	assert_unread(end(&b, WHY_NONE, true, 1), WHY_ABORTED);
	b = (struct bed){ .off = 0 };
	open_file(&b, 200); /* who leaves before the first line has seen none */
	assert_other(end(&b, WHY_NONE, true, 0));
}

static int run(struct bed *b)
{
	int r = begin(b, content, 200);

	if (r == 0)
		r = say(b, PART_BODY, RESULT("a", "3", "1") RESULT("b", "5", "2"), WHY_NONE, false);
	if (r == 0)
		r = say(b, PART_END, NULL, WHY_NONE, false);
	llm_free(&b->llm);
	return r;
}

static void no_memory(void **state)
{
	bool failed = true;

	(void)state;
	for (long n = 0; failed; n++) {
		struct bed b = { .off = 0 };
		int r;

		mem_fail_after = n;
		r = run(&b);
		failed = mem_fail_after < 0;
		mem_fail_after = -1;
		assert_int_equal(r, failed ? -ENOMEM : 0);
		assert_true(n < 1000);
		assert_true(failed || b.calls == 3);
	}
}

static void outlet(void **state)
{
	struct bed b = { .fail = -EIO };

	(void)state;
	assert_int_equal(run(&b), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),       cmocka_unit_test(too_many),
		cmocka_unit_test(other_files), cmocka_unit_test(refused),
		cmocka_unit_test(parts),       cmocka_unit_test(lost),
		cmocka_unit_test(no_memory),   cmocka_unit_test(outlet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
