# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx and HAProxy to read our files with: unpacked into the cache, never installed (their packages
would start servers on this machine)."""

import functools
import pathlib
import shutil
import subprocess

from .process import ROOT


@functools.lru_cache
def find(name):
    """The argv prefix that runs it, or None when it cannot be had."""
    own = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if own:
        return [own]
    got = subprocess.run([ROOT / "deps" / "fetch", name], capture_output=True, text=True)
    if got.returncode:
        return None
    path = pathlib.Path(got.stdout.strip().splitlines()[-1])
    return [str(path)] if path.exists() else None
