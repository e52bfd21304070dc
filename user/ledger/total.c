#include "ledger/db.h"
#include "ledger/sum.h"

static int parsed(struct use *u, int column, __int128 *ret)
{
	struct str text = use_col_text(u, column);

	*ret = 0;
	return text.p ? sum_parse(text, ret) : 0;
}

/* Charges are in one order: behind which call, as which revision. */
static int place_of(struct db *db, const unsigned char *before, int64_t ret[2])
{
	_cleanup_(use_end) struct use u = { 0 };
	int r;

	ret[0] = ret[1] = INT64_MAX;
	if (!before)
		return 0;
	u = db_use(db, SQL_CHARGED);
	use_blob(&u, before, TOTAL_ID);
	r = use_step(&u);
	if (r <= 0 || use_col_null(&u, 0))
		return MIN(r, 0);
	ret[0] = use_col_int(&u, 0);
	ret[1] = use_col_int(&u, 1);
	return 0;
}

int total_of(struct db *db, struct str contract, uint64_t from_ns, uint64_t until_ns,
	     const unsigned char *before, struct total *ret)
{
	_cleanup_(use_end) struct use u = db_use(db, SQL_TOTAL);
	struct total t = { 0 };
	int64_t place[2];
	int r = place_of(db, before, place);

	if (r < 0)
		return r;
	/* calls that get their first price ask one after the other */
	if (before && place[0] == INT64_MAX)
		return total_follow(db, contract, from_ns, until_ns, ret);
	use_text(&u, contract);
	use_int(&u, (int64_t)MIN(from_ns, (uint64_t)INT64_MAX));
	use_int(&u, (int64_t)MIN(until_ns, (uint64_t)INT64_MAX));
	use_int(&u, place[0]);
	use_int(&u, place[1]);
	r = use_step(&u);
	if (r <= 0)
		return r < 0 ? r : -EUCLEAN;
	r = parsed(&u, 0, &t.net);
	if (r == 0)
		r = parsed(&u, 1, &t.list);
	if (r == 0)
		*ret = t;
	return r;
}

static bool is_of(const struct total_row *row, struct str contract)
{
	return str_eq((struct str){ row->contract, row->n }, contract);
}

int total_follow(struct db *db, struct str contract, uint64_t from_ns, uint64_t until_ns,
		 struct total *ret)
{
	struct totals *t = &db->totals;
	struct total_row *row;
	int r;

	for (size_t i = 0; i < t->count; i++) {
		row = &t->row[i];
		if (is_of(row, contract) && row->from_ns == from_ns && row->until_ns == until_ns) {
			*ret = row->of;
			return 0;
		}
	}
	r = total_of(db, contract, from_ns, until_ns, NULL, ret);
	if (r < 0 || contract.n > TOTAL_NAME) /* a longer name is asked for each time */
		return r;
	row = &t->row[t->count < TOTAL_ROWS ? t->count++ : t->oldest++ % TOTAL_ROWS];
	*row = (struct total_row){
		.n = contract.n, .from_ns = from_ns, .until_ns = until_ns, .of = *ret
	};
	memcpy(row->contract, contract.p, contract.n);
	return 0;
}

void total_add(struct totals *t, struct str contract, uint64_t start_ns, int64_t net, int64_t list)
{
	for (size_t i = 0; i < t->count; i++) {
		struct total_row *row = &t->row[i];

		if (!is_of(row, contract) || start_ns < row->from_ns || start_ns >= row->until_ns)
			continue;
		row->of.net += net;
		row->of.list += list;
	}
}

void total_forget(struct totals *t)
{
	t->count = t->oldest = 0;
}
