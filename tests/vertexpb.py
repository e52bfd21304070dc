#!/usr/bin/python3
"""The protobuf message in tests/unit/vertexpb.inc is what Debian's protoc makes of vertex.txt by vertex.proto. Prints TAP."""
import os
import re
import shutil
import subprocess
import sys

UNIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "unit")


def main():
    if not shutil.which("protoc"):
        print("1..0 # SKIP no protoc")
        return 0
    with open(os.path.join(UNIT, "vertex.txt"), "rb") as f:
        made = subprocess.run(["protoc", f"--proto_path={UNIT}", "--encode=GenerateContentResponse", "vertex.proto"],
                              stdin=f, capture_output=True)
    with open(os.path.join(UNIT, "vertexpb.inc"), encoding="ascii") as f:
        kept = bytes(int(n) for n in re.findall(r"\d+", f.read()))
    ok = made.returncode == 0 and made.stdout == kept
    print("1..1")
    print(f"{'ok' if ok else 'not ok'} 1 - vertexpb.inc is vertex.txt, encoded")
    if not ok:
        print("# " + made.stderr.decode().replace("\n", "\n# "))
        print("# " + ",".join(str(b) for b in made.stdout))
    return 0 if ok else 1


sys.exit(main())
