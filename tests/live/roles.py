#!/usr/bin/python3
"""The processes of submeterd: who they are, that each comes back, that nothing is attached twice and nothing is left."""
import glob
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile

import box
from cgroup import Cgroup
from private import OUT
from tap import Tap, until

SUBMETERD = os.environ.get("SUBMETERD", OUT + "/bin/submeterd")
LIBSSL = next(iter(glob.glob("/usr/lib/*-linux-gnu/libssl.so.3")), None)
BPFTOOL = next((p for p in ("/usr/sbin/bpftool", "/usr/local/sbin/bpftool") if os.path.exists(p)), "bpftool")
ROLES = ("attacher", "finder", "searcher", "meter", "desk")
WITHIN_S = 10
CAPS = {"attacher": {"CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_CHECKPOINT_RESTORE",
                     "CAP_NET_ADMIN"}}
CAP_BITS = {"CAP_DAC_READ_SEARCH": 2, "CAP_NET_ADMIN": 12, "CAP_SYS_PTRACE": 19, "CAP_PERFMON": 38, "CAP_BPF": 39, "CAP_CHECKPOINT_RESTORE": 40}
# most descriptors of each kind that a role may have of the supervisor's
BPF_FDS = {"finder": {}, "searcher": {}, "meter": {"bpf-map": 5}, "desk": {"bpf-map": 1}}


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def status(pid):
    return dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":\t" in line)


def alive(pid):
    return status(pid).get("State", "Z")[0] not in "ZX"


def fds(pid):
    """What each descriptor is: "bpf-map", "bpf_link", "socket", a path, ..."""
    found = []
    for fd in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            found.append(re.sub(r"^anon_inode:\[?([^\]]*)\]?$|^(socket|pipe):.*", r"\1\2", os.readlink(fd)))
        except OSError:
            pass
    return found


def links(pid):
    """Ids of the probes that a process holds, by /proc/PID/fdinfo; and of programs."""
    probes, programs = [], set()
    for info in glob.glob(f"/proc/{pid}/fdinfo/*"):
        text = read(info)
        kind = re.search(r"^link_type:\t(\S+)", text, re.M)
        if re.search(r"^prog_id:\t(\d+)", text, re.M):
            programs.add(int(re.search(r"^prog_id:\t(\d+)", text, re.M)[1]))
        if kind and kind[1] in ("uprobe_multi", "perf", "perf_event"):
            probes.append(int(re.search(r"^link_id:\t(\d+)", text, re.M)[1]))
    return sorted(probes), programs


def every_link(pid):
    """Ids of all links that a process holds: probes, events, sockets of cgroups; and of programs."""
    found = [re.search(r"^link_id:\t(\d+)", read(info), re.M) for info in glob.glob(f"/proc/{pid}/fdinfo/*")]
    return sorted(int(x[1]) for x in found if x), links(pid)[1]


def on_sockets(cgroup):
    """Ids of the programs that the kernel runs for sockets of a cgroup."""
    p = subprocess.run([BPFTOOL, "cgroup", "show", cgroup.folder], capture_output=True, text=True, check=True)
    return re.findall(r"^\s*(\d+)\s+\S", p.stdout, re.M)


def exists(kind, number):
    return subprocess.run([BPFTOOL, kind, "show", "id", str(number)], capture_output=True, check=False).returncode == 0


class Scene:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="submeter-roles-")
        os.chmod(self.folder, 0o755)
        self.top = Cgroup(f"/submeter-roles-{os.getpid()}")
        self.outside = Cgroup(self.top.path + "-outside")
        self.started, self.log, self.conf = [], self.folder + "/log", self.folder + "/submeter.yaml"
        self.lib("lib")
        self.configure([self.top.path])

    def configure(self, cgroups, path=None, extra=""):
        with open(path or self.conf, "w", encoding="utf-8") as f:
            f.write(f"observe:\n  cgroups: [{', '.join(cgroups)}]\n  folders: [{self.folder}/lib]\n"
                    f"team_map: {self.folder}/map.yaml\ncapture: {{ring: 1M}}\n{extra}")
        with open(self.folder + "/map.yaml", "w", encoding="utf-8") as f:
            f.write("version: 1\nteams:\n  a: {name: A}\nrules: []\n")

    def lib(self, name):
        """A private copy of libssl, with an inode of its own."""
        os.makedirs(f"{self.folder}/{name}", exist_ok=True)
        return shutil.copy(LIBSSL, f"{self.folder}/{name}/libssl.so.3")

    def submeterd(self, *words, conf=None, state="state", runtime="run", **popen):
        with open(self.log, "ab") as log:
            p = subprocess.Popen([SUBMETERD, "-c", conf or self.conf, "--state", f"{self.folder}/{state}", "--runtime",
                                  f"{self.folder}/{runtime}", *words], stdin=subprocess.DEVNULL,
                                 stdout=popen.pop("stdout", log), stderr=popen.pop("stderr", log), **popen)
        self.started.append(p)
        return p

    def said(self, word):
        return word in read(self.log)

    def map(self, path, cgroup):
        """A program that maps this library, in a cgroup from its first instruction."""
        p = box.start(["/bin/sleep", "600"], {"LD_PRELOAD": path, "PATH": "/bin"}, cgroup, stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL)
        self.started.append(p)
        return p

    def roles(self, p):
        """{role: pid} of those that run."""
        found = {}
        for pid in read(f"/proc/{p.pid}/task/{p.pid}/children").split():
            name = status(pid).get("Name", "")
            if name.startswith("sm-") and alive(pid):
                found[name[3:]] = int(pid)
        return found

    def up(self, p):
        """All roles run, as themselves, and the library is attached."""
        def ready():
            if p.poll() is not None:
                raise RuntimeError(f"submeterd ended with {p.returncode}\n{read(self.log)[-2000:]}")
            got = self.roles(p)
            return len(got) == len(ROLES) and links(p.pid)[0] and all(status(i).get("Uid", "0").split()[0] != "0"
                                                             for i in got.values()) and got
        return until(ready, WITHIN_S, "submeterd is up")

    def close(self):
        for p in self.started:
            if p.poll() is None:
                p.kill()
            p.wait()
        self.top.remove()
        self.outside.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def identities(tap, scene, p):
    uids = {}
    for role, pid in sorted(scene.up(p).items()):
        s, want = status(pid), CAPS.get(role, set())
        got = {name for name, bit in CAP_BITS.items() if int(s["CapEff"], 16) >> bit & 1}
        uids[role] = s["Uid"].split()[1]
        tap.check(len(set(s["Uid"].split())) == 1 and uids[role] != "0", f"{role}: one uid, not root", s["Uid"])
        tap.check(got >= want - {"CAP_CHECKPOINT_RESTORE", "CAP_NET_ADMIN"} and int(s["CapPrm"], 16) == int(s["CapEff"], 16)
                  and int(s["CapEff"], 16) == sum(1 << CAP_BITS[c] for c in got) and got <= want,
                  f"{role}: capabilities are {sorted(want) or 'none'}", s["CapEff"])
        tap.equal((int(s["CapBnd"], 16), s["Groups"].split(), s["NoNewPrivs"]), (0, [], "1"),
                  f"{role}: nothing to be gained back")
        have = fds(pid)
        for kind in ("bpf-map", "bpf-prog", "bpf_link") if role != "attacher" else ():
            tap.check(have.count(kind) <= BPF_FDS[role].get(kind, 0), f"{role}: at most {BPF_FDS[role].get(kind, 0)} {kind}",
                      f"{have}")
    tap.equal(len(set(uids.values())), len(ROLES), "each role has a uid of its own")


def deaths(tap, scene, p):
    before, _ = links(p.pid)
    for role in ROLES:
        old = scene.up(p)
        os.kill(old[role], signal.SIGKILL)
        new = until(lambda o=old, r=role: (lambda n: len(n) == len(ROLES) and n[r] != o[r] and n)(scene.roles(p)), WITHIN_S,
                    f"{role} comes back")
        tap.check(all(new[r] == old[r] for r in ROLES if r != role), f"{role} killed: it comes back, the others stay",
                  f"{old} {new}")
    tap.equal(links(p.pid)[0], before, "the probes are the same ones")


def discovery(tap, scene, p):
    before, _ = links(p.pid)
    scene.map(scene.folder + "/lib/libssl.so.3", scene.top)
    foreign = scene.lib("outside")
    scene.map(foreign, scene.outside)
    own = scene.lib("inside")
    scene.map(own, scene.top.child("deep"))
    until(lambda: scene.said(f"metering {own}"), WITHIN_S, "a library of a new process is found")
    tap.check(True, "a library that a new process brings is attached")
    tap.check(not scene.said(foreign), "the library of a process outside is left alone")
    after, _ = links(p.pid)
    tap.check(set(before) < set(after) and len(after) == 2 * len(before), "nothing is attached twice", f"{before} {after}")
    return own


def written(tap, scene, p, own):
    """A library that is overwritten in place is let go, and attached again once it is quiet."""
    before = set(links(p.pid)[0])
    with open(own, "r+b") as f:
        f.seek(0, 2)
        f.write(b"\0")
    until(lambda: len(before - set(links(p.pid)[0])) == len(before) // 2, WITHIN_S, "the changed library is let go")
    tap.check(scene.said("is written to"), "a library that changes in place is let go")
    until(lambda: len(links(p.pid)[0]) == len(before), WITHIN_S, "and attached again")
    tap.check(True, "and attached again as it is then")


def slow_elf(path):
    """An ELF file of which each of many symbol tables is 64 MiB of nothing."""
    count, size = 60000, 64 << 20
    at = 64 + size
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, {"x86_64": 62, "aarch64": 183}[os.uname().machine], 1, 0, 64, at, 0, 64, 56, 0, 64, count, 0)
    with open(path, "wb") as f:
        f.write(head)
        f.truncate(at)
        f.seek(at)
        f.write(struct.pack("<IIQQQQIIQQ", 0, 11, 0, 0, 64, size, 0, 0, 8, 24) * count)


def hostile(tap, scene, p):
    """A file that the finder cannot get through in its time; the one after it is attached all the same."""
    slow, own = scene.folder + "/slow.so", scene.lib("after")
    slow_elf(slow)
    code = "import mmap,os,sys\nfd=os.open(sys.argv[1],os.O_RDONLY)\n" \
           "m=mmap.mmap(fd,4096,mmap.MAP_PRIVATE,mmap.PROT_READ|mmap.PROT_EXEC)\n__import__('signal').pause()"
    q = box.start(["/usr/bin/python3", "-I", "-S", "-c", code, slow], {}, scene.top, stdout=subprocess.DEVNULL)
    scene.started.append(q)
    until(lambda: scene.said("slow.so: not metered"), 3 * WITHIN_S, "the slow file is given up")
    scene.map(own, scene.top)
    until(lambda: scene.said(f"metering {own}"), WITHIN_S, "the next file is attached")
    finder = scene.up(p)["finder"]
    q.kill()
    again = box.start(["/usr/bin/python3", "-I", "-S", "-c", code, slow], {}, scene.top, stdout=subprocess.DEVNULL)
    scene.started.append(again)
    last = scene.lib("last")
    scene.map(last, scene.top)
    until(lambda: scene.said(f"metering {last}"), WITHIN_S, "one more")
    tap.equal(scene.up(p)["finder"], finder, "a file that ends the finder is given up, and not asked about again")


def others(tap, scene):
    """While one runs: a second on the same state, or on the same runtime folder."""
    for state, runtime in (("state", "run2"), ("state2", "run")):
        q = scene.submeterd(state=state, runtime=runtime, stderr=subprocess.PIPE)
        said = q.communicate(timeout=WITHIN_S)[1].decode()
        tap.check(q.returncode == 75 and "another submeterd" in said, f"a second one on {state} and {runtime} ends with 75",
                  f"{q.returncode} {said}")


def refusals(tap, scene):
    """Starts that cannot work say why."""
    def ends(name, code, word, **how):
        q = scene.submeterd(stderr=subprocess.PIPE, **how)
        said = q.communicate(timeout=WITHIN_S)[1].decode()
        tap.check(q.returncode == code and word in said, name, f"{q.returncode} {said}")
    bad = scene.folder + "/bad.yaml"
    scene.configure([scene.top.path], bad, "colour: red\n")
    ends("an unknown key: exit 78 with file and line", 78, f"{bad}:6: unknown key 'colour'", conf=bad)
    os.makedirs(scene.folder + "/closed/inner", mode=0o755)
    os.chmod(scene.folder + "/closed", 0o700)
    ends("a folder that the meter cannot pass is named", 1, f"cannot pass '{scene.folder}/closed'", state="closed/inner/state")
    os.makedirs(scene.folder + "/full", mode=0o755)
    open(scene.folder + "/full/file", "w", encoding="ascii").close()
    ends("a state folder of somebody else is not taken", 1, f"cannot write '{scene.folder}/full'", state="full")
    ends("without root: says so", 1, "root", user=65534)


def left(p, had, roles):
    """What a submeterd that has ended still has in the kernel, or still runs."""
    probes, programs = had
    return [x for x in probes if exists("link", x)] + [x for x in programs if exists("prog", x)] + \
        [pid for pid in roles.values() if alive(pid)]


def endings(tap, scene, p):
    had, roles, sockets = every_link(p.pid), scene.roles(p), on_sockets(scene.top)
    p.send_signal(signal.SIGKILL)
    p.wait()
    until(lambda: not left(p, had, roles), WITHIN_S, "all is gone after kill -9")
    tap.check(had[0] and had[1], "kill -9 of the supervisor: roles, probes and programs are gone")
    tap.equal((len(sockets), on_sockets(scene.top)), (4, []), "and nothing runs for the sockets of the observed cgroup any more")
    p = scene.submeterd()
    scene.up(p)
    had, roles = every_link(p.pid), scene.roles(p)
    p.terminate()
    tap.equal(p.wait(WITHIN_S + 1), 0, "SIGTERM: ends with 0")
    until(lambda: not left(p, had, roles), WITHIN_S, "all is gone after SIGTERM")
    tap.check(had[0] and had[1] and not on_sockets(scene.top), "SIGTERM: nothing is left")


def later(tap, scene):
    """A configured cgroup that is made after the start."""
    path = scene.top.path + "/later"
    scene.configure([path])
    p = scene.submeterd()
    scene.up(p)
    own = scene.lib("later")
    scene.map(own, Cgroup(path))
    until(lambda: scene.said(f"metering {own}"), WITHIN_S, "found in a later cgroup")
    tap.check(scene.said("waiting for it"), "a cgroup that comes later is observed from then on")
    p.terminate()
    p.wait()


def body(tap):
    scene = Scene()
    try:
        p = scene.submeterd()
        identities(tap, scene, p)
        deaths(tap, scene, p)
        own = discovery(tap, scene, p)
        written(tap, scene, p, own)
        hostile(tap, scene, p)
        others(tap, scene)
        refusals(tap, scene)
        endings(tap, scene, p)
        later(tap, scene)
    except Exception:
        tap.note(read(scene.log)[-4000:])
        raise
    finally:
        scene.close()


if __name__ == "__main__":
    if os.geteuid() != 0:
        Tap().skip_all("needs root")
    if not os.path.exists(SUBMETERD) or not LIBSSL:
        Tap().skip_all("needs a build and libssl.so.3")
    Tap().run(body)
