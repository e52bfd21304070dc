/* submeter.yaml: every key of the table, and what is wrong with a file, with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "app/conf.h"
#include "base/obj.h"

static char name[] = "/tmp/conf-test-XXXXXX";
static struct conf c;
static char error[YAML_ERROR];

static int load(const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	error[0] = '\0';
	return conf_load(name, &c, error);
}

static void refused(const char *text, unsigned line, const char *word)
{
	char at[64];

	assert_int_equal(load(text), -EBADMSG);
	snprintf(at, sizeof(at), "%s:%u: ", name, line);
	if (line && strncmp(error, at, strlen(at)) != 0)
		fail_msg("want line %u: %s", line, error);
	if (!strstr(error, word))
		fail_msg("want '%s': %s", word, error);
}

static void test_default(void **state)
{
	(void)state;
	assert_int_equal(conf_load(NULL, &c, error), 0);
	assert_int_equal(c.cgroups.count, 1);
	assert_string_equal(c.cgroups.item[0], "/");
	assert_int_equal(c.exclude.count, 0);
	assert_int_equal(c.folders.count, 7);
	assert_string_equal(c.folders.item[6], "/opt");
	assert_int_equal(c.deny.count, 0);
	assert_int_equal(c.uid.count, 0);
	assert_int_equal(c.ring_bytes, 32 << 20);
	assert_int_equal(c.batch_ms, 50);
	assert_string_equal(c.state, "/var/lib/submeter");
	assert_string_equal(c.file, "");
	assert_int_equal(load(""), 0);
	assert_int_equal(load("# nothing\n"), 0);
	assert_string_equal(c.file, name);
	assert_int_equal(load("observe:\n"), 0);
	assert_int_equal(c.cgroups.count, 1);
}

static void test_values(void **state)
{
	(void)state;
	assert_int_equal(load("version: 1\n"
			      "observe:\n"
			      "  cgroups: [/a, /b.slice]\n"
			      "  exclude: /a/x\n"
			      "  folders: []\n"
			      "capture: {ring: 2MiB, quota: 4K}\n"
			      "ledger:\n"
			      "  batch_ms: 2s\n"
			      "prices: [/etc/p.yaml]\n"
			      "team_map: map.yaml\n"
			      "endpoints:\n"
			      "  - {host: llm.corp.example, speaks: openai}\n"
			      "  - host: b.example\n"
			      "    speaks: anthropic\n"),
			 0);
	assert_int_equal(c.cgroups.count, 2);
	assert_string_equal(c.cgroups.item[1], "/b.slice");
	assert_string_equal(c.exclude.item[0], "/a/x");
	assert_int_equal(c.folders.count, 0);
	assert_int_equal(c.ring_bytes, 2 << 20);
	assert_int_equal(c.quota_bytes, 4096);
	assert_int_equal(c.batch_ms, 2000);
	assert_string_equal(c.prices.item[0], "/etc/p.yaml");
	assert_string_equal(c.team_map, "map.yaml");
	assert_int_equal(c.endpoint_count, 2);
	assert_string_equal(c.endpoint[1].host, "b.example");
	assert_string_equal(c.endpoint[1].speaks, "anthropic");
}

/* What a running meter takes anew. */
static void test_rules(void **state)
{
	struct conf_rules r;

	(void)state;
	assert_int_equal(load("observe:\n"
			      "  hierarchy: systemd\n"
			      "  exe: [/opt/agent/bin/agent, node]\n"
			      "  exclude_exe: backup\n"
			      "  uid: [1000, 4294967295]\n"
			      "  exclude_uid: 0\n"
			      "  deny: ['/opt/*/libssl.so.3']\n"),
			 0);
	conf_rules(&c, &r);
	assert_int_equal(r.exe.count, 2);
	assert_string_equal(r.exe.item[1], "node");
	assert_string_equal(r.exclude_exe.item[0], "backup");
	assert_string_equal(r.uid.item[1], "4294967295");
	assert_string_equal(r.exclude_uid.item[0], "0");
	assert_int_equal(r.deny.count, 1);
	assert_string_equal(c.hierarchy, "systemd");
	refused("observe:\n  uid: [root]\n", 2, "want a number");
	refused("observe:\n  exclude_uid: 4294967296\n", 2, "want a number");
	refused("observe:\n  exe: [bin/agent]\n", 0, "a path from the root");
	refused("observe:\n  exclude_exe: "
		"[a234567890123456789012345678901234567890123456789012345678901234]\n",
		0, "at most 63 bytes");
}

static void test_refused(void **state)
{
	char many[4096] = "observe:\n  cgroups:\n", word[CONF_TEXT + 64];

	(void)state;
	refused("team_map: x\ncolour: red\n", 2,
		"unknown key 'colour'; known are: observe.cgroups");
	refused("observe:\n  cgroups: [/a]\n  cgrups: [/b]\n", 3, "unknown key 'observe.cgrups'");
	refused("observe.cgroups: [/a]\nversion: 2\n", 2, "version 1");
	refused("observe: yes\n", 1, "want a map");
	refused("team_map: [a]\n", 1, "want a path");
	refused("team_map: ''\n", 1, "want a path");
	refused("capture:\n  ring: many\n", 2, "want a size");
	refused("capture:\n  ring: -1\n", 2, "want a size");
	refused("capture:\n  ring: 99999999999G\n", 2, "want a size");
	refused("capture:\n  ring: 3M\n", 0, "power of two");
	refused("capture:\n  ring: 1M\n  quota: 2M\n", 0, "larger than capture.ring");
	refused("ledger:\n  batch_ms: 1 week\n", 2, "want a time");
	refused("observe:\n  cgroups: [a]\n", 0, "from the top");
	refused("observe:\n  cgroups: [/a/../b]\n", 0, "from the top");
	refused("observe:\n  cgroups: []\n", 0, "nothing would be metered");
	refused("observe:\n  cgroups:\n    - /a\n    - {b: c}\n", 4, "want a path");
	refused("observe:\n  plaintext: [8000, 70000]\n", 0, "'70000': want a port");
	refused("observe:\n  plaintext: 0\n", 0, "want a port");
	refused("observe:\n  plaintext: [http]\n", 2, "want a number");
	refused("observe:\n  hierarchy: v1\n", 0, "auto, v2, pids");
	refused("endpoints:\n  - {host: a}\n", 2, "speaks");
	refused("endpoints:\n  - {host: a, speaks: openai, port: 1}\n", 2, "speaks");
	refused("endpoints: a\n", 1, "list");
	refused("- a\n", 1, "map");
	for (int i = 0; i <= CONF_LIST; i++)
		strcat(many, "    - /a\n");
	refused(many, 3 + CONF_LIST, "more than 16");
	snprintf(word, sizeof(word), "team_map: %0*d\n", CONF_TEXT, 1);
	refused(word, 1, "longer than 255");
}

static void test_missing(void **state)
{
	(void)state;
	assert_int_equal(conf_load("/nonexistent/s.yaml", &c, error), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/s.yaml"));
}

static void test_memory(void **state)
{
	int r = -ENOMEM;

	(void)state;
	assert_int_equal(load("observe: {cgroups: [/a, /b]}\nteam_map: x\n"), 0);
	for (long n = 0; r == -ENOMEM && n < 200; n++) {
		mem_fail_after = n;
		r = conf_load(name, &c, error);
		mem_fail_after = -1;
	}
	assert_int_equal(r, 0);
}

static int setup(void **state)
{
	int fd = mkstemp(name);

	(void)state;
	return fd < 0 || close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default), cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_memory),  cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
