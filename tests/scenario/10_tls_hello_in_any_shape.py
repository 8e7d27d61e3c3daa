# SPDX-License-Identifier: GPL-3.0-or-later
"""The ClientHello as networks deliver it: in pieces, in several records, large, late, or not one at all."""

import socket
import ssl
import struct
import time

import pytest

from support.client import context, raw_tls_bytes


def hello_bytes(host="app.example.com", **how):
    """A real ClientHello, as OpenSSL writes it, in one record."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    wrapped = context(alpn=["http/1.1"], **how).wrap_bio(incoming, outgoing, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        wrapped.do_handshake()
    return wrapped, incoming, outgoing, outgoing.read()


def finish(sock, wrapped, incoming, outgoing):
    """Goes on with a handshake whose hello is on its way; returns the version."""
    while True:
        try:
            wrapped.do_handshake()
            break
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())
            data = sock.recv(65536)
            assert data, "closed during the handshake"
            incoming.write(data)
    sock.sendall(outgoing.read())
    wrapped.write(b"GET / HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n")
    sock.sendall(outgoing.read())
    plain = b""
    while b"hello from origin" not in plain:
        try:
            plain += wrapped.read(65536)
        except ssl.SSLWantReadError:
            data = sock.recv(65536)
            assert data, f"closed after {plain!r}"
            incoming.write(data)
    return wrapped.version()


def split_records(record, sizes):
    """The same handshake bytes in several TLS records (RFC 8446 5.1)."""
    body, out, at = record[5:], b"", 0
    for size in [*sizes, len(body)]:
        part = body[at:at + size]
        if part:
            out += record[:3] + struct.pack(">H", len(part)) + part
        at += size
    return out


def connect(world):
    sock = socket.create_connection(("127.0.0.1", world.tls_port), timeout=20)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


@pytest.mark.parametrize("versions", ["1.2", "1.3"])
def test_one_byte_at_a_time(world, versions):
    world.with_own_certificate("app.example.com")
    wrapped, incoming, outgoing, hello = hello_bytes(versions=versions)
    with connect(world) as sock:
        for at in range(len(hello)):
            sock.sendall(hello[at:at + 1])
            if at % 16 == 0:
                time.sleep(0.001)
        assert finish(sock, wrapped, incoming, outgoing) == f"TLSv{versions}"


@pytest.mark.parametrize("sizes", [[1], [3, 1], [4], [5, 5, 5], [1] * 60, [100, 1, 100]])
def test_several_records(world, sizes):
    world.with_own_certificate("app.example.com")
    wrapped, incoming, outgoing, hello = hello_bytes()
    with connect(world) as sock:
        sock.sendall(split_records(hello, sizes))
        assert finish(sock, wrapped, incoming, outgoing) == "TLSv1.3"


def test_split_in_two_at_every_place(world):
    world.with_own_certificate("app.example.com")
    for at in range(1, 300, 7):
        wrapped, incoming, outgoing, hello = hello_bytes()
        with connect(world) as sock:
            sock.sendall(hello[:at])
            time.sleep(0.002)
            sock.sendall(hello[at:])
            finish(sock, wrapped, incoming, outgoing)


def test_a_hello_that_never_ends_is_given_up(world):
    world.with_own_certificate(config={"timeouts": {"client_hello": "1s"}})
    _, _, _, hello = hello_bytes()
    begin = time.monotonic()
    with connect(world) as sock:
        sock.sendall(hello[:100])
        try:
            while sock.recv(100):
                pass
        except ConnectionResetError:
            pass
    assert 0.8 < time.monotonic() - begin < 5


def test_a_hello_above_the_cap_is_refused(world):
    world.with_own_certificate()
    body = b"\x01" + struct.pack(">I", 200000)[1:] + b"\x03\x03" + bytes(40000)
    data = b"".join(b"\x16\x03\x01" + struct.pack(">H", len(p)) + p
                    for p in (body[i:i + 16000] for i in range(0, len(body), 16000)))
    got = raw_tls_bytes(world.tls_port, data)
    assert got[:1] == b"\x15" or got == b""


def test_plain_http_is_told_so(world):
    world.with_own_certificate()
    got = raw_tls_bytes(world.tls_port, b"GET /x HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 400 ")
    assert b"https" in got.lower() or b"tls" in got.lower()


@pytest.mark.parametrize("data", [
    b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(35),    # SSLv2
    b"SSH-2.0-OpenSSH_9.0\r\n", b"\x00" * 200, b"\xff" * 200,
    b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00",                    # a ServerHello
    b"\x17\x03\x03\x00\x10" + bytes(16),                            # application data
    b"\x16\x03\x01\x00\x00" * 200,                                  # empty records
    b"\x16\x03\x01\x40\x01" + bytes(100),                           # a record above 16 KiB
], ids=["sslv2", "ssh", "zeros", "ones", "server_hello", "application_data", "empty", "large"])
def test_garbage_is_refused_and_others_are_served(world, data):
    world.with_own_certificate(config={"timeouts": {"client_hello": "1s"}})
    got = raw_tls_bytes(world.tls_port, data, half_close=True)
    assert got == b"" or got[:1] == b"\x15"
    assert world.handshake("app.example.com").ok


@pytest.mark.parametrize("name", ["app.example.com\0.evil", "a_b.example.com", "127.0.0.1", "x" * 300,
                                  "localhost", "app.example.com.", "-a.example.com", "a..example.com"])
def test_names_that_are_no_host_names_are_refused(world, name):
    """Scenario 38, for the names a client library does not let through: written into the bytes."""
    world.with_own_certificate()
    marker = "m" * len(name) if len(name) < 60 else ".".join(["m" * 59] * (len(name) // 60))
    marker = (marker + "m" * len(name))[:len(name)]
    if len(name) > 253:
        marker = marker[:253]
        name = name[:253].replace("x", "_", 1)
    if marker.endswith("."):
        marker = marker[:-1] + "m"
    _, _, _, hello = hello_bytes(host=marker)
    assert marker.encode() in hello
    got = raw_tls_bytes(world.tls_port, hello.replace(marker.encode(), name.encode()))
    assert got[:1] == b"\x15" and got[5] == 2
    assert got[6] in (112, 47, 50), got


def test_hellos_of_post_quantum_size_pass(world):
    """A hello padded past several packets by a long ALPN list; OpenSSL here knows no ML-KEM."""
    world.with_own_certificate()
    alpn = [f"proto-{i:04d}".ljust(250, "x") for i in range(15)] + ["http/1.1"]
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    wrapped = context(alpn=alpn).wrap_bio(incoming, outgoing, server_hostname="app.example.com")
    with pytest.raises(ssl.SSLWantReadError):
        wrapped.do_handshake()
    hello = outgoing.read()
    assert len(hello) > 3800
    with connect(world) as sock:
        sock.sendall(hello)
        assert finish(sock, wrapped, incoming, outgoing) == "TLSv1.3"
