/* `submeter detach --all` and `submeter attach`: the desk asks on the board, the attacher does it. */
#include "app/sockets.h"
#include "base/clock.h"
#include "base/log.h"
#include "host/proc.h"

static bool nobody(void *ctx, uint32_t tgid, uint64_t start_ns)
{
	(void)ctx, (void)tgid, (void)start_ns;
	return false;
}

/* What a connection says from now on is not seen: when probes are back it must count as another one, joined midway, or the
 * hole in it would go unnoticed. */
static int attacher_stop(struct attacher *a)
{
	struct fact f = { .op = FACT_STOPPED };
	size_t freed;
	int r = targets_off(a->targets);

	sockets_off(a);
	if (r == 0)
		r = kernel_sweep(&a->world->kernel, nobody, NULL, &freed);
	if (r < 0)
		return r;
	attacher_tell(a, &f);
	__atomic_store_n(&a->board->off_done, 1, __ATOMIC_RELEASE);
	return 0;
}

static int attacher_resume(struct attacher *a)
{
	int r;

	__atomic_store_n(&a->board->off_done, 0, __ATOMIC_RELEASE);
	targets_on(a->targets);
	r = sockets_attach(a);
	if (r == 0)
		r = attacher_folders(a);
	if (r == 0)
		r = proc_pids(attacher_process, a);
	if (r == 0)
		attacher_resumed(a);
	return r;
}

void attacher_resumed(struct attacher *a)
{
	struct board *b = a->board;

	if (a->off || b->off_ns <= b->on_ns)
		return;
	__atomic_store_n(&b->off_done, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&b->on_ns, MAX(clock_utc_ns(), b->off_ns + 1), __ATOMIC_RELEASE);
}

int attacher_switch(struct attacher *a)
{
	bool off = __atomic_load_n(&a->board->off_asked, __ATOMIC_ACQUIRE) != 0;

	if (off == a->off)
		return 0;
	a->off = off;
	return off ? attacher_stop(a) : attacher_resume(a);
}
