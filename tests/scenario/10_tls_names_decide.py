# SPDX-License-Identifier: GPL-3.0-or-later
"""Which name gets which certificate, and what the others get: an alert, never a default."""

import pytest

from support import certificates
from support.client import handshake, names_of


def test_a_name_with_a_certificate_is_served(world):
    world.with_own_certificate("app.example.com")
    got = world.handshake("app.example.com")
    assert names_of(got.der) == ["app.example.com"]
    assert got.version == "TLSv1.3" and got.cipher == "TLS_AES_128_GCM_SHA256"


def test_upper_case_names_are_the_same_name(world):
    world.with_own_certificate("app.example.com")
    assert world.handshake("APP.Example.COM").ok


def test_an_unknown_name_gets_unrecognized_name(world):
    world.with_own_certificate("app.example.com")
    assert world.handshake("other.example.com").alert == "unrecognized_name"
    assert world.handshake("other.example.com", versions="1.2").alert == "unrecognized_name"


def test_no_name_gets_unrecognized_name(world):
    world.with_own_certificate("app.example.com")
    assert world.handshake(None, root=None).alert == "unrecognized_name"


def test_no_name_gets_the_default_site_when_there_is_one(world):
    world.with_own_certificate("app.example.com", site={"default": True})
    assert names_of(world.handshake(None, root=None).der) == ["app.example.com"]
    # a name that is sent and unknown is still unknown
    assert world.handshake("other.example.com").alert == "unrecognized_name"


def test_a_star_site_with_a_certificate_serves_every_name(world):
    chain, key = certificates.make(world.directory / "own", "any.example.com")
    world.with_origin().with_proxy(
        {"sites": {"*": {"cert": chain, "key": key, "to": world.origin.address}}})
    for host in ("any.example.com", "quite.other.example", None):
        assert names_of(handshake(world.tls_port, host).der) == ["any.example.com"]


def test_a_wildcard_certificate_serves_one_label(world):
    world.with_own_certificate("*.example.com")
    assert world.handshake("a.example.com").ok
    assert world.handshake("a.b.example.com", root=None).alert == "unrecognized_name"
    assert world.handshake("example.com", root=None).alert == "unrecognized_name"


def test_a_site_named_by_an_address_answers_clients_without_name(world):
    chain, key = certificates.make(world.directory / "own", "127.0.0.1")
    world.with_origin().with_proxy(
        {"sites": {"127.0.0.1": {"cert": chain, "key": key, "to": world.origin.address}}})
    assert names_of(handshake(world.tls_port, None).der) == ["127.0.0.1"]


@pytest.mark.parametrize("key,cipher12", [("P-384", "ECDSA"), ("rsa", "RSA")])
def test_own_certificates_may_have_other_keys(world, key, cipher12):
    chain, path = certificates.make(world.directory / "own", "k.example.com", key=key)
    world.with_origin().with_proxy(
        {"sites": {"k.example.com": {"cert": chain, "key": path, "to": world.origin.address}}})
    world.root = str(world.directory / "own" / "root.pem")
    assert world.handshake("k.example.com").ok
    assert cipher12 in world.handshake("k.example.com", versions="1.2").cipher
