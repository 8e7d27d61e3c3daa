# SPDX-License-Identifier: GPL-3.0-or-later
"""dns-01 by dynamic updates at a real BIND, which is also the CA's view of the world."""

import socket

import pytest

from support.bind import KEY, SECRET, Named
from support.client import names_of
from support.process import wait_until


def start(world, sites, records=None, tsig=None, named=None, **dns):
    named = named or world.ends(Named(world.directory / "named", records))
    world.with_ca(dns=named).with_origin()
    server = f"{named.address}:{named.port}"
    tsig = tsig or {"name": KEY, "secret": SECRET}
    dns = {"rfc2136": {"server": server, "tsig": tsig}, "nameservers": [server],
           "propagation_every": "200ms", **dns}
    if not dns["nameservers"]:
        del dns["nameservers"]
    world.with_proxy({"resolver": server,
                      "acme": world.acme(dns=dns, challenges=["dns-01"], retry_min="1s"),
                      "sites": {name: world.origin.address for name in sites}})
    return named


def test_a_wildcard_and_its_top_together(world):
    """Both want a record of the same name at the same time; each removes its own only."""
    named = start(world, ["*.example.com", "example.com"])
    assert names_of(world.handshake("a.example.com").der) == ["*.example.com"]
    assert names_of(world.handshake("example.com").der) == ["example.com"]
    assert world.ca.orders() == 2
    wait_until(lambda: not named.texts("_acme-challenge.example.com"), 15, "cleanup")
    assert "updating zone 'example.com/IN'" in named.process.output()


def test_a_cname_leads_to_a_zone_made_for_it(world):
    named = start(world, ["*.example.com"], records={
        "example.com": "_acme-challenge CNAME example.com.acme.example.net.\n"})
    assert names_of(world.handshake("a.example.com").der) == ["*.example.com"]
    said = named.process.output()
    assert "updating zone 'acme.example.net/IN'" in said
    assert "updating zone 'example.com/IN'" not in said


@pytest.mark.parametrize("tsig, says", [
    ({"name": KEY, "secret": "bm90IHRoZSBrZXksIGJ1dCBsb25nIGVub3VnaA=="}, "BADSIG"),
    ({"name": "other.example", "secret": SECRET}, "BADKEY")])
def test_a_wrong_key_is_told_and_the_ca_is_left_alone(world, tsig, says):
    start(world, ["*.example.com"], tsig=tsig)
    wait_until(lambda: world.proxy.events(says), 15, says)
    assert not world.handshake("a.example.com").ok
    assert world.ca.count("/chalZ") == 0
    said = world.proxy.process.output()
    assert tsig["secret"] not in said and SECRET not in said


def test_a_zone_that_is_not_there_is_told(world):
    start(world, ["*.other.example"])
    wait_until(lambda: world.proxy.events("zone of _acme-challenge.other.example")
               or world.proxy.events("NOTAUTH") or world.proxy.events("REFUSED"), 15, "the reason")
    assert world.ca.count("/chalZ") == 0


def test_the_zones_own_servers_are_asked(world):
    """Those in the NS records, at port 53."""
    with socket.socket() as s:
        try:
            s.bind(("127.0.0.1", 53))
        except OSError as e:
            pytest.skip(f"127.0.0.1:53 cannot be had: {e.strerror}")
    named = world.ends(Named(world.directory / "named", port=53))
    start(world, ["*.example.com"], named=named, nameservers=[])
    assert names_of(world.handshake("a.example.com").der) == ["*.example.com"]
    assert not world.proxy.events("not seen everywhere")
