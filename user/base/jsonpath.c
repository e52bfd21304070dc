#include "base/jsonpath.h"
#include "base/obj.h"

/* Takes the next step off `path`. */
static int path_step(struct str *path, bool first, struct str *ret)
{
	size_t n = 0;

	if (str_starts(*path, S("[]"))) {
		*path = str_skip(*path, 2);
		*ret = STR_NONE;
		return 0;
	}
	if (!first) {
		if (path->p[0] != '.')
			return -EINVAL;
		*path = str_skip(*path, 1);
	}
	while (n < path->n && path->p[n] != '.' && path->p[n] != '[')
		n++;
	if (n == 0 || n > LIMIT_JSON_TEXT)
		return -EINVAL;
	*ret = str_head(*path, n);
	*path = str_skip(*path, n);
	return 0;
}

/* No fewer than the steps of a good path. */
static size_t path_steps(const char *path)
{
	size_t n = 1;

	for (; *path; path++)
		n += *path == '.' || *path == '[';
	return n;
}

/* Adds row `row`, whose steps go to steps[*used] and on. */
static int path_row(struct jsonpath *t, size_t row, size_t *used)
{
	struct str path = str_of(t->want[row].path), step;
	uint64_t bit = 1ull << row;
	unsigned depth = 0;
	int r;

	t->first[row] = *used;
	while (path.n) {
		if (depth == LIMIT_JSON_DEPTH)
			return -EINVAL;
		r = path_step(&path, depth == 0, &step);
		if (r < 0)
			return r;
		if (str_eq(step, S("**"))) {
			if (path.n)
				return -EINVAL;
			t->deep |= bit;
			break;
		}
		if (!step.p)
			t->elements[depth] |= bit;
		t->steps[(*used)++] = step;
		depth++;
	}
	for (unsigned d = depth; t->deep & bit && d <= LIMIT_JSON_DEPTH; d++) {
		t->within[d] |= bit;
		t->ends[d] |= d > depth ? bit : 0;
	}
	if (!(t->deep & bit))
		t->ends[depth] |= bit;
	t->rows |= bit;
	if (t->want[row].flags & JSON_RAW)
		t->raw |= bit;
	if (t->want[row].flags & JSON_EACH)
		t->each |= bit;
	if (t->want[row].flags & JSON_SIZE)
		t->size |= bit;
	if (t->want[row].flags & JSON_RUNS)
		t->runs |= bit;
	if (t->want[row].flags & JSON_NAMES)
		t->names |= bit;
	return 0;
}

int jsonpath_init(struct jsonpath *t, const struct json_want *want, size_t count)
{
	size_t steps = 0, used = 0;
	int r;

	*t = (struct jsonpath){ .want = want };
	if (count > JSONPATH_ROWS)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (!want[i].path)
			return -EINVAL;
		steps += path_steps(want[i].path);
	}
	t->steps = mem_zero(steps + 1, sizeof(*t->steps));
	if (!t->steps)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		r = path_row(t, i, &used);
		if (r < 0)
			return r;
	}
	return 0;
}

void jsonpath_done(struct jsonpath *t)
{
	mem_free(take(t->steps));
}

uint64_t jsonpath_member(const struct jsonpath *t, uint64_t rows, unsigned depth, struct str name)
{
	uint64_t found = rows & t->within[depth];

	rows &= ~t->ends[depth] & ~t->elements[depth] & ~found;
	for (; rows; rows &= rows - 1) {
		unsigned row = (unsigned)__builtin_ctzll(rows);
		struct str step = t->steps[t->first[row] + depth];

		if (str_eq(step, name) || str_eq(step, S("*")))
			found |= 1ull << row;
	}
	return found;
}
