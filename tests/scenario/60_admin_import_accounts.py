# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of other ACME clients go on with us: same URL, same key, nothing registered."""

import base64
import json

import pytest

from support import acme
from support.sallyport import command

EMAIL = "ops@example.org"


def certbot(place, url, directory, key):
    host = directory.split("/")[2]
    folder = place / "accounts" / host / "directory" / "0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "private_key.json").write_text(json.dumps(acme.private_jwk(key)))
    (folder / "regr.json").write_text(json.dumps({"body": {"contact": [f"mailto:{EMAIL}"]}, "uri": url}))
    (folder / "meta.json").write_text(json.dumps({"creation_dt": "2024-01-01T00:00:00Z"}))


def caddy(place, url, directory, key):
    name = directory.removeprefix("https://").replace("/", "-").replace(":", "-")
    folder = place / "acme" / name / "users" / EMAIL
    folder.mkdir(parents=True)
    (folder / "ops.json").write_text(json.dumps({"status": "valid", "contact": [f"mailto:{EMAIL}"],
                                                 "termsOfServiceAgreed": True, "location": url}))
    (folder / "ops.key").write_bytes(acme.openssl("ec", "-in", key))


def traefik(place, url, directory, key):
    place.mkdir(parents=True)
    der = base64.b64encode(acme.openssl("rsa", "-in", key, "-traditional", "-outform", "DER")).decode()
    (place / "acme.json").write_text(json.dumps({"le": {"Account": {
        "Email": EMAIL, "Registration": {"body": {"status": "valid"}, "uri": url}, "PrivateKey": der,
        "KeyType": "4096"}, "Certificates": None}}))


def acme_sh(place, url, directory, key):
    folder = place / "ca" / directory.split("/")[2] / "directory"
    folder.mkdir(parents=True)
    (folder / "account.key").write_text(key.read_text())
    (folder / "account.json").write_text(json.dumps({"status": "valid"}))
    (folder / "ca.conf").write_text(f"CA_KEY_HASH='x'\nACCOUNT_URL='{url}'\nCA_EMAIL='{EMAIL}'\n")


def mod_md(place, url, directory, key):
    folder = place / "accounts" / "ACME-localhost-0000"
    folder.mkdir(parents=True)
    (folder / "account.pem").write_text(key.read_text())
    (folder / "account.json").write_text(json.dumps({"status": "valid", "url": url, "ca-url": directory,
                                                     "contact": [f"mailto:{EMAIL}"]}))


LAYOUTS = [(certbot, "rsa"), (caddy, "ec"), (traefik, "rsa"), (acme_sh, "ec"), (acme_sh, "rsa"), (mod_md, "ec")]


def ask(world, *args):
    return command(*args, "-c", world.proxy.directory / "sallyport.json", timeout=60)


def theirs(world, layout, kind="ec", name="theirs"):
    """An account that somebody else made, laid out on disk; its URL."""
    key = acme.new_key(world.directory / f"{name}.pem", kind)
    url = acme.Client(world.ca.url, world.ca.trust, key).register(contact=EMAIL)
    layout(world.directory / name, url, world.ca.url, key)
    return url


def imported(world, *more, place="theirs"):
    got = ask(world, "import", world.directory / place, "--json", *more)
    assert got.returncode == 0, got
    return json.loads(got.stdout)


def verdicts(plan):
    return [(a["account"], a["verdict"]) for a in plan["accounts"]]


def shown(world):
    return json.loads(ask(world, "account", "show", "--json").stdout)["accounts"][0]


@pytest.mark.parametrize("layout,kind", LAYOUTS)
def test_an_adopted_account_orders_and_none_is_made(world, layout, kind):
    world.on_demand()
    url = theirs(world, layout, kind)
    before = sorted(world.proxy.store.glob("accounts/*/*/*"))
    assert verdicts(imported(world)) == [(url, "import")]
    assert sorted(world.proxy.store.glob("accounts/*/*/*")) == before == []
    assert verdicts(imported(world, "--yes")) == [(url, "import")]
    assert world.handshake("a.example.com").ok
    account = shown(world)
    assert account["account"] == url and account["ca_says"]["status"] == "valid"
    assert account["key"] == {"rsa": "RSA-2048", "ec": "P-256"}[kind]
    assert account["ca_says"]["contact"] == f"mailto:{EMAIL}"   # nobody configured another
    assert world.ca.accounts() == 1
    assert verdicts(imported(world, "--yes")) == [(url, "keep")]
    # everything is signed with it, after a restart too
    assert ask(world, "renew", "a.example.com").returncode == 0
    assert ask(world, "revoke", "a.example.com").returncode == 0
    world.proxy.restart()
    assert world.handshake("b.example.com").ok
    assert ask(world, "account", "rollover").returncode == 0
    assert shown(world)["account"] == url and world.ca.accounts() == 1


def test_an_account_of_ours_stays_until_it_is_said_otherwise(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    ours, url = shown(world)["account"], theirs(world, certbot, "rsa")
    assert verdicts(imported(world)) == [(url, "keep")]
    assert verdicts(imported(world, "--yes")) == [(url, "keep")]
    assert shown(world)["account"] == ours
    assert verdicts(imported(world, "--replace")) == [(url, "import")]
    assert shown(world)["account"] == ours
    assert verdicts(imported(world, "--replace", "--yes")) == [(url, "import")]
    assert world.handshake("b.example.com").ok
    assert shown(world)["account"] == url and shown(world)["key"] == "RSA-2048"
    assert world.ca.accounts() == 2
    world.proxy.restart()
    assert world.handshake("c.example.com").ok
    assert shown(world)["account"] == url


def test_into_a_store_that_nothing_runs_on(world):
    world.with_ca().with_origin().with_ask().with_proxy(start=False)
    world.proxy.write_config()
    url = theirs(world, mod_md)
    assert verdicts(imported(world)) == [(url, "import")]
    assert not world.proxy.store.exists()
    plain = ask(world, "import", world.directory / "theirs", "--yes")
    assert plain.returncode == 0 and "1 to import" in plain.stdout and url in plain.stdout, plain
    world.proxy.start()
    assert world.handshake("a.example.com").ok
    assert world.ca.accounts() == 1


def test_what_fits_no_ca_or_has_no_key_is_told(world):
    world.on_demand()
    key = acme.new_key(world.directory / "k.pem")
    caddy(world.directory / "theirs", "https://elsewhere.example/acct/1", "https://elsewhere.example/dir", key)
    url = world.ca.url.replace("/dir", "/my-account/1")
    keyless = world.directory / "theirs" / "keyless"
    keyless.mkdir()
    (keyless / "regr.json").write_text(json.dumps({"body": {}, "uri": url}))
    plan = imported(world, "--yes")
    assert sorted(verdicts(plan)) == sorted([("https://elsewhere.example/acct/1", "useless"), (url, "useless")])
    assert {a["why"] for a in plan["accounts"]} == {"its CA is not among those of acme.ca",
                                                    "no key that we can use is beside it"}
    assert world.handshake("a.example.com").ok and world.ca.accounts() == 1
