/* selftest.h -- does a return probe do harm on this kernel? Asked once, before anything is attached: there were kernels on
 * which it killed every program under seccomp. */
#ifndef PROBE_SELFTEST_H
#define PROBE_SELFTEST_H

#include "probe/kernel.h"

/* A child under the strictest seccomp calls a function of its own, whose return is probed as kernel_attach() does it. Takes
 * at most some seconds. `why` gets a line for the user where the answer is not 0. -EPERM: harm is done: do not attach;
 * others: it could not be tried. */
int selftest_uretprobe(const struct kernel *k, char why[256]) _must_use_;

/* The same with another seal than seccomp's strictest: the child runs it right before the call. */
int selftest_sealed(const struct kernel *k, void (*seal)(void), char why[256]) _must_use_;

#endif
