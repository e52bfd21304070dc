/* YAML that people edit: the tree, and what is said about each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/limit.h"
#include "base/obj.h"
#include "base/yaml.h"

static void test_tree(void **state)
{
	static const struct str text = S("# a map\n"
					 "version: 1\n"
					 "teams:\n"
					 "  - id: support\n"
					 "    globs: ['/a/*', \"/b\"]\n"
					 "  - {id: legal, empty: }\n"
					 "note: |\n"
					 "  two\n"
					 "  lines\n");
	_cleanup_(yaml_free) struct yaml *y = NULL;
	const struct yaml_node *root, *teams, *one, *two;
	char error[YAML_ERROR] = "";

	(void)state;
	assert_int_equal(yaml_parse(text, "m.yaml", &y, error), 0);
	root = yaml_root(y);
	assert_int_equal(root->type, YAML_MAP);
	assert_null(root->key.p);
	assert_string_equal(yaml_get(root, "version")->text.p, "1");
	assert_false(yaml_get(root, "version")->quoted);
	teams = yaml_get(root, "teams");
	assert_int_equal(teams->type, YAML_LIST);
	assert_int_equal(teams->line, 4);
	one = teams->kids;
	two = one->next;
	assert_null(two->next);
	assert_null(one->key.p);
	assert_string_equal(yaml_get(one, "id")->text.p, "support");
	assert_string_equal(yaml_get(one, "globs")->kids->text.p, "/a/*");
	assert_true(yaml_get(one, "globs")->kids->quoted);
	assert_int_equal(yaml_get(one, "globs")->line, 5);
	assert_int_equal(yaml_get(two, "empty")->text.n, 0);
	assert_non_null(yaml_get(two, "empty")->text.p);
	assert_string_equal(yaml_get(root, "note")->text.p, "two\nlines\n");
	assert_null(yaml_get(root, "nothing"));
	assert_null(yaml_get(NULL, "id"));
	assert_null(yaml_get(teams, "id"));
}

static void test_empty(void **state)
{
	static const char *const texts[] = { "", "\n", "# nothing\n" };
	char error[YAML_ERROR];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		_cleanup_(yaml_free) struct yaml *y = NULL;

		assert_int_equal(yaml_parse(str_of(texts[i]), "e", &y, error), 0);
		assert_null(yaml_root(y));
	}
}

static const struct {
	const char *text, *error;
} mistakes[] = {
	{ "a:\n\tb: 1\n", "f:2: indented with a tab: use spaces" },
	{ "a:\n  b: 1\n \tc: 2\n", "f:3: indented with a tab: use spaces" },
	{ "a: 1\nb: 2\na: 3\nb: 4\n", "f:3: 'a' is there already, on line 1" },
	{ "b: 1\na: 2\nb: 3\na: 4\n", "f:3: 'b' is there already, on line 1" },
	{ "{x: 1, y: 2, x: 3}\n", "f:1: 'x' is there already, on line 1" },
	{ "a: &x 1\nb: *x\n", "f:1: anchors and aliases ('&x') are not read here: write the "
			      "value out; text that begins with '&' needs quotes" },
	{ "a: *x\n", "f:1: anchors and aliases ('*x') are not read here: write the value "
		     "out; text that begins with '*' needs quotes" },
	{ "a: &x {}\n", "f:1: anchors and aliases ('&x') are not read here: write the value "
			"out; text that begins with '&' needs quotes" },
	{ "a: &x []\n", "f:1: anchors and aliases ('&x') are not read here: write the value "
			"out; text that begins with '&' needs quotes" },
	{ "- */x\n", "f:1: text that begins with '*' or '&' needs quotes" },
	{ "a: !!str 1\n", "f:1: tags ('!...') are not read here: leave it out; text that "
			  "begins with '!' needs quotes" },
	{ "a: ! 1\n", "f:1: tags ('!...') are not read here: leave it out; text that begins "
		      "with '!' needs quotes" },
	{ "a: !x []\n", "f:1: tags ('!...') are not read here: leave it out; text that begins "
			"with '!' needs quotes" },
	{ "a: !x {}\n", "f:1: tags ('!...') are not read here: leave it out; text that begins "
			"with '!' needs quotes" },
	{ "a: 1\n---\nb: 2\n", "f:2: a second document ('---') in one file" },
	{ "a: 1\n  b: 2\n", "f:2: a ':' that fits nowhere: check the indentation; text that "
			    "holds ': ' needs quotes" },
	{ "a: b: c\n", "f:1: a ':' that fits nowhere: check the indentation; text that holds "
		       "': ' needs quotes" },
	{ "a:\n    b: 1\n  c: 2\n",
	  "f:3: this does not fit the lines above: check its indentation" },
	{ "a:\n  - x\n  y: 1\n", "f:3: this does not fit the list above: check its indentation" },
	{ "x: 1\na: \"open\nb: 2\n", "f:2: a quote opened here is never closed" },
	{ "x: 1\na: [1, 2\nb: 2\n", "f:2: a list opened here with '[' lacks a ',' or its ']'" },
	{ "a: {b: 1\n", "f:1: a map opened here with '{' lacks a ',' or its '}'" },
	{ "a: 1\nb\n", "f:2: a ':' is missing after this name" },
	{ "a: @x\n", "f:1: text cannot begin with this character: put it in quotes" },
	{ "a: \"\\q\"\n", "f:1: unknown '\\' escape: text with backslashes needs 'single quotes'" },
	{ "a: \"x\\0y\"\n", "f:1: text with a NUL in it" },
	{ "a: 1\nb: \xff\n", "f:2: not UTF-8 text" },
	{ "a: \x01\n", "f:1: a control character: text files only" },
	{ "[a]: 1\n", "f:1: a name must be text, not a list or a map" },
	{ "? {a: 1}\n: 1\n", "f:1: a name must be text, not a list or a map" },
	{ "'': 1\n", "f:1: a name is missing before ':'" },
	{ "a: - 1\n", "f:1: a list item ('- ') cannot stand here: put it on a line of its "
		      "own, indented" },
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
		char error[YAML_ERROR] = "";
		struct yaml *y = NULL;

		if (yaml_parse(str_of(mistakes[i].text), "f", &y, error) != -EBADMSG)
			fail_msg("taken: %s", mistakes[i].text);
		assert_null(y);
		assert_string_equal(error, mistakes[i].error);
	}
}

/* `open` n times, then `close` n times */
static struct buf nested(size_t n, const char *open, const char *close)
{
	struct buf b = { .limit = LIMIT_YAML_BYTES + 100 };

	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_add(&b, str_of(open)), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(buf_add(&b, str_of(close)), 0);
	return b;
}

static void limited(struct buf b, const char *want)
{
	_cleanup_(yaml_free) struct yaml *y = NULL;
	char error[YAML_ERROR] = "";
	int r = yaml_parse(buf_str(&b), "f", &y, error);

	assert_int_equal(r, want ? -EBADMSG : 0);
	assert_string_equal(error, want ? want : "");
	buf_done(&b);
}

static void test_limits(void **state)
{
	(void)state;
	limited(nested(LIMIT_YAML_DEPTH, "[", "]"), NULL);
	limited(nested(LIMIT_YAML_DEPTH + 1, "[", "]"), "f:1: nested deeper than 32 levels");
	limited(nested(100000, "[", ""), "f:1: nested deeper than 32 levels");
	limited(nested(LIMIT_YAML_BYTES, "#", ""), NULL);
	limited(nested(LIMIT_YAML_BYTES + 1, "#", ""), "f: larger than 1048576 bytes");
	limited(nested(LIMIT_YAML_BYTES / 4, "- a\n", ""),
		"f:209715: too large: more than 16777216 bytes once read");
}

/* A hundred thousand names in one map: quick, and the duplicate is found. */
static void test_many_names(void **state)
{
	struct buf b = { .limit = LIMIT_YAML_BYTES };

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf_printf(&b, "%x:\n", i * 7919 % 100000), 0);
	assert_int_equal(buf_add(&b, S("0: again\n")), 0);
	limited(b, "f:100001: '0' is there already, on line 1");
}

static void test_no_memory(void **state)
{
	static const struct str text = S("a: {b: [1, 2, 3], c: 'x'}\nd: e\n");
	char error[YAML_ERROR];
	long n = 0;
	int r;

	(void)state;
	do {
		_cleanup_(yaml_free) struct yaml *y = NULL;

		error[0] = '\0';
		mem_fail_after = n++;
		r = yaml_parse(text, "f", &y, error);
		mem_fail_after = -1;
		if (r < 0) {
			assert_int_equal(r, -ENOMEM);
			assert_string_equal(error, "f: not enough memory to read it");
		}
	} while (r < 0);
	assert_true(n >= 4);
}

static void test_load(void **state)
{
	char dir[] = "/tmp/submeter-yaml-XXXXXX", path[64], error[YAML_ERROR], want[YAML_ERROR];
	struct yaml *y = NULL;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x.yaml", dir);
	snprintf(want, sizeof(want), "%s: cannot be read: No such file or directory", path);
	assert_int_equal(yaml_load(path, &y, error), -ENOENT);
	assert_string_equal(error, want);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(want, sizeof(want), "%s: cannot be read: not a regular file", path);
	assert_int_equal(yaml_load(path, &y, error), -EINVAL);
	assert_string_equal(error, want);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(yaml_load(dir, &y, error), -EISDIR);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("a: 1\nb: [1\n", f);
	fclose(f);
	snprintf(want, sizeof(want), "%s:2: a list opened here", path);
	assert_int_equal(yaml_load(path, &y, error), -EBADMSG);
	assert_memory_equal(error, want, strlen(want));
	assert_int_equal(truncate(path, 5), 0);
	assert_int_equal(yaml_load(path, &y, error), 0);
	assert_string_equal(yaml_get(yaml_root(y), "a")->text.p, "1");
	yaml_free(&y);
	assert_int_equal(truncate(path, LIMIT_YAML_BYTES + 1), 0);
	assert_int_equal(yaml_load(path, &y, error), -EMSGSIZE);
	snprintf(want, sizeof(want), "%s: cannot be read: too large", path);
	assert_string_equal(error, want);
	unlink(path);
	rmdir(dir);
}

static void test_wrong(void **state)
{
	struct yaml_node at = { .line = 7 };
	char error[YAML_ERROR], big[2 * YAML_ERROR];

	(void)state;
	assert_int_equal(yaml_wrong(error, "f", &at, "no %s", "team"), -EBADMSG);
	assert_string_equal(error, "f:7: no team");
	assert_int_equal(yaml_wrong(error, "f", NULL, "no %s", "team"), -EBADMSG);
	assert_string_equal(error, "f: no team");
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(yaml_wrong(error, big, &at, "%s", big), -EBADMSG);
	assert_int_equal(strlen(error), YAML_ERROR - 1);
	assert_int_equal(yaml_wrong(error, "f", &at, "%s", big), -EBADMSG);
	assert_int_equal(strlen(error), YAML_ERROR - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),       cmocka_unit_test(test_empty),
		cmocka_unit_test(test_mistakes),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many_names), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_load),       cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
