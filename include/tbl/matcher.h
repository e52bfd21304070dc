/* What a rule of the team map can look at.	MATCHER(NAME, key, HOW, member of struct subject, words)
 *	PATH	glob over '/'-separated segments: '*' and '?' within one, '**' any number of them
 *	SLICE	glob on any one segment of the path down to the first unit (.service, .scope)
 *	TEXT	glob
 *	RANGE	a number or FROM-TO
 * A list matches where one of its items does; several keys all have to match. */
MATCHER(CGROUP,		"cgroup",		PATH,	cgroup,		"cgroup")
MATCHER(UNIT,		"systemd_unit",		TEXT,	unit,		"systemd unit")
MATCHER(SLICE,		"systemd_slice",	SLICE,	cgroup,		"cgroup")
MATCHER(CONTAINER,	"container",		TEXT,	container,	"container")
MATCHER(POD_UID,	"pod_uid",		TEXT,	pod_uid,	"pod uid")
MATCHER(EXE,		"exe",			PATH,	exe,		"executable")
MATCHER(UID,		"uid",			RANGE,	uid,		"uid")
