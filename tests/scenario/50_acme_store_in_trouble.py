# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 63, 64 and 66 to 68: a full disk, one that takes no writes, and two processes at one store."""

import hashlib
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from support.client import handshake, names_of
from support.fault import Fault
from support.process import wait_until
from support.sallyport import Sallyport


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", place],
                          capture_output=True)
    if done.returncode:
        pytest.skip("only who may mount can try a full disk")
    yield place
    subprocess.run(["umount", "-l", place], capture_output=True)


def fill(place):
    with open(place / "ballast", "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            pass


def on_disk(world, place, **more):
    world.with_proxy({"store": str(place / "store"), "on_demand": {"wait": "10s"}, **more})
    world.proxy.store = place / "store"
    return world


def test_63_a_full_disk_costs_no_order(world, small_disk):
    """Found out before the CA is asked; what is stored is served; space makes all well."""
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    on_disk(world, small_disk)
    assert world.handshake("held.example.com").ok
    fill(small_disk)
    time.sleep(1.5)     # what was found out about the store is believed for a second
    orders = world.ca.orders()
    for n in range(4):
        got = world.handshake(f"new{n}.example.com")
        assert not got.ok and got.seconds < 5
    assert world.ca.orders() == orders
    assert world.handshake("held.example.com").ok
    world.proxy.restart()
    assert world.handshake("held.example.com").ok
    assert not world.handshake("new0.example.com").ok
    assert world.ca.orders() == orders
    (small_disk / "ballast").unlink()
    wait_until(lambda: world.handshake("new0.example.com").ok, 30, "an order after space was made", every=0.5)
    assert len(world.proxy.bundles("new0.example.com")) == 1


def test_63_a_disk_that_fills_up_meanwhile(world, small_disk):
    """The certificate is served from memory, stored when there is space, never ordered again."""
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    fault = world.ends(Fault(world.ca))

    def rule(n, method, path):
        if path.startswith("/certZ"):
            fill(small_disk)
    on_disk(world, small_disk, acme=fault.acme())
    assert world.handshake("held.example.com").ok
    fault.rule = rule
    got = world.handshake("late.example.com")
    assert names_of(got.der) == ["late.example.com"]
    assert world.handshake("late.example.com").der == got.der
    fault.rule = lambda n, method, path: None
    assert world.handshake("held.example.com").ok
    (small_disk / "ballast").unlink()
    wait_until(lambda: world.proxy.bundles("late.example.com"), 100, "it to be stored", every=0.5)
    world.proxy.restart()
    assert world.handshake("late.example.com").der == got.der
    assert world.ca.orders() == 2


def test_64_a_disk_that_turns_read_only(world, small_disk):
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    on_disk(world, small_disk)
    first = world.handshake("held.example.com")
    assert first.ok
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert world.handshake("held.example.com").der == first.der
    assert not world.handshake("new.example.com").ok
    world.proxy.restart()
    assert world.handshake("held.example.com").der == first.der
    assert not world.handshake("new.example.com").ok
    assert world.ca.orders() == 1
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    wait_until(lambda: world.handshake("new.example.com").ok, 30, "an order once it takes writes", every=0.5)


# --- two processes, one store

def pair(world, config, ca=None):
    """Two proxies on one store, neither started; the CA validates at the first of them."""
    world.with_ca(**{"nonce_reject": 0, **(ca or {})}).with_origin().with_ask()
    sites = {"*": {"tls": "on_demand", "to": world.origin.address}}
    both = []
    for n in range(2):
        how = {"tls_port": world.tls_port, "http_port": world.http_port} if n == 0 else {}
        both.append(world.ends(Sallyport(world.directory / f"proxy{n}", {
            "store": str(world.directory / "store"), "acme": world.acme(retry_min="1s"), "sites": sites,
            "on_demand": {"ask": world.ask.url, "wait": "20s"}, **config(n)}, start=False, **how)))
        both[-1].store = world.directory / "store"
    world.proxy = both[0]
    return both


def at(proxy, host, **how):
    return handshake(proxy.tls_port, host, **how)


@pytest.mark.slow(seconds=76)
@pytest.mark.parametrize("kind", ["tls-alpn-01", "http-01"])
def test_66_two_processes_start_with_the_same_names(world, kind):
    """Whoever orders, the CA comes to the first: each answers the other's challenges."""
    hosts = [f"n{n}.example.com" for n in range(50)]
    first, second = pair(world, lambda n: {
        "sites": {host: "127.0.0.1:9" for host in hosts}, "acme": world.acme(challenges=[kind])})
    first.start(wait=False)
    first.process.wait_port(first.http_port)   # else what the second orders first fails where the CA comes to
    first.process.wait_port(first.tls_port)
    second.start(wait=False)
    second.process.wait_port(second.tls_port)
    for host in hosts:
        for proxy in (first, second):
            wait_until(lambda: at(proxy, host).ok, 60, f"{host} at both", every=0.1)
    assert world.ca.accounts() == 1
    assert world.ca.orders() <= len(hosts) + 2
    for host in hosts:
        assert at(first, host).der == at(second, host).der


@pytest.mark.parametrize("kind", ["tls-alpn-01", "http-01"])
def test_66_the_ca_comes_to_the_one_that_did_not_order(world, kind):
    first, second = pair(world, lambda n: {"acme": world.acme(challenges=[kind])})
    first.start()
    second.start()
    got = at(second, "routed.example.com")
    assert names_of(got.der) == ["routed.example.com"]
    assert world.ca.orders() == 1
    assert at(first, "routed.example.com").der == got.der


def challenge_files(proxy):
    return [path for path in (proxy.store / "challenges").glob("*/*/*") if path.is_file()]


@pytest.mark.parametrize("kind", ["tls-alpn-01", "http-01"])
def test_66_the_other_answers_for_one_that_was_killed(world, kind):
    """What it showed stays in the store for its time, and the order is brought to its end by the other."""
    first, second = pair(world, lambda n: {"acme": world.acme(challenges=[kind], retry_min="1s"),
                                           "on_demand": {"ask": world.ask.url, "wait": "40s"}},
                         ca={"sleep": 5, "authz_reuse": 100})
    first.start()
    second.start()
    threading.Thread(target=lambda: quietly(at, second, "orphan.example.com"), daemon=True).start()
    wait_until(lambda: world.ca.count("/chalZ/"), 20, "the challenge to be posted")
    wait_until(lambda: any(first.store.glob("orders/*/orphan.example.com/*")), 5, "the journal to be written")
    second.kill()
    files = challenge_files(first)
    assert len(files) == 1 and files[0].stat().st_mode & 0o777 == 0o600 and files[0].stat().st_size < 2048
    assert "orphan" not in str(files[0])
    time.sleep(6)    # the CA comes by, and meets the first one
    got = at(first, "orphan.example.com")
    assert names_of(got.der) == ["orphan.example.com"]
    assert world.ca.orders() == 1 and world.ca.issued() == 1
    first.stop()
    assert challenge_files(first) in ([], files)


def test_66_nothing_is_left_of_challenges_after_a_stop(world):
    first, second = pair(world, lambda n: {})
    first.start()
    second.start()
    assert at(second, "a.example.com").ok and at(first, "b.example.com").ok
    assert len(challenge_files(first)) == 2      # answerable for another minute
    first.stop()
    second.stop()
    assert challenge_files(first) == []


def value_of(proxy, key):
    """Where the store keeps the challenge a validator asks for by this."""
    name = hashlib.sha256(key.encode()).hexdigest()
    shard = hashlib.sha256(name.encode()).hexdigest()[:2]
    return proxy.store / "challenges" / shard / name / "0000000001"


@pytest.mark.parametrize("content", [b"", b"{", bytes(range(256)), b"x" * 100000, "other", "link", "fifo"])
def test_66_damage_among_the_shared_challenges_is_refused(world, content):
    """Nobody is answered from it, and whoever comes next is served as if it were not there."""
    first, second = pair(world, lambda n: {})
    first.start()
    path = value_of(first, "bad.example.com")
    path.parent.mkdir(parents=True)
    if content == "link":
        path.symlink_to("/etc/passwd")
    elif content == "fifo":
        os.mkfifo(path, 0o600)
    elif content == "other":
        path.write_text(json.dumps({
            "type": "tls-alpn-01", "identifier": "evil.example.com", "token": "t" * 32,
            "authorization": "t" * 32 + "." + "x" * 43, "until": int((time.time() + 300) * 1000)}))
    else:
        path.write_bytes(content)
    got = handshake(first.tls_port, "bad.example.com", alpn=["acme-tls/1"])
    assert got.alert and got.seconds < 5
    assert at(first, "bad.example.com").ok
    assert world.ca.orders() == 1


def test_67_a_killed_lock_holder_keeps_nobody_waiting(world):
    first, second = pair(world, lambda n: {}, ca={"env": {"PEBBLE_VA_ALWAYS_VALID": "1"}})
    stuck = world.ends(Fault(world.ca, lambda n, method, path:
                             "silence" if path.startswith("/chalZ") else None))
    first.config["acme"] = stuck.acme()
    first.start()
    second.start()
    threading.Thread(target=lambda: quietly(at, first, "lock.example.com"), daemon=True).start()
    wait_until(lambda: stuck.count("/chalZ") == 1, 10, "the first one to be stuck in its order")
    waiting = threading.Thread(target=lambda: quietly(at, second, "lock.example.com"), daemon=True)
    waiting.start()
    time.sleep(1)
    assert world.ca.orders() == 1
    first.kill()
    begin = time.monotonic()
    waiting.join(10)
    assert time.monotonic() - begin < 3
    assert at(second, "lock.example.com").ok
    assert world.ca.orders() == 2 and world.ca.issued() == 1


def quietly(f, *args):
    try:
        return f(*args)
    except OSError:
        return None


@pytest.mark.slow(seconds=30)
def test_67_a_stopped_lock_holder_blocks_one_name_only(world):
    first, second = pair(world, lambda n: {"on_demand": {"ask": world.ask.url, "wait": "6s"}},
                         ca={"sleep": 5})
    first.start()
    second.start()
    threading.Thread(target=lambda: quietly(at, first, "stop.example.com"), daemon=True).start()
    wait_until(lambda: world.ca.orders() == 1, 10, "the first one's order")
    first.process.signal(signal.SIGSTOP)
    begin = time.monotonic()
    assert not at(second, "stop.example.com").ok
    assert time.monotonic() - begin < 15
    first.process.signal(signal.SIGCONT)
    wait_until(lambda: at(second, "stop.example.com").ok, 60, "the certificate at the second", every=0.3)
    wait_until(lambda: at(first, "stop.example.com").ok, 30, "the certificate at the first", every=0.3)
    assert world.ca.orders() <= 2
    assert len(first.bundles("stop.example.com")) <= 2


@pytest.mark.slow(seconds=25)
def test_68_what_one_process_renews_the_other_serves(world):
    """Neither ever shows an expired certificate; together they renew about as often as one would."""
    first, second = pair(world, lambda n: {}, ca={"validity": 16})
    first.start()
    second.start()
    assert at(first, "both.example.com").ok
    begin, seen = time.monotonic(), [set(), set()]
    while time.monotonic() - begin < 22:
        for proxy, ders in zip((first, second), seen):
            got = at(proxy, "both.example.com", root=world.ca.root())
            assert got.ok, (time.monotonic() - begin, got.alert)
            ders.add(got.der)
        time.sleep(0.25)
    assert len(seen[0]) >= 2 and len(seen[0] | seen[1]) <= 5
    assert world.ca.issued() <= 5
    assert os.path.exists(first.store / "format")
