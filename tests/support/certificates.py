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


def of_a_ca(directory, kind):
    """(chain, key) for a server in place of DIRECTORY/ca's own API: "unknown-issuer", "wrong-name" or
    "expired" are not to be trusted, "wide" is, for ten years before and after."""
    ours = directory / kind
    ours.mkdir()

    def run(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=ours)
    issuer, key = directory / "ca" / "ca.pem", directory / "ca" / "ca.key"
    if kind == "unknown-issuer":
        issuer, key = ours / "other.pem", ours / "other.key"
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            key, "-out", issuer, "-subj", "/CN=pebble api ca", "-days", "3")
    san = "DNS:elsewhere.example" if kind == "wrong-name" else "DNS:localhost,IP:127.0.0.1"
    (ours / "san").write_text(f"subjectAltName={san}\n")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "own.key",
        "-out", "own.csr", "-subj", "/CN=localhost")
    sign = ["x509", "-req", "-in", "own.csr", "-CA", issuer, "-CAkey", key, "-CAcreateserial",
            "-extfile", "san", "-out", "own.pem"]
    if kind in ("expired", "wide"):
        (ours / "index.txt").write_text("")
        (ours / "serial").write_text("77\n")
        (ours / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\n"
            "default_md=sha256\npolicy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n"
            f"[x]\nsubjectAltName={san}\n")
        sign = ["ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", issuer, "-keyfile", key, "-in",
                "own.csr", "-out", "own.pem", "-startdate", "20200101000000Z", "-enddate",
                "20200201000000Z" if kind == "expired" else "20361231000000Z"]
    run(*sign)
    return ours / "own.pem", ours / "own.key"
