# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 10 and 11: the profile and the chain that the operator prefers, or insists upon."""

import json
import ssl
import subprocess
import tempfile

import pytest

from support.client import x509
from support.process import wait_until

NAME = "app.example.com"
PROFILES = {"classic": {"description": "90 d", "validityPeriod": 7776000},
            "short": {"description": "2 h", "validityPeriod": 7200},
            "blink": {"description": "24 s", "validityPeriod": 24}}


def start(world, **ca):
    world.with_origin().with_proxy({
        "acme": {"ca": [{"directory": world.ca.url, "trust": world.ca.trust, **ca}]},
        "sites": {NAME: world.origin.address}})


def served(world):
    wait_until(lambda: world.handshake(NAME, root=None).ok, 20, "a certificate")


def with_profiles(world):
    world.with_ca(profiles=PROFILES)
    if not world.ca.has("profiles"):
        pytest.skip("this Pebble has no profiles")


def header(world, key):
    text = world.proxy.bundles(NAME)[-1].read_text()
    return next(line.split(": ", 1)[1] for line in text.splitlines() if line.startswith(key + ": "))


def test_10_a_profile_is_asked_for_and_kept_at_the_renewal(world):
    with_profiles(world)
    start(world, profile="blink", profile_required=True)
    served(world)
    wait_until(lambda: world.ca.issued() >= 3, 60, "two renewals")
    assert header(world, "profile") == "blink"
    assert world.handshake(NAME).ok


def test_10_a_preferred_profile_that_is_not_offered_is_left_out(world):
    with_profiles(world)
    start(world, profile="unheard-of")
    served(world)
    # Pebble chooses one and says which
    assert header(world, "profile") in PROFILES
    assert world.ca.orders() == 1


def test_10_a_required_profile_that_is_not_offered_fails_and_names_the_others(world):
    with_profiles(world)
    start(world, profile="unheard-of", profile_required=True)
    wait_until(lambda: world.proxy.events("certificate refused"), 20, "the refusal")
    said = json.dumps(world.proxy.events("certificate refused"))
    assert all(name in said for name in PROFILES)
    assert world.ca.orders() == 0


def roots(world):
    """Common names of the CA's roots: the default's, then the alternates'."""
    names = []
    for i in range(3):
        pem = world.ca.get(f"/roots/{i}").decode()
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as f:
            f.write(pem)
            f.flush()
            got = subprocess.run(["openssl", "x509", "-in", f.name, "-noout", "-subject", "-nameopt",
                                  "multiline"], check=True, capture_output=True, text=True).stdout
        names.append(next(line.split("= ", 1)[1] for line in got.splitlines() if "commonName" in line))
    return names


def chain_top(world):
    """Issuer of the last certificate that the proxy sends."""
    text = world.proxy.bundles(NAME)[-1].read_text()
    last = "-----BEGIN CERTIFICATE-----" + text.split("-----BEGIN CERTIFICATE-----")[-1]
    return x509(ssl.PEM_cert_to_DER_cert(last), "-issuer")


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_11_the_preferred_chain_is_taken(world, wanted):
    world.with_ca(chain_length=3, alternates=2)
    names = roots(world)
    assert len(set(names)) == 3
    start(world, preferred_chain=names[wanted])
    served(world)
    assert names[wanted] in chain_top(world)
    pem = world.directory / "wanted.pem"
    pem.write_bytes(world.ca.get(f"/roots/{wanted}"))
    assert world.handshake(NAME, root=str(pem)).ok


def test_11_a_chain_that_is_not_offered_is_warned_about(world):
    world.with_ca(chain_length=3, alternates=2)
    start(world, preferred_chain="Root of All")
    served(world)
    assert world.proxy.events("preferred chain not offered")
    assert world.handshake(NAME).ok
