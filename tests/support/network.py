# SPDX-License-Identifier: GPL-3.0-or-later
"""A network of the test's own, in which this machine may have any address and any port is free."""

import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000


class Unavailable(Exception):
    """Not root, or a container that allows no networks: for the test to skip."""


def _call(name, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*args) != 0:
        raise Unavailable(f"{name}: {os.strerror(ctypes.get_errno())}")


@contextlib.contextmanager
def own_network(*addresses):
    """Of this thread and what it starts, with a loopback interface that has these addresses."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call("unshare", CLONE_NEWNET)
        try:
            for words in ["link set lo up"] + [f"addr add {a} dev lo" for a in addresses]:
                try:
                    subprocess.run(["ip", *words.split()], check=True, capture_output=True)
                except (OSError, subprocess.CalledProcessError) as error:
                    raise Unavailable(f"ip {words}: {error}") from error
            yield
        finally:
            _call("setns", before, CLONE_NEWNET)
    finally:
        os.close(before)
