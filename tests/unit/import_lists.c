/* Public price lists, member by member: what each becomes, and which are refused. */
#include "importkit.h"

static const struct row litellm[] = {
	{ CHAT IO, SAYS },
	{ CHAT IO
	  ",\"supports_vision\":true,\"max_tokens\":5,\"source\":\"x\",\"metadata\":{\"a\":1}",
	  SAYS },
	{ CHAT IO
	  ",\"cache_read_input_token_cost\":5e-7,\"cache_creation_input_token_cost\":6.25e-6,"
	  "\"cache_creation_input_token_cost_above_1hr\":1e-5",
	  SAYS "; in_cache_read 0.5/Mtok; in_cache_write 6.25/Mtok; in_cache_write_1h 10/Mtok" },
	{ CHAT IO ",\"input_cost_per_token_cache_hit\":5e-7", SAYS "; in_cache_read 0.5/Mtok" },
	{ CHAT IO ",\"input_cost_per_token_cache_hit\":5e-7,\"cache_read_input_token_cost\":6e-7",
	  SAYS "; in_cache_read 0.6/Mtok ! twice" },
	{ CHAT IO ",\"input_cost_per_token_above_272k_tokens\":1e-5,\"output_cost_per_token_above_"
		  "272k_tokens\":4.5e-5",
	  "in_text 5/Mtok; >272000 in_text 10/Mtok; out_text 30/Mtok; >272000 out_text 45/Mtok" },
	{ CHAT IO ",\"input_cost_per_token_above_272k_tokens\":1e-5",
	  "in_text 5/Mtok; >272000 in_text 10/Mtok; out_text 30/Mtok; >272000 out_text 30/Mtok ! "
	  "band_rate" },
	{ CHAT IO ",\"input_cost_per_token_flex\":1e-6,\"output_cost_per_token_flex\":2e-5,"
		  "\"input_cost_per_token_above_272k_tokens_priority\":3e-6,\"input_cost_per_token_"
		  "above_272k_tokens\":4e-6,"
		  "\"output_cost_per_token_above_272k_tokens\":5e-6",
	  "in_text 5/Mtok; flex in_text 1/Mtok; >272000 priority in_text 3/Mtok; >272000 in_text "
	  "4/Mtok; "
	  "out_text 30/Mtok; flex out_text 20/Mtok; >272000 out_text 5/Mtok ! tier_band" },
	{ CHAT IO ",\"output_cost_per_token_priority_above_200k_tokens\":1e-5,"
		  "\"input_cost_per_token_above_200k_tokens\":1e-6,\"output_cost_per_token_above_"
		  "200k_tokens\":1e-5",
	  "in_text 5/Mtok; >200000 in_text 1/Mtok; out_text 30/Mtok; >200000 priority out_text "
	  "10/Mtok; "
	  ">200000 out_text 10/Mtok ! tier_rate ! tier_band" },
	{ CHAT IO
	  ",\"input_cost_per_token_batches\":2.5e-6,\"output_cost_per_token_batches\":1.5e-5",
	  "in_text 5/Mtok; batch in_text 2.5/Mtok; out_text 30/Mtok; batch out_text 15/Mtok" },
	{ CHAT IO ",\"output_cost_per_token_turbo\":1e-6", SAYS " ! unknown_key" },
	{ CHAT IO ",\"input_cost_per_token_above_8s_interval\":1e-6", SAYS " ! unknown_key" },
	{ CHAT IO ",\"new_surcharge\":{\"a\":1}", SAYS " ! unknown_key" },
	{ CHAT IO ",\"input_cost_per_video_per_second\":0.01", SAYS " ! unmapped" },
	{ CHAT IO ",\"supports_prompt_caching\":true", SAYS " ! no_cache_rate" },
	{ CHAT IO ",\"search_context_cost_per_query\":{\"search_context_size_low\":0.01,\"search_"
		  "context_size_high\":0.01}",
	  SAYS "; n_web_search 0.01/call" },
	{ CHAT IO ",\"search_context_cost_per_query\":{\"search_context_size_low\":0.01,\"search_"
		  "context_size_high\":0.02}",
	  SAYS " ! search_size" },
	{ CHAT IO
	  ",\"provider_specific_entry\":{\"fast\":6.0},\"cache_read_input_token_cost\":5e-7",
	  SAYS "; in_cache_read 0.5/Mtok; fast in_text 30/Mtok; fast out_text 180/Mtok; fast "
	       "in_cache_read 0.5/Mtok ! fast_cache" },
	{ CHAT IO ",\"provider_specific_entry\":{\"new\":6.0}", SAYS " ! unknown_key" },
	{ CHAT IO
	  ",\"code_interpreter_cost_per_session\":0.03,\"file_search_cost_per_1k_calls\":2.5",
	  SAYS "; n_code_session 0.03/call; n_file_search 2.5/kcall" },
	{ CHAT
	  "\"tiered_pricing\":[{\"range\":[0,32000.0],\"input_cost_per_token\":1e-6,\"output_cost_"
	  "per_token\":2e-6},"
	  "{\"input_cost_per_token\":3e-6,\"output_cost_per_token\":4e-6,\"range\":[32000,1e6]}]",
	  "in_text 1/Mtok; >32000 in_text 3/Mtok; out_text 2/Mtok; >32000 out_text 4/Mtok" },
	{ CHAT "\"tiered_pricing\":[{\"range\":[0,32000],\"input_cost_per_token\":1e-6},"
	       "{\"input_cost_per_token\":3e-6,\"range\":[64000,128000]}]",
	  "! bad_tiers" },
	{ CHAT "\"tiered_pricing\":[{\"range\":[1,32000],\"input_cost_per_token\":1e-6}]",
	  "! bad_tiers" },
	{ CHAT "\"tiered_pricing\":[{\"range\":[0],\"input_cost_per_token\":1e-6}]",
	  "! bad_tiers" },
	{ CHAT "\"tiered_pricing\":[{\"input_cost_per_token\":1e-6}]", "! bad_tiers" },
	/* hours */
	{ CHAT IO
	  ",\"off_peak_pricing\":{\"hours_utc\":\"16:30-00:30\",\"input_cost_per_token\":2.5e-6,"
	  "\"output_cost_per_token\":1.5e-5}",
	  SAYS },
	{ CHAT IO
	  ",\"off_peak_pricing\":{\"hours_utc\":\"16:30-00:30\",\"input_cost_per_token\":2.5e-6}",
	  "! hours" },
	{ CHAT IO ",\"off_peak_pricing\":{\"hours_utc\":\"night\",\"input_cost_per_token\":2.5e-6,"
		  "\"output_cost_per_token\":1.5e-5}",
	  "! hours" },
	{ CHAT IO ",\"off_peak_pricing\":{\"windows\":[],\"input_cost_per_token\":2.5e-6,\"output_"
		  "cost_per_token\":1.5e-5}",
	  "! hours" },
	{ CHAT IO
	  ",\"off_peak_pricing\":{\"hours_utc\":\"09:00-09:00\",\"input_cost_per_token\":2.5e-6,"
	  "\"output_cost_per_token\":1.5e-5}",
	  "! hours" },
	{ CHAT IO
	  ",\"off_peak_pricing\":{\"hours_utc\":\"09:00-10:00\",\"days\":\"sun\",\"input_cost_"
	  "per_token\":2.5e-6,\"output_cost_per_token\":1.5e-5}",
	  "! hours" },
	{ CHAT IO
	  ",\"off_peak_pricing\":{\"hours_utc\":\"09:00-10:00\",\"not_on\":[\"sun\"],\"input_"
	  "cost_per_token\":2.5e-6,\"output_cost_per_token\":1.5e-5}",
	  "! hours" },
	{ CHAT IO
	  ",\"off_peak_pricing\":{\"hours_utc\":\"09:00-10:00\",\"input_cost_per_token\":2.5e-8,"
	  "\"output_cost_per_token\":1.5e-7}",
	  "! ratio" },
	/* a price for one tier alone is no other's */
	{ CHAT IO ",\"input_cost_per_request_priority\":0.01",
	  SAYS "; priority n_request 0.01/call ! tier_band" },
	/* a thousand times too much, too little */
	{ CHAT IO ",\"provider_specific_entry\":{\"us\":1000}", "! ratio" },
	{ CHAT IO ",\"provider_specific_entry\":{\"us\":0.001}", "! ratio" },
	{ CHAT IO ",\"provider_specific_entry\":{\"us\":0}", "! bad_number" },
	{ CHAT IO ",\"provider_specific_entry\":{\"us\":-1.1}", "! bad_number" },
	{ CHAT IO ",\"regional_processing_uplift_multiplier_eu\":11", "! ratio" },
	{ CHAT IO ",\"provider_specific_entry\":{\"fast\":30}", "! ratio" },
	{ CHAT IO ",\"input_cost_per_token_priority\":2.5e-4", "! ratio" },
	{ CHAT IO ",\"input_cost_per_token_batches\":4e-7", "! ratio" },
	{ CHAT IO
	  ",\"input_cost_per_token_above_200k_tokens\":1.1e-4,\"output_cost_per_token_above_"
	  "200k_tokens\":3e-5",
	  "! ratio" },
	{ CHAT IO ",\"cache_creation_input_token_cost_above_1hr\":1.2e-4", "! ratio" },
	{ CHAT IO ",\"input_cost_per_request\":5", "! absurd" },
	{ CHAT IO ",\"file_search_cost_per_1k_calls\":2500", "! absurd" },
	{ CHAT IO ",\"search_context_cost_per_query\":{\"a\":10}", "! absurd" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"image_generation\",\"output_cost_per_image\":"
	  "40",
	  "! absurd" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"audio_speech\",\"input_cost_per_character\":"
	  "0.015",
	  "! absurd" },
	{ "\"litellm_provider\":\"mistral\",\"mode\":\"ocr\",\"ocr_cost_per_page\":1", "! absurd" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"audio_transcription\",\"input_cost_per_"
	  "second\":0.1",
	  "! absurd" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"video_generation\",\"output_cost_per_video_"
	  "per_"
	  "second\":100",
	  "! absurd" },
	{ CHAT IO ",\"search_context_cost_per_query\":{\"a\":0.01},\"web_search_billing_unit\":"
		  "\"per_query\"",
	  SAYS "; n_web_search 0.01/call" },
	{ CHAT IO ",\"search_context_cost_per_query\":{\"a\":0.01},\"web_search_billing_unit\":"
		  "\"per_hour\"",
	  SAYS " ! unmapped" },
	{ CHAT IO ",\"input_cost_per_token\":6e-06", "! said_twice" },
	{ CHAT IO ",\"input_cost_per_token_above_0k_tokens\":6e-06", SAYS " ! unknown_key" },
	{ CHAT IO ",\"gemini_cost\":1", SAYS " ! unknown_key" },
	{ CHAT IO ",\"bedrock_cost\":1", SAYS " ! unknown_key" },
	{ CHAT IO ",\"max_cost\":1", SAYS " ! unknown_key" },
	/* what a range does not name costs what it does in the range below */
	{ CHAT IO
	  ",\"cache_read_input_token_cost\":5e-7,\"input_cost_per_token_above_32k_tokens\":6e-6,"
	  "\"output_cost_per_token_above_32k_tokens\":4e-5,\"cache_read_input_token_cost_above_"
	  "32k_tokens\":6e-7,\"input_cost_per_token_above_256k_tokens\":7e-6,\"output_cost_per_"
	  "token_above_256k_tokens\":5e-5",
	  "in_text 5/Mtok; >32000 in_text 6/Mtok; >256000 in_text 7/Mtok; out_text 30/Mtok; >32000 "
	  "out_text 40/Mtok; >256000 out_text 50/Mtok; in_cache_read 0.5/Mtok; >32000 "
	  "in_cache_read "
	  "0.6/Mtok; >256000 in_cache_read 0.6/Mtok ! band_rate" },
	{ CHAT IO ",\"output_cost_per_token_above_200k_tokens\":4.5e-5",
	  SAYS "; >200000 out_text 45/Mtok; >200000 in_text 5/Mtok ! band_rate" },
	/* refused */
	{ "\"mode\":\"chat\"," IO, "! not_a_model" },
	{ CHAT "\"input_cost_per_token\":0,\"output_cost_per_token\":0.0", "! zero" },
	{ CHAT "\"input_cost_per_token\":0,\"output_cost_per_token\":1e-6",
	  "out_text 1/Mtok ! zero_rate" },
	{ CHAT "\"max_tokens\":5", "! no_price" },
	{ CHAT "\"input_cost_per_token\":0.015,\"output_cost_per_token\":0.06", "! absurd" },
	{ CHAT "\"input_cost_per_token\":0.001", "in_text 1000/Mtok" },
	{ CHAT "\"input_cost_per_token\":0.00100000001", "! absurd" },
	{ CHAT "\"input_cost_per_token\":-1e-6", "! bad_number" },
	{ CHAT "\"input_cost_per_token\":\"1e-6\"", "! bad_number" },
	{ CHAT "\"input_cost_per_token\":null", "! no_price" },
	{ CHAT IO ",\"cache_read_input_token_cost\":6e-6", "! cache_above_input" },
	{ "\"litellm_provider\":\"elsewhere\",\"mode\":\"chat\"," IO, "! provider" },
	{ "\"litellm_provider\":\"elsewhere\",\"mode\":\"chat\",\"input_cost_per_token\":0.015",
	  "! absurd" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"search\"," IO, "! mode" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"image_generation\",\"input_cost_per_pixel\":"
	  "1e-8",
	  "! pixels" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"chat\",\"input_cost_per_second\":1e-3",
	  "! compute_time" },
	/* other kinds of service */
	{ "\"litellm_provider\":\"openai\",\"mode\":\"audio_transcription\",\"input_cost_per_"
	  "second\":1e-4,\"output_cost_per_second\":1e-4",
	  "n_audio_ms 0.0001/second" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"audio_speech\",\"input_cost_per_character\":"
	  "1.5e-5",
	  "n_char 15/Mchar" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"image_generation\",\"output_cost_per_image\":"
	  "0.04",
	  "n_image 0.04/image" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"image_generation\"," IO
	  ",\"output_cost_per_image\":0.04",
	  SAYS " ! unmapped" },
	{ "\"litellm_provider\":\"cohere\",\"mode\":\"rerank\",\"input_cost_per_query\":0.002",
	  "n_rerank_unit 0.002/call" },
	{ "\"litellm_provider\":\"mistral\",\"mode\":\"ocr\",\"ocr_cost_per_page\":0.001",
	  "n_page 0.001/page" },
	{ "\"litellm_provider\":\"openai\",\"mode\":\"video_generation\",\"output_cost_per_video_"
	  "per_second\":0.1",
	  "n_video_ms 0.1/second" },
	/* "from that many on" */
	{ "\"litellm_provider\":\"xai\",\"mode\":\"chat\"," IO
	  ",\"input_cost_per_token_above_200k_tokens\":1e-5,"
	  "\"output_cost_per_token_above_200k_tokens\":1e-5",
	  "in_text 5/Mtok; >=200000 in_text 10/Mtok; out_text 30/Mtok; >=200000 out_text 10/Mtok" },
};

static void litellm_entries(void **state)
{
	(void)state;
	expect("litellm", litellm, COUNT_OF(litellm), "{\"m\":{%s}}");
}

static const struct row genai[] = {
	{ "\"prices\":{\"input_mtok\":5,\"output_mtok\":30}", SAYS },
	{ "\"prices\":{\"input_mtok\":{\"base\":5,\"tiers\":[{\"start\":200000,\"price\":6}]},"
	  "\"output_mtok\":30}",
	  "in_text 5/Mtok; >200000 in_text 6/Mtok; out_text 30/Mtok; >200000 out_text 30/Mtok" },
	{ "\"prices\":{\"input_mtok\":{\"base\":5,\"tiers\":[{\"start\":\"x\",\"price\":6}]}}",
	  "! bad_tiers" },
	{ "\"prices\":{\"input_mtok\":{\"base\":5,\"tiers\":[{\"price\":6}]}}", "! bad_tiers" },
	{ "\"prices\":{\"input_mtok\":{\"base\":5,\"tiers\":[{\"start\":5}]}}", "! bad_number" },
	{ "\"prices\":{\"audio_hours\":0.36}", "n_audio_ms 0.36/hour" },
	{ "\"prices\":{\"web_searches_kcount\":10,\"input_mtok\":5}",
	  "n_web_search 10/kcall; in_text 5/Mtok" },
	{ "\"prices\":{\"input_mtok\":5,\"new_mtok\":6}", "in_text 5/Mtok ! unknown_key" },
	{ "\"prices\":{\"input_mtok\":5,\"input_gpixels\":6}", "in_text 5/Mtok ! unmapped" },
	{ "\"prices\":{}", "! no_price" },
	{ "\"prices\":{\"input_mtok\":0}", "! zero" },
	{ "\"prices\":[{\"prices\":{\"input_mtok\":1}},{\"constraint\":{\"type\":\"start_date\","
	  "\"start_date\":\"2026-11-22\"},"
	  "\"prices\":{\"input_mtok\":2}},{\"constraint\":{\"start_date\":\"2026-11-23\"},"
	  "\"prices\":{\"input_mtok\":3}}]",
	  "in_text 2/Mtok ! dates" },
	{ "\"prices\":[{\"prices\":{\"input_mtok\":1}},{\"constraint\":{\"start_time\":\"01:00:"
	  "00Z\",\"end_time\":\"04:00:00Z\"},"
	  "\"prices\":{\"input_mtok\":2}}]",
	  "! hours" },
	{ "\"prices\":[{\"prices\":{\"input_mtok\":1}},{\"constraint\":{\"type\":\"region\","
	  "\"region\":\"eu\"},"
	  "\"prices\":{\"input_mtok\":2}}]",
	  "! hours" },
	{ "\"prices\":[{\"prices\":{\"input_mtok\":1}},{\"constraint\":{\"until\":{\"day\":1}},"
	  "\"prices\":{"
	  "\"input_mtok\":2}}]",
	  "! hours" },
	{ "\"prices\":[{\"prices\":{\"input_mtok\":1}},{\"constraint\":{\"start_date\":\"soon\"},"
	  "\"prices\":{"
	  "\"input_mtok\":2}}]",
	  "! hours" },
	{ "\"prices\":{\"input_mtok\":{\"base\":5,\"per\":1000}}", "in_text 5/Mtok ! unknown_key" },
	{ "\"prices\":{\"input_mtok\":{\"base\":5,\"tiers\":[{\"start\":9,\"price\":6,\"end\":{}}]}"
	  "}",
	  "in_text 5/Mtok; >9 in_text 6/Mtok ! unknown_key" },
	{ "\"prices\":{\"input_mtok\":5,\"input_text_mtok\":6}", "! said_twice" },
	{ "\"prices\":{\"input_mtok\":\"5/k\"}", "! bad_number" },
	{ "\"prices\":{\"web_searches_kcount\":10000,\"input_mtok\":5}", "! absurd" },
	{ "\"prices\":{\"input_mtok\":5},\"match\":{\"contains\":\"m\"}",
	  "in_text 5/Mtok ! pattern" },
	{ "\"prices\":{\"input_mtok\":5},\"match\":{\"or\":[{\"equals\":\"m\"},{\"equals\":\"n\"}]"
	  "}",
	  "in_text 5/Mtok" },
};

static void genai_entries(void **state)
{
	static const char doc[] = "[{\"id\":\"openai\",\"models\":[{\"id\":\"m\",\"match\":{\"or\":"
				  "[{\"starts_with\":\"m\"},"
				  "{\"equals\":\"M\"},{\"equals\":\"n\"},{\"equals\":\"N\"}]},"
				  "\"prices\":{\"input_mtok\":5}},"
				  "{\"prices\":{\"input_mtok\":5}}]},{\"models\":[{\"id\":\"x\","
				  "\"prices\":{\"input_mtok\":1}}]}]";
	struct import *m;
	const struct import_entry *e;

	(void)state;
	expect("genai-prices", genai, COUNT_OF(genai),
	       "[{\"models\":[{\"id\":\"m\",%s}],\"id\":\"openai\"}]");
	m = take_list(NULL, doc, NULL);
	e = import_first(m);
	assert_string_equal(import_list(m), "genai-prices");
	assert_true(e->allow_dated && e->aliases && !e->aliases->next);
	assert_true(str_eq(e->aliases->text, S("n")));
	assert_int_equal(e->next->refused, IMPORT_NAME); /* without an id */
	assert_int_equal(e->next->next->refused, IMPORT_PROVIDER);
	import_free(&m);
}

static const struct row models_dev[] = {
	{ "\"cost\":{\"input\":5.0,\"output\":30}", SAYS },
	{ "\"cost\":{\"input\":5,\"output\":30,\"tiers\":[{\"tier\":{\"size\":272000},\"input\":10,"
	  "\"output\":45}]}",
	  "in_text 5/Mtok; out_text 30/Mtok; >272000 in_text 10/Mtok; >272000 out_text 45/Mtok" },
	{ "\"cost\":{\"input\":5,\"output\":30,\"tiers\":[{\"input\":10}]}", "! bad_tiers" },
	{ "\"cost\":{\"input\":5,\"output\":30},\"experimental\":{\"modes\":{\"fast\":{\"cost\":{"
	  "\"input\":10,\"output\":60},"
	  "\"provider\":{\"body\":{\"service_tier\":\"priority\"}}}}}",
	  SAYS "; priority in_text 10/Mtok; priority out_text 60/Mtok" },
	{ "\"cost\":{\"input\":5,\"output\":30},\"experimental\":{\"modes\":{\"fast\":{\"cost\":{"
	  "\"input\":10}}}}",
	  SAYS " ! unmapped" },
	{ "\"cost\":{\"input\":5,\"cached_input\":1}", "in_text 5/Mtok ! unknown_key" },
	{ "\"cost\":{\"input\":5,\"night\":{\"input\":1}}", "in_text 5/Mtok ! unknown_key" },
	{ "\"cost\":{\"input\":5,\"output\":30,\"context_over_200k\":{\"input\":10,\"output\":45}}",
	  "in_text 5/Mtok; out_text 30/Mtok; >200000 in_text 10/Mtok; >200000 out_text 45/Mtok" },
	{ "\"cost\":{\"input\":5,\"output\":30,\"tiers\":[{\"tier\":{\"size\":9,\"type\":"
	  "\"output\"},\"input\":10,"
	  "\"output\":45}]}",
	  "! bad_tiers" },
	{ "\"cost\":{\"input\":5,\"output\":30},\"experimental\":{\"modes\":{\"fast\":{\"cost\":{"
	  "\"input\":6,"
	  "\"output\":40,\"tiers\":[]},\"provider\":{\"body\":{\"speed\":\"fast\"}}}}}",
	  SAYS "; fast in_text 6/Mtok; fast out_text 40/Mtok ! unknown_key" },
	{ "\"cost\":{\"input\":\"5 EUR\"}", "! bad_number" },
	{ "\"cost\":{\"input\":0,\"output\":0}", "! zero" },
	{ "\"name\":\"x\"", "! no_price" },
};

static void models_dev_entries(void **state)
{
	struct import *m;

	(void)state;
	expect("models.dev", models_dev, COUNT_OF(models_dev),
	       "{\"openai\":{\"models\":{\"m\":{%s}}}}");
	m = take_list(NULL, "{\"x-y\":{\"models\":{\"m\":{\"cost\":{\"input\":1}},\"n\":5}}}",
		      NULL);
	assert_string_equal(import_list(m), "models.dev");
	assert_int_equal(import_first(m)->refused, IMPORT_PROVIDER);
	assert_int_equal(import_first(m)->next->refused, IMPORT_NO_PRICE);
	import_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(litellm_entries),
		cmocka_unit_test(genai_entries),
		cmocka_unit_test(models_dev_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
