# SPDX-License-Identifier: GPL-3.0-or-later
"""All tests, in the shortest time that is still fair to them: what `make test` runs.

    release binary ──► all scenarios, in the background: they mostly wait for clocks ──────┐
    sanitizer build, at low priority ──► unit tests and lint                               ├──► result
                                    └──► scenarios without a CA, against that build ───────┘

What the background says is shown when its time has come, each with its own summary line.
"""

import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
CPUS = len(os.sched_getaffinity(0))
PRESET = os.environ.get("PRESET", "release")


def binary(preset):
    return str(ROOT / "build" / preset / "sallyport")


def pytest(*args):
    """Each test gets a group of its own, so that workers take them one by one, the longest first."""
    return [sys.executable, "-m", "pytest", "-q", "-n", str(min(4 + 4 * CPUS, 16)), "--dist", "loadgroup", *args]


class Background:
    """A command whose output is kept until `finish`, which prints it and returns the exit code."""

    def __init__(self, title, argv, **env):
        self.title = title
        # what failed is noted there
        self.argv = [*argv, "-o", f"cache_dir={ROOT / 'build' / title.replace(' ', '-')}.cache"]
        self.env = {**os.environ, **env}
        self.path = ROOT / "build" / f"{title.replace(' ', '-')}.log"
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, env=self.env)

    def finish(self):
        if self.process.poll() is None:
            say(f"waiting for the {self.title}")
        code = self.process.wait()
        say(self.title)
        print(self.path.read_text(errors="replace"), flush=True)
        return self.once_more() if code == 1 else code

    def once_more(self):
        """What failed beside everything else is run again with the machine to itself; passing only then is told."""
        say(f"{self.title}: FAILED as above; what failed runs once more, alone")
        return subprocess.run([*self.argv, "-n", "1", "--lf"], stdin=subprocess.DEVNULL, env=self.env).returncode

    def stop(self):
        """As Ctrl-C would: the runner ends what its tests started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()


def say(text):
    print(f"\n-- {text}", flush=True)


def run(*argv):
    return subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL).returncode


def everything(running):
    def begin(*args, **env):
        running.append(Background(*args, **env))

    if run("deps/build", PRESET, "sallyport"):
        return ["the build"]
    begin("scenario tests", pytest("tests/scenario"), SALLYPORT_BINARY=binary(PRESET))
    if run("nice", "-n", "15", "deps/build", "asan"):
        return ["the build with sanitizers"]
    quick = sorted(map(str, (ROOT / "tests" / "scenario").glob("[0-4]*_*.py")))
    begin("scenario tests with sanitizers", pytest("-m", "not slow", *quick),
          SALLYPORT_BINARY=binary("asan"))
    say("unit tests")
    unit = run("ctest", "--preset", "asan", "-j", str(CPUS), "--progress")
    return ["unit tests"] * bool(unit) + [b.title for b in reversed(running) if b.finish()]


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    running = []
    try:
        failed = everything(running)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        for background in running:
            background.stop()
    if failed:
        say("FAILED: " + ", ".join(failed))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
