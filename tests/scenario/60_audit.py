# SPDX-License-Identifier: GPL-3.0-or-later
"""What was issued, for whom and why, in a log whose entries cannot be changed unnoticed."""

import json

from support.client import x509
from support.process import free_port, wait_until
from support.sallyport import command


def entries(world):
    path = world.proxy.store / "audit.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def verify(world):
    return command("certs", "audit", "--verify", "--store", world.proxy.store)


def first_visit(world, host):
    return wait_until(lambda: (h := world.handshake(host)).ok and h, 20, f"{host} served")


def test_each_certificate_has_an_entry(world):
    world.on_demand()
    got = first_visit(world, "one.example.com")
    found = wait_until(lambda: entries(world), 5, "an entry")
    assert len(found) == 1
    e = found[0]
    assert (e["n"], e["event"], e["name"]) == (1, "issued", "one.example.com")
    assert (e["reason"], e["client"], e["decision"]) == ("on_demand", "127.0.0.1", "ask allowed it")
    assert e["ca"] == world.ca.url and e["order"].startswith(world.ca.url.rsplit("/", 1)[0])
    assert int(e["serial"], 16) == int(x509(got.der, "-serial").split("=")[1], 16)
    assert e["prev"] == "0" * 64
    done = verify(world)
    assert done.returncode == 0 and "whole" in done.stdout, done


def test_a_failed_order_has_one_too(world):
    """The CA's validations go to ports where nobody is."""
    world.on_demand(tls_port=free_port(), http_port=free_port())
    assert not world.handshake("fails.example.com").ok
    e = wait_until(lambda: entries(world), 20, "an entry")[0]
    assert (e["event"], e["name"]) == ("failed", "fails.example.com")
    assert e["type"] == "connection" and e["detail"]
    assert verify(world).returncode == 0


def test_a_denied_name_has_none(world):
    """It costs nobody anything, and anybody could fill the log with such."""
    world.on_demand(lambda domain: 403 if domain.startswith("no") else 200)
    assert not world.handshake("no.example.com").ok
    first_visit(world, "two.example.com")
    wait_until(lambda: entries(world), 5, "an entry")
    assert [e["name"] for e in entries(world)] == ["two.example.com"]


def test_a_changed_entry_is_named(world):
    world.on_demand()
    for i in range(3):
        first_visit(world, f"n{i}.example.com")
    wait_until(lambda: len(entries(world)) == 3, 5, "three entries")
    path = world.proxy.store / "audit.log"
    path.write_text(path.read_text().replace("n1.example.com", "n9.example.com"))
    done = verify(world)
    assert done.returncode == 1 and "line 3" in done.stdout, done
    as_json = json.loads(command("audit", "--json", "--store", world.proxy.store).stdout)
    assert (as_json["ok"], as_json["line"]) == (False, 3)


def test_the_chain_goes_on_after_a_kill_in_the_middle_of_a_line(world):
    world.on_demand()
    first_visit(world, "one.example.com")
    wait_until(lambda: entries(world), 5, "an entry")
    world.proxy.kill()
    with open(world.proxy.store / "audit.log", "a") as log:
        log.write('{"n":2,"time":"2026')
    done = verify(world)
    assert done.returncode == 3 and "cut short" in done.stdout, done
    world.proxy.start()
    first_visit(world, "two.example.com")
    wait_until(lambda: len((world.proxy.store / "audit.log").read_text().splitlines()) == 2, 5, "both")
    assert verify(world).returncode == 0
    assert [e["n"] for e in entries(world)] == [1, 2]
