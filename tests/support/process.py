# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, child processes and waiting: nothing here knows what is being run."""

import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Below the kernel's ephemeral range, so that no client takes one. Tests run side by side, and a port
# that a test was given may stay unused for a while: so each process takes a block of them for itself.
PORTS, BLOCK = range(10000, 32000), 100
_blocks = []    # locked files, held until the process ends
_ports = iter(())


def _next_block():
    """The ports of a block that no other process of this user holds."""
    place = pathlib.Path(tempfile.gettempdir()) / f"sallyport-ports-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    first = os.getpid() % (len(PORTS) // BLOCK)
    for n in range(len(PORTS) // BLOCK):
        low = PORTS.start + (first + n) % (len(PORTS) // BLOCK) * BLOCK
        block = open(place / str(low), "w")
        try:
            fcntl.flock(block, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            block.close()
            continue
        _blocks.append(block)
        return iter(range(low, low + BLOCK))
    raise RuntimeError("no free port")


def free_port(kind=socket.SOCK_STREAM):
    """A port nobody listens on; never the same one twice, so that what closes late disturbs nobody."""
    global _ports
    while True:
        port = next(_ports, None)
        if port is None:
            _ports = _next_block()
            continue
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def dies_with_us():
    """What makes a command end when this process does, however it ends.

    The kernel watches the thread that starts the command, so other threads do without."""
    setpriv = shutil.which("setpriv")
    ours = threading.current_thread() is threading.main_thread()
    return [setpriv, "--pdeathsig", "KILL"] if setpriv and ours else []


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
            self.popen = subprocess.Popen([*dies_with_us(), *wrapper, *map(str, argv)],
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                          cwd=cwd or directory, env={**os.environ, **(env or {})})

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
