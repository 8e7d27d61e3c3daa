# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 7: certificates for IP addresses (RFC 8738), and clients that send no name."""

import json
import re
import socket
import subprocess
import time

import pytest

from support import certificates
from support.client import Http, alert_of, handshake, names_of, tls, x509
from support.fault import Fault, edited
from support.network import Unavailable, own_network
from support.process import wait_until
from support.sallyport import command

FOUR, SIX = "127.0.0.1", "::1"
REVERSE = {FOUR: "1.0.0.127.in-addr.arpa", SIX: "1." + "0." * 31 + "ip6.arpa"}
PROFILES = {"shortlived": {"description": "160 h", "validityPeriod": 576000},
            "classic": {"description": "90 d", "validityPeriod": 7776000},
            "blink": {"description": "40 s", "validityPeriod": 40}}


def has_ipv6():
    try:
        with socket.create_server((SIX, 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def needs(*addresses):
    if SIX in addresses and not has_ipv6():
        pytest.skip("this machine has no ::1")


def both(world):
    """Listeners on both families, or on what there is."""
    hosts = [FOUR, "[::1]"] if has_ipv6() else [FOUR]
    return {"https": [f"{h}:{world.tls_port}" for h in hosts],
            "http": [f"{h}:{world.http_port}" for h in hosts]}


def serve(world, *names, profile="shortlived", challenges=("tls-alpn-01", "http-01"), ca=(), **more):
    """A Pebble that has Let's Encrypt's profiles, and a proxy with these addresses for sites."""
    if world.ca is None:
        world.with_ca(profiles=PROFILES)
    if profile and not world.ca.has("profiles"):
        pytest.skip("this Pebble has no profiles")
    own = {"directory": world.ca.url, "trust": world.ca.trust, **({"profile": profile} if profile else {})}
    world.with_origin().with_proxy({
        "listen": both(world), "sites": {name: world.origin.address for name in names},
        "acme": {"ca": [*ca, own], "challenges": list(challenges)}, **more})


def visit(world, address, root=None, **how):
    """A client that came to this address: none sends an address as SNI."""
    return handshake(world.tls_port, None, root=root, address=address, **how)


def served(world, address, seconds=30):
    wait_until(lambda: visit(world, address).ok, seconds, f"a certificate for {address}")
    return visit(world, address)


def verified(world, address, der):
    """By a client that checks everything, and by openssl."""
    with tls(world.tls_port, address, root=world.ca.root(), address=address) as s:
        assert s.getpeercert(True) == der
    chain = world.directory / "served.pem"
    shown = subprocess.run(["openssl", "s_client", "-connect",
                            f"[{address}]:{world.tls_port}" if ":" in address else
                            f"{address}:{world.tls_port}", "-noservername", "-showcerts"],
                           input="", capture_output=True, text=True, timeout=30).stdout
    chain.write_text("".join(re.findall(r"-----BEGIN CERT.*?END CERTIFICATE-----\n", shown, re.S)))
    done = subprocess.run(["openssl", "verify", "-verify_ip", address, "-CAfile", world.ca.root(),
                           "-untrusted", chain, chain], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    other = subprocess.run(["openssl", "verify", "-verify_ip", "192.0.2.1", "-CAfile", world.ca.root(),
                            "-untrusted", chain, chain], capture_output=True, text=True)
    assert other.returncode != 0


def header(world, name, key):
    text = world.proxy.bundles(name.replace(":", "%3A"))[-1].read_text()
    return next(line.split(": ", 1)[1] for line in text.splitlines() if line.startswith(key + ": "))


@pytest.mark.parametrize("written,address", [("127.0.0.1", FOUR), ("[0:0:0:0:0:0:0:1]", SIX)])
@pytest.mark.parametrize("challenge", ["tls-alpn-01", "http-01"])
def test_07_an_address_is_certified(world, written, address, challenge):
    needs(address)
    serve(world, written, challenges=[challenge])
    got = served(world, address)
    names = names_of(got.der)
    assert len(names) == 1 and socket.inet_pton(
        socket.AF_INET6 if ":" in address else socket.AF_INET, names[0])
    assert "DNS:" not in x509(got.der, "-ext", "subjectAltName")
    assert header(world, address, "name") == address
    assert header(world, address, "profile") == "shortlived"
    assert header(world, address, "challenge") == challenge
    assert world.ca.orders() == 1
    verified(world, address, got.der)


def test_07_each_address_has_its_own(world):
    """Behind one wildcard listener: the socket's own address decides."""
    needs(SIX)
    world.with_ca(profiles=PROFILES)
    serve(world, FOUR, SIX, listen={"https": f":{world.tls_port}", "http": f":{world.http_port}"})
    four, six = served(world, FOUR), served(world, SIX)
    assert names_of(four.der) == [FOUR] and names_of(six.der) != names_of(four.der)
    verified(world, FOUR, four.der)
    verified(world, SIX, six.der)
    # 127.0.0.2 is this machine, but no site's
    assert visit(world, "127.0.0.2").alert == "unrecognized_name"
    # requests by the address are the site's
    for address in FOUR, SIX:
        with tls(world.tls_port, None, address=address) as s:
            host = f"[{address}]" if ":" in address else address
            s.sendall(f"GET / HTTP/1.1\r\nHost: {host}:{world.tls_port}\r\nConnection: close\r\n\r\n"
                      .encode())
            assert s.recv(100).startswith(b"HTTP/1.1 200")


def test_07_a_handshake_waits_for_the_first_certificate(world):
    world.with_ca(profiles=PROFILES, sleep=4)
    serve(world, FOUR)
    got = visit(world, FOUR)
    assert got.ok and names_of(got.der) == [FOUR]
    assert world.ca.orders() == 1


def test_07_validators_ask_by_the_reverse_name(world):
    needs(SIX)
    world.with_ca(profiles=PROFILES)
    serve(world, FOUR, SIX, challenges=["tls-alpn-01"])
    served(world, FOUR), served(world, SIX)
    seen = [e for e in world.proxy.events("validation seen")]
    assert {e["name"] for e in seen} == {FOUR, SIX}
    assert {e["type"] for e in seen} == {"tls-alpn-01"}


@pytest.mark.parametrize("literal", [FOUR, SIX, "[::1]", REVERSE[FOUR]])
def test_07_an_address_sent_as_a_name_is_refused(world, literal):
    """RFC 6066 3 has no addresses; the reverse name is for validators alone."""
    serve(world, FOUR)
    served(world, FOUR)
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{world.tls_port}",
                           "-servername", literal], input="", capture_output=True, text=True, timeout=30)
    said = alert_of(Exception(done.stderr)) if "alert" not in done.stderr else done.stderr
    assert "unrecognized name" in said and "BEGIN CERTIFICATE" not in done.stdout
    assert world.ca.orders() == 1


def test_07_clients_without_a_name_order_nothing_on_demand(world):
    world.on_demand()
    assert visit(world, FOUR).alert == "unrecognized_name"
    with Http(world.http_port, FOUR, plain=True) as c:
        c.request()
        c.read()
    got = command("issue", FOUR, "-c", world.proxy.directory / "sallyport.json")
    assert got.returncode == 1 and "no site" in got.stderr
    time.sleep(0.5)
    assert world.ca.orders() == 0 and world.ask.asked() == []


def test_07_another_spelling_of_the_ca_is_the_same_address(world):
    needs(SIX)
    world.with_ca(profiles=PROFILES)

    def spell(o):
        o["identifier"]["value"] = "0:0:0::0:1"
        return o
    fault = world.ends(Fault(world.ca, lambda n, method, path: edited(spell) if "/authZ/" in path else None))
    world.with_origin().with_proxy({
        "listen": both(world), "sites": {SIX: world.origin.address},
        "acme": {"ca": [{"directory": fault.url, "trust": world.ca.trust, "profile": "shortlived"}]}})
    assert served(world, SIX).ok


def test_07_a_certificate_with_the_address_as_a_dns_name_is_not_installed(world):
    """What no client would accept is not put in place of nothing."""
    world.with_ca(profiles=PROFILES)
    chain, _ = certificates.make(world.directory / "made", FOUR)
    text = open(chain).read() + (world.directory / "made" / "root.pem").read_text()
    fault = world.ends(Fault(world.ca, lambda n, method, path: (
        200, [("Content-Type", "application/pem-certificate-chain")], text.encode())
        if "/certZ/" in path else None))
    world.with_origin().with_proxy({
        "sites": {FOUR: world.origin.address},
        "acme": {"ca": [{"directory": fault.url, "trust": world.ca.trust}]}})
    wait_until(lambda: world.proxy.events("order failed"), 30, "the refusal")
    assert not world.proxy.bundles()


@pytest.mark.slow(seconds=90)
def test_07_forty_second_certificates_never_expire_in_use(world):
    serve(world, FOUR, profile="blink")
    served(world, FOUR)
    end, serials, bad = time.monotonic() + 75, set(), []
    while time.monotonic() < end:
        got = visit(world, FOUR, root=world.ca.root())
        if got.ok:
            serials.add(x509(got.der, "-serial"))
        else:
            bad.append((time.monotonic(), got.alert))
        time.sleep(0.25)
    assert not bad, bad
    assert 3 <= len(serials) <= 8, serials
    assert header(world, FOUR, "profile") == "blink"


def test_07_it_survives_a_restart_without_the_ca(world):
    serve(world, FOUR)
    first = served(world, FOUR)
    world.proxy.stop()
    world.ca.process.kill()
    world.proxy.start()
    assert visit(world, FOUR).der == first.der


def self_checks(world):
    text = command("status", "--json", "-c", world.proxy.directory / "sallyport.json").stdout
    return json.loads(text)["counters"]["self_checks_total"]


def test_07_a_reload_brings_an_address_and_takes_it_away(world):
    """With a listener of its own, which the self-check must know of too."""
    serve(world, "app.example.com", listen={"https": f"127.0.0.1:{world.tls_port}",
                                            "http": f"127.0.0.1:{world.http_port}"})
    config = world.proxy.directory / "sallyport.json"

    def reload(sites, *hosts):
        world.proxy.config["sites"] = {name: world.origin.address for name in ["app.example.com", *sites]}
        world.proxy.config["listen"]["https"] = [f"{h}:{world.tls_port}" for h in hosts]
        world.proxy.write_config()
        done = command("reload", "-c", config, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    assert visit(world, FOUR).alert == "unrecognized_name"
    reload([FOUR], FOUR)
    got = served(world, FOUR)
    verified(world, FOUR, got.der)
    wait_until(lambda: self_checks(world) >= 1, 20, "a handshake with itself")
    before = self_checks(world)
    reload([FOUR, "127.0.0.2"], FOUR, "127.0.0.2")
    assert names_of(served(world, "127.0.0.2").der) == ["127.0.0.2"]
    assert visit(world, FOUR).ok
    wait_until(lambda: self_checks(world) > before, 20, "a handshake with the new one")
    assert not world.proxy.events("another certificate served than should be")
    reload([], FOUR)
    assert visit(world, FOUR).alert == "unrecognized_name"


def test_07_the_self_check_comes_to_the_address(world):
    serve(world, FOUR, "127.0.0.2", listen={"https": f":{world.tls_port}", "http": f":{world.http_port}"})
    served(world, FOUR), served(world, "127.0.0.2")
    wait_until(lambda: self_checks(world) >= 2, 20, "a handshake with each")
    time.sleep(1)
    assert not world.proxy.events("another certificate served than should be")


def test_07_behind_a_nat_the_default_site_answers(world):
    """There the socket's address is another than the one that clients came to."""
    world.with_origin().with_proxy({
        "acme": {"ca": "internal"}, "sites": {"10.0.0.7": {"to": world.origin.address, "default": True}}})
    assert names_of(served(world, FOUR).der) == ["10.0.0.7"]


def test_07_reverse_names_are_not_asked_about(world):
    world.on_demand()
    for address in FOUR, SIX:
        assert world.handshake(REVERSE[address], root=None).alert == "unrecognized_name"
    assert world.ca.orders() == 0 and world.ask.asked() == []


def test_07_addresses_may_come_from_the_environment(world):
    for words in (["config"], ["check"]):
        got = command(*words, env={"SALLYPORT_SITES": "203.0.113.7=127.0.0.1:1, [2001:DB8:0::1]=127.0.0.1:2"})
        assert got.returncode == 0, got.stdout + got.stderr
        assert words == ["check"] or '"2001:db8::1"' in got.stdout and '"203.0.113.7"' in got.stdout


# --- CAs that will not

ZEROSSL = {"name": "zerossl", "eab": {"kid": "k", "hmac": "c2VjcmV0c2VjcmV0c2VjcmV0"}}


def test_07_cas_that_certify_no_addresses_are_passed_over_and_why_tells(world):
    world.with_ca(profiles=PROFILES)
    serve(world, FOUR, ca=[ZEROSSL, "letsencrypt"], email="ops@example.com")
    served(world, FOUR)
    config = world.proxy.directory / "sallyport.json"
    got = command("why", FOUR, "-c", config)
    assert "zerossl: it certifies no IP addresses" in got.stdout, got.stdout
    assert "letsencrypt: it certifies no addresses that the Internet does not reach" in got.stdout
    report = json.loads(command("why", FOUR, "--json", "-c", config).stdout)
    assert [o["ca"] for o in report["passed_over"]] == ["zerossl", "letsencrypt"]
    assert report["served"]["profile"] == "shortlived"
    assert not world.proxy.events("api.letsencrypt.org") and not world.proxy.events("acme.zerossl.com")


@pytest.mark.parametrize("ca,site,says", [
    ("letsencrypt", "10.0.0.7", "letsencrypt certifies no addresses that the Internet does not reach"),
    ("letsencrypt-staging", "[fd00::7]", "no CA of \"acme.ca\" certifies fd00::7, a private address"),
    ("letsencrypt", "224.0.0.1", "a multicast address"), ("letsencrypt", "0.0.0.0", "an unspecified address"),
    ("letsencrypt", "127.0.0.1", "a loopback address"),
    (ZEROSSL, "203.0.113.7", "zerossl certifies no IP addresses"),
])
def test_07_addresses_nobody_certifies_are_errors_with_a_place(world, ca, site, says):
    path = world.directory / "c.json"
    path.write_text(f'{{\n  "email": "ops@example.com",\n  "acme": {{ "ca": {json.dumps(ca)} }},\n'
                    f'  "sites": {{\n    "{site}": "127.0.0.1:1"\n  }}\n}}\n')
    got = command("check", "-c", path)
    assert got.returncode == 1 and says in got.stderr, got.stderr
    assert f"{path}:5:" in got.stderr and "add \"internal\"" in got.stderr
    path.write_text(path.read_text().replace(json.dumps(ca), '"https://ca.example/dir"'))
    assert command("check", "-c", path).returncode == 0


# --- Let's Encrypt, played by Pebble under its name, for addresses that the Internet would reach

PUBLIC = ["203.0.113.7", "2001:db8::1"]


@pytest.fixture
def internet():
    """Where those two addresses and port 443 are ours."""
    try:
        with own_network("203.0.113.7/32", "2001:db8::1/128 nodad"):
            yield
    except Unavailable as error:
        pytest.skip(f"no network of our own: {error}")


def lets_encrypt(world, **more):
    name = "acme-v02.api.letsencrypt.org"
    world.with_ca(profiles=PROFILES).with_origin()
    if not world.ca.has("profiles"):
        pytest.skip("this Pebble has no profiles")
    directory = world.ca.get("/dir", management=False).replace(f"127.0.0.1:{world.ca.port}".encode(),
                                                               name.encode())
    world.ends(Fault(world.ca, lambda n, method, path: (200, [("Content-Type", "application/json")], directory)
                     if path == "/directory" else None, port=443,
                     certificate=certificates.make(world.directory / "le", name)))
    world.with_proxy({
        "resolver": f"127.0.0.1:{world.ca.dns.port}",
        "listen": {"https": f":{world.tls_port}", "http": f":{world.http_port}"},
        "sites": {address: world.origin.address for address in PUBLIC},
        "acme": {"ca": [{"name": "letsencrypt", "trust": str(world.directory / "le" / "root.pem"), **more},
                        "internal"]}})
    return [served(world, address) for address in PUBLIC]


def test_07_lets_encrypts_profile_for_addresses_is_chosen_by_itself(internet, world):
    certs = lets_encrypt(world)
    for address, got in zip(PUBLIC, certs):
        verified(world, address, got.der)
        assert header(world, address, "profile") == "shortlived"
        assert "api.letsencrypt.org" in header(world, address, "ca")
    assert world.ca.orders() == 2
    # and at the renewal
    done = command("renew", PUBLIC[1], "-c", world.proxy.directory / "sallyport.json", timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert header(world, PUBLIC[1], "profile") == "shortlived"
    assert visit(world, PUBLIC[1], root=world.ca.root()).ok


def test_07_the_operators_profile_wins(internet, world):
    lets_encrypt(world, profile="classic")
    assert header(world, PUBLIC[0], "profile") == "classic"


# --- the operator's commands


def test_07_commands_take_any_spelling(world):
    needs(SIX)
    serve(world, SIX)
    first = served(world, SIX)
    config = world.proxy.directory / "sallyport.json"

    def ask(*args):
        return command(*args, "-c", config, timeout=90)
    got = ask("why", "[0:0::1]")
    assert got.returncode == 0 and "::1: held" in got.stdout, got.stdout + got.stderr
    assert re.search(r"^::1\s", ask("certs").stdout, re.M)
    got = ask("export", "0::1", "--to", world.directory / "out")
    assert got.returncode == 0 and "IP Address" in x509(world.directory / "out" / "cert.pem",
                                                       "-ext", "subjectAltName")
    assert ask("add", SIX).returncode == 1
    got = ask("renew", "[::1]")
    assert got.returncode == 0, got.stdout + got.stderr
    wait_until(lambda: visit(world, SIX).der != first.der, 20, "the renewed one")
    got = ask("revoke", "::0001", "--reason", "superseded")
    assert got.returncode == 0, got.stdout + got.stderr
    wait_until(lambda: '"held"' in ask("why", SIX, "--json").stdout, 30, "the replacement")
    got = ask("diagnose", "[::1]", "--ports", f"{world.http_port}:{world.tls_port}")
    assert "the token arrives" in got.stdout and "the handshake arrives" in got.stdout, got.stdout
    got = ask("forget", "[::1]")
    assert got.returncode == 0 and not world.proxy.bundles("%3A%3A1"), got.stdout + got.stderr
    got = ask("issue", "::1")
    assert got.returncode == 0, got.stdout + got.stderr
    assert visit(world, SIX).ok


def test_07_certificates_of_addresses_are_adopted(world):
    chain, key = certificates.make(world.directory / "made", "203.0.113.7", "2001:db8::1")
    place = world.directory / "old"
    place.mkdir()
    (place / "fullchain.pem").write_text(open(chain).read() +
                                         (world.directory / "made" / "root.pem").read_text())
    (place / "privkey.pem").write_text(open(key).read())
    config = world.directory / "c.json"
    config.write_text(json.dumps({"store": str(world.directory / "store")}))
    got = command("import", place, "--yes", "-c", config)
    assert got.returncode == 0, got.stdout + got.stderr
    listed = command("certs", "-c", config).stdout
    assert re.search(r"^203\.0\.113\.7\s", listed, re.M) and re.search(r"^2001:db8::1\s", listed, re.M)
