#include "price/decode.h"

enum { DATE_DIGITS = 8 };

static void add(struct decoded *d, struct str name)
{
	for (size_t i = 0; i < d->count; i++)
		if (str_eq(d->name[i], name))
			return;
	assert(d->count < COUNT_OF(d->name));
	if (name.n)
		d->name[d->count++] = name;
}

static void add_abroad(struct decoded *d, struct str name)
{
	for (size_t i = 0; i < d->abroad_count; i++)
		if (str_eq(d->abroad[i], name))
			return;
	assert(d->abroad_count < COUNT_OF(d->abroad));
	if (name.n)
		d->abroad[d->abroad_count++] = name;
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

struct str decode_undated(struct str id)
{
	if (id.n > DATE_DIGITS + 1) {
		struct str tail = str_skip(id, id.n - DATE_DIGITS - 1);

		if ((tail.p[0] == '-' || tail.p[0] == '@') && all_digits(str_skip(tail, 1)))
			return str_head(id, id.n - tail.n);
	}
	if (id.n > DATE_DIGITS + 3) {
		struct str tail = str_skip(id, id.n - DATE_DIGITS - 3);

		if (tail.p[0] == '-' && tail.p[5] == '-' && tail.p[8] == '-' &&
		    all_digits((struct str){ tail.p + 1, 4 }) &&
		    all_digits((struct str){ tail.p + 6, 2 }) &&
		    all_digits((struct str){ tail.p + 9, 2 }))
			return str_head(id, id.n - tail.n);
	}
	return STR_NONE;
}

/* What is before the last `at`; absent: there is none. */
static struct str before_last(struct str s, char at)
{
	size_t n = s.n;

	while (n && s.p[n - 1] != at)
		n--;
	return n ? str_head(s, n - 1) : STR_NONE;
}

static struct str after_last(struct str s, char at)
{
	struct str head = before_last(s, at);

	return head.p ? str_skip(s, head.n + 1) : s;
}

/* ---- Amazon Bedrock: [arn:...:TYPE/][GEO.]VENDOR.MODEL[-YYYYMMDD][-vN[:M]] ------------------------------- */

/* A profile's part of the world. us-gov is none: its prices are its own. */
static bool is_geo(struct str s)
{
	static const char *const geos[] = { "us", "eu", "apac", "au", "jp", "global" };

	for (size_t i = 0; i < COUNT_OF(geos); i++)
		if (str_ieq(s, str_of(geos[i])))
			return true;
	return false;
}

/* Off with -vN and -vN:M. */
static struct str without_revision(struct str s)
{
	struct str head = before_last(s, ':'), tail;

	if (head.p && all_digits(after_last(s, ':')))
		s = head;
	head = before_last(s, '-');
	tail = str_skip(s, head.n + 1);
	return head.p && tail.n > 1 && tail.p[0] == 'v' && all_digits(str_skip(tail, 1)) ? head
											 : STR_NONE;
}

/* The model that an ARN of the public partition names; absent: it is opaque, as an application's profile is. */
static struct str arn_model(struct str arn)
{
	struct str path = after_last(arn, ':'), type, rest = arn;

	/* the model's own name may have a ':' */
	for (int i = 0; i < 5; i++)
		if (!str_cut(&rest, &type, ':'))
			return STR_NONE;
	path = rest;
	if (!str_cut(&path, &type, '/') ||
	    (!str_eq(type, S("inference-profile")) && !str_eq(type, S("foundation-model"))))
		return STR_NONE;
	return path;
}

static void decode_bedrock(struct str name, struct decoded *d)
{
	struct str rest, head;

	add(d, name);
	if (str_starts(name, S("arn:"))) {
		name = str_starts(name, S("arn:aws:bedrock:")) ? arn_model(name) : STR_NONE;
		add(d, name);
	}
	rest = name;
	if (str_cut(&rest, &head, '.') && is_geo(head)) {
		d->geo = head;
		add(d, without_revision(name));
		name = rest;
		add(d, name);
	}
	add(d, without_revision(name));
	rest = name;
	/* no vendor's name has a '-': "claude-2.0" is what its own vendor calls it */
	if (!str_cut(&rest, &head, '.') || before_last(head, '-').p) {
		d->foreign = !d->geo.n && !str_starts(d->name[0], S("arn:"));
		return;
	}
	d->vendor = head;
	add_abroad(d, rest);
	add_abroad(d, without_revision(rest));
}

/* ---- Google: [.../publishers/VENDOR/models/]MODEL[@DATE|@latest|@default] --------------------------------- */

/* MODEL@DATE of MODEL-DATE, and the other way round; absent: it is neither. */
static struct str other_date(struct str name, struct decoded *d)
{
	struct str head = decode_undated(name);

	if (!head.p || name.n - head.n != DATE_DIGITS + 1 || name.n > sizeof(d->made))
		return STR_NONE;
	memcpy(d->made, name.p, name.n);
	d->made[head.n] = name.p[head.n] == '@' ? '-' : '@';
	return (struct str){ d->made, name.n };
}

static void decode_google(struct str name, struct decoded *d)
{
	struct str plain = after_last(name, '/'), path = before_last(name, '/'), head;
	struct str other = other_date(plain, d);

	add(d, name);
	if (path.p && !str_eq(path, S("models")) && !str_ends(path, S("/models")))
		return; /* an endpoint, a tuned model: its number says nothing */
	if (path.n > sizeof("models"))
		d->vendor = after_last(before_last(path, '/'), '/');
	add(d, plain);
	head = before_last(plain, '@');
	if (head.p && (str_eq(after_last(plain, '@'), S("latest")) ||
		       str_eq(after_last(plain, '@'), S("default"))))
		add(d, head);
	for (size_t i = 1; i < d->count; i++)
		add_abroad(d, d->name[i]);
	if (!d->abroad_count)
		add_abroad(d, name);
	/* Google writes @DATE, the vendor itself -DATE; the answer is the vendor's */
	if (before_last(plain, '@').p)
		add_abroad(d, other);
	else
		add(d, other);
}

/* ---- OpenAI: ft:BASE:ORG:SUFFIX:ID -------------------------------------------------------------------------- */

static void decode_openai(struct str name, struct decoded *d)
{
	struct str rest = name, head;

	add(d, name);
	if (!str_starts(name, S("ft:"))) {
		add_abroad(d, name);
		return;
	}
	rest = str_skip(name, sizeof("ft:") - 1);
	if (str_cut(&rest, &head, ':') && head.n)
		d->base = str_head(name, sizeof("ft:") - 1 + head.n);
}

/* ---- OpenRouter: VENDOR/MODEL[:VARIANT] ----------------------------------------------------------------------- */

static void decode_openrouter(struct str name, struct decoded *d)
{
	struct str rest, vendor;

	add(d, name);
	d->plain = before_last(name, ':');
	if (d->plain.p)
		d->variant = after_last(name, ':');
	rest = name;
	if (d->plain.p || !str_cut(&rest, &vendor, '/'))
		return;
	d->vendor = vendor;
	add_abroad(d, rest);
}

static void decode_other(struct str name, struct decoded *d)
{
	add(d, name);
	add_abroad(d, name);
}

static const struct {
	const char *provider;
	void (*decode)(struct str name, struct decoded *d);
	bool by_path, deployed;
} ways[] = {
	{ "azure", decode_other, false, true },
	{ "bedrock", decode_bedrock, true, false },
	{ "gemini", decode_google, false, false },
	{ "openai", decode_openai, false, false },
	{ "openrouter", decode_openrouter, false, false },
	{ "vertex", decode_google, false, false },
};

void decode_name(struct str provider, struct str name, struct decoded *ret)
{
	const struct str million = S("[1m]"); /* Claude Code's own mark of a long context */
	void (*decode)(struct str, struct decoded *) = decode_other;

	*ret = (struct decoded){ .count = 0 };
	if (str_ends(name, million) && name.n > million.n) {
		name = str_head(name, name.n - million.n);
		ret->flags = 1u << FLAG_LONG_SUFFIX;
	}
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		if (str_eq(provider, str_of(ways[i].provider))) {
			decode = ways[i].decode;
			ret->by_path = ways[i].by_path;
			ret->deployed = ways[i].deployed;
		}
	decode(name, ret);
}
