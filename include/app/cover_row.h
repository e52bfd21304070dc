/* cover_row.h -- a process on the board, as coverage fills its row: whole for whoever reads it. */
#ifndef APP_COVER_ROW_H
#define APP_COVER_ROW_H

#include "app/cover.h"

/* Of this process from now on; an empty `from`: of none. */
void cover_row_new(struct board_process *row, const struct origin *from, uint64_t at_ns);
void cover_row_who(struct board_process *row, const char *comm, const struct cover_who *who);
void cover_row_why(struct board_process *row, const char *host, const char *why);

#endif
