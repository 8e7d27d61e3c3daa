# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of the operator's own, made by openssl."""

import functools
import pathlib
import subprocess


def make(directory, *names, days=30, key="P-256", stem=None):
    """(chain, key) files for these DNS names or IPs, signed by DIRECTORY/root.pem (made when absent)."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    run = functools.partial(subprocess.run, check=True, cwd=directory, capture_output=True)
    if not (directory / "root.pem").exists():
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "60", "-keyout", "root.key", "-out", "root.pem",
             "-subj", "/CN=test root"])
    stem = stem or names[0].replace("*", "wild").replace(":", "_")
    new = ["-newkey", "rsa:2048"] if key == "rsa" else \
        ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{key}"]
    san = ",".join(("IP:" if n.replace(".", "").isdigit() or ":" in n else "DNS:") + n for n in names)
    (directory / f"{stem}.ext").write_text(f"subjectAltName={san}\n")
    run(["openssl", "req", *new, "-nodes", "-keyout", f"{stem}.key", "-out", f"{stem}.csr",
         "-subj", "/CN=leaf"])
    run(["openssl", "x509", "-req", "-in", f"{stem}.csr", "-CA", "root.pem", "-CAkey", "root.key",
         "-CAcreateserial", "-days", str(days), "-extfile", f"{stem}.ext", "-out", f"{stem}.pem"])
    return str(directory / f"{stem}.pem"), str(directory / f"{stem}.key")
