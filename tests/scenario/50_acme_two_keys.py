# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 15, its second half: an ECDSA and an RSA certificate for one name, by what the client offers."""

import json
import re
import subprocess
import time

import pytest

from support.client import names_of, x509
from support.process import wait_until
from support.sallyport import Sallyport, command

NAME = "app.example.com"
BOTH = ["p256", "rsa2048"]
RSA = ["-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"]
ECDSA = ["-sigalgs", "ECDSA+SHA256:RSA+SHA256"]
RSA_12 = ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"]
ECDSA_12 = ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]


def shake(world, host, *offer):
    """The leaf that `openssl s_client` gets with these offers, as DER; b"" when it gets none."""
    got = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{world.tls_port}", "-servername", host,
                          *offer], stdin=subprocess.DEVNULL, capture_output=True, timeout=60).stdout.decode()
    pem = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", got, re.S)
    if not pem:
        return b""
    return subprocess.run(["openssl", "x509", "-outform", "DER"], input=pem.group().encode(), check=True,
                          capture_output=True).stdout


def kind(der):
    if not der:
        return "none"
    return "rsa" if "rsaEncryption" in x509(der, "-text") else "ecdsa"


def kinds(world, host, *offers):
    return [kind(shake(world, host, *offer)) for offer in offers]


def generations(world, name, series=""):
    return world.proxy.bundles(name + series)


def both_stored(world, name=NAME, seconds=30):
    wait_until(lambda: generations(world, name) and generations(world, name, "%2Brsa"), seconds,
               "two certificates in the store")


def with_two(world, config=None, **ca):
    world.on_demand(config=config, **ca)
    world.proxy.stop()
    world.proxy.config["acme"] = {**world.proxy.config["acme"], "key": BOTH}
    world.proxy.start()


def test_15_each_client_gets_the_certificate_it_can_verify(world):
    with_two(world)
    first = shake(world, NAME)
    assert kind(first) == "ecdsa"
    both_stored(world)
    assert kinds(world, NAME, [], ECDSA, RSA, ECDSA_12, RSA_12, ["-tls1_2"]) == \
        ["ecdsa", "ecdsa", "rsa", "ecdsa", "rsa", "ecdsa"]
    assert names_of(shake(world, NAME, *RSA)) == [NAME]
    assert world.ca.issued() == 2
    assert shake(world, NAME) == first


def test_15_the_first_visitor_does_not_wait_for_the_second_certificate(world):
    """Its order begins after the first client was answered, and nobody asks for it."""
    with_two(world)
    assert world.handshake(NAME).ok
    wait_until(lambda: len(world.proxy.events("certificate installed")) == 2, 30, "both")
    first, second = world.proxy.events("certificate installed")
    assert (first["name"], second["name"]) == (NAME, NAME + "+rsa")
    placed = world.proxy.events("order placed")
    assert len(placed) == 2 and placed[1]["time"] >= first["time"]


def test_15_a_client_that_needs_the_rsa_one_waits_for_it(world):
    with_two(world)
    assert kind(shake(world, "old.example.com", *RSA)) == "rsa"
    both_stored(world, "old.example.com")
    assert kinds(world, "old.example.com", [], RSA_12) == ["ecdsa", "rsa"]


def test_15_a_restart_serves_both_without_the_ca(world):
    with_two(world)
    before = shake(world, NAME)
    both_stored(world)
    rsa = shake(world, NAME, *RSA)
    world.proxy.stop()
    world.ca.stop()
    world.ask.stop()
    world.proxy.start()
    assert shake(world, NAME, *RSA_12) == rsa
    assert shake(world, NAME) == before
    assert shake(world, NAME, *RSA) == rsa


def test_15_with_one_type_a_client_of_the_other_fails_as_ever(world):
    world.on_demand()
    assert world.handshake(NAME).ok
    assert kinds(world, NAME, RSA, RSA_12, []) == ["none", "none", "ecdsa"]
    time.sleep(1)
    assert world.ca.orders() == 1
    assert len(world.proxy.bundles()) == 1


def test_15_the_order_of_the_list_is_the_preference(world):
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(key=["rsa2048", "p384"]), "sites": {NAME: world.origin.address}})
    wait_until(lambda: generations(world, NAME, "%2Becdsa"), 40, "both")
    assert kinds(world, NAME, [], ["-sigalgs", "ECDSA+SHA384:RSA+SHA256"], RSA) == ["rsa", "ecdsa", "rsa"]


def test_15_a_site_may_have_a_pair_of_its_own(world):
    world.with_ca().with_origin()
    world.with_proxy({"sites": {
        "two.example.com": {"to": world.origin.address, "key_type": BOTH},
        "one.example.com": world.origin.address}})
    both_stored(world, "two.example.com")
    wait_until(lambda: world.handshake("one.example.com").ok, 20, "the other site's")
    assert kinds(world, "two.example.com", [], RSA) == ["ecdsa", "rsa"]
    assert kinds(world, "one.example.com", [], RSA) == ["ecdsa", "none"]
    assert world.ca.orders() == 3


def test_15_a_wildcard_covers_its_names_with_both(world):
    world.with_origin().with_proxy({
        "acme": {"ca": "internal", "key": BOTH},
        "sites": {"*.wild.internal": world.origin.address, "a.wild.internal": world.origin.address}})
    wait_until(lambda: len(world.proxy.bundles()) == 2, 30, "the wildcard's two")
    for host in "a.wild.internal", "b.wild.internal":
        assert kinds(world, host, [], RSA, RSA_12) == ["ecdsa", "rsa", "rsa"]
        assert names_of(shake(world, host, *RSA)) == ["*.wild.internal"]
    time.sleep(1)
    assert len(world.proxy.bundles()) == 2


@pytest.mark.slow(seconds=75)
def test_15_both_are_renewed_on_their_own_time(world):
    with_two(world, validity=40)
    assert world.handshake(NAME).ok
    both_stored(world)
    end, seen, bad = time.monotonic() + 60, {"ecdsa": set(), "rsa": set()}, []
    while time.monotonic() < end:
        for wanted, offer in ("ecdsa", []), ("rsa", RSA):
            der = shake(world, NAME, *offer)
            if kind(der) == wanted:
                seen[wanted].add(der)
            else:
                bad.append((wanted, kind(der)))
        time.sleep(0.5)
    assert not bad, bad
    assert all(3 <= len(s) <= 8 for s in seen.values()), {k: len(s) for k, s in seen.items()}


def test_15_renewed_without_visitors(world):
    world.with_ca(validity=24).with_origin()
    world.with_proxy({"acme": world.acme(key=BOTH), "sites": {NAME: world.origin.address}})
    wait_until(lambda: world.ca.issued() >= 6, 60, "two renewals of each", every=0.2)
    assert kinds(world, NAME, [], RSA) == ["ecdsa", "rsa"]


def test_15_a_name_without_rsa_any_more_lets_it_lapse(world):
    world.with_ca(validity=24).with_origin()
    world.with_proxy({"acme": world.acme(key=BOTH), "sites": {NAME: world.origin.address}})
    both_stored(world)
    world.proxy.stop()
    world.proxy.config["acme"] = world.acme()
    world.proxy.start()
    wait_until(lambda: world.handshake(NAME).ok, 10, "served")
    assert kinds(world, NAME, [], RSA) == ["ecdsa", "none"]
    last = generations(world, NAME, "%2Brsa")
    before = world.ca.issued()
    wait_until(lambda: world.ca.issued() >= before + 2, 60, "two renewals of the one that is left")
    assert generations(world, NAME, "%2Brsa") == last
    assert kinds(world, NAME, [], RSA) == ["ecdsa", "none"]


def test_15_adding_ecdsa_to_rsa_changes_what_is_held_without_a_gap(world):
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(key="rsa2048"), "sites": {NAME: world.origin.address}})
    wait_until(lambda: world.handshake(NAME).ok, 20, "served")
    world.proxy.stop()
    world.proxy.config["acme"] = world.acme(key=BOTH)
    world.proxy.start()
    bad = []

    def changed():
        got = kinds(world, NAME, [], RSA)
        if "none" in got:
            bad.append(got)
        return got == ["ecdsa", "rsa"]

    wait_until(changed, 40, "each by its own")
    assert not bad, bad


def test_15_a_reload_adds_and_takes_away_the_second(world):
    """No connection is refused meanwhile, and nothing but the second certificate is ordered."""
    world.with_ca().with_origin()
    world.with_proxy({"sites": {NAME: world.origin.address}})
    first = wait_until(lambda: shake(world, NAME), 20, "served")
    assert kinds(world, NAME, RSA) == ["none"]
    world.proxy.config["acme"] = world.acme(key=BOTH)
    world.proxy.write_config()
    assert ask(world, "reload").returncode == 0
    both_stored(world)
    wait_until(lambda: kind(shake(world, NAME, *RSA)) == "rsa", 10, "the RSA one served")
    assert shake(world, NAME) == first and world.ca.issued() == 2
    world.proxy.config["acme"] = world.acme()
    world.proxy.write_config()
    assert ask(world, "reload").returncode == 0
    wait_until(lambda: kinds(world, NAME, RSA) == ["none"], 10, "no RSA any more")
    assert shake(world, NAME) == first and world.ca.issued() == 2


def test_15_a_failed_rsa_order_disturbs_nobody(world):
    """The name breaks once it has its first certificate."""
    with_two(world, config={"on_demand": {"wait": "5s"}})
    world.ca.dns.break_name(NAME)
    assert kind(shake(world, NAME, *RSA)) == "none"
    world.ca.dns.heal_name(NAME)
    # the RSA one backs off; nothing of that concerns the other
    assert kind(shake(world, NAME)) == "ecdsa"
    assert kinds(world, NAME, [], ECDSA_12, RSA) == ["ecdsa", "ecdsa", "none"]
    why = json.loads(command("why", NAME, "--json", "--store", str(world.proxy.store)).stdout)
    assert why["state"] == "held"


def test_15_while_the_first_cannot_be_renewed_the_second_serves_those_it_can(world):
    """The ECDSA one has gone from the store; the CA is down."""
    with_two(world, config={"on_demand": {"wait": "4s"}})
    assert world.handshake(NAME).ok
    both_stored(world)
    world.proxy.stop()
    world.ca.stop()
    for bundle in generations(world, NAME):
        bundle.unlink()
    world.proxy.start()
    assert kinds(world, NAME, [], RSA, [], ECDSA) == ["rsa", "rsa", "rsa", "none"]


def test_15_lists_that_are_no_pair_are_refused_with_their_place(world, tmp_path):
    config = tmp_path / "c.json"
    for keys, words in ((["p256", "p384"], "both ECDSA"), (["p256", "p256"], "twice"),
                        (["p256", "rsa2048", "rsa4096"], "one too many"), ([], "at least one")):
        config.write_text(json.dumps({"acme": {"key": keys}, "sites": {"a.example.com": "127.0.0.1:1"}}))
        got = command("check", "-c", config)
        assert got.returncode != 0
        assert re.search(r"c\.json:1:\d+: acme\.key.*" + words, got.stdout + got.stderr), got


# --- what the operator sees and does


def ask(world, *args, timeout=90):
    return command(*args, "-c", world.proxy.directory / "sallyport.json", timeout=timeout)


def told(world, *args):
    return json.loads(ask(world, *args, "--json").stdout)


def serials(world, name=NAME):
    why = told(world, "why", name)
    return why["served"]["serial"], why["second"]["served"]["serial"]


def status_at_ca(world, number):
    return json.loads(world.ca.get(f"/cert-status-by-serial/{number.lstrip('0')}"))["Status"]


def test_15_both_are_listed_and_explained(world):
    with_two(world)
    assert world.handshake(NAME).ok
    both_stored(world)
    for _ in range(2):      # of the running instance, and of the store alone
        rows = told(world, "certs")["certs"]
        assert sorted((r["name"], r["certificate"], r["key_type"]) for r in rows) == \
            [(NAME, NAME, "p256"), (NAME, NAME + "+rsa", "rsa2048")]
        why = told(world, "why", NAME)
        assert (why["state"], why["served"]["key_type"]) == ("held", "p256")
        assert why["second"]["name"] == NAME + "+rsa"
        assert (why["second"]["state"], why["second"]["served"]["key_type"]) == ("held", "rsa2048")
        only = told(world, "why", NAME + "+rsa")
        assert only["served"] == why["second"]["served"] and "second" not in only
        said = ask(world, "why", NAME).stdout
        assert f"{NAME}: held" in said and f"{NAME}+rsa: held" in said and "(rsa2048)" in said
        if world.proxy.process.is_running():
            world.proxy.stop()
    header = generations(world, NAME, "%2Brsa")[-1].read_text().split("-----")[0]
    assert f"\nname: {NAME}\n" in header and "\nkey-type: rsa2048\n" in header

def test_15_the_log_of_issued_certificates_tells_the_key(world):
    with_two(world)
    assert world.handshake(NAME).ok
    wait_until(lambda: len(world.proxy.events("certificate installed")) == 2, 30, "both")
    issued = [e for e in map(json.loads, (world.proxy.store / "audit.log").read_text().splitlines())
              if e["event"] == "issued"]
    assert [(e["name"], e["key_type"]) for e in issued] == [(NAME, "p256"), (NAME, "rsa2048")]
    assert ask(world, "audit", "--verify").returncode == 0


def test_15_renew_replaces_both_or_the_one_meant(world):
    with_two(world)
    assert world.handshake(NAME).ok
    both_stored(world)
    before = serials(world)
    assert ask(world, "renew", NAME).returncode == 0
    after = serials(world)
    assert before[0] != after[0] and before[1] != after[1]
    assert ask(world, "renew", NAME + "+rsa").returncode == 0
    last = serials(world)
    assert last[0] == after[0] and last[1] != after[1]
    assert kinds(world, NAME, [], RSA) == ["ecdsa", "rsa"]


def test_15_revoke_and_forget_concern_both(world):
    with_two(world)
    assert world.handshake(NAME).ok
    both_stored(world)
    before = serials(world)
    got = ask(world, "revoke", NAME, "--reason", "keyCompromise")
    assert got.returncode == 0, got
    assert [status_at_ca(world, s) for s in before] == ["Revoked", "Revoked"]
    wait_until(lambda: all(a != b for a, b in zip(before, serials(world))), 30, "both replaced")
    wait_until(lambda: told(world, "why", NAME)["state"] == "held", 20, "held")
    wait_until(lambda: told(world, "why", NAME)["second"]["state"] == "held", 20, "held")
    after = serials(world)
    assert ask(world, "revoke", NAME + "+rsa").returncode == 0
    assert status_at_ca(world, after[1]) == "Revoked" and status_at_ca(world, after[0]) == "Valid"
    wait_until(lambda: told(world, "why", NAME)["second"]["state"] == "held"
               and serials(world)[1] != after[1], 30, "the one replaced")
    assert ask(world, "forget", NAME).returncode == 0
    assert not generations(world, NAME) and not generations(world, NAME, "%2Brsa")


def test_15_export_and_import_know_both(world):
    with_two(world)
    assert world.handshake(NAME).ok
    both_stored(world)
    out = world.directory / "out"
    out.mkdir()
    for series in NAME, NAME + "+rsa":
        assert ask(world, "export", series, "--to", out / series).returncode == 0, series
    world.proxy.stop()
    there = world.ends(Sallyport(world.directory / "there", {**world.proxy.config,
                       "store": str(world.directory / "there" / "store")}, start=False))
    config = there.write_config()
    got = command("import", out, "--yes", "--json", "-c", config)
    assert got.returncode == 0, got
    assert sorted(n["certificate"] for n in json.loads(got.stdout)["names"]) == [NAME, NAME + "+rsa"]
    assert len(list(there.store.glob(f"certs/*/{NAME}*/*.pem"))) == 2
    # where one type is configured, that one
    alone = world.ends(Sallyport(world.directory / "alone", {**world.proxy.config, "acme": world.acme(key="rsa2048"),
                       "store": str(world.directory / "alone" / "store")}, start=False))
    got = command("import", out, "--yes", "--json", "-c", alone.write_config())
    names = json.loads(got.stdout)["names"]
    assert sorted((n["verdict"], n["key_type"]) for n in names) == [("import", "rsa2048"), ("keep", "p256")]
    (bundle,) = alone.store.glob(f"certs/*/{NAME}*/*.pem")
    assert "key-type: rsa2048" in bundle.read_text()


def test_15_each_is_checked_by_a_handshake_with_ourselves(world):
    """A newer RSA generation, written by another process, is noticed and served; the ECDSA one is not touched."""
    world.with_origin()
    config = {"acme": {"ca": "internal", "self_check": "1s", "key": BOTH},
              "sites": {"localhost": world.origin.address}}
    world.with_proxy(config)
    both_stored(world, "localhost")
    there = world.ends(Sallyport(world.directory / "there", config))
    wait_until(lambda: list(there.store.glob("certs/*/localhost%2Brsa/*.pem")), 30, "another RSA one")
    first, second = shake(world, "localhost"), shake(world, "localhost", *RSA)
    time.sleep(3)
    assert not world.proxy.events("another certificate served than should be")
    mine = generations(world, "localhost", "%2Brsa")[-1]
    (theirs,) = there.store.glob("certs/*/localhost%2Brsa/*.pem")
    newer = mine.with_name(f"{int(mine.stem) + 1:010d}.pem")
    newer.write_bytes(theirs.read_bytes())
    newer.chmod(0o600)
    wait_until(lambda: shake(world, "localhost", *RSA) != second, 15, "the newer one served", every=0.3)
    assert shake(world, "localhost") == first
