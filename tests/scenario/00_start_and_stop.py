# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of the process: first commands, signals, limits, users."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

from support.client import get
from support.origin import answer
from support.process import Process, wait_until
from support.sallyport import BINARY


def test_proxy_takes_two_words(world):
    """`sallyport proxy HOST UPSTREAM`, everything else by options or environment."""
    world.with_ca().with_origin()
    p = world.ends(Process([BINARY, "proxy", "app.example.com", world.origin.address], world.directory,
                           "proxy", env={
        "SALLYPORT_DATA": str(world.directory / "data"),
        "SALLYPORT_LISTEN__HTTPS": f"127.0.0.1:{world.tls_port}",
        "SALLYPORT_LISTEN__HTTP": f"127.0.0.1:{world.http_port}",
        "SALLYPORT_ACME__CA": world.ca.url, "SSL_CERT_FILE": world.ca.trust,
        "SALLYPORT_ACME__TRUST": world.ca.trust}))
    p.wait_port(world.tls_port)
    wait_until(lambda: world.handshake("app.example.com").ok, 15, "the certificate", every=0.2)
    assert get(world.tls_port, "app.example.com", root=world.ca.root()).body == b"hello from origin"


def test_sidecar_by_environment_alone(world):
    world.with_ca().with_origin()
    p = world.ends(Process([BINARY, "run"], world.directory, "sidecar", env={
        "SALLYPORT_SITES": f"app.example.com={world.origin.address}",
        "SALLYPORT_EMAIL": "ops@example.com",
        "SALLYPORT_DATA": str(world.directory / "data"),
        "SALLYPORT_LISTEN__HTTPS": f"127.0.0.1:{world.tls_port}",
        "SALLYPORT_LISTEN__HTTP": f"127.0.0.1:{world.http_port}",
        "SALLYPORT_ACME__CA": world.ca.url, "SALLYPORT_ACME__TRUST": world.ca.trust}))
    p.wait_port(world.tls_port)
    wait_until(lambda: world.handshake("app.example.com").ok, 15, "the certificate", every=0.2)


def test_sigterm_lets_exchanges_end(world):
    def respond(r, c):
        time.sleep(1.5)
        c.send(answer())
    world.with_own_certificate(respond=respond)
    got = {}

    def client():
        with world.http() as c:
            c.request()
            got["answer"] = c.read()
    t = threading.Thread(target=client)
    t.start()
    wait_until(lambda: world.origin.requests, 5, "the request")
    begin = time.monotonic()
    world.proxy.process.signal(signal.SIGTERM)
    time.sleep(0.3)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", world.tls_port), timeout=2).close()
    assert world.proxy.process.wait(20) == 0
    t.join(5)
    assert got["answer"].status == 200
    assert time.monotonic() - begin < 6


def test_drain_has_a_deadline(world):
    world.with_own_certificate(config={"timeouts": {"drain": "1s"}}, respond=lambda r, c: time.sleep(30))
    c = world.http()
    c.request()
    wait_until(lambda: world.origin.requests, 5, "the request")
    begin = time.monotonic()
    world.proxy.process.signal(signal.SIGTERM)
    world.proxy.process.wait(20)
    assert 0.8 < time.monotonic() - begin < 8


def test_a_second_sigterm_stops_at_once(world):
    world.with_own_certificate(respond=lambda r, c: time.sleep(30))
    c = world.http()
    c.request()
    wait_until(lambda: world.origin.requests, 5, "the request")
    world.proxy.process.signal(signal.SIGTERM)
    time.sleep(0.5)
    assert world.proxy.process.is_running()
    begin = time.monotonic()
    world.proxy.process.signal(signal.SIGTERM)
    world.proxy.process.wait(10)
    assert time.monotonic() - begin < 3


def test_idle_connections_do_not_hold_up_a_stop(world):
    world.with_own_certificate()
    c = world.http()
    c.request()
    assert c.read().status == 200
    begin = time.monotonic()
    assert world.proxy.stop() == 0
    assert time.monotonic() - begin < 4


def test_descriptor_limit_is_raised_to_the_hard_one(world):
    world.with_own_certificate()
    limits = pathlib.Path(f"/proc/{world.proxy.process.pid}/limits").read_text()
    line = next(x for x in limits.splitlines() if x.startswith("Max open files")).split()
    assert line[3] == line[4]


def test_out_of_descriptors_sheds_new_connections(world):
    """With 64 descriptors: many clients are turned away, the process lives and recovers."""
    world.with_own_certificate(config={"workers": 1})
    world.proxy.stop()
    world.proxy.wrapper = ("prlimit", "--nofile=64:64")
    world.proxy.start()
    socks = []
    for _ in range(150):
        try:
            socks.append(socket.create_connection(("127.0.0.1", world.tls_port), timeout=2))
        except OSError:
            pass
    time.sleep(0.5)
    assert world.proxy.process.is_running()
    [s.close() for s in socks]
    wait_until(lambda: world.handshake("app.example.com").ok, 15, "recovery", every=0.2)
    before = sum(map(int, pathlib.Path(f"/proc/{world.proxy.process.pid}/stat").read_text().split()[13:15]))
    time.sleep(1)
    after = sum(map(int, pathlib.Path(f"/proc/{world.proxy.process.pid}/stat").read_text().split()[13:15]))
    assert after - before < 50, "it spins"


@pytest.fixture
def outside_of_pytests():
    """A directory that other users can reach; those of pytest are closed anew by each that starts."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-user-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


def test_an_ordinary_user_with_the_capability_to_bind(world, outside_of_pytests):
    """Ports below 1024 without being root."""
    if os.getuid() or not pathlib.Path("/usr/bin/setpriv").exists():
        pytest.skip("needs root to become somebody else")
    home = outside_of_pytests
    chain_dir = home / "own"
    from support import certificates
    chain, key = certificates.make(chain_dir, "app.example.com")
    os.chmod(key, 0o644)
    world.root = str(chain_dir / "root.pem")
    world.with_origin()
    port = next(p for p in range(900, 1000) if not socket.socket().connect_ex(("127.0.0.1", p)) == 0)
    binary = home / "sallyport"
    binary.write_bytes(pathlib.Path(BINARY).read_bytes())
    binary.chmod(0o755)
    store = home / "userstore"
    config = home / "user.json"
    config.write_text(json.dumps({
        "store": str(store), "listen": {"https": f"127.0.0.1:{port}", "http": "off"}, "workers": 1,
        "sites": {"app.example.com": {"cert": chain, "key": key, "to": world.origin.address}}}))
    home.chmod(0o777)
    as_user = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
    bare = subprocess.run([*as_user, "--inh-caps=-all", "--bounding-set=-all", binary, "run", "-c", config],
                          capture_output=True, text=True, timeout=20)
    unprivileged = int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if unprivileged > port:
        assert bare.returncode == 1 and "CAP_NET_BIND_SERVICE" in bare.stderr + bare.stdout
    shutil.rmtree(store, ignore_errors=True)
    p = world.ends(Process([*as_user, "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service",
                            binary, "run", "-c", config], home, "user"))
    p.wait_port(port)
    assert get(port, "app.example.com", root=world.root).status == 200
    assert store.stat().st_uid == 12345


def test_access_log_tells_the_story(world):
    world.with_own_certificate()
    with world.http() as c:
        c.request("GET", "/story?secret=1", ["User-Agent: t", "Authorization: Bearer hush"])
        c.read()
    world.proxy.stop()
    line = next(e for e in world.proxy.events("/story"))
    text = str(line)
    for word in ("app.example.com", "GET", "200", "TLSv1.3", "127.0.0.1", world.origin.address):
        assert word in text, (word, line)
    assert "hush" not in world.proxy.process.output()
