# SPDX-License-Identifier: GPL-3.0-or-later
"""Reload without restart, and scenario 69: what changes is in force, what does not change never notices."""

import json
import pathlib
import signal
import socket
import subprocess
import threading
import time

import pytest

from support import certificates
from support.client import Http, context, fingerprint, handshake, names_of, tls
from support.origin import Origin, answer
from support.pebble import Pebble
from support.process import can_connect, free_port, wait_until
from support.sallyport import BINARY, IS_SANITIZED, command

HOST = "app.example.com"


def reload(world, *args, verb="reload"):
    return command(verb, "-c", world.proxy.directory / "sallyport.json", *args)


def change(world, **how):
    """What the file says from now on; not yet what is in force."""
    world.proxy.config.update(how)
    return world.proxy.write_config()


def reloaded(world, **how):
    change(world, **how)
    done = reload(world)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def status(world):
    done = reload(world, "--json", verb="status")
    return done.returncode, json.loads(done.stdout)


def counter(world, name):
    return status(world)[1]["counters"][name]


def asked(client, path="/", **how):
    client.request("GET", path, **how)
    return client.read()


def says(text):
    return lambda request, connection: connection.send(answer(body=text.encode()))


# ---- the command

def test_changes_are_in_force_when_it_returns(world):
    world.with_own_certificate(respond=says("one"))
    other = world.ends(Origin(says("two")))
    with world.http() as c:
        assert asked(c).body == b"one"
        site = world.proxy.config["sites"][HOST]
        done = reloaded(world, sites={HOST: {**site, "to": other.address}})
        assert "reloaded, " in done.stdout and f'-> "{other.address}"' in done.stdout
        assert asked(c).body == b"two"


def test_a_bad_file_changes_nothing_and_says_where(world):
    world.with_own_certificate()
    good = dict(world.proxy.config)
    path = change(world, timeouts={"idel": "5s"})
    check, done = command("check", "-c", path), reload(world)
    assert done.returncode == 1 and done.stderr == check.stderr
    assert f"{path}:" in done.stderr and "did you mean" in done.stderr
    assert json.loads(reload(world, "--json").stdout)["problems"] == \
        json.loads(command("check", "-c", path, "--json").stdout)["problems"]
    with world.http() as c:
        assert asked(c).status == 200
    code, s = status(world)
    assert code == 3 and not s["reload"]["ok"] and "idel" in " ".join(s["degraded"])
    world.proxy.config = good
    reloaded(world)
    code, s = status(world)
    assert code == 0 and s["reload"]["ok"]


def test_a_signal_does_the_same_and_no_json_at_all_is_survived(world):
    world.with_own_certificate()
    path = world.proxy.directory / "sallyport.json"
    text = path.read_text()
    path.write_text(text.replace('"workers": 2,', '"workers": 2'))
    world.proxy.process.signal(signal.SIGHUP)
    wait_until(lambda: world.proxy.events("configuration refused"), 10, "the refusal")
    code, s = status(world)   # found although the file cannot be read
    assert code == 3 and "comma" in s["reload"]["problems"][0]
    path.write_text(text)
    world.proxy.process.signal(signal.SIGHUP)
    wait_until(lambda: world.proxy.events("configuration reloaded"), 10, "the reload")
    assert status(world)[0] == 0


def test_what_cannot_be_prepared_refuses_the_whole(world):
    world.with_own_certificate()
    taken = socket.create_server(("127.0.0.1", 0))
    listen = dict(world.proxy.config["listen"])
    change(world, listen={**listen, "https": [listen["https"], "127.0.0.1:%d" % taken.getsockname()[1]]},
           timeouts={"idle": "200ms"})
    done = reload(world)
    assert done.returncode == 1 and "SP-104" in done.stderr and "in use" in done.stderr
    site = {**world.proxy.config["sites"][HOST], "cert": "/nonexistent"}
    change(world, listen=listen, sites={HOST: site})
    done = reload(world)
    assert done.returncode == 1 and "SP-103" in done.stderr and HOST in done.stderr
    with world.http() as c:
        assert asked(c).status == 200
        time.sleep(0.6)
        assert asked(c).status == 200
    taken.close()


def test_what_needs_a_restart_is_said_and_the_rest_done(world):
    world.with_own_certificate()
    change(world, workers=3, timeouts={"idle": "300ms"})
    done = reload(world)
    assert done.returncode == 3 and "workers: 2 -> 3   (needs a restart)" in done.stdout
    with world.http() as c:
        assert asked(c).status == 200
        with pytest.raises(EOFError):
            c.read()          # the new idle time is in force
    code, s = status(world)
    assert code == 3 and s["process"]["workers"] == 2
    assert any("workers waits for a restart" in d for d in s["degraded"])
    world.proxy.config["workers"] = 2
    reloaded(world)
    assert status(world)[0] == 0


def test_plan_tells_and_does_nothing(world):
    world.with_own_certificate()
    with world.http() as c:
        assert asked(c).status == 200
        change(world, timeouts={"idle": "100ms"}, sites={"other.example.com": world.origin.address})
        for done in reload(world, verb="plan"), reload(world, "--dry-run"):
            assert done.returncode == 0
            assert '+ sites["other.example.com"]' in done.stdout
            assert f'- sites["{HOST}"]' in done.stdout
            assert 'timeouts.idle: "75s" -> "100ms"' in done.stdout
        time.sleep(0.5)
        assert asked(c).status == 200
    assert "reload" not in status(world)[1]
    path = change(world, timeouts={"idel": "5s"})
    assert reload(world, verb="plan").stderr == command("check", "-c", path).stderr


def test_nothing_runs_is_said(tmp_path):
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"store": str(tmp_path / "s"), "sites": {HOST: "127.0.0.1:1"}}))
    for verb in "reload", "plan":
        done = command(verb, "-c", path)
        assert done.returncode == 1 and "nothing runs" in done.stderr


def test_a_shutdown_under_way_refuses(world):
    release = threading.Event()

    def slow(request, connection):
        release.wait(30)
        connection.send(answer())
    world.with_own_certificate(respond=slow)
    with world.http() as c:
        c.request()
        wait_until(lambda: world.origin.requests, 10, "the request at the origin")
        world.proxy.process.signal(signal.SIGTERM)
        wait_until(lambda: world.proxy.events("draining"), 10, "draining")
        done = reload(world)
        assert done.returncode == 1 and "SP-906" in done.stderr
        world.proxy.process.signal(signal.SIGHUP)
        release.set()
        assert c.read().status == 200


def test_secrets_from_files_are_read_again(world, tmp_path):
    secret = tmp_path / "idle"
    secret.write_text("60s")
    chain, key = certificates.make(world.directory / "own", HOST)
    world.root = str(world.directory / "own" / "root.pem")
    world.with_origin().with_proxy({"sites": {HOST: {"cert": chain, "key": key, "to": world.origin.address}}},
                                   env={"SALLYPORT_TIMEOUTS__IDLE_FILE": str(secret)})
    secret.write_text("200ms")
    world.proxy.process.signal(signal.SIGHUP)
    wait_until(lambda: world.proxy.events("configuration reloaded"), 10, "the reload")
    with world.http() as c:
        assert asked(c).status == 200
        with pytest.raises(EOFError):
            c.read()


# ---- what does not notice

class Backend:
    """Answers at once, slowly, or as a WebSocket that echoes."""

    def __init__(self):
        self.go_on = threading.Event()

    def __call__(self, request, connection):
        if request.target == "/slow":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789")
            self.go_on.wait(60)
            connection.send(b"abcdefghij")
        elif request.get("upgrade"):
            connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                            b"Connection: Upgrade\r\n\r\n")
            while (data := connection.recv()):
                connection.send(data)
        else:
            connection.send(answer())


def upgraded(world, **how):
    c = world.http(**how)
    c.request("GET", "/ws", headers=["Upgrade: websocket", "Connection: Upgrade"])
    assert c.read_head().status == 101
    return c


def echo(c, data):
    c.send(data)
    return c._exactly(len(data))


def test_connections_of_an_unchanged_site_outlive_it(world):
    backend = Backend()
    world.with_own_certificate(config={"workers": 1}, respond=backend)
    ctx = context(world.root)
    with tls(world.tls_port, HOST, ctx=ctx) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
        s.recv(4096)
        session = s.session
    ws, slow, idle = upgraded(world), world.http(), world.http()
    assert echo(ws, b"before") == b"before"
    slow.request("GET", "/slow")
    assert slow.read_head().status == 200 and slow._exactly(10) == b"0123456789"
    assert asked(idle).status == 200
    at_upstream, requests = world.origin.connections, counter(world, "requests_total")
    for n in range(3):
        reloaded(world, timeouts={"head": f"{20 + n}s"})
        assert asked(idle).status == 200
        assert echo(ws, b"after %d" % n) == b"after %d" % n
    assert world.origin.connections == at_upstream, "the pool was given up"
    assert counter(world, "requests_total") == requests + 3
    backend.go_on.set()
    assert slow._exactly(10) == b"abcdefghij"
    assert asked(slow).status == 200
    with tls(world.tls_port, HOST, ctx=ctx, session=session) as s:
        assert s.session_reused
    for c in ws, slow, idle:
        c.close()


def test_connections_of_a_removed_site_end_when_they_are_idle(world):
    backend = Backend()
    world.with_own_certificate(HOST, "gone.example.com", respond=backend)
    slow, idle = world.http("gone.example.com"), world.http("gone.example.com")
    slow.request("GET", "/slow")
    assert slow.read_head().status == 200 and slow._exactly(10) == b"0123456789"
    assert asked(idle).status == 200
    with world.http() as other:
        assert asked(other).status == 200
        sites = world.proxy.config["sites"]
        reloaded(world, sites={HOST: sites[HOST]})
        with pytest.raises((EOFError, ConnectionError)):
            idle.read()
        assert world.handshake("gone.example.com").alert == "unrecognized_name"
        assert asked(other).status == 200
    backend.go_on.set()
    assert slow._exactly(10) == b"abcdefghij"
    with pytest.raises((EOFError, ConnectionError)):
        asked(slow)


def test_a_server_that_is_down_stays_so(world):
    """Two servers, one dead: its ejection is not forgotten, nor is a verdict of the checks."""
    world.with_own_certificate(config={"workers": 1})
    dead = f"127.0.0.1:{free_port()}"
    site = {**world.proxy.config["sites"][HOST], "to": "u"}
    upstream = {"servers": [dead, world.origin.address], "balance": "first",
                "health": {"path": "/", "every": "200ms", "down_after": 2, "up_after": 100}}
    reloaded(world, upstreams={"u": upstream}, sites={HOST: site})
    wait_until(lambda: world.proxy.events("server is down"), 20, "the verdict")
    for n in range(5):
        reloaded(world, timeouts={"head": f"{20 + n}s"})
        with world.http() as c:
            assert asked(c).status == 200
    assert len(world.proxy.events("server is down")) == 1
    assert not world.proxy.events("upstream connect failed")


def test_another_oldest_version_of_tls_holds_from_then_on(world):
    world.with_own_certificate()
    with world.http() as c:
        assert asked(c).status == 200
        assert world.handshake(HOST, versions="1.2").ok
        reloaded(world, tls={"min": "1.3"})
        assert world.handshake(HOST, versions="1.2").alert == "protocol_version"
        assert world.handshake(HOST, versions="1.3").ok
        assert asked(c).status == 200


# ---- listeners

def test_listeners_come_and_go(world):
    backend = Backend()
    world.with_own_certificate(respond=backend)
    listen, more = dict(world.proxy.config["listen"]), free_port()
    slow = world.http()
    slow.request("GET", "/slow")
    assert slow.read_head().status == 200
    reloaded(world, listen={**listen, "https": [listen["https"], f"127.0.0.1:{more}"]})
    with Http(more, HOST, root=world.root) as c, world.http() as d:
        assert asked(c).status == 200 and asked(d).status == 200
    reloaded(world, listen={**listen, "https": f"127.0.0.1:{more}"})
    assert not can_connect(world.tls_port) and can_connect(more)
    backend.go_on.set()
    assert slow._exactly(20) == b"0123456789abcdefghij"
    s = status(world)[1]
    assert s["listen"]["https"] == [f"127.0.0.1:{more}"]
    # roles are exchanged, and all addresses take the place of one
    reloaded(world, listen={"https": listen["http"], "http": f":{more}"})
    with Http(world.http_port, HOST, root=world.root) as c:
        assert asked(c).status == 200
    with Http(more, HOST, plain=True) as c:
        got = asked(c)
        assert got.status == 308 and f":{world.http_port}/" in got.get("location")


def test_a_certificate_file_is_read_again(world):
    world.with_own_certificate()
    before = world.handshake(HOST).der
    with world.http() as c:
        assert asked(c).status == 200
        certificates.make(world.directory / "own", HOST)
        done = reload(world)
        assert done.returncode == 0 and "0 changes" in done.stdout
        assert asked(c).status == 200
    after = handshake(world.tls_port, HOST).der
    assert after and after != before


# ---- again and again

def resident(world):
    text = pathlib.Path(f"/proc/{world.proxy.process.popen.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) * 1024


def threads_asking(world, n, stop, wrong, counts):
    def ask(i):
        try:
            with world.http() as c:
                while not stop.is_set():
                    got = asked(c, f"/{i}")
                    assert got.status == 200 and got.body == b"hello from origin", got
                    counts[i] += 1
        except Exception as error:  # whatever it is, the test must hear of it
            wrong.append(repr(error))
    threads = [threading.Thread(target=ask, args=(i,), daemon=True) for i in range(n)]
    for t in threads:
        t.start()
    return threads


def reload_often(world, times):
    """SIGHUP and command in turn, each time another configuration."""
    for n in range(times):
        seen = len(world.proxy.events("configuration reloaded"))
        change(world, timeouts={"head": f"{20 + n % 7}s"}, on_demand={"max_labels": 5 + n % 2},
               limits={"connections": 1000 + n % 5})
        if n % 2:
            world.proxy.process.signal(signal.SIGHUP)
            wait_until(lambda: len(world.proxy.events("configuration reloaded")) > seen, 20, "reload")
        else:
            assert reload(world).returncode == 0


@pytest.mark.slow(seconds=60)
@pytest.mark.timeout(600)
def test_200_reloads_under_load(world):
    """No request fails, nothing that lasts is cut, and memory stays where it was."""
    backend, stop, wrong, counts = Backend(), threading.Event(), [], [0] * 4
    world.with_own_certificate(config={"log": {"level": "info", "format": "json", "access": False}},
                               respond=backend)
    ws, slow = upgraded(world), world.http()
    slow.request("GET", "/slow")
    assert slow.read_head().status == 200 and slow._exactly(10) == b"0123456789"
    threads = threads_asking(world, len(counts), stop, wrong, counts)
    reload_often(world, 40)
    settled = resident(world)
    reload_often(world, 20 if IS_SANITIZED else 160)
    grown = resident(world) - settled
    assert echo(ws, b"still here") == b"still here"
    backend.go_on.set()
    assert slow._exactly(10) == b"abcdefghij"
    stop.set()
    for t in threads:
        t.join(30)
    assert not wrong and all(counts), (wrong, counts)
    assert IS_SANITIZED or grown < 6 << 20, f"{grown >> 10} KiB more after 160 reloads"
    assert counter(world, "connections_shed_total") == 0
    ws.close()
    slow.close()


def test_many_signals_are_few_rounds(world):
    world.with_own_certificate()
    for n in range(100):
        world.proxy.process.signal(signal.SIGHUP)
    asking = [subprocess.Popen([BINARY, "reload", "-c",
                                world.proxy.directory / "sallyport.json"], stdout=subprocess.PIPE)
              for _ in range(5)]
    assert all(p.wait(30) == 0 for p in asking)
    change(world, timeouts={"idle": "7s"})
    done = reload(world)
    assert done.returncode == 0 and "timeouts.idle" in done.stdout
    assert len(world.proxy.events("configuration reloaded")) < 60


# ---- scenario 69: during issuance

class Silence:
    """A CA that takes connections and says nothing."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "https://127.0.0.1:%d/dir" % self.listener.getsockname()[1]

    def stop(self):
        self.listener.close()


def certificates_of(world):
    return status(world)[1]["certificates"]


def in_background(fn, *args):
    out = {}

    def run():
        out["got"] = fn(*args)
    t = threading.Thread(target=run, daemon=True)
    t.start()
    return t, out


def test_69_another_ca_takes_over_and_who_waits_is_served(world):
    silence = world.ends(Silence())
    world.with_ca().with_origin()
    world.with_proxy({"acme": {"ca": [{"directory": silence.url, "trust": world.ca.trust}]},
                      "sites": {HOST: world.origin.address}})
    waiting, out = in_background(world.handshake, HOST)
    wait_until(lambda: certificates_of(world)["orders_running"] == 1, 20, "the order at the silent CA")
    reloaded(world, acme=world.acme())
    waiting.join(40)
    assert out["got"].ok and names_of(out["got"].der) == [HOST]
    assert world.ca.orders() == 1
    s = status(world)[1]
    assert [ca["directory"] for ca in s["cas"]] == [world.ca.url]
    wait_until(lambda: certificates_of(world)["jobs"] == 0, 20, "no job is left")


def test_69_a_host_that_goes_leaves_nothing(world):
    """While its order is under way; another one, and the same again later, are not disturbed."""
    world.with_ca(sleep=2).with_origin()
    sites = {HOST: world.origin.address, "stays.example.com": world.origin.address}
    world.with_proxy({"sites": sites})
    wait_until(lambda: world.ca.orders() >= 1, 20, "orders")
    reloaded(world, sites={"stays.example.com": world.origin.address})
    assert world.handshake(HOST).alert == "unrecognized_name"
    assert world.handshake("stays.example.com").ok
    wait_until(lambda: certificates_of(world)["jobs"] == 0, 40, "no job is left")
    assert certificates_of(world)["names_under_way"] == 0
    orders = list((world.proxy.store / "orders").rglob("*stays*"))
    assert not orders
    reloaded(world, sites=sites)
    wait_until(lambda: world.handshake(HOST).ok, 40, "the host that came back", every=0.3)
    assert world.ca.orders() <= 3


def test_69_a_host_that_waits_for_a_silent_ca_goes(world):
    silence = world.ends(Silence())
    world.with_ca().with_origin()
    world.with_proxy({"acme": {"ca": [{"directory": silence.url, "trust": world.ca.trust}]},
                      "sites": {HOST: world.origin.address}})
    waiting, out = in_background(world.handshake, HOST)
    wait_until(lambda: certificates_of(world)["orders_running"] == 1, 20, "the order")
    reloaded(world, sites={"plain.example.com": {"tls": "off", "http": "serve", "to": world.origin.address}})
    waiting.join(20)
    assert out["got"].alert == "unrecognized_name"
    assert certificates_of(world)["names_under_way"] == 0
    wait_until(lambda: certificates_of(world)["jobs"] == 0, 40, "no job is left")


def test_69_a_host_that_comes_is_ordered_beside_the_others(world):
    world.with_ca(sleep=1).with_origin()
    world.with_proxy({"sites": {HOST: world.origin.address}})
    wait_until(lambda: world.ca.orders() >= 1, 20, "the first order")
    reloaded(world, sites={HOST: world.origin.address, "new.example.com": world.origin.address})
    for host in HOST, "new.example.com":
        wait_until(lambda h=host: world.handshake(h).ok, 40, host, every=0.3)
    assert world.ca.orders() == 2
    before = world.handshake(HOST).der
    reloaded(world, timeouts={"idle": "9s"})
    assert fingerprint(world.handshake(HOST).der) == fingerprint(before)
    assert world.ca.orders() == 2


def test_69_a_handshake_that_waits_outlives_reloads(world):
    """On demand, with other settings of the CAs each time: the order goes on, or begins anew."""
    world.on_demand(sleep=2)
    waiting, out = in_background(world.handshake, "later.example.com")
    wait_until(lambda: certificates_of(world)["jobs"] == 1, 20, "the order")
    for n in range(4):
        reloaded(world, acme=world.acme(retry_min=f"{60 + n}s"))
        time.sleep(0.1)
    waiting.join(60)
    assert out["got"].ok and names_of(out["got"].der) == ["later.example.com"]
    wait_until(lambda: certificates_of(world)["jobs"] == 0, 20, "no job is left")


def test_69_who_was_denied_is_asked_about_again(world):
    verdicts = {"late.example.com": 403}
    world.on_demand(lambda domain: verdicts.get(domain, 200))
    assert world.handshake("late.example.com").alert == "unrecognized_name"
    verdicts.clear()
    assert world.handshake("late.example.com").alert == "unrecognized_name"   # remembered
    reloaded(world)
    assert world.handshake("late.example.com").ok
    # and one that no site covered
    reloaded(world, sites={"only.example.com": {"tls": "off", "http": "serve", "to": world.origin.address}})
    assert world.handshake("other.example.com").alert == "unrecognized_name"
    reloaded(world, sites={"*": {"tls": "on_demand", "to": world.origin.address}})
    assert world.handshake("other.example.com").ok


def test_69_another_endpoint_is_asked_also_for_those_who_wait(world):
    hanging = world.ends(Origin(lambda request, connection: time.sleep(60)))
    world.on_demand(config={"on_demand": {"ask_timeout": "50s"}})
    rules = world.proxy.config["on_demand"]
    reloaded(world, on_demand={**rules, "ask": f"http://{hanging.address}/"})
    waiting, out = in_background(world.handshake, "asked.example.com")
    wait_until(lambda: hanging.requests, 20, "the question")
    reloaded(world, on_demand=rules)
    waiting.join(30)
    assert out["got"].ok


def test_69_what_failed_is_tried_at_once_with_another_ca(world):
    world.with_ca(blocked=["bad.example.com"]).with_origin()
    world.with_proxy({"sites": {"bad.example.com": world.origin.address}})
    wait_until(lambda: certificates_of(world)["without_count"] == 1, 30, "the failure")
    reloaded(world)
    time.sleep(1.5)
    assert certificates_of(world)["without_count"] == 1
    other = world.ends(Pebble(world.directory / "other", http_port=world.http_port, tls_port=world.tls_port))
    reloaded(world, acme={"ca": [{"directory": other.url, "trust": other.trust}]})
    wait_until(lambda: handshake(world.tls_port, "bad.example.com").ok, 30, "the second CA", every=0.3)
    assert other.issued() == 1


def test_69_listeners_of_challenges_move_with_the_configuration(world):
    """http-01 alone, over another port than at the start."""
    world.with_ca().with_origin()
    world.with_proxy({"acme": world.acme(challenges=["http-01"]), "sites": {HOST: world.origin.address},
                      "listen": {"https": f"127.0.0.1:{world.tls_port}", "http": f"127.0.0.1:{free_port()}"}})
    wait_until(lambda: certificates_of(world)["without_count"] == 1, 30, "the failure at the wrong port")
    wrong = world.proxy.config["listen"]["http"]
    reloaded(world, listen={**world.proxy.config["listen"], "http": f"127.0.0.1:{world.http_port}"},
             acme=world.acme(challenges=["http-01"], retry_min="30s"))
    wait_until(lambda: world.handshake(HOST).ok, 40, "the certificate", every=0.3)
    assert not can_connect(int(wrong.rsplit(":", 1)[1]))
