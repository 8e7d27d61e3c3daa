# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 80: a store that an earlier release wrote is read by this one. What is in it: fixtures/make_store.py."""

import hashlib
import json
import pathlib
import shutil
import time

import pytest

from support.client import fingerprint, names_of
from support.process import wait_until
from support.sallyport import command

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


@pytest.fixture(params=sorted(path.name for path in FIXTURES.glob("release-*")))
def release(request):
    return FIXTURES / request.param


def facts(release):
    return json.loads((release / "names.json").read_text())


def unpack(release, place):
    """With the modes that it had, which git does not keep."""
    shutil.copytree(release / "store", place)
    for path in [place, *place.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def with_its_ca_gone(world, release):
    world.with_ca().with_origin().with_ask()
    unpack(release, world.directory / "proxy" / "store")
    world.with_proxy({"acme": {"ca": [{"directory": facts(release)["ca"], "trust": world.ca.trust}]}})


def assert_unhurt(world):
    store = world.proxy.store
    assert not list((store / "quarantine").iterdir())
    assert not world.proxy.events("damaged")


def tell(world, *args):
    done = command(*args, "--store", world.proxy.store)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_80_its_certificates_are_served_without_a_ca(world, release):
    with_its_ca_gone(world, release)
    for host, was in facts(release)["served"].items():
        got = world.handshake(host, root=None)
        assert fingerprint(got.der) == was, host
    assert_unhurt(world)


def test_80_its_memory_of_names_is_understood(world, release):
    """Running or not: what failed and why, what was announced, who signed what, the internal CA's root."""
    with_its_ca_gone(world, release)
    for runs in (True, False):
        names = {entry["name"] for entry in json.loads(tell(world, "certs", "--json"))["certs"]}
        assert set(facts(release)["served"]) | {"localhost"} == names
        failing = json.loads(command("why", "fails.example.com", "--json", "--store", world.proxy.store).stdout)
        assert "Could not resolve URL" in json.dumps(failing)
        if runs:
            waiting = command("why", "later.invalid", "--json", "--store", world.proxy.store).stdout
            assert json.loads(waiting)["wanted"] == "announced"
        assert tell(world, "root") == (release / "internal-root.pem").read_text()
        assert command("audit", "--verify", "--store", world.proxy.store).returncode == 0
        assert_unhurt(world)
        world.proxy.stop()


def key_of(path):
    text = path.read_text()
    return text[text.index("-----BEGIN"):]


def moved_to(store, was, url):
    """The account of a CA that has another address now: its newest record."""
    def place(at):
        name = f"127.0.0.1-{hashlib.sha256(at.encode()).hexdigest()[:16]}"
        return store / "accounts" / hashlib.sha256(name.encode()).hexdigest()[:2] / name
    record = sorted(place(was).iterdir())[-1]
    place(url).mkdir(parents=True, mode=0o700)
    new = place(url) / "0000000001"
    new.write_text(record.read_text().replace(was[:-len("/dir")], url[:-len("/dir")]))
    return new


def test_80_its_account_and_its_names_go_on(world, release):
    """With the account's key of then; an order that was under way there is ordered here."""
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    store = world.directory / "proxy" / "store"
    unpack(release, store)
    key = key_of(moved_to(store, facts(release)["ca"], world.ca.url))
    world.with_proxy()
    for host in ("begun.example.com", "fails.example.com", "new.example.com"):
        got = wait_until(lambda: (h := world.handshake(host)).ok and h, 60, host, every=0.3)
        assert names_of(got.der) == [host]
    assert world.ca.accounts() == 1 and world.ca.orders() == 3
    account = [path for path in sorted(store.glob("accounts/*/127.0.0.1-*/*")) if world.ca.url in path.read_text()]
    assert key_of(account[-1]) == key
    for host, was in facts(release)["served"].items():
        assert fingerprint(world.handshake(host, root=None).der) == was
    time.sleep(1)
    assert world.ca.orders() == 3      # nobody was in a hurry to renew what lasts a hundred years
    assert_unhurt(world)
    assert command("audit", "--verify", "--store", store).returncode == 0
