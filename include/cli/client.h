/* client.h -- asks the desk. The only way a command learns about a running meter. */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>
#include "base/buf.h"
#include "cli/cli.h"

#define CLIENT_ANSWER (256u << 20) /* most bytes of an answer */

struct client_answer {
	long status;     /* of HTTP */
	uint64_t next;   /* Submeter-Next header, or 0 */
	struct buf body; /* buf_done() it */
};

/* An exit status: CLI_OK with the answer whatever its HTTP status; CLI_UNREACHABLE, said on standard error. */
int client_get(const struct cli *cli, const char *path, struct client_answer *ret) _must_use_;
/* As client_get; `aloud` says whether an unreachable server is mentioned on standard error. */
int client_try(const struct cli *cli, const char *path, bool aloud,
	       struct client_answer *ret) _must_use_;
int client_post(const struct cli *cli, const char *path, struct str body, const char *key,
		struct client_answer *ret) _must_use_;
/* As client_get, and says what the API complained about; an error for any status but 200. */
int client_fetch(const struct cli *cli, const char *path, struct client_answer *ret) _must_use_;
/* As client_fetch, parsed; json_decref() it. */
int client_json(const struct cli *cli, const char *path, json_t **ret) _must_use_;
/* Says the message of an error answer on standard error; returns CLI_ERROR, or CLI_USAGE for a bad request. */
int client_complain(const struct client_answer *a);
/* Appends "?name=value" or "&name=value", escaped; nothing for NULL. */
int client_param(struct buf *path, const char *name, const char *value) _must_use_;
/* Where the API is: "unix:/run/submeter/api.sock" or "http://host:port". */
int client_server(const struct cli *cli, char *ret, size_t room) _must_use_;

#endif
