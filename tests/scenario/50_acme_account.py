# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios 16 to 20: the account's life: forgotten, deactivated, its key changed, its terms too."""

import json
import threading
import time

import pytest

from support import acme
from support.client import handshake
from support.fault import JSON, Fault
from support.process import free_port, wait_until
from support.sallyport import Sallyport, command


def account(world, *args, timeout=90):
    return command("account", *args, "-c", world.proxy.directory / "sallyport.json", timeout=timeout)


def shown(world, *args):
    got = account(world, "show", *args, "--json")
    assert got.returncode in (0, 3), got
    return json.loads(got.stdout)["accounts"][0]


def behind(world, rule=lambda n, method, path: None, on_demand=None, config=None, **ca):
    """On demand, with the fault proxy between us and the CA; no nonce is refused, so that requests count."""
    world.with_ca(nonce_reject=0, **ca).with_origin().with_ask()
    world.fault = world.ends(Fault(world.ca, rule))
    world.with_proxy({"acme": world.fault.acme(), "on_demand": on_demand or {}, **(config or {})})
    return world


def new_accounts(world):
    """What was posted to newAccount but for questions, and by how many keys."""
    said = [(header, payload) for header, payload in world.fault.said("/sign-me-up")
            if not (payload or {}).get("onlyReturnExisting")]
    return len(said), len({json.dumps(header["jwk"], sort_keys=True) for header, _ in said})


def stored(world):
    """The newest record of the account in the store, as text."""
    return max(world.proxy.store.glob("accounts/*/*/*"), key=lambda p: p.name).read_text()


def keys_in(text):
    return text.count("BEGIN PRIVATE KEY")


def outsider(world, path="stolen.pem"):
    """A client with the account's own key."""
    text = stored(world)
    key = world.directory / path
    key.write_text(text[text.index("-----BEGIN"):])
    client = acme.Client(world.ca.url, world.ca.trust, key)
    client.kid = shown(world)["account"].replace(f":{world.fault.port}/", f":{world.ca.port}/")
    return client


def problem(kind, status, **more):
    body = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": "said so by the test", "status": status,
            **more}

    def edit(_, headers, __):
        kept = [(n, v) for n, v in headers if n.lower() in ("replay-nonce",)]
        links = [("Link", "<https://ca.example/terms/v8>;rel=\"terms-of-service\"")]
        return status, [*JSON, *kept, *links], json.dumps(body).encode()
    return edit


def test_16_a_ca_that_forgot_the_account_gets_the_same_key_again(world):
    behind(world)
    assert world.handshake("a.example.com").ok
    before = shown(world)
    world.ca.restart()
    assert world.handshake("b.example.com").ok
    calls, keys = new_accounts(world)
    assert (calls, keys) == (2, 1)
    after = shown(world)
    assert after["thumbprint"] == before["thumbprint"] and after["account"] != before["account"]
    # loud: records at name servers may name the account
    assert after["previous"] == before["account"]
    status = json.loads(command("status", "--json", "-c", world.proxy.directory / "sallyport.json").stdout)
    assert any("accounturi" in line for line in status["degraded"]), status["degraded"]


def test_17_a_deactivated_account_is_replaced_once(world):
    behind(world)
    assert world.handshake("a.example.com").ok
    before = shown(world)
    outsider(world).deactivate()
    assert world.handshake("b.example.com").ok
    after = shown(world)
    assert after["thumbprint"] != before["thumbprint"] and after["account"] != before["account"]
    assert new_accounts(world) == (2, 2)
    assert after["previous"] == before["account"] and "replaced_at" in after
    assert world.proxy.events("CA deactivated our account")
    assert world.proxy.events("CAA accounturi")
    # a second time within the week is no accident: nothing is made, and the operator is asked
    outsider(world, "again.pem").deactivate()
    assert not world.handshake("c.example.com").ok
    requests = len(world.fault.seen)
    for name in "c.example.com", "d.example.com":
        assert not world.handshake(name).ok
    assert new_accounts(world) == (2, 2) and len(world.fault.seen) <= requests + 1
    assert account(world, "show").returncode == 3
    assert account(world, "register").returncode == 0
    assert world.handshake("e.example.com").ok
    assert new_accounts(world) == (3, 3)


def test_17_an_order_the_ca_will_not_have_makes_no_account(world):
    """403 unauthorized, and the account is in its best health."""
    bad = {"now": False}

    def rule(n, method, path):
        return problem("unauthorized", 403) if bad["now"] and path.startswith("/order-plz") else None

    behind(world, rule)
    assert world.handshake("a.example.com").ok
    bad["now"] = True
    for name in "b.example.com", "c.example.com", "d.example.com":
        assert not world.handshake(name).ok
    assert new_accounts(world) == (1, 1)
    assert len(world.fault.said("/sign-me-up")) == 2   # it was asked about once
    bad["now"] = False
    assert world.handshake("e.example.com").ok


def test_18_another_key_for_the_same_account(world):
    behind(world)
    assert world.handshake("a.example.com").ok
    before = shown(world)
    done = account(world, "rollover", "--json")
    assert done.returncode == 0, done
    after = json.loads(done.stdout)
    assert after["account"] == before["account"] and after["thumbprint"] != before["thumbprint"]
    assert keys_in(stored(world)) == 1
    assert shown(world)["ca_says"]["status"] == "valid"
    assert world.handshake("b.example.com").ok
    world.proxy.restart()
    assert world.handshake("c.example.com").ok
    assert world.ca.accounts() == 1 and new_accounts(world) == (1, 1)
    assert "the account has a new key" in account(world, "rollover", world.fault.url).stdout


@pytest.mark.parametrize("has_acted", [True, False])
def test_18_killed_between_the_steps(world, has_acted):
    """Two keys are in the store then, and the one that works is found."""
    asked, hold = threading.Event(), threading.Event()

    def late(*answer):
        asked.set()
        hold.wait(30)
        return answer

    def rule(n, method, path):
        if not path.startswith("/rollover-account-key") or n:
            return None
        if has_acted:
            return late
        asked.set()
        return "silence"

    behind(world, rule)
    assert world.handshake("a.example.com").ok
    before = shown(world)
    rolling = threading.Thread(target=account, args=(world, "rollover"))
    rolling.start()
    assert asked.wait(20)
    assert keys_in(stored(world)) == 2
    world.proxy.kill()
    hold.set()
    rolling.join(30)
    world.proxy.start()
    wait_until(lambda: keys_in(stored(world)) == 1, 10, "one key in the store")
    after = shown(world)
    assert after["account"] == before["account"]
    assert (after["thumbprint"] != before["thumbprint"]) == has_acted
    assert world.handshake("b.example.com").ok
    assert world.ca.accounts() == 1 and new_accounts(world) == (1, 1)


def test_18_a_change_the_ca_only_says_it_made(world):
    """Pebble answers 200 and changes nothing when another account has the key."""
    behind(world)
    assert world.handshake("a.example.com").ok
    before = shown(world)
    taken = acme.new_key(world.directory / "taken.pem")
    acme.Client(world.ca.url, world.ca.trust, taken).register()
    got = account(world, "rollover", "--key", taken)
    assert got.returncode == 1 and "the old key stays" in got.stderr, got
    after = shown(world)
    assert after["thumbprint"] == before["thumbprint"] and after["ca_says"]["status"] == "valid"
    assert keys_in(stored(world)) == 1
    assert world.handshake("b.example.com").ok
    # and a key that nobody has is taken
    free = acme.new_key(world.directory / "free.pem", "rsa")
    got = account(world, "rollover", "--key", free, "--json")
    assert got.returncode == 0 and json.loads(got.stdout)["key"] == "RSA-2048", got
    assert world.handshake("c.example.com").ok


@pytest.mark.parametrize("status,words", [(409, "another account"), (501, "changes no account keys")])
def test_18_a_ca_that_refuses_the_change(world, status, words):
    behind(world, lambda n, method, path: (status, JSON, b"{}")
           if path.startswith("/rollover-account-key") else None)
    assert world.handshake("a.example.com").ok
    before = shown(world)
    got = account(world, "rollover")
    assert got.returncode == 1 and words in got.stderr, got
    assert shown(world)["thumbprint"] == before["thumbprint"]
    assert keys_in(stored(world)) == 1
    assert world.handshake("b.example.com").ok


def test_18_orders_under_way_do_not_notice(world):
    """Challenges are being answered with the old key while the change is wished."""
    behind(world, sleep=3, on_demand={"wait": "60s"})
    assert world.handshake("first.example.com", timeout=70).ok
    results = {}

    def visit(name):
        results[name] = world.handshake(name, timeout=70).ok

    threads = [threading.Thread(target=visit, args=(f"n{i}.example.com",)) for i in range(8)]
    for t in threads[:4]:
        t.start()
    wait_until(lambda: world.fault.count("/chalZ"), 20, "a challenge announced")
    rolled = threading.Thread(target=lambda: results.update(roll=account(world, "rollover", timeout=150)))
    rolled.start()
    for t in threads[4:]:
        t.start()
    for t in [*threads, rolled]:
        t.join(150)
    assert results.pop("roll").returncode == 0
    assert len(results) == 8 and all(results.values()), results
    assert not world.proxy.events("order refused"), world.proxy.events("order refused")
    assert world.ca.accounts() == 1


def test_18_another_process_on_the_store_takes_the_new_key(world):
    """It had read the account before the change, and signs with the old key first."""
    behind(world, env={"PEBBLE_VA_ALWAYS_VALID": "1"})
    assert world.handshake("a.example.com").ok
    second = world.ends(Sallyport(world.directory / "second", {**world.proxy.config, "listen": {
        "https": (https := f"127.0.0.1:{free_port()}"), "http": f"127.0.0.1:{free_port()}"}},
        tls_port=int(https.rpartition(":")[2])))

    def visit(name):
        return handshake(second.tls_port, name, root=world.ca.root()).ok

    assert visit("b.example.com")
    assert account(world, "rollover").returncode == 0
    assert visit("c.example.com") and world.handshake("d.example.com").ok
    assert world.ca.accounts() == 1 and new_accounts(world) == (1, 1)


def test_19_a_lost_reply_to_newaccount_costs_no_second_key(world):
    behind(world, lambda n, method, path: "swallow" if path.startswith("/sign-me-up") and n == 0 else None)
    assert world.handshake("a.example.com", timeout=30).ok
    assert world.ca.accounts() == 1
    calls, keys = new_accounts(world)
    assert keys == 1 and calls == 2
    assert keys_in(stored(world)) == 1


def test_19_nor_does_a_kill_before_the_reply(world):
    asked, hold = threading.Event(), threading.Event()

    def late(*answer):
        asked.set()
        hold.wait(30)
        return answer

    behind(world, lambda n, method, path: late if path.startswith("/sign-me-up") and n == 0 else None)
    visit = threading.Thread(target=handshake, args=(world.tls_port, "a.example.com"))
    visit.start()
    assert asked.wait(20)
    world.proxy.kill()
    hold.set()
    visit.join(30)
    world.proxy.start()
    assert world.handshake("b.example.com").ok
    assert world.ca.accounts() == 1 and new_accounts(world) == (2, 1)


def tool(world, *args):
    return command(*args, "-c", world.proxy.directory / "sallyport.json", timeout=90)


def test_20_new_terms_wait_for_a_person(world):
    """Nothing more is posted to the CA until somebody agrees, not even in another life."""
    new = {"now": False}

    def rule(n, method, path):
        return problem("userActionRequired", 403, instance="https://ca.example/agree/7") \
            if new["now"] and path.startswith(("/order-plz", "/my-account")) else None

    behind(world, rule)
    assert world.handshake("a.example.com").ok
    new["now"] = True
    assert not world.handshake("b.example.com").ok
    posts = len(world.fault.posts)
    for name in "b.example.com", "c.example.com", "d.example.com":
        assert not world.handshake(name).ok
    why = tool(world, "why", "c.example.com")
    assert "https://ca.example/agree/7" in why.stdout and "account agree" in why.stdout, why
    world.proxy.restart()
    assert not world.handshake("e.example.com").ok
    time.sleep(2)
    assert len(world.fault.posts) == posts
    status = tool(world, "status", "--json")
    known = json.loads(status.stdout)
    assert status.returncode == 3 and any("ca.example/agree/7" in line for line in known["degraded"]), known
    assert known["cas"][0]["account"]["state"] == "must-agree"
    assert known["cas"][0]["account"]["terms"] == "https://ca.example/terms/v8"
    assert world.handshake("a.example.com").ok   # what is held is served
    # the CA still waits for what only a person can do
    insists = account(world, "agree")
    assert insists.returncode == 1 and "userActionRequired" in insists.stderr, insists
    assert not world.handshake("f.example.com").ok
    new["now"] = False
    assert account(world, "agree").returncode == 0
    assert world.handshake("g.example.com").ok
    assert tool(world, "status", "--quiet").returncode == 0
    assert world.ca.accounts() == 1


def told_contacts(world):
    return [payload["contact"] for _, payload in world.fault.said("/my-account")
            if payload and "contact" in payload]


def test_another_contact_is_told_once(world):
    behind(world, config={"email": "old@example.org"})
    assert world.handshake("a.example.com").ok
    assert shown(world)["ca_says"] == {"status": "valid", "contact": "mailto:old@example.org"}
    world.proxy.config["email"] = "new@example.org"
    world.proxy.restart()   # nobody orders anything
    wait_until(lambda: shown(world)["ca_says"].get("contact") == "mailto:new@example.org", 10, "the contact")
    assert shown(world)["contact"] == "new@example.org"
    world.proxy.restart()
    assert world.handshake("c.example.com").ok
    assert told_contacts(world) == [["mailto:new@example.org"]]
    assert account(world, "contact").returncode == 0
    assert told_contacts(world) == [["mailto:new@example.org"]] * 2
    world.proxy.config["email"] = "third@example.org"
    world.proxy.write_config()
    assert tool(world, "reload").returncode == 0
    wait_until(lambda: shown(world)["ca_says"].get("contact") == "mailto:third@example.org", 10, "a reload's")


def test_a_contact_the_ca_refuses_stops_nothing(world):
    def rule(n, method, path):
        return problem("invalidContact", 400) if path.startswith("/my-account") else None

    behind(world, rule, config={"email": "old@example.org"})
    assert world.handshake("a.example.com").ok
    world.proxy.config["email"] = "bad@example.org"
    world.proxy.restart()
    assert world.handshake("b.example.com").ok
    wait_until(lambda: len(told_contacts(world)) == 2, 10, "with it, and without")
    world.proxy.restart()
    assert world.handshake("c.example.com").ok
    time.sleep(1)
    assert told_contacts(world) == [["mailto:bad@example.org"], []]
    status = json.loads(tool(world, "status", "--json").stdout)
    assert status["cas"][0]["account"]["refused_contact"] == "bad@example.org"


def test_a_deactivated_account_stays_so(world):
    behind(world)
    assert world.handshake("a.example.com").ok
    before = shown(world)
    assert account(world, "deactivate", world.fault.url).returncode == 2
    assert account(world, "deactivate", "--yes").returncode == 2
    assert shown(world)["state"] == "good"
    done = account(world, "deactivate", world.fault.url, "--yes")
    assert done.returncode == 0, done
    assert not world.handshake("b.example.com").ok
    world.proxy.restart()
    assert not world.handshake("c.example.com").ok
    assert "deactivated by the operator" in tool(world, "why", "c.example.com").stdout
    assert new_accounts(world) == (1, 1)
    closed = account(world, "show", "--json")
    assert closed.returncode == 3
    assert json.loads(closed.stdout)["accounts"][0]["state"] == "closed"
    assert "account register" in account(world, "show").stdout
    assert world.handshake("a.example.com").ok   # what is held is served
    again = account(world, "register", "--json")
    assert again.returncode == 0, again
    assert json.loads(again.stdout)["account"] != before["account"]
    assert world.handshake("d.example.com").ok
    assert new_accounts(world) == (2, 2)


def test_accounts_are_shown_when_nothing_runs_and_when_there_is_none(world):
    behind(world)
    none = account(world, "show")
    assert none.returncode == 0 and "none" in none.stdout, none
    for verb in "rollover", "contact", "agree":
        got = account(world, verb)
        assert got.returncode == 1 and "there is no account" in got.stderr, got
    assert account(world, "sing").returncode == 2
    assert account(world, "show", "https://other.example/dir").returncode == 1
    assert world.handshake("a.example.com").ok
    url = shown(world)["account"]
    world.proxy.stop()
    got = account(world)
    assert got.returncode == 0 and url in got.stdout and "nothing runs" in got.stdout, got
    got = account(world, "rollover")
    assert got.returncode == 1 and "nothing runs" in got.stderr, got
