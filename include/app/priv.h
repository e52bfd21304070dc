/* priv.h -- who each role is, and what it may do. */
#ifndef APP_PRIV_H
#define APP_PRIV_H

#include "app/role.h"

struct priv_ids {
	uint32_t uid[ROLE_COUNT], gid[ROLE_COUNT];
	uint32_t desk_gid;
};

const char *priv_name(enum role role);
/* By the user names of the package, where there are none by fixed numbers. Reads the user database: not for the
 * supervisor itself. */
void priv_ids(struct priv_ids *ret);
/* 0 when this process may start the roles; else -EPERM with a line that says what is missing. */
int priv_check(char why[256]) _must_use_;
/* Has this process what the attacher needs to look at sockets? */
bool priv_has_sockets(void);
/* The ids alone, everything else gone: for trying out what a role could open. */
int priv_become(uint32_t uid, uint32_t gid) _must_use_;

#endif
