# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, child processes and waiting: nothing here knows what is being run."""

import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Addresses handed out lately are not handed out again, so that what closes late disturbs nobody.
_given = set()


def free_port(kind=socket.SOCK_STREAM):
    """A port nobody listens on, outside the kernel's ephemeral range so that no client takes it."""
    low = 10000 + (os.getpid() * 97) % 9000
    for port in list(range(low, 32000)) + list(range(10000, low)):
        if port in _given:
            continue
        _given.add(port)
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def wait_until(condition, seconds=10.0, what="condition", every=0.02):
    """Polls; returns the first true value, raises with `what` otherwise."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(every)


def can_connect(port, host="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.settimeout(1)
        return s.connect_ex((host, port)) == 0


class Process:
    """A child with its output in files; killed at the latest when the test ends."""

    def __init__(self, argv, directory, name, env=None, cwd=None, wrapper=()):
        self.name = name
        self.directory = pathlib.Path(directory)
        self.out_path = self.directory / f"{name}.out"
        self.err_path = self.directory / f"{name}.err"
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.popen = subprocess.Popen([*wrapper, *map(str, argv)], stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=err, cwd=cwd or directory,
                                          env={**os.environ, **(env or {})})

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def output(self):
        return (self.out_path.read_bytes() + self.err_path.read_bytes()).decode("utf-8", "replace")

    def wait_port(self, port, host="127.0.0.1", seconds=15):
        def up():
            if not self.is_running():
                raise RuntimeError(f"{self.name} ended with {self.popen.returncode}:\n"
                                   f"{self.output()[-3000:]}")
            return can_connect(port, host)
        wait_until(up, seconds, f"{self.name} on port {port}")
        return self

    def signal(self, number):
        if self.is_running():
            self.popen.send_signal(number)

    def wait(self, seconds=40):
        return self.popen.wait(seconds)

    def stop(self, seconds=40):
        """SIGTERM, then SIGKILL; returns the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.popen.wait(10)

    # --- what the kernel says of it

    def rss_bytes(self):
        for line in open(f"/proc/{self.pid}/status"):
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))
