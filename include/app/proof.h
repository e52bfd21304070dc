/* proof.h -- does what comes through a signature look like HTTP? The meter's half: it counts on the board, the attacher
 * judges. */
#ifndef APP_PROOF_H
#define APP_PROOF_H

#include "app/board.h"
#include "flow.h"

/* The first bytes of a connection, of either side: 1 yes, 0 no, -1 too few to say. */
int proof_looks(struct str bytes);
/* Every chunk on its way, those without bytes too. `utc_off`: UTC minus CLOCK_BOOTTIME. */
void proof_chunk(struct board *b, const struct chunk *c, uint64_t utc_off);

#endif
