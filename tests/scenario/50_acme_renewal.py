# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 21, 28, 29 and 30: renewal by the certificate's own lifetime, in real time; the schedule on disk."""

import json
import os
import re
import shutil
import time
from datetime import datetime, timezone

import pytest

from support import bundles
from support.client import x509
from support.process import wait_until
from support.sallyport import command


@pytest.mark.slow(seconds=80)
def test_21_forty_second_certificates_never_expire_in_use(world):
    world.on_demand(validity=40, config={"workers": 2})
    world.handshake("blink.example.com")
    end, serials, bad = time.monotonic() + 75, set(), []
    while time.monotonic() < end:
        got = world.handshake("blink.example.com")
        if not got.ok:
            bad.append((time.monotonic(), got.alert))
        else:
            serials.add(x509(got.der, "-serial"))
        time.sleep(0.25)
    assert not bad, bad
    assert 3 <= len(serials) <= 8, serials
    assert len(world.proxy.bundles("blink.example.com")) <= 2


@pytest.mark.slow(seconds=22)
def test_30_three_second_certificates_make_no_storm(world):
    world.on_demand(validity=3)
    world.handshake("flash.example.com")
    time.sleep(20)
    assert world.ca.orders() <= 20
    assert world.proxy.process.is_running()


def order_times(ca):
    """When each order came to the CA, in seconds of its log, and the most that were under way at once."""
    times, under_way, most = [], 0, 0
    for line in ca.log().splitlines():
        at = re.search(r" (\d\d):(\d\d):(\d\d) POST /(order-plz|certZ/)", line)
        if at and at.group(4) == "order-plz":
            hours, minutes, seconds = map(int, at.groups()[:3])
            times.append(hours * 3600 + minutes * 60 + seconds)
            under_way += 1
        elif at:
            under_way -= 1
        most = max(most, under_way)
    return [(t - times[0]) % 86400 for t in times], most


@pytest.mark.slow(seconds=75)
@pytest.mark.timeout(400)
def test_29_two_hundred_of_the_same_second_are_renewed_apart(world):
    """Each has a time of its own within a twentieth of its life; sixteen orders at most are under way."""
    hosts, life = [f"n{n}.example.com" for n in range(200)], 600
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    store = world.directory / "proxy" / "store"
    bundles.prepare(store)
    begin = int(time.time()) - life * 2 // 5     # half of it is over in a minute
    chains, key, _ = bundles.authority(world.directory / "authority", hosts, len(hosts), begin, begin + life)
    for n, (host, chain) in enumerate(zip(hosts, chains)):
        bundles.write(store, host, chain, key, begin, begin + life, f"{0x1001 + n:x}")
    world.with_proxy()
    assert world.handshake(hosts[0], root=None).ok
    wait_until(lambda: all(len(world.proxy.bundles(host)) == 2 for host in hosts), 200, "all to be renewed",
               every=1)
    times, most = order_times(world.ca)
    assert len(times) == len(hosts)
    assert times[-1] >= 0.9 * life / 20, times
    assert times[len(times) // 2] >= life / 20 / 4, times    # and not most of them at once
    assert most <= 16
    assert world.ca.issued() == len(hosts)


@pytest.mark.slow(seconds=30)
def test_28_renewals_that_fail(world):
    """Served until the certificate ends, refused then, well again once the CA is."""
    world.with_ca(validity=25).with_origin().with_ask()
    world.with_proxy({"acme": world.acme(retry_min="2s", retry_max="4s")})
    assert world.handshake("fail.example.com").ok
    begin = time.monotonic()
    world.ca.dns.break_name("fail.example.com")
    while time.monotonic() - begin < 18:
        assert world.handshake("fail.example.com").ok
        time.sleep(0.5)
    wait_until(lambda: not world.handshake("fail.example.com").ok, 20, "expiry", every=0.3)
    world.ca.dns.heal_name("fail.example.com")
    wait_until(lambda: world.handshake("fail.example.com").ok, 40, "recovery", every=0.3)


@pytest.mark.slow(seconds=31)
def test_renewed_while_connections_go_on(world):
    from support.client import Http
    world.on_demand(validity=30)
    with Http(world.tls_port, "long.example.com", root=world.ca.root()) as c:
        first = c.sock.getpeercert(True)
        for _ in range(60):
            c.request()
            assert c.read().status == 200
            time.sleep(0.5)
        assert world.handshake("long.example.com").der != first


def test_configured_names_are_renewed_without_visitors(world):
    world.with_ca(validity=24).with_origin()
    world.with_proxy({"sites": {"quiet.example.com": world.origin.address}})
    wait_until(lambda: world.ca.issued() >= 3, 45, "two renewals nobody asked for", every=0.2)
    assert world.handshake("quiet.example.com").ok


# ---- the schedule on disk ----

HOUR = 3600


def marks(store):
    """The hours in which a name is looked at, by name. Hours and marks may go while they are looked at."""
    found = {}
    for hour, _, names in os.walk(store / "schedule"):
        for name in names:
            try:
                seen = os.stat(os.path.join(hour, name))
            except FileNotFoundError:
                continue
            assert seen.st_size == 0 and seen.st_mode & 0o777 == 0o600
            begin = datetime.strptime(os.path.basename(hour), "%Y-%m-%dT%H").replace(tzinfo=timezone.utc).timestamp()
            found.setdefault(name, []).append(begin)
    return found


def test_each_certificate_stands_in_the_schedule_and_survives_a_kill(world):
    """Before it is due, and sooner where the CA gives advice; one mark each, whether it was visited, imported or is
    there from before there was a schedule."""
    world.on_demand()
    for host in ("a.example.com", "b.example.com"):
        assert world.handshake(host).ok
    store = world.proxy.store
    due = {c["name"]: datetime.fromisoformat(c["renew_at"].replace("Z", "+00:00")).timestamp()
           for c in json.loads(command("certs", "--json", "--store", store).stdout)["certs"]}
    world.proxy.kill()
    now, found = time.time(), marks(store)
    assert set(found) == set(due) == {"a.example.com", "b.example.com"}
    for host, hours in found.items():
        assert hours and min(hours) <= due[host], (hours, due)
        assert min(hours) >= now - 2 * HOUR
    # as an older release left it
    shutil.rmtree(store / "schedule")
    world.proxy.restart()
    wait_until(lambda: set(marks(store)) == set(due), 30, "the sweep to mark them")
    assert all(min(hours) <= due[host] for host, hours in marks(store).items())
    assert command("forget", "a.example.com", "--store", store).returncode == 0


@pytest.mark.slow(seconds=55)
def test_the_schedule_keeps_no_litter_of_renewals(world):
    """Forty seconds of life: renewed again and again, and still one mark, or two when the hour changes."""
    world.on_demand(validity=20)
    world.handshake("blink.example.com")
    wait_until(lambda: world.ca.issued() >= 4, 60, "three renewals", every=0.2)
    assert len(marks(world.proxy.store)["blink.example.com"]) <= 2


@pytest.mark.slow(seconds=40)
def test_what_is_due_is_found_by_its_mark_not_by_visitors(world):
    """It was marked for an hour that is past, with its certificate about to be due; nobody visits it."""
    host, life = "unseen.example.com", 600
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    store = world.directory / "proxy" / "store"
    bundles.prepare(store)
    begin = int(time.time()) - life * 3 // 4
    chains, key, _ = bundles.authority(world.directory / "authority", [host], 1, begin, begin + life)
    bundles.write(store, host, chains[0], key, begin, begin + life, "1001")
    stale = store / "schedule" / "2026-01-02T03"
    stale.mkdir(parents=True, mode=0o700)
    for name in (host, "gone.example.com"):
        (stale / name).touch(mode=0o600)
    world.with_proxy()
    wait_until(lambda: len(world.proxy.bundles(host)) == 2, 60, "the renewal")
    wait_until(lambda: not (stale / "gone.example.com").exists(), 30, "the mark of what is not there to go")
    assert max(marks(store)[host]) > time.time() - HOUR
