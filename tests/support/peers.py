# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx and HAProxy to read our files with, BIND to keep our records: unpacked into the cache, never installed
(their packages would start servers on this machine)."""

import functools
import pathlib
import shutil
import subprocess

import pytest

from .process import ROOT


@functools.lru_cache
def find(name):
    """The program's path, or None when it cannot be had."""
    own = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if own:
        return own
    got = subprocess.run([ROOT / "deps" / "fetch", "peers"], capture_output=True, text=True)
    if got.returncode:
        return None
    path = pathlib.Path(got.stdout.strip().splitlines()[-1]) / name
    return str(path) if path.exists() else None


def need(name):
    """As find; a test that cannot do without is skipped."""
    return find(name) or pytest.skip(f"no {name} here, and none to be had from the archive")
