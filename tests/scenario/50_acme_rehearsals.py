# SPDX-License-Identifier: GPL-3.0-or-later
"""Issue 4.3: a name whose validation failed is rehearsed at the CA's staging before production is asked again."""

import json

import pytest

from support.client import x509
from support.fault import Fault
from support.pebble import Pebble
from support.process import wait_until
from support.sallyport import command

NAME = "app.example.com"


def stage(world, staging=None, **more):
    """Two CAs that ask the same DNS, the second being the staging of the first; NAME is broken."""
    world.with_ca().with_origin()
    world.staging = world.ends(Pebble(world.directory / "staging", http_port=world.http_port,
                                      tls_port=world.tls_port, dns=world.ca.dns))
    world.ca.dns.break_name(NAME)
    ca = {"directory": world.ca.url, "trust": world.ca.trust,
          "staging": {"directory": (staging or world.staging).url, "trust": world.staging.trust}}
    return world.with_proxy({"acme": {"ca": [ca], **{"retry_min": "1s", "retry_max": "2s", **more}},
                             "sites": {NAME: world.origin.address}})


def why(world):
    got = command("why", NAME, "--json", "-c", world.proxy.directory / "sallyport.json", timeout=60)
    return json.loads(got.stdout)


def is_of(world, ca):
    """Served by this one, and the store has nothing of another."""
    bundles = [b.read_text() for b in world.proxy.bundles(NAME)]
    return bool(bundles) and all(f"ca: {ca.url}" in b for b in bundles)


def test_retries_spend_nothing_of_production(world):
    stage(world)
    wait_until(lambda: world.staging.orders() >= 4, 60, "rehearsals that fail", every=0.2)
    first = world.ca.orders()
    assert 1 <= first <= 2, first   # the first attempt, by one challenge and the other
    got = why(world)
    assert "rehears" in json.dumps(got), got
    assert not world.proxy.bundles(NAME)
    world.ca.dns.heal_name(NAME)
    wait_until(lambda: world.handshake(NAME).ok, 60, "a certificate", every=0.2)
    assert world.ca.orders() == first + 1 and world.ca.issued() == 1 and world.staging.issued() >= 1
    assert is_of(world, world.ca)
    assert why(world)["state"] == "held"


def test_why_tells_that_the_next_attempt_is_a_rehearsal(world):
    stage(world, retry_min="1h", retry_max="1h")
    wait_until(lambda: why(world)["state"] == "failing", 30, "the first failure", every=0.2)
    assert world.staging.accounts() == 0   # the first attempt was none
    for _ in range(2):
        got = why(world)
        assert got["rehearsal"] == f"127.0.0.1:{world.staging.port}"
        text = command("why", NAME, "-c", world.proxy.directory / "sallyport.json", timeout=60).stdout
        assert "rehears" in text and got["rehearsal"] in text
        world.proxy.stop()   # and from the store alone
        assert not why(world)["running"]


def test_a_staging_that_is_down_keeps_nobody_from_production(world):
    stage(world)
    world.staging.process.kill()
    wait_until(lambda: world.ca.orders() >= 4, 60, "attempts at production", every=0.2)
    world.ca.dns.heal_name(NAME)
    wait_until(lambda: world.handshake(NAME).ok, 60, "a certificate", every=0.2)
    assert is_of(world, world.ca)


def test_rehearsals_can_be_turned_off(world):
    stage(world, rehearse=False)
    wait_until(lambda: world.ca.orders() >= 4, 60, "attempts at production", every=0.2)
    assert world.staging.accounts() == 0 and "rehearsal" not in why(world)


@pytest.mark.slow(seconds=40)
def test_killed_while_rehearsing(world):
    """The journal knows at which CA an order is: what the staging issued is looked at and thrown away."""
    hold = {"now": True}
    world.with_ca(nonce_reject=0).with_origin()
    world.staging = world.ends(Pebble(world.directory / "staging", http_port=world.http_port, nonce_reject=0,
                                      tls_port=world.tls_port, dns=world.ca.dns))
    front = world.ends(Fault(world.staging, lambda n, method, path:
                             "drop" if hold["now"] and path.startswith("/certZ") else None))
    world.ca.dns.break_name(NAME)
    ca = {"directory": world.ca.url, "trust": world.ca.trust,
          "staging": {"directory": front.url, "trust": world.staging.trust}}
    world.with_proxy({"acme": {"ca": [ca], "retry_min": "2s", "retry_max": "4s"},
                      "sites": {NAME: world.origin.address}})
    wait_until(lambda: world.staging.orders(), 30, "a rehearsal", every=0.1)
    world.ca.dns.heal_name(NAME)
    wait_until(lambda: front.count("/certZ"), 30, "the download to be tried", every=0.05)
    before = world.ca.orders()
    world.proxy.kill()
    assert world.ca.orders() == before
    hold["now"] = False
    world.proxy.start()
    wait_until(lambda: world.handshake(NAME).ok, 90, "the certificate", every=0.2)
    assert is_of(world, world.ca) and world.ca.issued() == 1
    assert world.ca.orders() == before + 1
    assert "Pebble" in x509(world.handshake(NAME).der, "-issuer")
