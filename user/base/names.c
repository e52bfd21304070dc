#include <stdio.h>
#include "base/names.h"

const char *const names_kind[KIND_COUNT] = {
#define KIND(name, text) text,
#include "tbl/kind.h"
#undef KIND
};

const char *const names_outcome[OUTCOME_COUNT] = {
#define OUTCOME(name, text) text,
#include "tbl/kind.h"
#undef OUTCOME
};

const char *const names_source[SOURCE_COUNT] = {
#define SOURCE(name, text) text,
#include "tbl/kind.h"
#undef SOURCE
};

const char *const names_billing[BILLING_COUNT] = {
#define BILLING(name, text) text,
#include "tbl/kind.h"
#undef BILLING
};

const char *const names_leaf[LEAF_COUNT] = {
#define LEAF(name, text, words) text,
#include "tbl/leaf.h"
#undef LEAF
};

const char *const names_flag[FLAG_COUNT] = {
#define FLAG(name, text, words) text,
#include "tbl/flag.h"
#undef FLAG
};

const char *const names_flag_words[FLAG_COUNT] = {
#define FLAG(name, text, words) words,
#include "tbl/flag.h"
#undef FLAG
};

const char *const names_why[WHY_COUNT] = {
	"",
#define WHY(name, words) #name,
#include "tbl/why.h"
#undef WHY
};

const char *const names_why_words[WHY_COUNT] = {
	"",
#define WHY(name, words) words,
#include "tbl/why.h"
#undef WHY
};

struct str names_why_text(enum why why, char out[static NAMES_TEXT])
{
	return why == WHY_NONE ? STR_NONE : names_lower(names_why[why], out);
}

struct str names_lower(const char *name, char out[static NAMES_TEXT])
{
	size_t n = 0;

	for (; *name && n < NAMES_TEXT - 1; name++)
		out[n++] = *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name;
	out[n] = '\0';
	return (struct str){ out, n };
}

unsigned names_number(struct str text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_ieq(text, str_of(names[i])))
			return (unsigned)i;
	return 0;
}

struct str names_flags_text(unsigned flags, char out[static NAMES_FLAGS])
{
	size_t n = 0;

	for (unsigned i = 0; i < FLAG_COUNT; i++) {
		size_t more = strlen(names_flag[i]) + 1;

		if (!(flags >> i & 1))
			continue;
		assert(n + more < NAMES_FLAGS); /* as often as the table grows */
		n += (size_t)snprintf(out + n, NAMES_FLAGS - n, "%s%s", n ? "," : "",
				      names_flag[i]);
	}
	return n ? (struct str){ out, n } : STR_NONE;
}

unsigned names_flags_read(struct str text)
{
	struct str name;
	unsigned flags = 0;

	while (text.n) {
		if (!str_cut(&text, &name, ',')) {
			name = text;
			text = STR_NONE;
		}
		for (unsigned i = 0; i < FLAG_COUNT; i++)
			if (str_eq(name, str_of(names_flag[i])))
				flags |= 1u << i;
	}
	return flags;
}
