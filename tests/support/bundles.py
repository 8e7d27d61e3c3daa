# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles in a store without asking a CA for each: what an instance would find after a long life.

One certificate may be for hundreds of names, and each name has a bundle of its own with it.
"""

import hashlib
import os
import re
import subprocess
import time


def authority(directory, names, count, begin_s, end_s):
    """`count` certificates for all these names with serials of their own, valid from begin to end (wall
    clock); returns ([PEM], key PEM, path of the root)."""
    directory.mkdir(parents=True)

    def openssl(*args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, cwd=directory)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-days", "3", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=bundles")
    san = ",".join(f"DNS:{name}" for name in names)
    (directory / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=out\ndefault_md=sha256\n"
        f"policy=p\nunique_subject=no\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName={san}\n")
    (directory / "index.txt").write_text("")
    (directory / "serial").write_text("1001\n")
    (directory / "out").mkdir()
    openssl("req", *curve, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf")
    begin, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(at)) for at in (begin_s, end_s))
    openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key",
            "-startdate", begin, "-enddate", end, "-infiles", *["leaf.csr"] * count)
    chains = [path.read_text() for path in sorted((directory / "out").iterdir())]
    assert len(chains) == count
    return chains, (directory / "leaf.key").read_text(), str(directory / "root.pem")


def place(store, name):
    """The directory of a name's generations."""
    shard = hashlib.sha256(name.encode()).hexdigest()[:2]
    return store / "certs" / shard / name


def write(store, name, chain, key, begin_s, end_s, serial, generation=1):
    """As if this name had been issued or imported; the store's top must exist."""
    begin, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (begin_s, end_s))
    head = {"name": name, "issuer": "bundles", "ca": "", "account": "", "profile": "", "challenge": "",
            "not-before": begin, "not-after": end, "serial": serial, "ari-id": "", "issued-at": begin}
    covered = "".join(f"{k}: {v}\n" for k, v in head.items()) + "\n" + key + chain
    digest = hashlib.sha256(covered.encode()).hexdigest()
    directory = place(store, name)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / f"{generation:010}.pem"
    with open(path, "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as f:
        f.write(f"sallyport-bundle: 1\nchecksum: sha256:{digest}\n" + covered)
    return path


def prepare(store):
    """The top of a store, so that bundles can be written before anything runs."""
    (store / "certs").mkdir(parents=True)
    for path in (store, store / "certs"):
        path.chmod(0o700)
    (store / "format").write_text("sallyport-store 1\n")
    (store / "format").chmod(0o600)


def newest_serial(store, name):
    path = sorted(place(store, name).iterdir())[-1]
    return re.search(r"^serial: (\w+)$", path.read_text(), re.M).group(1)
