"""A bad network between two namespaces of our own: packets are lost, doubled and come out of order, and the kernel's own
TCP makes the best of it. Two TUN devices and a process that passes packets between them."""
import ctypes
import fcntl
import os
import random
import select
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tap import until  # noqa: E402

TUN = "/dev/net/tun"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
CLONE_NEWNET = 0x40000000
NEAR, FAR = "10.77.0.1", "10.77.0.2"


def missing():
    return None if os.path.exists(TUN) else f"there is no {TUN}"


def side(address):
    """In a namespace of its own: a TUN device and a process that keeps the namespace. (descriptor, process)"""
    keeper = subprocess.Popen(["/usr/bin/unshare", "-n", "/bin/sh", "-c", "echo; exec sleep 3600"], stdout=subprocess.PIPE)
    keeper.stdout.readline()
    read, write = os.pipe()
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{keeper.pid}/ns/net", os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        fd = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", b"lossy", IFF_TUN | IFF_NO_PI))
        for words in (f"ip addr add {address}/24 dev lossy", "ip link set lossy up", "ip link set lo up"):
            subprocess.run(words.split(), check=True)
    finally:
        libc.setns(home, CLONE_NEWNET)
        for one in (home, there, read, write):
            os.close(one)
    return fd, keeper


def relay(a, b, seed):
    """Until it is ended. Of a hundred packets some are lost, doubled, or wait until a few others have passed."""
    rng, late, counts = random.Random(seed), {a: [], b: []}, {"passed": 0, "lost": 0, "doubled": 0, "late": 0}
    while True:
        ready, _, _ = select.select([a, b], [], [], 0.02)
        for fd in ready:
            to = b if fd == a else a
            try:
                packet = os.read(fd, 65536)
            except BlockingIOError:
                continue
            draw = rng.random()
            if draw < 0.02:
                counts["lost"] += 1
            elif draw < 0.17:
                counts["late"] += 1
                late[to].append((rng.randrange(1, 6), packet))
            else:
                os.write(to, packet)
                counts["passed"] += 1
                if draw < 0.20:
                    counts["doubled"] += 1
                    os.write(to, packet)
            late[to] = wait(to, late[to], 1)
        if not ready:
            for to, some in late.items():
                late[to] = wait(to, some, 9)
            print(counts, flush=True)


def wait(to, some, by):
    for turns, packet in some:
        if turns <= by:
            os.write(to, packet)
    return [(turns - by, packet) for turns, packet in some if turns > by]


class Lossy:
    def __init__(self, log, seed=1):
        self.log = log
        a, near = side(NEAR)
        b, far = side(FAR)
        self.keepers = (near, far)
        self.near, self.far = (f"/proc/{k.pid}/ns/net" for k in self.keepers)
        with open(log, "wb") as out:
            self.relay = subprocess.Popen(["/usr/bin/python3", os.path.abspath(__file__), str(a), str(b), str(seed)],
                                          stdout=out, pass_fds=(a, b))
        os.close(a)
        os.close(b)

    def said(self):
        """The last counts."""
        def look():
            with open(self.log, encoding="ascii") as f:
                lines = f.read().splitlines()
            return lines[-1:] and lines[-1]
        return until(look, 30, "the counts of the bad network")

    def stop(self):
        for p in (self.relay, *self.keepers):
            p.kill()
            p.wait()


if __name__ == "__main__":
    relay(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
