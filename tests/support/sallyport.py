# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy under test: the real binary with a configuration of the test's."""

import json
import os
import pathlib
import subprocess

from .process import ROOT, Process, free_port

BINARY = os.environ.get("SALLYPORT_BINARY", str(ROOT / "build" / "release" / "sallyport"))


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
        self.process = None
        if start:
            self.start()

    def write_config(self):
        path = self.directory / "sallyport.json"
        path.write_text(json.dumps(self.config, indent=1))
        return path

    def start(self, wait=True):
        argv = [BINARY, "run", "-c", self.write_config(), *self.args]
        self.process = Process(argv, self.directory, "sallyport", env=self.env, wrapper=self.wrapper)
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
