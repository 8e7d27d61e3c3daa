# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 1 to 6: a configured name gets its certificate, by either challenge."""

import stat
import subprocess

import pytest

from support import peers
from support.client import names_of, x509
from support.process import free_port, wait_until
from support.sallyport import command


def wait_served(world, host, seconds=15, **how):
    return wait_until(lambda: (h := world.handshake(host, **how)).ok and h, seconds, f"{host} served",
                      every=0.1)


def sites(world, *hosts, **site):
    return {host: {"to": world.origin.address, **site} for host in hosts}


def public_key(path):
    return subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True,
                          capture_output=True).stdout


def account_keys(store):
    """Private keys found in what is kept of accounts, as public PEM."""
    found = []
    for path in store.glob("accounts/**/*"):
        if path.is_file():
            text = path.read_text()
            for part in text.replace("\\n", "\n").split("-----BEGIN")[1:]:
                pem = "-----BEGIN" + part.split("-----END")[0]
                kind = pem.split("-----")[1].replace("BEGIN ", "")
                done = subprocess.run(["openssl", "pkey", "-pubout"], capture_output=True,
                                      input=(pem + f"-----END {kind}-----\n").encode())
                if done.returncode == 0:
                    found.append(done.stdout)
    return found


def test_01_tls_alpn_01_alone(world):
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(challenges=["tls-alpn-01"]),
                      "sites": sites(world, "one.example.com")})
    got = wait_served(world, "one.example.com", 10)
    assert names_of(got.der) == ["one.example.com"]
    assert (world.ca.accounts(), world.ca.orders(), world.ca.issued()) == (1, 1, 1)
    store = world.proxy.store
    for path in [store, *store.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), (path, oct(mode))
    bundle = world.proxy.bundles("one.example.com")[-1]
    leaf, accounts = public_key(bundle), account_keys(store)
    assert accounts and leaf not in accounts


def test_02_http_01_alone(world):
    """No redirect although everything else on port 80 is redirected."""
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(challenges=["http-01"]),
                      "sites": sites(world, "two.example.com")})
    assert names_of(wait_served(world, "two.example.com", 10).der) == ["two.example.com"]
    assert world.ca.orders() == 1


def test_03_the_other_challenge_when_the_first_fails(world):
    """The CA's tls-alpn-01 connects to a port where nobody is."""
    world.with_ca(tls_port=free_port()).with_origin()
    world.with_proxy({"acme": world.acme(), "sites": sites(world, "three.example.com")})
    assert wait_served(world, "three.example.com", 20)
    assert world.ca.orders() <= 2
    text = world.proxy.bundles("three.example.com")[-1].read_text()
    assert "challenge: http-01" in text


def test_03_and_the_other_way_round(world):
    world.with_ca(http_port=free_port()).with_origin()
    world.with_proxy({"acme": world.acme(challenges=["http-01", "tls-alpn-01"]),
                      "sites": sites(world, "three.example.com")})
    assert wait_served(world, "three.example.com", 20)
    assert world.ca.orders() <= 2


def test_03_what_worked_is_remembered(world):
    world.with_ca(tls_port=free_port()).with_origin().with_ask().with_proxy()
    assert world.handshake("first.example.com").ok
    before = world.ca.orders()
    assert world.handshake("second.example.com").ok
    assert world.ca.orders() - before <= 2


def test_04_long_names(world):
    label = "a" * 63
    long_name = f"{label}.{label}.example.com"
    longest = ".".join([label, label, label, "b" * (253 - 3 * 64 - 12), "example.com"])
    assert len(longest) == 253
    world.on_demand()
    for name in (long_name, longest):
        assert names_of(world.handshake(name).der) == [name]
    orders = world.ca.orders()
    bad = command("check", "-c", world.proxy.directory / "sallyport.json")
    assert bad.returncode == 0
    world.proxy.config["sites"]["c" + longest] = world.origin.address
    bad = command("check", "-c", world.proxy.write_config())
    assert bad.returncode == 1 and "253" in bad.stderr + bad.stdout
    assert world.ca.orders() == orders


def test_05_case_and_trailing_dot_are_one_name(world):
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(), "sites": sites(world, "Five.Example.COM.")})
    wait_served(world, "five.example.com", 10)
    assert world.handshake("FIVE.example.com").ok
    assert world.ca.orders() == 1
    assert names_of(world.handshake("five.example.com").der) == ["five.example.com"]


def test_06_names_in_unicode(world):
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(), "sites": sites(world, "bücher.example.com")})
    got = wait_served(world, "xn--bcher-kva.example.com", 10)
    assert names_of(got.der) == ["xn--bcher-kva.example.com"]


def test_15_key_types(world):
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(), "sites": sites(world, "k.example.com")})
    assert "prime256v1" in x509(wait_served(world, "k.example.com").der, "-text")


@pytest.mark.parametrize("key,sign", [("p384", "secp384r1"), ("rsa2048", "(2048 bit)")])
def test_15_other_key_types(world, key, sign):
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(key=key), "sites": sites(world, "k.example.com")})
    got = wait_served(world, "k.example.com", 30)
    assert sign in x509(got.der, "-text")


def stored_bundle(world):
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(), "sites": sites(world, "b.example.com")})
    wait_served(world, "b.example.com")
    return world.proxy.bundles("b.example.com")[-1]


def test_openssl_reads_a_bundle(world):
    bundle = stored_bundle(world)
    assert "CN" in x509(bundle, "-issuer") and public_key(bundle)


def test_nginx_takes_a_bundle_as_it_is(world):
    nginx, bundle = peers.need("nginx"), stored_bundle(world)
    conf = world.directory / "nginx.conf"
    conf.write_text(f"pid {world.directory}/nginx.pid; error_log {world.directory}/nginx.log; "
                    "events {} http { access_log off; "
                    + "".join(f"{p}_temp_path {world.directory}/{p}; " for p in (
                        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
                    + f"server {{ listen 127.0.0.1:{free_port()} ssl; ssl_certificate {bundle}; "
                    f"ssl_certificate_key {bundle}; }} }}")
    done = subprocess.run([nginx, "-t", "-c", str(conf)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_haproxy_takes_a_bundle_as_it_is(world):
    haproxy, bundle = peers.need("haproxy"), stored_bundle(world)
    conf = world.directory / "haproxy.cfg"
    conf.write_text("defaults\n mode http\n timeout client 1s\n timeout server 1s\n "
                    f"timeout connect 1s\nfrontend f\n bind 127.0.0.1:{free_port()} ssl crt {bundle}\n")
    done = subprocess.run([haproxy, "-c", "-f", str(conf)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
