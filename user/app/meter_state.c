#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "app/meter.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/obj.h"

#define MAP_LAST "team-map.last" /* in the state folder: the last map that was good */

static int state_path(const struct meter *m, const char *name, char *ret, size_t room)
{
	int n = snprintf(ret, room, "%s/%s", m->board->conf.state, name);

	return n < 0 || (size_t)n >= room ? -ENAMETOOLONG : 0;
}

static int key_make(const char *path, unsigned char *ret, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600), r = 0;

	if (fd < 0)
		return -errno;
	hash_random(ret, size);
	if (write(fd, ret, size) != (ssize_t)size || fsync(fd) < 0)
		r = errno ? -errno : -EIO;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r < 0)
		unlink(path);
	return r;
}

int meter_key(struct meter *m, const char *name, unsigned char *ret, size_t size)
{
	char folder[CONF_TEXT + 16], path[CONF_TEXT + 64];
	ssize_t n;
	int fd;

	if (state_path(m, "keys", folder, sizeof(folder)) < 0 ||
	    snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return log_err(-ENAMETOOLONG, "the state path is too long");
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return log_err(-errno, "cannot make '%s'", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		int r = key_make(path, ret, size);

		return r < 0 ? log_err(r, "cannot make the key '%s'", path) : 0;
	}
	if (fd < 0)
		return log_err(-errno, "cannot read the key '%s'", path);
	n = read(fd, ret, size);
	close(fd);
	if (n != (ssize_t)size)
		return log_err(-EBADMSG, "the key '%s' is damaged: restore it from a backup", path);
	return 0;
}

static int book_of(const struct conf *c, struct book **ret)
{
	_cleanup_(book_free) struct book *b = NULL;
	char error[YAML_ERROR] = "out of memory";
	int r = book_new(&b);

	if (r == 0)
		r = book_add(b, book_shipped(), "shipped price book", error);
	for (unsigned i = 0; r == 0 && i < c->prices.count; i++)
		r = book_load(b, c->prices.item[i], error);
	if (r < 0)
		return log_err(r == -EBADMSG ? 0 : r, "cannot use the price book: %s", error), r;
	*ret = take(b);
	return 0;
}

int meter_book(struct meter *m)
{
	return book_of(&m->board->conf, &m->book);
}

int meter_check(const struct conf *c)
{
	_cleanup_(book_free) struct book *b = NULL;
	_cleanup_(map_free) struct map *map = NULL;
	char error[YAML_ERROR];
	int r = book_of(c, &b);

	if (r < 0 || (access(c->team_map, F_OK) < 0 && errno == ENOENT))
		return r;
	r = map_load(c->team_map, &map, error);
	if (r < 0)
		log_line(LOG_ERR, 0, "cannot use the team map: %s", error);
	return r;
}

static void map_remember(struct meter *m, const char *path)
{
	char from[CONF_TEXT + 32], to[CONF_TEXT + 32], block[4096];
	int in, out;
	ssize_t n = 0;

	if (state_path(m, MAP_LAST ".new", from, sizeof(from)) < 0 ||
	    state_path(m, MAP_LAST, to, sizeof(to)) < 0)
		return;
	in = open(path, O_RDONLY | O_CLOEXEC);
	out = open(from, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	while (in >= 0 && out >= 0 && (n = read(in, block, sizeof(block))) > 0)
		if (write(out, block, (size_t)n) != n)
			n = -1;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	if (in < 0 || out < 0 || n < 0 || rename(from, to) < 0)
		log_warn(-errno, "cannot keep a copy of the team map in '%s'", to);
}

static void map_use(struct meter *m, struct map *map)
{
	struct map *old = m->map;

	m->map = map;
	if (m->pipeline)
		pipeline_use(m->pipeline, map);
	map_free(&old);
	snprintf(m->board->map_revision, sizeof(m->board->map_revision), STR_FMT,
		 STR_ARG(map_revision(map)));
	m->board->map_loaded_ns = clock_utc_ns();
	for (size_t i = 0; m->ledger && i < map_teams(map); i++)
		if (ledger_team(m->ledger, map_team(map, i)->id) < 0)
			log_warn(0, "cannot open the accounts of team '" STR_FMT "' yet",
				 STR_ARG(map_team(map, i)->id));
}

/* An error goes to the log and to `status`. */
static int map_try(struct meter *m, const char *path, struct map **ret)
{
	char error[YAML_ERROR];
	int r = map_load(path, ret, error);

	if (r < 0) {
		snprintf(m->board->map_error, sizeof(m->board->map_error), "%s", error);
		log_line(LOG_ERR, 0, "team map not taken: %s", error);
	} else {
		m->board->map_error[0] = '\0';
	}
	return r;
}

int meter_map(struct meter *m)
{
	const char *path = m->board->conf.team_map;
	char last[CONF_TEXT + 32], error[YAML_ERROR];
	struct map *map = NULL;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		log_warn(0, "no team map at '%s': every call goes to " TEAM_NONE, path);
		if (map_parse(S(""), "empty map", &map, error) < 0)
			return log_err(-ENOMEM, "cannot make a team map");
	} else if (map_try(m, path, &map) == 0) {
		map_remember(m, path);
	} else if (state_path(m, MAP_LAST, last, sizeof(last)) < 0 ||
		   map_load(last, &map, error) < 0) {
		return -EBADMSG;
	} else {
		log_warn(0, "the last good team map stays in force; correct '%s' and send SIGHUP",
			 path);
	}
	map_use(m, map);
	return 0;
}

/* The files that the settings named at start, read again: as a whole or not at all. What is booked stays (`price reprice`). */
static void book_reload(struct meter *m)
{
	struct book *b = NULL, *old = m->book;

	if (book_of(&m->board->conf, &b) < 0) {
		log_warn(0, "the prices that were in force stay so");
		return;
	}
	m->book = b;
	pipeline_prices(m->pipeline, b);
	book_free(&old);
	log_info("prices reloaded: %zu models", book_models(b));
}

void meter_reload(struct meter *m)
{
	struct map *map = NULL;

	book_reload(m);
	if (map_try(m, m->board->conf.team_map, &map) < 0) {
		count_add(&m->board->counters, MAP_RELOAD_ERRORS, 1);
		return;
	}
	map_remember(m, m->board->conf.team_map);
	map_use(m, map);
	count_add(&m->board->counters, MAP_RELOADS, 1);
	log_info("team map reloaded: %zu teams, revision %s", map_teams(map),
		 m->board->map_revision);
}
