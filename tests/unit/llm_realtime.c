/* llm_realtime.c -- Realtime sockets, sockets that are seen and not read; any cut, no memory. */
#include "socketkit.h"

#define REALTIME .target = "/v1/realtime?a=b&model=gpt-realtime%2D2"
#define RT_DONE(id, usage) \
	"<{\"type\":\"response.done\",\"response\":{\"id\":\"" id "\",\"usage\":" usage "}}\n"
#define RT_USAGE                                                                                \
	"{\"total_tokens\":150,\"input_tokens\":100,\"output_tokens\":50,"                      \
	"\"input_token_details\":{\"cached_tokens\":40,\"text_tokens\":30,\"audio_tokens\":70," \
	"\"cached_tokens_details\":{\"text_tokens\":10,\"audio_tokens\":30}},"                  \
	"\"output_token_details\":{\"text_tokens\":20,\"audio_tokens\":30}}"

static void realtime(void **state)
{
	struct out o;
	struct leaves *l;

	(void)state;
	run(&o,
	    (struct sock){
		    REALTIME, .closed = true,
		    .script = "<{\"type\":\"session.created\",\"session\":{\"audio\":{\"input\":{"
			      "\"transcription\":{\"model\":\"whisper-x\"}}}}}\n"
			      ">{\"type\":\"input_audio_buffer.append\",\"audio\":\"AAAA\"}"
			      "\n" CREATED(
				      "r1") "<{\"type\":\"response.output_audio.delta\","
					    "\"response_id\":\"r1\",\"delta\":\"AAAAAAAA\"}\n"
					    "<{\"type\":\"conversation.item.input_audio_"
					    "transcription.completed\",\"item_id\":\"i\",\"usage\":"
					    "{\"type\":\"duration\",\"seconds\":2}}\n" RT_DONE(
						    "r1", RT_USAGE) CREATED("r2")
						    RT_DONE("r2", RT_USAGE) },
	    3);
	assert_int_equal(o.got[0].u.used.n[LEAF_N_AUDIO_MS], 2000);
	assert_string_equal(o.got[0].asked, "whisper-x");
	assert_string_equal(o.got[0].operation, "transcription");
	assert_int_equal(o.got[0].u.source, SOURCE_REPORTED);
	assert_int_equal(o.got[0].u.off, 1ull << 63 | 500);
	for (int i = 1; i < 3; i++) {
		l = &o.got[i].u.used;
		assert_int_equal(o.got[i].u.source, SOURCE_REPORTED);
		assert_string_equal(o.got[i].asked, "gpt-realtime-2");
		assert_int_equal(l->n[LEAF_IN_TEXT], 20);
		assert_int_equal(l->n[LEAF_IN_CACHE_READ], 10);
		assert_int_equal(l->n[LEAF_IN_AUDIO], 40);
		assert_int_equal(l->n[LEAF_IN_AUDIO_CACHED], 30);
		assert_int_equal(l->n[LEAF_OUT_TEXT], 20);
		assert_int_equal(l->n[LEAF_OUT_AUDIO], 30);
	}
	assert_int_equal(o.got[1].u.off, 1ull << 63 | 300);
	assert_int_equal(o.got[3].u.kind, KIND_OTHER);
}

static void realtime_odd(void **state)
{
	struct out o;

	(void)state;
	/* cached sound that is not told apart has no price */
	run(&o,
	    (struct sock){ REALTIME,
			   .script = CREATED("r") RT_DONE(
				   "r", "{\"input_tokens\":9,\"output_tokens\":1,\"input_token_"
					"details\":{\"cached_tokens\":5,\"audio_tokens\":7}}") },
	    1);
	assert_int_equal(o.got[0].u.why, WHY_BAD_USAGE);
	/* cached text is text */
	run(&o,
	    (struct sock){ REALTIME,
			   .script = RT_DONE("r", "{\"input_tokens\":9,\"output_tokens\":1,\"input_"
						  "token_details\":{\"cached_tokens\":5}}") },
	    1);
	assert_int_equal(o.got[0].u.used.n[LEAF_IN_TEXT], 4);
	assert_int_equal(o.got[0].u.used.n[LEAF_IN_CACHE_READ], 5);
	/* the end is lost, and perhaps a whole response: both say so. The sound of the answer is no size of text. */
	run(&o,
	    (struct sock){ REALTIME,
			   .script = CREATED("r") "<{\"type\":\"response.output_audio.delta\","
						  "\"response_id\":\"r\",\"delta\":"
						  "\"AAAAAAAA\"}\n!" RT_DONE("r", RT_USAGE) },
	    1);
	assert_unsure(o.got[0], WHY_GAP);
	assert_int_equal(o.got[0].u.used.n[LEAF_OUT_TEXT], 0);
	assert_int_equal(o.got[1].u.kind, KIND_INFERENCE);
	assert_int_equal(o.got[1].u.why, WHY_GAP);
	/* an error ends nothing there */
	run(&o,
	    (struct sock){ REALTIME,
			   .script = CREATED("r") "<{\"type\":\"error\",\"error\":{}}\n" RT_DONE(
				   "r", RT_USAGE) },
	    1);
	assert_int_equal(o.got[0].u.source, SOURCE_REPORTED);
}

/* Sockets that are seen and not read. */
static void unread(void **state)
{
	static const struct sock socks[] = {
		{ .host = "generativelanguage.googleapis.com",
		  .target = "/ws/google.ai.generativelanguage.v1.GenerativeService."
			    "BidiGenerateContent" },
		{ .host = "api.groq.com", .target = "/openai/v1/responses" },
		{ .host = "example.com", .target = "/v1/responses" },
		{ .host = "api.openai.com", .target = "/v1/something/new" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(socks); i++) {
		struct sock k = socks[i];
		struct out o;

		k.script = CREATE("") ONE("a", "3", "2");
		run(&o, k, 0);
		assert_int_equal(o.got[0].u.kind, KIND_INFERENCE);
		assert_int_equal(o.got[0].u.billing, BILLING_UNPRICED);
	}
}

/* The same on Azure, where the query names the deployment. */
static void azure(void **state)
{
	struct out o;

	(void)state;
	run(&o,
	    (struct sock){ .host = "x.openai.azure.com",
			   .target = "/openai/v1/responses",
			   .script = CREATE("") ONE("a", "3", "2") },
	    1);
	assert_text(o.got[0].u.provider, "azure");
	assert_int_equal(o.got[0].u.used.n[LEAF_IN_TEXT], 3);
	run(&o,
	    (struct sock){ .host = "x.openai.azure.com",
			   .target = "/openai/realtime?api-version=1&deployment=my-voice",
			   .script = CREATED("r") RT_DONE("r", RT_USAGE) },
	    1);
	assert_text(o.got[0].u.model_requested, "my-voice");
	assert_int_equal(o.got[0].u.source, SOURCE_REPORTED);
}

/* ---- any cut, no memory ------------------------------------------------------------------------------ */

static const struct sock examples[] = {
	{ .script =
		  CREATE(",\"stream_id\":\"s\"") ONE("a", "3", "2") CREATE("") ONE("b", "7", "4") },
	{ .script = CREATE(",\"generate\":false,\"input\":[{\"content\":\"x\"}]") CREATED("w") },
	{ REALTIME, .script = CREATED("r") TEXT_DELTA RT_DONE("r", RT_USAGE) },
};

static struct sock example(size_t i)
{
	struct sock k = examples[i];

	k.host = "api.openai.com";
	k.target = k.target ? k.target : "/v1/responses";
	return k;
}

static void any_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		struct sock k = example(i);
		struct out whole, o;

		assert_int_equal(try(&k, &whole), 0);
		for (k.step = 1; k.step < 30; k.step++) {
			assert_int_equal(try(&k, &o), 0);
			assert_int_equal(o.count, whole.count);
			for (size_t c = 0; c < o.count; c++) {
				struct got *a = &whole.got[c], *b = &o.got[c];

				assert_memory_equal(&a->u.used, &b->u.used, sizeof(a->u.used));
				assert_memory_equal(&a->u.high, &b->u.high, sizeof(a->u.high));
				assert_int_equal(a->u.source, b->u.source);
				assert_int_equal(a->u.off, b->u.off);
				assert_memory_equal(a->model, b->model, 5 * TEXT);
			}
		}
	}
}

static void no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		struct sock k = example(i);
		bool failed = true;

		for (long n = 0; failed; n++) {
			struct out o;
			int r;

			mem_fail_after = n;
			r = try(&k, &o);
			failed = mem_fail_after < 0;
			mem_fail_after = -1;
			assert_int_equal(r, failed ? -ENOMEM : 0);
			assert_true(n < 1000);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(realtime), cmocka_unit_test(realtime_odd),
		cmocka_unit_test(unread),   cmocka_unit_test(azure),
		cmocka_unit_test(any_cut),  cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
