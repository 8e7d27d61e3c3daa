# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of other ACME clients are adopted without an order, and ours handed to other programs."""

import base64
import json
import os
import pathlib
import shutil
import stat
import subprocess

import pytest

from support import certificates
from support.process import wait_until
from support.sallyport import command


def ask(world, *args, timeout=60):
    return command(*args, "-c", world.proxy.directory / "sallyport.json", timeout=timeout)


def pair(world, *names, **how):
    """(chain with root, key) texts."""
    chain, key = certificates.make(world.directory / "made", *names, **how)
    root = world.directory / "made" / "root.pem"
    return pathlib.Path(chain).read_text() + root.read_text(), pathlib.Path(key).read_text()


def certbot(place, name, chain, key):
    archive, live = place / "archive" / name, place / "live" / name
    archive.mkdir(parents=True)
    live.mkdir(parents=True)
    leaf, _, rest = chain.partition("-----END CERTIFICATE-----\n")
    for file, text in {"privkey": key, "fullchain": chain, "chain": rest,
                       "cert": leaf + "-----END CERTIFICATE-----\n"}.items():
        (archive / f"{file}1.pem").write_text(text)
        (live / f"{file}.pem").symlink_to(f"../../archive/{name}/{file}1.pem")
    (live / "README").write_text("This directory contains your keys and certificates.\n")


def caddy(place, name, chain, key):
    folder = place / "certificates" / "acme-v02.api.letsencrypt.org-directory" / name
    folder.mkdir(parents=True)
    (folder / f"{name}.crt").write_text(chain)
    (folder / f"{name}.key").write_text(key)
    (folder / f"{name}.json").write_text(json.dumps({"sans": [name], "issuer_data": {}}))


def acme_sh(place, name, chain, key):
    folder = place / f"{name}_ecc"
    folder.mkdir(parents=True)
    (folder / "fullchain.cer").write_text(chain)
    (folder / f"{name}.cer").write_text(chain.partition("-----END CERTIFICATE-----\n")[0]
                                        + "-----END CERTIFICATE-----\n")
    (folder / f"{name}.key").write_text(key)
    (folder / f"{name}.conf").write_text("Le_Domain='x'\n")


def mod_md(place, name, chain, key):
    folder = place / "domains" / name
    folder.mkdir(parents=True)
    (folder / "pubcert.pem").write_text(chain)
    (folder / "privkey.pem").write_text(key)
    (folder / "md.json").write_text(json.dumps({"name": name}))


def traefik(place, name, chain, key):
    place.mkdir(parents=True)
    coded = {k: base64.b64encode(v.encode()).decode() for k, v in (("certificate", chain), ("key", key))}
    (place / "acme.json").write_text(json.dumps({"le": {
        "Account": {"Email": "a@b"}, "Certificates": [{"domain": {"main": name}, **coded}]}}))


def plain(place, name, chain, key):
    place.mkdir(parents=True)
    (place / "both.pem").write_text(key + chain)


@pytest.mark.parametrize("layout", [certbot, caddy, acme_sh, mod_md, traefik, plain])
def test_adopted_certificates_are_served_without_an_order(world, layout):
    world.on_demand(lambda domain: 403)
    place, name = world.directory / "theirs", "moved.example.com"
    layout(place, name, *pair(world, name))
    before = sorted(p for p in world.proxy.store.rglob("*") if "certs" in p.parts)
    dry = ask(world, "import", place, "--json")
    plan = json.loads(dry.stdout)
    assert dry.returncode == 0 and [(n["name"], n["verdict"]) for n in plan["names"]] == \
        [(name, "import")], dry
    assert not plan["done"]
    assert sorted(p for p in world.proxy.store.rglob("*") if "certs" in p.parts) == before
    assert "nothing was changed" in ask(world, "import", place, "--dry-run").stdout
    # refused a moment ago, and served as soon as it is adopted
    assert not world.handshake(name).ok
    real = ask(world, "import", place, "--yes")
    assert real.returncode == 0, real
    root = str(world.directory / "made" / "root.pem")
    wait_until(lambda: world.handshake(name, root=root).ok, 5, "the adopted certificate")
    assert world.ca.orders() == 0
    again = json.loads(ask(world, "import", place, "--yes", "--json").stdout)
    assert again["import"] == 0 and again["keep"] == 1
    assert len(world.proxy.bundles(name)) == 1


def test_import_into_a_store_that_is_not_there_yet(world):
    chain, key = pair(world, "a.example.com", "b.example.com")
    plain(world.directory / "theirs", "a", chain, key)
    store = world.directory / "new"
    dry = command("import", world.directory / "theirs", "--store", store, cwd=world.directory)
    assert dry.returncode == 0 and not store.exists(), dry
    real = command("import", world.directory / "theirs", "--store", store, "--yes", cwd=world.directory)
    assert real.returncode == 0 and "2 to import" in real.stdout, real
    listed = command("certs", "--store", store, "--json", cwd=world.directory)
    assert {c["name"] for c in json.loads(listed.stdout)["certs"]} == {"a.example.com", "b.example.com"}


def test_what_is_expired_keyless_damaged_or_hostile_is_told_and_left_out(world):
    world.on_demand()
    place = world.directory / "theirs"
    place.mkdir()
    old_chain, old_key = pair(world, "old.example.com", days=-1)
    (place / "old.pem").write_text(old_chain + old_key)
    lone_chain, _ = pair(world, "lone.example.com")
    (place / "lone.pem").write_text(lone_chain)
    (place / "cut.pem").write_text(lone_chain[:400])
    (place / "bytes.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n\xff\xfe\x00\n")
    (place / "huge.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\n" + b"A" * 2_000_000)
    (place / "acme.json").write_text('{"le": {"Certificates": [{"certificate": "!!", "key": 7}]}}')
    (place / "deep.json").write_text("[" * 100000)
    os.mkfifo(place / "fifo")
    (place / "loop").symlink_to(place)
    got = ask(world, "import", place, "--yes", "--json")
    plan = json.loads(got.stdout)
    assert got.returncode == 3
    assert [(n["name"], n["verdict"]) for n in plan["names"]] == [("old.example.com", "expired")]
    assert plan["without_key"] == 1 and plan["not_understood"] >= 3
    assert not world.proxy.bundles()
    assert ask(world, "import", world.directory / "none").returncode == 1


def test_a_longer_lived_certificate_in_the_store_is_kept(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    mine = world.handshake("a.example.com").der
    plain(world.directory / "theirs", "a", *pair(world, "a.example.com", days=10))
    got = json.loads(ask(world, "import", world.directory / "theirs", "--yes", "--json").stdout)
    assert [n["verdict"] for n in got["names"]] == ["keep"]
    assert world.handshake("a.example.com").der == mine


def test_export_as_files_with_a_hook(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    to, seen = world.directory / "out", world.directory / "seen"
    hook = world.directory / "hook"
    hook.write_text(f"#!/bin/sh\nls \"$SALLYPORT_DIR\" > {seen}\necho \"$SALLYPORT_NAME\" >> {seen}\n")
    hook.chmod(0o755)
    assert ask(world, "export", "a.example.com", "--to", to, "--hook", hook).returncode == 0
    assert seen.read_text().split() == ["cert.pem", "chain.pem", "fullchain.pem", "privkey.pem",
                                        "a.example.com"]
    assert stat.S_IMODE((to / "privkey.pem").stat().st_mode) == 0o600
    assert (to / "fullchain.pem").read_text() == (to / "cert.pem").read_text() + \
        (to / "chain.pem").read_text()

    def public(*args):
        return subprocess.run(["openssl", *args], check=True, capture_output=True).stdout

    assert public("pkey", "-in", to / "privkey.pem", "-pubout") == \
        public("x509", "-in", to / "cert.pem", "-noout", "-pubkey")
    assert ask(world, "export", "a.example.com", "--to", to).returncode == 0    # again, over it
    world.proxy.stop()
    text = ask(world, "export", "a.example.com").stdout
    assert text == (to / "privkey.pem").read_text() + (to / "fullchain.pem").read_text()


def test_export_that_cannot_be_done_says_why(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    assert ask(world, "export", "none.example.com").returncode == 1
    assert ask(world, "export", "a.example.com", "--hook", "true").returncode == 2
    to = world.directory / "out"
    failed = ask(world, "export", "a.example.com", "--to", to, "--hook", "false")
    assert failed.returncode == 1 and "status 1" in failed.stderr
    missing = ask(world, "export", "a.example.com", "--to", to, "--hook", "/nonexistent")
    assert missing.returncode == 1
    shutil.rmtree(to)
    to.write_text("a file")
    assert ask(world, "export", "a.example.com", "--to", to).returncode == 1


def test_what_was_exported_can_be_imported_elsewhere(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    out, store = world.directory / "out", world.directory / "new"
    assert ask(world, "export", "a.example.com", "--to", out).returncode == 0
    assert command("import", out, "--store", store, "--yes", cwd=world.directory).returncode == 0
    there = json.loads(command("why", "a.example.com", "--store", store, "--json",
                               cwd=world.directory).stdout)
    here = json.loads(ask(world, "why", "a.example.com", "--json").stdout)
    assert there["served"]["serial"] == here["served"]["serial"]
