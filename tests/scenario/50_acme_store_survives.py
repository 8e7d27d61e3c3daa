# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 62 and 65, and the store's own rules: nothing usable is ever lost."""

import os
import random
import shutil
import socket
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import bundles
from support.client import client_hello, fingerprint, names_of
from support.process import wait_until
from support.sallyport import command


def pair_matches(bundle):
    """Key and leaf of a bundle file belong together, by openssl."""
    key = subprocess.run(["openssl", "pkey", "-in", bundle, "-pubout"], capture_output=True)
    leaf = subprocess.run(["openssl", "x509", "-in", bundle, "-noout", "-pubkey"], capture_output=True)
    return key.returncode == 0 and key.stdout == leaf.stdout


@pytest.mark.slow(seconds=35)
@pytest.mark.timeout(400)
def test_62_kill_9_at_random_moments(world):
    """50 kills during issuance: the store is always usable, each name ends with one certificate."""
    random.seed(62)
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    world.with_proxy({"acme": world.acme(retry_min="1s")})
    for n in range(50):
        host = f"kill{n // 5}.example.com"
        s = socket.create_connection(("127.0.0.1", world.tls_port))
        s.sendall(client_hello(host))
        time.sleep(random.random() * 0.25)
        world.proxy.kill()
        s.close()
        for bundle in world.proxy.bundles():
            assert pair_matches(bundle), bundle
        world.proxy.start()
    for n in range(10):
        host = f"kill{n}.example.com"
        got = wait_until(lambda: (h := world.handshake(host)).ok and h, 60, host, every=0.2)
        assert names_of(got.der) == [host]
        assert len(world.proxy.bundles(host)) == 1, host
    assert world.ca.orders() <= 2 * 50
    young = time.time() - 60
    old_temps = [p for p in world.proxy.store.rglob("*") if "tmp" in p.name and p.stat().st_mtime < young]
    assert not old_temps


def damage_zero(p):
    p.write_bytes(b"")


def damage_truncated(p):
    p.write_bytes(p.read_bytes()[:len(p.read_bytes()) // 2])


def damage_random(p):
    p.write_bytes(random.randbytes(3000))


def damage_other_key(p):
    text = p.read_text()
    key = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                          "ec_paramgen_curve:P-256"], capture_output=True, check=True).stdout.decode()
    begin, end = text.index("-----BEGIN PRIVATE KEY"), text.index("-----BEGIN CERTIFICATE")
    p.write_text(text[:begin] + key + text[end:])


def damage_one_bit(p):
    data = bytearray(p.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    p.write_bytes(data)


def damage_link_loop(p):
    p.unlink()
    p.symlink_to(p.name)


def damage_fifo(p):
    p.unlink()
    os.mkfifo(p, 0o600)


def damage_large(p):
    with open(p, "r+b") as f:
        f.truncate(1 << 30)


def damage_directory(p):
    p.unlink()
    p.mkdir()


@pytest.mark.parametrize("how", [damage_zero, damage_truncated, damage_random, damage_other_key,
                                 damage_one_bit, damage_link_loop, damage_fifo, damage_large,
                                 damage_directory], ids=lambda f: f.__name__[7:])
def test_65_a_damaged_file_costs_its_name_one_order(world, how):
    world.on_demand()
    assert world.handshake("hurt.example.com").ok and world.handshake("well.example.com").ok
    well = world.handshake("well.example.com")
    world.proxy.stop()
    how(world.proxy.bundles("hurt.example.com")[-1])
    orders, begin = world.ca.orders(), time.monotonic()
    world.proxy.start()
    assert time.monotonic() - begin < 5
    assert world.handshake("well.example.com").der == well.der
    assert names_of(world.handshake("hurt.example.com").der) == ["hurt.example.com"]
    assert world.ca.orders() == orders + 1
    if how not in (damage_link_loop, damage_fifo, damage_directory):
        assert any((world.proxy.store / "quarantine").iterdir())


def test_65_the_previous_generation_stands_in(world):
    """A renewed name whose newest file is damaged is served from the one before, then renewed."""
    world.on_demand(validity=30)
    first = world.handshake("gen.example.com")
    wait_until(lambda: len(world.proxy.bundles("gen.example.com")) == 2, 40, "a renewal", every=0.1)
    world.proxy.kill()
    older, newer = world.proxy.bundles("gen.example.com")
    damage_truncated(newer)
    world.ca.process.kill()
    world.proxy.start()
    got = world.handshake("gen.example.com", root=None)
    assert fingerprint(got.der) == fingerprint(first.der)
    assert older.exists()


def test_a_store_others_can_read_is_refused(world):
    world.on_demand()
    assert world.handshake("x.example.com").ok
    world.proxy.stop()
    world.proxy.store.chmod(0o755)
    done = command("run", "-c", world.proxy.write_config(), timeout=20)
    assert done.returncode == 1
    assert "chmod" in done.stderr + done.stdout and str(world.proxy.store) in done.stderr + done.stdout
    world.proxy.store.chmod(0o700)
    world.proxy.start()
    assert world.handshake("x.example.com").ok


@pytest.mark.parametrize("what", ["file", "missing_parent", "foreign"])
def test_64_a_store_that_is_none_is_refused_with_the_reason(world, tmp_path, what):
    if what == "file":
        path = tmp_path / "afile"
        path.write_text("x")
    elif what == "missing_parent":
        path = tmp_path / "no" / "such" / "parent"
    else:
        path = tmp_path / "foreign"
        path.mkdir(mode=0o700)
        if os.getuid():
            pytest.skip("only root can give a directory away")
        os.chown(path, 12345, 12345)
    world.with_ca().with_origin().with_ask().with_proxy({"store": str(path)}, start=False)
    if what == "missing_parent":
        world.proxy.start()     # the program makes its directory
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        return
    done = command("run", "-c", world.proxy.write_config(), timeout=20)
    assert done.returncode == 1 and str(path) in done.stderr + done.stdout


def test_failures_of_the_disk_do_not_stop_serving(world):
    """The store becomes read-only after start: what is held is served, new names come from memory."""
    world.on_demand()
    assert world.handshake("held.example.com").ok

    def is_gone():
        # the order's last files may be going by themselves
        shutil.rmtree(world.proxy.store, ignore_errors=True)
        return not world.proxy.store.exists()
    wait_until(is_gone, 10, "the store to be gone")
    world.proxy.store.write_text("no directory any more")
    assert world.handshake("held.example.com").ok
    world.handshake("new.example.com")     # may fail, must not kill
    assert world.handshake("held.example.com").ok
    assert world.proxy.process.is_running()


def test_concurrent_names(world):
    """Scenario 33 in small: many names at once, stored ones undisturbed."""
    world.on_demand(nonce_reject=5)
    assert world.handshake("stored.example.com").ok
    with ThreadPoolExecutor(20) as pool:
        got = [pool.submit(world.handshake, f"n{n}.example.com") for n in range(40)]
        quick = [world.handshake("stored.example.com").seconds for _ in range(20)]
        assert all(g.result().ok for g in got), {g.result().alert for g in got}
    assert world.ca.orders() == 41
    assert sorted(quick)[10] < 1


def cpu_seconds(process):
    """User and system time that the process has used."""
    fields = open(f"/proc/{process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow(seconds=36)
def test_65_ten_thousand_names_some_of_them_damaged(world):
    """The start looks at none of them; the good ones are served without the CA, the others ordered once."""
    hosts = [f"n{n}.example.com" for n in range(10000)]
    damages = [damage_zero, damage_truncated, damage_random, damage_other_key, damage_one_bit, damage_link_loop,
               damage_fifo, damage_large, damage_directory]
    world.with_ca(nonce_reject=0).with_origin().with_ask()
    store = world.directory / "proxy" / "store"
    bundles.prepare(store)
    begin, end = int(time.time()) - 86400, int(time.time()) + 365 * 86400
    for n in range(0, len(hosts), 100):
        some = hosts[n:n + 100]
        chains, key, root = bundles.authority(world.directory / f"authority{n}", some, 1, begin, end)
        for host in some:
            bundles.write(store, host, chains[0], key, begin, end, "1001")
    for n, damage in enumerate(damages):
        damage(sorted(bundles.place(store, hosts[n]).iterdir())[-1])
    bundles.place(store, hosts[50]).chmod(0o777)     # harmless: nobody else reaches it
    sorted(bundles.place(store, hosts[51]).iterdir())[0].chmod(0o666)
    world.with_proxy()
    assert cpu_seconds(world.proxy.process) < 2
    for host in (hosts[50], hosts[51], hosts[5000], hosts[9999]):
        assert world.handshake(host, root=None).ok
    assert world.ca.orders() == 0
    for n in range(len(damages)):
        assert names_of(world.handshake(hosts[n]).der) == [hosts[n]]
    assert world.ca.orders() == len(damages)
    assert world.handshake(hosts[len(damages)], root=None).ok
    assert world.ca.orders() == len(damages)
