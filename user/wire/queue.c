/* queue.c -- a list and its length. */
#include <utlist.h>
#include "base/limit.h"
#include "wire/queue.h"

int queue_open(struct queue *q, const struct origin *from, uint64_t off, struct exchange **ret)
{
	struct exchange *x = NULL;
	int r;

	if (q->count == LIMIT_PIPELINE) {
		count_limit(q->env->opts->counters, PIPELINE);
		return -EMSGSIZE;
	}
	r = exchange_new(q->env, from, off, &x);
	if (r < 0)
		return r;
	DL_APPEND(q->first, x);
	q->count++;
	*ret = x;
	return 0;
}

static void queue_remove(struct queue *q, struct exchange *x)
{
	DL_DELETE(q->first, x);
	q->count--;
}

int queue_close(struct queue *q, struct exchange *x, uint64_t at_ns, enum why why, bool aborted)
{
	queue_remove(q, x);
	return exchange_end(&x, at_ns, why, aborted);
}

int queue_close_all(struct queue *q, uint64_t at_ns, enum why why)
{
	int first = 0;

	while (q->first) {
		struct exchange *x = q->first;
		int r = 0;

		for (int dir = DIR_OUT; r == 0 && dir <= DIR_IN; dir++)
			if (x->side[dir].head)
				r = exchange_cut(x, dir, at_ns, why);
		first = first < 0 ? first : r;
		r = queue_close(q, x, at_ns, why, false);
		first = first < 0 ? first : r;
	}
	return first;
}

struct exchange *queue_take(struct queue *q)
{
	struct exchange *x = q->first;

	if (x)
		queue_remove(q, x);
	return x;
}

void queue_done(struct queue *q)
{
	while (q->first) {
		struct exchange *x = queue_take(q);

		exchange_free(&x);
	}
}
