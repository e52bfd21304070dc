/* keeper.h -- the descriptors that outlive a role: the kernel's maps and programs, and what is attached to which file.
 * For the supervisor: no parsing, no allocation. */
#ifndef APP_KEEPER_H
#define APP_KEEPER_H

#include "app/role.h"

struct keeper {
	struct links links[BOARD_TARGETS];
};

/* All of `w` that is a descriptor becomes -1; its links are the keeper's. */
void keeper_init(struct keeper *k, struct world *w);
/* Takes what the attacher has sent and answers each. `ending`: nothing new is kept. */
void keeper_take(struct keeper *k, struct world *w, bool ending);
/* The attacher has died: takes what it still sent and throws answers away that nobody waits for. */
void keeper_forget(struct keeper *k, struct world *w);
/* Closes every link: no probe is left. */
void keeper_detach(struct keeper *k);
/* In a child: closes every descriptor that this role has no business with. */
void keeper_close_others(struct world *w, enum role role);

#endif
