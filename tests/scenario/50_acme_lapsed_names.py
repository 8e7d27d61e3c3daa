# SPDX-License-Identifier: GPL-3.0-or-later
"""Issue 4.1: names that nobody wants any more lapse; configured ones never do."""

import time

import pytest

from support.process import wait_until


def kept(world, name):
    return [str(p.relative_to(world.proxy.store)) for p in world.proxy.store.rglob("*")
            if name in str(p) and p.is_file() and "locks" not in str(p)]


@pytest.mark.slow(seconds=45)
def test_a_name_whose_owner_left_lapses_after_its_end(world):
    """Its certificate lives twelve seconds and cannot be renewed; once others are renewed that show five more
    seconds to have passed, nothing is left of it."""
    world.with_ca(validity=12).with_origin().with_ask()
    world.with_proxy({"on_demand": {"ask": world.ask.url, "forget_after": "5s"},
                      "acme": world.acme(retry_min="1s", retry_max="2s"),
                      "sites": {"kept.example.com": world.origin.address, "well.example.com": world.origin.address,
                                "*": {"tls": "on_demand", "to": world.origin.address}}})
    assert world.handshake("gone.example.com").ok
    for name in ("kept.example.com", "well.example.com"):
        wait_until(lambda n=name: world.handshake(n).ok, 20, "the configured names", every=0.2)
    world.ca.dns.break_name("gone.example.com")
    world.ca.dns.break_name("kept.example.com")
    assert kept(world, "gone.example.com")
    wait_until(lambda: world.proxy.events("name lapsed, certificate removed"), 60, "the end of it", every=0.3)
    wait_until(lambda: not kept(world, "gone.example.com"), 10, "nothing left", every=0.2)
    at = world.ca.orders()
    time.sleep(4)
    assert not kept(world, "gone.example.com")
    assert world.proxy.bundles("kept.example.com"), "configured names stay"
    assert world.ca.orders() > at   # and are tried for
    world.ca.dns.heal_name("gone.example.com")
    wait_until(lambda: world.handshake("gone.example.com").ok, 30, "a new beginning", every=0.3)
