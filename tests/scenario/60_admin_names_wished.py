# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator wants done with a name: issue, renew, add, forget, revoke."""

import json

from support.process import wait_until
from support.sallyport import command


def ask(world, *args, timeout=90):
    return command(*args, "-c", world.proxy.directory / "sallyport.json", timeout=timeout)


def why(world, name):
    return json.loads(ask(world, "why", name, "--json").stdout)


def serial(world, name):
    return why(world, name)["served"]["serial"]


def status_at_ca(world, number):
    got = json.loads(world.ca.get(f"/cert-status-by-serial/{number.lstrip('0')}"))
    return got["Status"]


def test_issue_orders_before_any_visitor_and_without_asking(world):
    world.on_demand(lambda domain: 403)
    got = ask(world, "issue", "early.example.com")
    assert got.returncode == 0 and "held" in got.stdout, got
    orders = world.ca.orders()
    assert world.handshake("early.example.com").ok
    assert ask(world, "issue", "early.example.com").returncode == 0
    assert world.ca.orders() == orders == 1


def test_issue_overrides_backoff_but_not_the_configuration(world):
    world.with_ca().with_origin()
    world.ca.dns.break_name("late.example.com")
    world.with_proxy({"sites": {"late.example.com": world.origin.address}})
    wait_until(lambda: world.proxy.events("no certificate for name"), 20, "a failure")
    got = ask(world, "issue", "late.example.com", "--json")
    report = json.loads(got.stdout)
    assert got.returncode == 1 and report["state"] == "failing" and report["cause"]["detail"]
    world.ca.dns.heal_name("late.example.com")
    assert ask(world, "issue", "late.example.com").returncode == 0
    assert world.handshake("late.example.com").ok
    refused = ask(world, "issue", "elsewhere.example.net")
    assert refused.returncode == 1 and "SP-201" in refused.stderr


def test_renew_changes_the_serial_and_what_is_served(world):
    world.on_demand()
    first = world.handshake("a.example.com").der
    before = serial(world, "a.example.com")
    got = ask(world, "renew", "a.example.com", "--json")
    after = json.loads(got.stdout)["served"]["serial"]
    assert got.returncode == 0 and after != before
    wait_until(lambda: world.handshake("a.example.com").der != first, 5, "the new certificate")
    assert len(world.proxy.bundles("a.example.com")) == 2


def test_a_renewal_that_fails_is_told_and_the_old_one_goes_on(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    world.ca.dns.break_name("a.example.com")
    # Pebble uses one authorization in a hundred again even if told never to: then it does not look
    for _ in range(3):
        first = world.handshake("a.example.com").der
        got = ask(world, "renew", "a.example.com", "--json")
        if got.returncode:
            break
    report = json.loads(got.stdout)
    assert got.returncode == 3 and report["state"] == "failing" and report["served"]["valid"]
    assert report["cause"]["type"]
    assert world.handshake("a.example.com").der == first


def test_a_name_is_announced_and_ordered_when_its_dns_arrives(world):
    world.with_ca().with_origin().with_ask(lambda domain: 403)
    world.ca.dns.break_name("new.example.com")
    world.with_proxy({"resolver": f"127.0.0.1:{world.ca.dns.port}"})
    assert ask(world, "add", "new.example.com").returncode == 0
    wait_until(lambda: why(world, "new.example.com").get("next"), 10, "a first look", every=0.3)
    report = why(world, "new.example.com")
    assert report["state"] == "parked" and report["scope"] == "dns" and report["wanted"] == "announced"
    assert world.ca.orders() == 0
    world.proxy.restart()
    wait_until(lambda: why(world, "new.example.com")["state"] == "parked", 10, "after a restart")
    world.ca.dns.heal_name("new.example.com")
    wait_until(lambda: why(world, "new.example.com")["state"] == "held", 20, "its order", every=0.3)
    assert world.handshake("new.example.com").ok
    assert not world.ask.asked()


def test_forget_removes_all_there_is(world):
    world.on_demand()
    assert world.handshake("gone.example.com").ok
    assert ask(world, "add", "gone.example.com").returncode == 0
    assert ask(world, "forget", "gone.example.com").returncode == 0
    assert not world.proxy.bundles("gone.example.com")
    assert why(world, "gone.example.com")["state"] == "unknown"
    assert json.loads(ask(world, "certs", "--json").stdout)["certs"] == []
    orders = world.ca.orders()
    assert world.handshake("gone.example.com").ok       # wanted again: from the beginning
    assert world.ca.orders() == orders + 1
    world.proxy.stop()
    stopped = ask(world, "forget", "gone.example.com")
    assert stopped.returncode == 1 and "nothing runs" in stopped.stderr


def test_revoke_is_seen_by_the_ca_and_the_certificate_replaced(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    old = serial(world, "a.example.com")
    assert status_at_ca(world, old) == "Valid"
    got = ask(world, "revoke", "a.example.com", "--reason", "superseded")
    assert got.returncode == 0 and "being replaced" in got.stdout, got
    assert status_at_ca(world, old) == "Revoked"
    wait_until(lambda: serial(world, "a.example.com") != old, 15, "another certificate", every=0.3)
    assert status_at_ca(world, serial(world, "a.example.com")) == "Valid"


def test_revoking_for_good_forgets_and_revoking_twice_is_fine(world):
    world.on_demand()
    assert world.handshake("a.example.com").ok
    old, bundle = serial(world, "a.example.com"), world.proxy.bundles("a.example.com")[0]
    text = bundle.read_bytes()
    got = ask(world, "revoke", "a.example.com", "--reason", "cessationOfOperation")
    assert got.returncode == 0 and "forgotten" in got.stdout
    assert status_at_ca(world, old) == "Revoked" and not world.proxy.bundles("a.example.com")
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.parent.chmod(0o700)
    bundle.write_bytes(text)                            # as if from a backup
    assert ask(world, "revoke", "a.example.com", "--reason", "cessationOfOperation").returncode == 0
    assert ask(world, "revoke", "none.example.com").returncode == 1
    assert ask(world, "revoke", "a.example.com", "--reason", "boredom").returncode == 1
