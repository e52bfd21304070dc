/* wait.h -- waiting for a meter: until it is ready, until everything seen is booked. */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include "cli/cli.h"

/* CLI_OK once ready. Else, after `seconds`, CLI_ERROR or CLI_UNREACHABLE, said on standard error unless quiet.
 * `gone` (may be NULL) is asked between looks: true ends the waiting. */
int wait_ready(const struct cli *cli, unsigned seconds, bool (*gone)(void *ctx),
	       void *ctx) _must_use_;
/* CLI_OK once every byte seen before this call is booked and no call is open; CLI_ERROR when time is up, said with the
 * number of open calls. */
int wait_idle(const struct cli *cli, unsigned seconds) _must_use_;

#endif
