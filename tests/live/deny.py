#!/usr/bin/python3
"""What the settings leave alone, taken anew at SIGHUP while programs run: denied files are let go at once and come back,
programs and users are left alone, and settings that are broken change nothing."""
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from daemon import READY_S  # noqa: E402
from mapped import changed  # noqa: E402
from private import finish  # noqa: E402
from provider import Hold  # noqa: E402
from tap import Tap, until  # noqa: E402

CALLS = 5


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.lib, self.turn = t, bench, bench.private.lib + "/libssl.so.3", 0
        with open(bench.daemon.conf, encoding="utf-8") as f:
            self.conf = f.read()

    def observe(self):
        return self.bench.daemon.json("status")["observe"]

    def settings(self, *lines, counter="reloads"):
        """Writes them, sends SIGHUP and waits until it was acted upon."""
        before = self.observe()[counter]
        with open(self.bench.daemon.conf, "w", encoding="utf-8") as f:
            f.write(self.conf + "".join(line + "\n" for line in lines))
        os.kill(self.bench.daemon.process.pid, signal.SIGHUP)
        until(lambda: self.observe()[counter] > before, READY_S, counter)

    def target(self):
        inode = os.stat(self.lib).st_ino
        return next((x for x in self.bench.daemon.json("status")["targets"] if x["ino"] == inode), {})

    def held(self):
        hold = Hold(f"{self.bench.folder}/hold-{self.turn}")
        self.turn += 1
        p = self.bench.private.start("httpx", self.bench.provider, self.bench.leaf("legal", "held"), calls=1, tag="legal/held",
                                     sim=hold.opts())
        hold.arrived(1, lambda: p.poll() is None)
        return hold, p

    def metered(self, client):
        """How many of CALLS calls are booked; more than that, or different ones, is an error."""
        self.turn += 1
        name = f"{client}-{self.turn}"
        code, _, said = self.bench.private.run(client, self.bench.provider, self.bench.leaf("support", name), calls=CALLS,
                                               tag=f"support/{name}")
        if code:
            raise RuntimeError(said)
        self.bench.daemon.wait_idle()
        lines = [x for x in self.bench.provider.journal() if x["tag"].startswith(f"support/{name}/")]
        calls = compare.inference(self.bench.daemon.calls("--cgroup", f"{self.bench.teams['support'].path}/{name}"))
        wrong = compare.all_calls(lines, calls, self.bench.owner)
        if wrong["duplicated"] or wrong["unasked"] or wrong["different"] or len(lines) != CALLS:
            raise RuntimeError(compare.describe(wrong))
        return len(calls)


def deny(t, s):
    ways = (("by its path", s.lib), ("by a pattern", s.bench.private.folder + "/*/libssl.so.*"))
    for number, (what, line) in enumerate(ways, 1):
        hold, p = s.held()
        t.check(changed(p.pid, s.lib) > 0, f"denied {what}: there were probes in a running program")
        s.settings(f"observe.deny: ['{line}']")
        until(lambda: s.target().get("state") == "denied" and changed(p.pid, s.lib) == 0, READY_S, "the library is let go")
        t.equal(s.target().get("why"), "by observe.deny", f"denied {what}: status says why, and the running program has no probe")
        s.bench.daemon.wait_idle()  # the call under way ends, for us, though the program still waits for its answer
        calls = s.bench.daemon.calls("--cgroup", s.bench.teams["legal"].path + "/held")
        t.check(len(calls) == number and all(c.get("why") and c["usage_source"] != "reported" for c in calls),
                f"denied {what}: the call under way is booked for what is known of it", str(calls))
        hold.release()
        code, _, said = finish(p)
        t.equal(code, 0, f"denied {what}: the program got its answer {said[-300:] if code else ''}")
        t.equal(s.metered("curl"), 0, f"denied {what}: its users are not metered")
        s.settings()
        until(lambda: s.target().get("state") == "attached", READY_S, "the library is attached again")
        t.equal(s.metered("curl"), CALLS, f"denied {what}: allowed again, every call is exact")


def pick(t, s):
    s.settings("observe.exclude_exe: [curl]")
    t.equal((s.metered("curl"), s.metered("requests")), (0, CALLS), "a program excluded by its name; others are metered")
    s.settings(f"observe.exclude_exe: ['{os.path.realpath('/usr/bin/python3')}']")
    t.equal((s.metered("curl"), s.metered("requests")), (CALLS, 0), "a program excluded by its file; the one before is back")
    s.settings("observe.exe: [curl]")
    t.equal((s.metered("curl"), s.metered("requests")), (CALLS, 0), "only one program is observed")
    s.settings("observe.exclude_uid: [0]")
    t.equal(s.metered("curl"), 0, "a user's processes are left alone")
    s.settings("observe.uid: [0]", "observe.exclude_exe: [curl]")
    t.equal((s.metered("curl"), s.metered("requests")), (0, CALLS), "only one user's, and not all of these")
    s.settings("observe.uid: [4242]")
    t.equal(s.metered("requests"), 0, "only another user's")
    s.settings()
    t.equal((s.metered("curl"), s.metered("requests")), (CALLS, CALLS), "no rule: everything is observed again")


def broken(t, s):
    s.settings("observe.exclude_exe: [curl]")
    s.settings("observe.exclude_uid: [nobody]", counter="reloads_refused")
    t.equal(s.observe()["exclude_exe"], ["curl"], "settings that are broken are not taken, the old ones stay")
    t.check("want a number" in s.bench.daemon.said(), "the log says where they are broken")
    attacher = next(r["pid"] for r in s.bench.daemon.json("status")["roles"] if r["name"] == "attacher")
    os.kill(attacher, signal.SIGKILL)
    until(lambda: next((r.get("pid", 0) for r in s.bench.daemon.json("status")["roles"] if r["name"] == "attacher"), 0)
          not in (0, attacher), READY_S, "the attacher comes back")
    t.equal((s.metered("curl"), s.metered("requests")), (0, CALLS), "an attacher that starts anew knows the rules in force")
    s.settings()
    t.equal(s.metered("curl"), CALLS, "and takes them back")


def folder(t, s):
    """A library that comes into an observed folder is attached before anybody maps it."""
    other = s.bench.private.lib + "/fresh/deep"
    os.makedirs(other)
    for name in ("libssl.so.3", "libcrypto.so.3"):
        shutil.copy(f"{s.bench.private.lib}/{name}", f"{other}/.{name}")
        os.rename(f"{other}/.{name}", f"{other}/{name}")
    inode = os.stat(other + "/libssl.so.3").st_ino
    until(lambda: any(x["ino"] == inode and x["state"] == "attached" for x in s.bench.daemon.json("status")["targets"]), READY_S,
          "a library in a new folder")
    t.check(True, "a library that comes into an observed folder is attached before its first use")
    os.rename(other + "/libssl.so.3", s.lib)
    until(lambda: s.target().get("state") == "attached", READY_S, "a library that replaces another")
    t.equal(s.metered("curl"), CALLS, "one that replaces another by rename is metered from its first call")


def body(t):
    with Bench("deny", node=False) as bench:
        bench.daemon.start()
        s = Scene(t, bench)
        t.equal(s.metered("curl"), CALLS, "without rules everything is metered")
        deny(t, s)
        pick(t, s)
        broken(t, s)
        folder(t, s)
        rows = compare.identities(bench.cg_rows())
        t.check(not rows, "the identities hold exactly", "\n".join(rows))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
