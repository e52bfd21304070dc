#!/usr/bin/python3
"""Programs that were there before submeterd, and libraries that appear after it: covered from the next call on, also on a
connection that was open before, and the next program from its first byte."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
from bench import Bench, missing  # noqa: E402
from private import CLIENTS, Client, Private, finish  # noqa: E402
from provider import Hold  # noqa: E402
from tap import Tap, until  # noqa: E402

CALLS = 6


def attached(bench, path):
    """True once submeterd says that it watches this file."""
    inode = os.stat(path).st_ino
    return any(x["ino"] == inode and x["state"] == "attached" for x in bench.daemon.json("status")["targets"])


class Scene:
    def __init__(self, t, bench):
        self.t, self.bench, self.made = t, bench, 0

    def begin(self, private, client, name, keep):
        """A program whose first answer is held."""
        hold = Hold(f"{self.bench.folder}/hold-{name}")
        p = private.start(client, self.bench.provider, self.bench.leaf("legal", name), calls=CALLS, keep=keep, stream=1,
                          sim=hold.opts(3), tag=f"legal/{name}")
        hold.arrived(1, lambda: p.poll() is None)
        return hold, p

    def end(self, name, hold, p, begun):
        """Lets it go on: the first call may be known in part, all others are exact."""
        hold.release()
        code, answers, said = finish(p)
        self.t.check(code == 0 and len([a for a in answers if a["whole"]]) == CALLS, f"{name}: the program got its answers", said)
        self.check(name, begun, self.bench.provider.journal(begun + CALLS))

    def check(self, name, partly, lines):
        """The newest calls of `name`; the first may be cut when `partly` is not None."""
        lines = sorted((x for x in lines if x["tag"].startswith(f"legal/{name}/")), key=lambda x: x["ts_start"])
        self.bench.daemon.wait_idle()
        calls = compare.inference(self.bench.daemon.calls("--cgroup", self.bench.teams["legal"].path + "/" + name))
        first, rest = (lines[:1], lines[1:]) if partly is not None else ([], lines)
        known = {x["id"] for x in first}
        wrong = compare.all_calls(rest, [c for c in calls if c.get("response_id") not in known and c["usage_source"] == "reported"],
                                  self.bench.owner)
        self.t.check(len(rest) >= CALLS - 1 and not any(wrong.values()), f"{name}: {len(rest)} calls are exact", compare.describe(wrong))
        cut = [c for c in calls if c.get("response_id") in known or c["usage_source"] != "reported"]
        self.t.check(len(cut) <= len(first) and all(c.get("why") or c["usage_source"] == "reported" for c in cut),
                     f"{name}: the call that was under way is not taken for more than it is", str(cut))


def body(t):
    with Bench("late", node=False) as bench:
        scene = Scene(t, bench)
        elsewhere = Private(bench.folder + "/elsewhere", node=False)  # not in observe.folders
        for private in (bench.private, elsewhere):
            private.clients["raw"] = Client(["/usr/bin/python3", CLIENTS + "/raw.py"], "libssl.so.3", private.clients["curl"].env)
        held = {f"running-{client}-{keep}": scene.begin(elsewhere, client, f"running-{client}-{keep}", keep)
                for client in ("raw", "httpx") for keep in (0, 1)}
        bench.daemon.start()
        t.check(attached(bench, elsewhere.probed("curl")), "the library of a running program is found at start")
        total = 0
        for name, (hold, p) in held.items():
            scene.end(name, hold, p, total)
            total += CALLS
        newer = Private(bench.folder + "/newer", node=False)
        hold, p = scene.begin(newer, "requests", "first-of-new", 0)
        until(lambda: attached(bench, newer.probed("requests")), 20, "the new library is attached")
        t.check(True, "a library that appears later is found by its first use")
        scene.end("first-of-new", hold, p, total)
        total += CALLS
        code, answers, said = newer.run("requests", bench.provider, bench.leaf("legal", "next-of-new"), calls=CALLS, stream=1,
                                        tag="legal/next-of-new")
        total += CALLS
        t.check(code == 0 and len(answers) == CALLS, "next-of-new: the program got its answers", said)
        scene.check("next-of-new", None, bench.provider.journal(total))
        wrong = compare.identities(bench.cg_rows())
        t.check(not wrong, "the identities hold exactly", "\n".join(wrong))
        bench.end(t)


if __name__ == "__main__":
    Tap().main(body, missing())
