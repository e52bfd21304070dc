/* llm, calls without usage: which are estimated, which are not, and what the calls before them taught. */
#include "llmkit.h"

#define ASK                                                                                 \
	"{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"what is the " \
	"capital of France?\"}]}"
#define ANSWER                                                                                 \
	"\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"It is Paris, as " \
	"everybody knows.\"}}]"

/* An answer in one piece that has no usage is an answer all the same; one that is none is not guessed at. */
static void in_one_piece(void **state)
{
	struct kit_out o = kit_run((struct kit){ CHAT, .ask = ASK, .answer = "{" ANSWER "}" });

	(void)state;
	assert_int_equal(o.u.source, SOURCE_ESTIMATED);
	assert_int_equal(o.u.why, WHY_NO_USAGE);
	assert_int_equal(o.u.billing, BILLING_METERED);
	assert_in_range(o.u.used.n[LEAF_IN_TEXT], 8, 25);
	assert_in_range(o.u.used.n[LEAF_OUT_TEXT], 4, 20);
	assert_in_range(o.u.high.n[LEAF_OUT_TEXT], o.u.used.n[LEAF_OUT_TEXT], 200);
	assert_true(leaf_has(&o.u.low, LEAF_IN_CACHE_READ));
	/* an explicit zero is no gap to be filled */
	o = kit_run((struct kit){ CHAT, .ask = ASK,
				  .answer = "{" ANSWER ",\"usage\":{\"prompt_tokens\":0,"
					    "\"completion_tokens\":0,\"total_tokens\":0}}" });
	assert_int_equal(o.u.source, SOURCE_REPORTED);
	assert_leaf(o, IN_TEXT, 0);
	assert_leaf(o, OUT_TEXT, 0);
	o = kit_run((struct kit){ CHAT, .ask = ASK, .answer = "{\"ok\":true}" });
	assert_int_equal(o.u.source, SOURCE_NONE);
	assert_int_equal(o.u.billing, BILLING_UNPRICED);
	o = kit_run((struct kit){ CHAT, .ask = ASK, .answer = "" });
	assert_int_equal(o.u.source, SOURCE_NONE);
}

/* What is billed for something else than text is not guessed from a text's size, also where it broke off. */
static void blind(void **state)
{
	static const char *const targets[] = { "/v1/images/generations",
					       "/v1/audio/transcriptions" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		struct kit k = { OPENAI, .target = targets[i],
				 .ask = "{\"model\":\"gpt-image-1\",\"prompt\":\"x\"}",
				 .answer = "{\"text\":\"hello\"}" };
		struct kit_out o = kit_run(k);

		assert_int_equal(o.u.source, SOURCE_NONE);
		assert_int_equal(o.u.billing, BILLING_UNPRICED);
		k.aborted = k.no_answer = true;
		o = kit_run(k);
		assert_int_equal(o.u.source, SOURCE_NONE);
		assert_int_equal(o.u.billing, BILLING_UNPRICED);
		assert_int_equal(o.u.why, WHY_ABORTED);
	}
}

/* Who left early may have half of what he saw as the least, and the ceiling as the most. */
static void left_early(void **state)
{
	struct kit_out o = kit_run(
		(struct kit){ CHAT, .events = true, .aborted = true, .ask = ASK,
			      .answer = "{\"choices\":[{\"delta\":{\"content\":"
					"\"1234567890123456789012345678901234567890\"}}]}\n" });

	(void)state;
	assert_int_equal(o.u.why, WHY_ABORTED);
	assert_in_range(o.u.used.n[LEAF_OUT_TEXT], 8, 11);
	assert_int_equal(o.u.low.n[LEAF_OUT_TEXT], o.u.used.n[LEAF_OUT_TEXT] / 2);
	assert_true(o.u.high.n[LEAF_OUT_TEXT] > 100000);
}

/* ---- calls after each other ---------------------------------------------------------------------------- */

static int keep(void *ctx, const struct usage *u)
{
	*(struct leaves *)ctx = u->used;
	return 0;
}

static void say(struct llm *l, uint64_t gen, const char *answer)
{
	const struct origin from = { .gen = gen };
	struct part p = { .from = &from,
			  .at_ns = gen,
			  .method = S("POST"),
			  .target = S("/v1/chat/completions") };

	p.header[HDR_HOST] = S("api.openai.com");
	p.kind = PART_REQUEST;
	assert_int_equal(llm_feed(l, &p), 0);
	p = (struct part){
		.from = &from, .at_ns = gen, .kind = PART_BODY, .dir = DIR_OUT, .bytes = S(ASK)
	};
	assert_int_equal(llm_feed(l, &p), 0);
	p = (struct part){
		.from = &from, .at_ns = gen, .kind = PART_RESPONSE, .dir = DIR_IN, .status = 200
	};
	assert_int_equal(llm_feed(l, &p), 0);
	p = (struct part){ .from = &from,
			   .at_ns = gen,
			   .kind = PART_BODY,
			   .dir = DIR_IN,
			   .bytes = str_of(answer) };
	assert_int_equal(llm_feed(l, &p), 0);
	p = (struct part){ .from = &from, .at_ns = gen, .kind = PART_END };
	assert_int_equal(llm_feed(l, &p), 0);
}

/* Each time the same: the numbers of a run hang on its calls alone. */
static void learns(void **state)
{
	struct leaves got = { 0 }, first, second[2];
	struct llm_opts o = { .counters = NULL };
	struct counters c = { 0 };

	(void)state;
	o.counters = &c;
	for (int round = 0; round < 2; round++) {
		struct llm *l = NULL;

		assert_int_equal(llm_new(&o, (struct usage_sink){ keep, &got }, &l), 0);
		say(l, 1, "{" ANSWER "}");
		first = got;
		for (uint64_t gen = 2; gen < 20; gen++)
			say(l, gen,
			    "{" ANSWER ",\"usage\":{\"prompt_tokens\":60,\"completion_tokens\":30,"
			    "\"total_tokens\":90}}");
		say(l, 20, "{" ANSWER "}");
		second[round] = got;
		llm_free(&l);
		assert_in_range(first.n[LEAF_IN_TEXT], 8, 25);
		assert_in_range(got.n[LEAF_IN_TEXT], 57, 61);
		assert_in_range(got.n[LEAF_OUT_TEXT], 28, 31);
	}
	assert_memory_equal(&second[0], &second[1], sizeof(first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_one_piece),
		cmocka_unit_test(blind),
		cmocka_unit_test(left_early),
		cmocka_unit_test(learns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
