# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 9 and 61: several CAs in order, and CAs that want an external account binding."""

import base64
import time

import pytest

from support.client import x509
from support.pebble import Pebble
from support.process import free_port, wait_until

KEY = bytes(range(3, 35))
SECRET = base64.urlsafe_b64encode(KEY).rstrip(b"=").decode()


def ca_of(pebble, **more):
    return {"directory": pebble.url, "trust": pebble.trust, **more}


def served(world, host, seconds=20):
    return wait_until(lambda: (h := world.handshake(host)).der and h, seconds, f"{host} served", every=0.2)


def requests(pebble):
    return pebble.process.output().count("POST /")


def bound(world, hmac):
    world.with_ca(eab={"kid-1": SECRET}).with_origin()
    ca = ca_of(world.ca, eab={"kid": "kid-1", "hmac": hmac})
    return world.with_proxy({"acme": {"ca": [ca]}, "sites": {"app.example.com": world.origin.address}})


def test_09_a_binding_with_the_right_key_works(world):
    bound(world, SECRET)
    assert served(world, "app.example.com")


def test_09_so_does_the_key_in_padded_base64(world):
    bound(world, base64.b64encode(KEY).decode())
    assert served(world, "app.example.com")


def test_09_a_wrong_key_costs_few_requests(world):
    bound(world, base64.urlsafe_b64encode(bytes(32)).decode())
    wait_until(lambda: world.proxy.events("ACME account not usable"), 15, "the refusal")
    at = requests(world.ca)
    time.sleep(5)
    for _ in range(3):
        assert not world.handshake("app.example.com").ok
    assert requests(world.ca) == at and at <= 4, (at, requests(world.ca))
    assert world.ca.issued() == 0


def test_61_the_second_serves_while_the_first_is_dead(world):
    """Nothing is held, so that nothing is waited for."""
    world.with_ca().with_origin()
    dead = {"directory": f"https://127.0.0.1:{free_port()}/dir", "trust": world.ca.trust}
    world.with_proxy({"acme": {"ca": [dead, ca_of(world.ca)]},
                      "sites": {"app.example.com": world.origin.address}})
    assert served(world, "app.example.com")
    assert f"ca: {world.ca.url}" in world.proxy.bundles("app.example.com")[-1].read_text()


@pytest.mark.slow(seconds=30)
def test_61_once_the_first_heals_it_is_gone_to_again(world):
    """The first CA comes up at the port that was dead; the second one's certificates live 20 seconds."""
    world.with_ca(validity=20).with_origin()
    first = world.ends(Pebble(world.directory / "first", http_port=world.http_port,
                              tls_port=world.tls_port))
    url = first.url
    first.process.kill()
    world.with_proxy({"acme": {"ca": [ca_of(first), ca_of(world.ca)], "ari": False},
                      "sites": {"app.example.com": world.origin.address}})
    assert served(world, "app.example.com")
    assert "Pebble" in x509(world.proxy.bundles("app.example.com")[-1], "-issuer")
    first.start()
    wait_until(lambda: f"ca: {url}" in world.proxy.bundles("app.example.com")[-1].read_text(), 45,
               "a certificate of the first", every=0.5)
    wait_until(lambda: world.handshake("app.example.com", root=first.root()).ok, 10, "it being served", every=0.2)
