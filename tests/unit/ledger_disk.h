/* ledger_disk.h -- a disk that fails: an SQLite VFS around the default one. The n-th write, sync or truncation
 * fails, kills the process, or is the first of all that fail. */
#ifndef TESTS_LEDGER_DISK_H
#define TESTS_LEDGER_DISK_H

#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sqlite3.h>

enum disk_mode {
	DISK_GOOD,
	DISK_FAIL,      /* once, and nothing happened */
	DISK_FAIL_LATE, /* once, and it happened all the same: the answer was lost */
	DISK_FULL,      /* from there on, until it is good again */
	DISK_KILL,
};

static struct {
	enum disk_mode mode;
	long at, seen; /* operations */
	sqlite3_vfs vfs, *real;
	sqlite3_io_methods io;
} disk;

struct disk_file {
	sqlite3_file base;
	sqlite3_file *real; /* right behind this struct */
};

static sqlite3_file *disk_real(sqlite3_file *f)
{
	return ((struct disk_file *)f)->real;
}

/* Does the operation under way fail before it happens? */
static int disk_before(void)
{
	long n = disk.seen++;

	if (disk.mode == DISK_KILL && n == disk.at)
		kill(getpid(), SIGKILL);
	return (disk.mode == DISK_FAIL && n == disk.at) || (disk.mode == DISK_FULL && n >= disk.at);
}

static int disk_after(int rc, int error)
{
	return rc == SQLITE_OK && disk.mode == DISK_FAIL_LATE && disk.seen == disk.at + 1 ? error
											  : rc;
}

static int disk_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (disk_before())
		return disk.mode == DISK_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	return disk_after(disk_real(f)->pMethods->xWrite(disk_real(f), p, n, at),
			  SQLITE_IOERR_WRITE);
}

static int disk_sync(sqlite3_file *f, int flags)
{
	if (disk_before())
		return SQLITE_IOERR_FSYNC;
	(void)f,
		(void)flags; /* no power is cut here: the page cache is as good as the disk, and faster */
	return disk_after(SQLITE_OK, SQLITE_IOERR_FSYNC);
}

static int disk_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (disk_before())
		return SQLITE_IOERR_TRUNCATE;
	return disk_after(disk_real(f)->pMethods->xTruncate(disk_real(f), size),
			  SQLITE_IOERR_TRUNCATE);
}

#define PASS(name, parameters, arguments)                         \
	static int disk_##name parameters                         \
	{                                                         \
		return disk_real(f)->pMethods->x##name arguments; \
	}
PASS(Close, (sqlite3_file * f), (disk_real(f)))
PASS(Read, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), (disk_real(f), p, n, at))
PASS(FileSize, (sqlite3_file * f, sqlite3_int64 *ret), (disk_real(f), ret))
PASS(Lock, (sqlite3_file * f, int level), (disk_real(f), level))
PASS(Unlock, (sqlite3_file * f, int level), (disk_real(f), level))
PASS(CheckReservedLock, (sqlite3_file * f, int *ret), (disk_real(f), ret))
PASS(FileControl, (sqlite3_file * f, int op, void *arg), (disk_real(f), op, arg))
PASS(SectorSize, (sqlite3_file * f), (disk_real(f)))
PASS(DeviceCharacteristics, (sqlite3_file * f), (disk_real(f)))
PASS(ShmMap, (sqlite3_file * f, int page, int size, int extend, void volatile **ret),
     (disk_real(f), page, size, extend, ret))
PASS(ShmLock, (sqlite3_file * f, int at, int n, int flags), (disk_real(f), at, n, flags))
PASS(ShmUnmap, (sqlite3_file * f, int gone), (disk_real(f), gone))
#undef PASS

static void disk_shm_barrier(sqlite3_file *f)
{
	disk_real(f)->pMethods->xShmBarrier(disk_real(f));
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret)
{
	struct disk_file *d = (struct disk_file *)f;
	int rc;

	(void)vfs;
	d->real = (sqlite3_file *)(void *)(d + 1);
	rc = disk.real->xOpen(disk.real, name, d->real, flags, ret);
	d->base.pMethods = d->real->pMethods ? &disk.io : NULL;
	return rc;
}

/* For the rest of the process. */
static void disk_install(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "disk";
	disk.vfs.szOsFile = (int)sizeof(struct disk_file) + disk.real->szOsFile;
	disk.vfs.xOpen = disk_open;
	disk.io = (sqlite3_io_methods){
		.iVersion = 2,
		.xClose = disk_Close,
		.xRead = disk_Read,
		.xWrite = disk_write,
		.xTruncate = disk_truncate,
		.xSync = disk_sync,
		.xFileSize = disk_FileSize,
		.xLock = disk_Lock,
		.xUnlock = disk_Unlock,
		.xCheckReservedLock = disk_CheckReservedLock,
		.xFileControl = disk_FileControl,
		.xSectorSize = disk_SectorSize,
		.xDeviceCharacteristics = disk_DeviceCharacteristics,
		.xShmMap = disk_ShmMap,
		.xShmLock = disk_ShmLock,
		.xShmBarrier = disk_shm_barrier,
		.xShmUnmap = disk_ShmUnmap,
	};
	sqlite3_vfs_register(&disk.vfs, 1);
}

static void disk_set(enum disk_mode mode, long at)
{
	disk.mode = mode;
	disk.at = at;
	disk.seen = 0;
}

#endif
