"""One live scene: simulator, private copies, cgroups of three teams below one parent, submeterd on top."""
import os
import shutil
import subprocess
import tempfile

from cgroup import Cgroup
from daemon import BIN, Daemon
from private import Private
from provider import TESTS, Provider

TEAMS = ("support", "engineering", "legal")


def missing():
    """Why live tests cannot run here, or None."""
    if os.geteuid():
        return "needs root"
    for name in ("submeterd", "submeter"):
        if not os.path.exists(f"{BIN}/{name}"):
            return f"{BIN}/{name} is not built"
    return None


class Bench:
    """A context; what it made is gone when it ends."""

    def __init__(self, name, seed=1, node=True, keep=bool(os.environ.get("SUBMETER_KEEP")), raw=False, root=None,
                 alpn="http/1.1"):
        self.name, self.seed, self.node, self.keep, self.raw, self.root, self.alpn = name, seed, node, keep, raw, root, alpn
        self.folder = self.parent = self.provider = self.daemon = self.outside = None

    def __enter__(self):
        try:
            self._make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _make(self):
        self.folder = tempfile.mkdtemp(prefix=f"submeter-{self.name}-")
        os.chmod(self.folder, 0o755)  # the roles run under other uids
        self.parent = Cgroup(f"/submeter-{self.name}-{os.getpid()}", self.root)
        self.outside = Cgroup(f"/submeter-{self.name}-{os.getpid()}-outside", self.root)
        self.teams = {team: self.parent.child(team) for team in TEAMS}
        self.provider = Provider(self.folder + "/sim", self.seed, raw=self.raw, alpn=self.alpn)
        self.private = Private(self.folder + "/private", self.node)
        self.daemon = Daemon(self.folder + "/daemon", [self.parent], [self.private.lib, self.private.bin],
                             {team: c.path for team, c in self.teams.items()})

    def leaf(self, team, name):
        """The cgroup of one client of one team; its calls carry a tag that begins with TEAM/NAME/."""
        return self.teams[team].child(name)

    def owner(self, tag):
        team, name = tag.split("/")[:2]
        return team, f"{self.teams[team].path}/{name}"

    def cg_rows(self):
        """The per-cgroup counters of `status`."""
        return self.daemon.json("status")["cgroups"]

    def end(self, t):
        """Stops submeterd and has the independent checker look at what it leaves behind."""
        t.equal(self.daemon.stop(), 0, "submeterd ends with status 0")
        p = subprocess.run(["/usr/bin/python3", TESTS + "/truth/check.py", self.daemon.state + "/ledger.db"],
                           capture_output=True, text=True, check=False)
        t.check(p.returncode == 0, "the independent checker finds the ledger sound", p.stdout[-3000:] + p.stderr[-3000:])

    def __exit__(self, *_):
        try:
            if self.daemon:
                self.daemon.stop()
        finally:
            if self.provider:
                self.provider.stop()
            for cgroup in (self.parent, self.outside):
                if cgroup:
                    cgroup.remove()
            if self.folder and not self.keep:
                shutil.rmtree(self.folder)
