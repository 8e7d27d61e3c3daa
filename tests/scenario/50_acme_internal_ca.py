# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that no public CA can certify: a CA of our own, in the store, without any network."""

import stat
import subprocess
import time

from support.client import fingerprint, handshake, x509
from support.process import Process, free_port, wait_until
from support.sallyport import BINARY, command

INTERNAL = {"acme": {"ca": "internal"}}


def config(world, *hosts, **more):
    return {**INTERNAL, "sites": {host: world.origin.address for host in hosts}, **more}


def root_of(world):
    path = world.directory / "internal-root.pem"
    done = command("root", "--store", world.proxy.store, "-c", world.proxy.write_config())
    assert done.returncode == 0, done.stderr
    path.write_text(done.stdout)
    return path


def curl(port, host, root, path="/"):
    return subprocess.run(["curl", "-sS", "--max-time", "5", "--cacert", str(root), "--resolve",
                           f"{host}:{port}:127.0.0.1", f"https://{host}:{port}{path}"],
                          capture_output=True, text=True)


def wait_signed(world, host):
    def look():
        done = command("root", "--store", world.proxy.store)
        got = handshake(world.tls_port, host)
        return done.returncode == 0 and got.der and got
    return wait_until(look, 10, f"{host} signed", every=0.1)


def test_private_names_are_served_at_once_and_verify(world):
    world.with_origin().with_proxy(config(world, "localhost", "app.home.arpa", "db.internal"))
    wait_signed(world, "localhost")
    root = root_of(world)
    for host in "localhost", "app.home.arpa", "db.internal":
        wait_until(lambda host=host: curl(world.tls_port, host, root).returncode == 0, 10, host)
    other = curl(world.tls_port, "localhost", "/etc/ssl/certs/ca-certificates.crt")
    assert other.returncode == 60, other    # nobody else trusts it


def test_an_address_is_served_to_clients_without_a_name(world):
    world.with_origin().with_proxy(config(world, "127.0.0.1"))
    wait_until(lambda: command("certs", "root", "--store", world.proxy.store).returncode == 0, 10, "the root")
    root = root_of(world)
    url = f"https://127.0.0.1:{world.tls_port}/"
    wait_until(lambda: subprocess.run(["curl", "-sS", "--max-time", "5", "--cacert", str(root), url],
                                      capture_output=True).returncode == 0, 10, "curl by address")


def test_the_default_needs_no_configuration_and_no_network(world):
    """`sallyport proxy localhost PORT`: no CA is named, and none is asked."""
    world.with_origin()
    port, store = free_port(), world.directory / "store"
    argv = [BINARY, "proxy", "localhost", world.origin.address, "--store", store, "--https",
            f"127.0.0.1:{port}", "--http", "off"]
    process = Process(argv, world.directory, "sallyport")
    try:
        process.wait_port(port)
        began = time.monotonic()
        root = world.directory / "root.pem"

        def served():
            done = command("root", "--store", store)
            root.write_text(done.stdout)
            return done.returncode == 0 and curl(port, "localhost", root).returncode == 0
        wait_until(served, 10, "localhost served", every=0.05)
        assert time.monotonic() - began < 5
    finally:
        process.stop()


def test_the_same_root_serves_after_a_restart(world):
    world.with_origin().with_proxy(config(world, "localhost"))
    wait_signed(world, "localhost")
    before = root_of(world).read_text()
    world.proxy.restart()
    assert handshake(world.tls_port, "localhost").der
    assert root_of(world).read_text() == before
    for path in world.proxy.store.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))


def test_leaves_are_renewed_like_any_other(world):
    ca = [{"name": "internal", "lifetime": "12s"}]
    world.with_origin().with_proxy({**config(world, "localhost"), "acme": {"ca": ca}})
    first = wait_signed(world, "localhost")
    root = root_of(world)
    wait_until(lambda: (h := handshake(world.tls_port, "localhost")).der
               and fingerprint(h.der) != fingerprint(first.der), 12, "another leaf",
               every=0.2)
    assert curl(world.tls_port, "localhost", root).returncode == 0


def test_a_public_name_does_not_fall_back_to_it(world):
    """Beside a CA that works, only private names are ours."""
    world.with_ca().with_origin()
    ca = [{"directory": world.ca.url, "trust": world.ca.trust}, "internal"]
    world.with_proxy({"acme": {"ca": ca}, "sites": {
        "app.example.com": world.origin.address, "localhost": world.origin.address}})
    public = wait_until(lambda: (h := world.handshake("app.example.com")).ok and h, 15, "public")
    private = wait_signed(world, "localhost")
    assert "Pebble" in x509(public.der, "-issuer")
    assert "sallyport" in x509(private.der, "-issuer")
    assert world.ca.orders() == 1


def test_openssl_finds_nothing_wrong_with_the_chain(world):
    world.with_origin().with_proxy(config(world, "localhost"))
    wait_signed(world, "localhost")
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{world.tls_port}",
                           "-servername", "localhost", "-verify_hostname", "localhost",
                           "-x509_strict", "-verify_return_error", "-CAfile", str(root_of(world))],
                          input="", capture_output=True, text=True, timeout=10)
    assert "Verify return code: 0 (ok)" in done.stdout, done.stdout[-2000:] + done.stderr


def test_there_is_no_root_before_it_is_needed(world):
    done = command("root", "--store", world.directory / "nothing")
    assert done.returncode == 1 and "SP-" in done.stderr
    assert not (world.directory / "nothing").exists()
