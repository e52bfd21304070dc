/* The small closed sets of a call record.	(NAME, text in records) */
#ifdef KIND
KIND(INFERENCE,		"inference")
KIND(OTHER,		"other")
KIND(ERROR,		"error")
#endif
#ifdef OUTCOME
OUTCOME(OK,		"ok")
OUTCOME(CLIENT_ERROR,	"client_error")
OUTCOME(RATE_LIMITED,	"rate_limited")
OUTCOME(SERVER_ERROR,	"server_error")
OUTCOME(ABORTED,	"aborted")
OUTCOME(INCOMPLETE,	"incomplete")
#endif
#ifdef SOURCE
SOURCE(NONE,		"none")
SOURCE(REPORTED,	"reported")
SOURCE(PARTIAL,		"partial")
SOURCE(ESTIMATED,	"estimated")
#endif
#ifdef BILLING
BILLING(UNPRICED,	"unpriced")
BILLING(METERED,	"metered")
BILLING(SUBSCRIPTION,	"subscription")
BILLING(FREE,		"free")
#endif
