"""Cgroups of our own under the v2 mount, wherever that is."""
import errno
import os
import time


def mount():
    """The v2 hierarchy: /sys/fs/cgroup, or /sys/fs/cgroup/unified on a hybrid host."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            left, _, right = line.partition(" - ")
            if right.split(" ")[0] == "cgroup2":
                return left.split(" ")[4]
    raise RuntimeError("no cgroup v2 hierarchy is mounted")


def mount_v1(name):
    """A v1 hierarchy by its controller, or by "name=...", where one is mounted; else None."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            left, _, right = line.partition(" - ")
            kind, _, options = right.split()
            if kind == "cgroup" and name in options.split(","):
                return left.split(" ")[4]
    return None


class Cgroup:
    """One cgroup; `path` is what /proc/PID/cgroup says, `folder` where it is."""

    def __init__(self, path, root=None):
        self.root = root or mount()
        self.path = path
        self.folder = self.root + path
        os.makedirs(self.folder, exist_ok=True)

    def child(self, name):
        return Cgroup(f"{self.path}/{name}", self.root)

    @property
    def id(self):
        return os.stat(self.folder).st_ino

    def pids(self):
        with open(self.folder + "/cgroup.procs", encoding="ascii") as f:
            return [int(line) for line in f]

    def move(self, pid):
        with open(self.folder + "/cgroup.procs", "w", encoding="ascii") as f:
            f.write(str(pid))

    def remove(self):
        """Ends what still runs in it, which can only be ours, and removes it with everything below."""
        for below, _, _ in os.walk(self.folder, topdown=False):
            self._kill(below)
            for attempt in range(200):
                try:
                    os.rmdir(below)
                    break
                except FileNotFoundError:
                    break
                except OSError as e:
                    if e.errno != errno.EBUSY or attempt == 199:
                        raise
                    time.sleep(0.01)  # a killed process leaves when it has been reaped

    @staticmethod
    def _kill(folder):
        try:
            with open(folder + "/cgroup.kill", "w", encoding="ascii") as f:
                f.write("1")
        except OSError:
            pass  # before Linux 5.14 there is no such file
