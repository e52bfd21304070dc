#include <stdio.h>
#include "base/limit.h"
#include "cli/audit.h"

enum { READ_BYTES = 65536 };

static void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static int hash_file(FILE *in, unsigned char ret[HASH_KEY])
{
	char bytes[READ_BYTES];
	struct hash h;
	size_t n;

	hash_init(&h, NULL, HASH_KEY);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		hash_add(&h, (struct str){ bytes, n });
	if (ferror(in))
		return -EIO;
	hash_end(&h, ret, HASH_KEY);
	return fseeko(in, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int one_line(struct audit_file *f, size_t number, struct str line)
{
	json_error_t error;
	json_t *doc;
	int r;

	if (!str_trim(line).n)
		return 0;
	doc = json_loadb(line.p, line.n, JSON_ALLOW_NUL, &error);
	if (!json_is_object(doc)) {
		r = f->entry(f->ctx, f, number, NULL, doc ? "not a JSON object" : error.text);
	} else {
		r = f->entry(f->ctx, f, number, doc, NULL);
	}
	json_decref(doc);
	return r;
}

/* Lines of any length up to LIMIT_AUDIT_LINE; a longer one is an error and its rest is skipped. */
static int run_lines(struct audit_file *f, FILE *in)
{
	_cleanup_(buf_done) struct buf line = { .limit = LIMIT_AUDIT_LINE };
	char bytes[READ_BYTES];
	size_t number = 1, n;
	bool too_long = false;
	int r = 0;

	while (r == 0 && (n = fread(bytes, 1, sizeof(bytes), in)) > 0) {
		struct str rest = { bytes, n }, head;

		while (r == 0 && str_cut(&rest, &head, '\n')) {
			too_long |= buf_add(&line, head) < 0;
			r = too_long ? f->entry(f->ctx, f, number, NULL, "the line is too long")
				     : one_line(f, number, buf_str(&line));
			buf_reset(&line);
			too_long = false;
			number++;
		}
		too_long |= buf_add(&line, rest) < 0;
	}
	if (r == 0 && ferror(in))
		return -EIO;
	if (r == 0 && (line.n || too_long))
		r = too_long ? f->entry(f->ctx, f, number, NULL, "the line is too long")
			     : one_line(f, number, buf_str(&line));
	return r;
}

static int run_har(struct audit_file *f, FILE *in)
{
	json_error_t error;
	json_t *doc = json_loadf(in, JSON_ALLOW_NUL, &error), *entries, *one;
	size_t i;
	int r = 0;

	entries = json_object_get(json_object_get(doc, "log"), "entries");
	if (!doc)
		r = f->entry(f->ctx, f, (size_t)MAX(error.line, 1), NULL, error.text);
	else if (!json_is_array(entries))
		r = f->entry(f->ctx, f, 1, NULL,
			     "not a HAR file: no log.entries; for exchange JSONL say --format "
			     "exchanges");
	json_array_foreach(entries, i, one)
	{
		if (r == 0)
			r = f->entry(f->ctx, f, i + 1, one, NULL);
	}
	json_decref(doc);
	return r;
}

int audit_file_run(struct audit_file *f, bool har)
{
	_cleanup_(close_file) FILE *in = fopen(f->path, "re");
	int r;

	if (!in)
		return -errno;
	r = hash_file(in, f->hash);
	if (r < 0)
		return r;
	return har ? run_har(f, in) : run_lines(f, in);
}
