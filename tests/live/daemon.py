"""submeterd on a configuration, state and runtime of its own, and the command line that talks to it."""
import json
import os
import signal
import subprocess

from private import OUT

BIN = OUT + "/bin"
READY_S, IDLE_S = 30, 60


class Daemon:
    """`cgroups`: the observed subtrees, without those of `exclude`; `folders`: where TLS libraries are looked for at start; `teams`: {team: cgroup path}"""

    def __init__(self, folder, cgroups, folders, teams, exclude=()):
        self.folder = folder
        os.makedirs(folder, mode=0o755)
        self.state, self.runtime, self.log = folder + "/state", folder + "/run", folder + "/log"
        self.server = f"unix:{self.runtime}/api.sock"
        self.map, self.conf = folder + "/team-map.yaml", folder + "/submeter.yaml"
        self.process, self.wrap = None, []  # what submeterd is started by
        self.write_map(teams)
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write("version: 1\nobserve:\n")
            f.write(f"  cgroups: [{', '.join(json.dumps(c.path) for c in cgroups)}]\n")
            f.write(f"  folders: [{', '.join(json.dumps(p) for p in folders)}]\n")
            if exclude:
                f.write(f"  exclude: [{', '.join(json.dumps(c.path) for c in exclude)}]\n")
            f.write(f"team_map: {json.dumps(self.map)}\n")

    def write_map(self, teams, gateways=()):
        """`gateways`: (team, cgroup path) of those that call on behalf of others."""
        with open(self.map, "w", encoding="utf-8") as f:
            f.write("version: 1\nteams:\n")
            for team in teams:
                f.write(f"  {team}: {{name: {team.capitalize()}}}\n")
            f.write("rules:\n")
            for team, path in gateways:
                f.write(f"  - id: gateway-{os.path.basename(path)}\n    match: {{cgroup: {json.dumps(path)}}}\n")
                f.write(f"    assign: {{team: {team}}}\n    hop: gateway\n")
            for team, path in teams.items():
                f.write(f"  - id: {team}-cgroup\n    match: {{cgroup: {json.dumps(path + '/**')}}}\n")
                f.write(f"    assign: {{team: {team}}}\n")

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrap, BIN + "/submeterd", "-c", self.conf, "--state", self.state, "--runtime", self.runtime],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if wait:
            self.ready()
        return self

    def ready(self):
        p = self.cli("status", "--wait", str(READY_S), check=False)
        if p.returncode:
            raise RuntimeError(f"submeterd did not become ready: {p.stdout}{p.stderr}\n{self.said()}")

    def wait_idle(self):
        """Until every byte seen so far is booked."""
        p = self.cli("status", "--wait-idle", str(IDLE_S), check=False)
        if p.returncode:
            raise RuntimeError(f"submeterd did not become idle: {p.stdout}{p.stderr}\n{self.said()}")

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-4000:]

    def cli(self, *words, check=True):
        p = subprocess.run([BIN + "/submeter", "--server", self.server, *words], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, check=False, timeout=READY_S + IDLE_S)
        if check and p.returncode:
            raise RuntimeError(f"submeter {' '.join(words)}: exit {p.returncode}: {p.stderr}\n{self.said()}")
        return p

    def json(self, *words):
        return json.loads(self.cli(*words, "-o", "json").stdout)

    def calls(self, *words):
        return [json.loads(line) for line in self.cli("calls", "--since", "1d", *words, "-o", "jsonl").stdout.splitlines()]

    def stop(self):
        """SIGTERM: drains, and ends within 10 s. Returns the exit status."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.terminate()
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"submeterd did not end within 15 s of SIGTERM\n{self.said()}") from None

    def kill(self):
        """kill -9 of the supervisor, the one process we started."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
