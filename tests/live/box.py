"""Starts a program in a cgroup, a network and a view of the files, from its first instruction."""
import ctypes
import os
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000


def _must(result, what):
    if result:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e), what)


def enter(cgroup=None, netns=None, hosts=None, share=None, binds=None):
    """Moves the calling process: `netns` is a file of /proc/PID/ns/net, `hosts` becomes /etc/hosts, the folder
    `share` is laid over /usr/share; `binds` is {where: what is seen there}, in a mount namespace of its own."""
    binds = {**({"/etc/hosts": hosts} if hosts else {}), **(binds or {})}
    if cgroup:
        with open(cgroup.folder + "/cgroup.procs", "w", encoding="ascii") as f:
            f.write("0")
    if netns:
        fd = os.open(netns, os.O_RDONLY)
        _must(LIBC.setns(fd, CLONE_NEWNET), "setns")
        os.close(fd)
    if binds or share:
        _must(LIBC.unshare(CLONE_NEWNS), "unshare")
        _must(LIBC.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "private /")
    for where, what in binds.items():
        _must(LIBC.mount(what.encode(), where.encode(), None, MS_BIND, None), "bind " + where)
    if share:
        options = f"lowerdir={share}:/usr/share".encode()
        _must(LIBC.mount(b"overlay", b"/usr/share", b"overlay", 0, options), "overlay /usr/share")


def start(argv, env, cgroup=None, netns=None, hosts=None, share=None, binds=None, **popen):
    """A Popen, text mode, with its output captured unless told otherwise."""
    popen.setdefault("stdout", subprocess.PIPE)
    popen.setdefault("stderr", subprocess.PIPE)
    popen.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(argv, env=env, text=True, errors="replace", start_new_session=True,
                            preexec_fn=lambda: enter(cgroup, netns, hosts, share, binds), **popen)
