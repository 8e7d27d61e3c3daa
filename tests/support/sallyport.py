# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy under test: the real binary with a configuration of the test's."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess

from .process import ROOT, Process, free_port

BINARY = os.environ.get("SALLYPORT_BINARY", str(ROOT / "build" / "release" / "sallyport"))

CRASHES = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGFPE}
IS_SANITIZED = os.path.exists(BINARY) and bool(
    re.search(b"__[at]san_init", pathlib.Path(BINARY).read_bytes()))
SANITIZER = re.compile(r"runtime error: |(ERROR|WARNING): (Address|Leak|Thread|Memory)Sanitizer")


class Sallyport:
    """`config` is merged over what every test needs: loopback listeners, a store, debug logs."""

    def __init__(self, directory, config, http_port=None, tls_port=None, env=None, start=True,
                 args=(), wrapper=()):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.tls_port, self.http_port = tls_port or free_port(), http_port or free_port()
        self.store = self.directory / "store"
        self.config = {
            "store": str(self.store),
            "listen": {"https": f"127.0.0.1:{self.tls_port}", "http": f"127.0.0.1:{self.http_port}"},
            "log": {"level": "debug", "format": "json"},
            "workers": 2,
            **config}
        self.env, self.args, self.wrapper = env or {}, args, wrapper
        self.process, self.started = None, []
        if start:
            self.start()

    def write_config(self):
        path = self.directory / "sallyport.json"
        path.write_text(json.dumps(self.config, indent=1))
        return path

    def start(self, wait=True):
        argv = [BINARY, "run", "-c", self.write_config(), *self.args]
        self.process = Process(argv, self.directory, "sallyport", env=self.env, wrapper=self.wrapper)
        self.started.append(self.process)
        if wait:
            self.process.wait_port(self.tls_port)
        return self

    def stop(self, seconds=40):
        return self.process.stop(seconds)

    def kill(self):
        return self.process.kill()

    def restart(self):
        self.stop()
        return self.start()

    def end(self):
        """Stops what runs, at once but in order, so that leaks are looked for. Says what went wrong
        in its life: a crash, a sanitizer's complaint, a stop that failed; "" when all is well."""
        code = 0
        if self.process is not None and self.process.is_running():
            self.process.signal(signal.SIGCONT)
            for patience in 0.3, 20:    # the second SIGTERM ends the draining
                self.process.signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = self.process.wait(patience)
                    break
            else:
                self.kill()
                return "it did not stop within 20 s of the second SIGTERM"
        for process in self.started:
            if process.popen.returncode in CRASHES:
                return f"it crashed with signal {-process.popen.returncode}"
        found = SANITIZER.search(self.process.output()) if self.process else None
        if found:
            return self.process.output()[found.start():][:6000]
        return "" if code in (0, -signal.SIGTERM) else f"it exited with {code} when asked to stop"

    def events(self, phrase=None):
        """Log lines as objects (those with this message)."""
        out = []
        for line in self.process.output().splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if phrase is None or phrase in json.dumps(event):
                out.append(event)
        return out

    def bundles(self, name=None):
        """Files of certificates in the store, oldest generation first."""
        pattern = f"certs/*/{name or '*'}/*.pem"
        return sorted(self.store.glob(pattern))


def command(*args, env=None, cwd=None, timeout=30):
    """Runs `sallyport ARGS`; the finished process with text output."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SALLYPORT_")}
    return subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, cwd=cwd,
                          timeout=timeout, env={**clean, **(env or {})})
