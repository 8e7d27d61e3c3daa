# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: the story is told and true, and nothing of it stays behind."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from support.process import ROOT, wait_until


class Demo:
    """The demo in a process group of its own, as a terminal runs it; all it starts bears its mark."""

    def __init__(self, directory, **env):
        self.mark = f"DEMO_TEST_MARK={directory}"
        self.out_path = directory / "demo.out"
        name, value = self.mark.split("=")
        with open(self.out_path, "wb") as out:
            self.popen = subprocess.Popen(
                [sys.executable, ROOT / "tests" / "demo" / "demo.py"], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True,
                env={**os.environ, "TMPDIR": str(directory), name: value, **env})

    def said(self):
        return self.out_path.read_text()

    def processes(self):
        left = []
        for place in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (place / "environ").read_bytes().split(b"\0"):
                    left.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:     # ended meanwhile, or somebody else's
                pass
        return left

    def until_up(self):
        wait_until(lambda: "Ctrl-C stops everything." in self.said() or self.popen.poll() is not None,
                   60, "the demo's last words")
        assert self.popen.poll() is None, self.said()
        assert len(self.processes()) >= 4, self.processes()     # itself, Pebble, its DNS, sallyport


@pytest.fixture
def demo(tmp_path):
    started = []

    def start(**env):
        started.append(Demo(tmp_path, **env))
        return started[0]
    yield start
    for d in started:
        if d.popen.poll() is None:
            os.killpg(d.popen.pid, signal.SIGKILL)
        d.popen.wait()


def test_once_tells_the_whole_story_and_ends(demo, tmp_path):
    d = demo(ONCE="1")
    assert d.popen.wait(90) == 0, d.said()
    for fact in ("answered by tls-alpn-01", "answered by http-01",
                 "client sees TLS alert unrecognized_name", "issued by Pebble", "0 requests since the restart"):
        assert fact in d.said(), d.said()
    assert not d.processes()
    assert not list(tmp_path.glob("sallyport-demo-*"))


def test_ctrl_c_stops_everything_it_started(demo, tmp_path):
    d = demo()
    d.until_up()
    os.killpg(d.popen.pid, signal.SIGINT)
    assert d.popen.wait(40) == 0, d.said()
    assert "Traceback" not in d.said()
    assert not d.processes()
    assert not list(tmp_path.glob("sallyport-demo-*"))


def test_the_curl_line_it_prints_works(demo):
    d = demo()
    d.until_up()
    line = d.said().split("Try any name of your own:")[1].split("Its log:")[0]
    got = subprocess.run(["sh", "-c", line.replace("curl ", "curl -sS ", 1)], capture_output=True,
                         text=True, timeout=60)
    assert got.returncode == 0, got.stderr
    assert "Hello from the backend. You asked your.name.example" in got.stdout


def test_a_killed_demo_leaves_nothing_running(demo):
    d = demo()
    d.until_up()
    d.popen.kill()
    wait_until(lambda: not d.processes(), 10, "the end of all it started")
