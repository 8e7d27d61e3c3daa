# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions, groups, ALPN and resumption as OpenSSL's own client sees them."""

import re
import ssl
import subprocess

import pytest

from support.client import context, handshake, tls


def s_client(port, host, *args):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", host,
                           *args], input=b"Q\n", capture_output=True, timeout=30)
    return done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace")


@pytest.mark.parametrize("group,temp_key", [("X25519", "X25519"), ("P-256", "ECDH, prime256v1"),
                                            ("P-384:X25519", "secp384r1"), ("P-521:P-256", "ECDH, prime256v1")])
def test_groups(world, group, temp_key):
    world.with_own_certificate()
    said = s_client(world.tls_port, "app.example.com", "-groups", group, "-tls1_3")
    assert temp_key in said, said[-2000:]


def test_tls_1_2_works_and_older_does_not(world):
    world.with_own_certificate()
    assert "ECDHE-ECDSA-AES128-GCM-SHA256" in s_client(world.tls_port, "app.example.com", "-tls1_2")
    said = s_client(world.tls_port, "app.example.com", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert "protocol version" in said or "no protocols available" in said


def test_minimum_version_can_be_1_3(world):
    world.with_own_certificate(config={"tls": {"min": "1.3"}})
    assert world.handshake("app.example.com").version == "TLSv1.3"
    assert world.handshake("app.example.com", versions="1.2").alert in ("protocol_version",
                                                                        "handshake_failure")


@pytest.mark.parametrize("offer,selected", [(["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"),
                                            (None, "")])
def test_alpn(world, offer, selected):
    world.with_own_certificate()
    assert world.handshake("app.example.com", alpn=offer).alpn == selected


@pytest.mark.parametrize("offer", [["h2"], ["spdy/3"], ["acme-tls/1"], ["acme-tls/1", "http/1.1"]])
def test_alpn_without_common_protocol_is_refused(world, offer):
    """Also acme-tls/1 for a name without live challenge, and together with others (RFC 8737 4)."""
    world.with_own_certificate()
    got = world.handshake("app.example.com", alpn=offer)
    if offer == ["acme-tls/1", "http/1.1"]:
        assert got.alpn in ("", "http/1.1")
    else:
        assert got.alert in ("no_application_protocol", "unrecognized_name")


def resume(port, host, first_host, ctx, versions):
    """A session got at first_host, offered at host."""
    with tls(port, first_host, ctx=ctx) as s:
        s.sendall(f"GET / HTTP/1.1\r\nHost: {first_host}\r\n\r\n".encode())
        s.recv(1000)   # TLS 1.3: the ticket comes with the answer
        session = s.session
    ctx.check_hostname = False
    with tls(port, host, ctx=ctx, session=session) as s:
        return s.session_reused


@pytest.mark.parametrize("versions", ["1.2", "1.3"])
def test_tickets_resume_on_every_worker(world, versions):
    world.with_own_certificate(config={"workers": 3})
    ctx = context(world.root, versions=versions)
    got = [resume(world.tls_port, "app.example.com", "app.example.com", ctx, versions)
           for _ in range(12)]
    assert all(got), got


@pytest.mark.parametrize("versions", ["1.2", "1.3"])
def test_tickets_of_one_name_are_no_good_for_another(world, versions):
    world.with_own_certificate("a.example.com", "b.example.com")
    ctx = context(world.root, versions=versions)
    assert resume(world.tls_port, "a.example.com", "a.example.com", ctx, versions)
    ctx = context(world.root, versions=versions)
    assert not resume(world.tls_port, "b.example.com", "a.example.com", ctx, versions)


def test_a_restart_forgets_ticket_keys(world):
    world.with_own_certificate()
    ctx = context(world.root, versions="1.2")
    with tls(world.tls_port, "app.example.com", ctx=ctx) as s:
        session = s.session
    world.proxy.restart()
    with tls(world.tls_port, "app.example.com", ctx=ctx, session=session) as s:
        assert not s.session_reused


def test_the_chain_is_sent_whole(world):
    """What openssl verifies with nothing but the root."""
    world.with_own_certificate()
    said = s_client(world.tls_port, "app.example.com", "-CAfile", world.root, "-verify_return_error",
                    "-verify_hostname", "app.example.com")
    assert re.search(r"Verify return code: 0 \(ok\)", said), said[-1500:]


def test_early_end_of_handshake_harms_nobody(world):
    world.with_own_certificate()
    for n in range(20):
        ctx = ssl.create_default_context()   # does not trust us: our handshake ends with its alert
        with pytest.raises(ssl.SSLError):
            tls(world.tls_port, "app.example.com", ctx=ctx)
    assert handshake(world.tls_port, "app.example.com", root=world.root).ok
