"""Test results as TAP: one line a test point, the plan at the end."""
import os
import sys
import time
import traceback


class Tap:
    def __init__(self):
        self.number, self.failed = 0, 0

    def check(self, good, name, detail=""):
        self.number += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}")
        if not good and detail:
            self.note(detail)
        sys.stdout.flush()
        return bool(good)

    def equal(self, got, want, name):
        return self.check(got == want, name, f"got  {got!r}\nwant {want!r}")

    def skip(self, name, why):
        self.number += 1
        print(f"ok {self.number} - {name} # SKIP {why}", flush=True)

    @staticmethod
    def note(text):
        for line in str(text).splitlines():
            print("# " + line, flush=True)

    def run(self, body):
        """Calls body(self); an exception is a failed test point. Ends the program."""
        start = time.monotonic()
        try:
            body(self)
        except Exception:  # noqa: BLE001: whatever it is, it is a failure
            self.check(False, "ended by an exception", traceback.format_exc())
        self.note(f"{time.monotonic() - start:.1f} s")
        print(f"1..{self.number}", flush=True)
        os._exit(1 if self.failed else 0)

    def main(self, body, why_not):
        """The whole program: body(self), unless `why_not` says why it cannot run here."""
        if why_not:
            self.skip_all(why_not)
        self.run(body)

    def skip_all(self, why):
        print(f"1..0 # SKIP {why}", flush=True)
        os._exit(0)


def until(ready, seconds, what):
    """Asks until ready() is true and returns what it said; too late is an error."""
    end = time.monotonic() + seconds
    while True:
        value = ready()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.01)  # between two looks
