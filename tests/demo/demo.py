# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: sallyport with a real ACME CA on this machine, told as a story.

Starts Pebble (the CA), a DNS server that answers 127.0.0.1 to everything, a backend and an ask endpoint,
then sallyport with on-demand TLS, all on loopback ports without privileges. Everything it prints was
measured or read off the wire just then. ONCE=1 ends after the story instead of staying up.
"""

import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.client import get, handshake, x509  # noqa: E402
from support.origin import Ask, Origin, answer  # noqa: E402
from support.pebble import Pebble  # noqa: E402
from support.process import free_port  # noqa: E402
from support.sallyport import Sallyport, command  # noqa: E402

COLOR = sys.stdout.isatty()
DENIED = "stranger.example.org"


def say(text="", style=None):
    if COLOR and style:
        text = f"\033[{style}m{text}\033[0m"
    print(text, flush=True)


def fact(label, text):
    say(f"    {label:<11} {text}")


def backend(request, connection):
    body = f"Hello from the backend. You asked {request.get('host')} for {request.target}.\n"
    connection.send(answer(body=b"" if request.method == "HEAD" else body.encode()))


class Demo:
    def __init__(self, directory):
        self.directory = directory
        self.parts = []
        self.tls_port, self.http_port = free_port(), free_port()

    def begin(self, part):
        self.parts.append(part)
        return part

    def start(self):
        say("Starting a CA, a backend and sallyport on loopback ports", "1")
        self.ca = self.begin(Pebble(self.directory / "ca", self.http_port, self.tls_port))
        fact("CA", f"Pebble, {self.ca.url}")
        self.origin = self.begin(Origin(backend))
        fact("backend", f"http://{self.origin.address}")
        self.ask = self.begin(Ask(lambda domain: 403 if domain == DENIED else 200))
        fact("ask", f"{self.ask.url}  (allows every name but {DENIED})")
        self.proxy = Sallyport(self.directory, {
            "email": "ops@example.com",
            "acme": {"ca": [{"directory": self.ca.url, "trust": self.ca.trust}]},
            "on_demand": {"ask": self.ask.url},
            "sites": {"*": {"tls": "on_demand", "to": self.origin.address}}},
            self.http_port, self.tls_port, start=False)
        self.begin(self.proxy)
        began = time.monotonic()
        self.proxy.start()
        fact("sallyport", f"https on 127.0.0.1:{self.tls_port}, http on 127.0.0.1:{self.http_port}, "
             f"up in {(time.monotonic() - began) * 1000:.0f} ms")
        say()

    def bundle_facts(self, name):
        head = self.proxy.bundles(name)[-1].read_text().split("\n\n")[0]
        return dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)

    def visit(self, name):
        """The first request to a name nobody has seen before."""
        say(f"https://{name}/", "1;36")
        orders, asked = self.ca.orders(), len(self.ask.asked(name))
        began = time.monotonic()
        got = get(self.tls_port, name, root=self.ca.root())
        took = time.monotonic() - began
        if got.status != 200:
            raise SystemExit(f"the request to {name} was answered {got.status}")
        held = self.bundle_facts(name)
        again = time.monotonic()
        get(self.tls_port, name, root=self.ca.root())
        again = time.monotonic() - again
        fact("decision", f"ask endpoint asked {len(self.ask.asked(name)) - asked} time, said 200: allowed")
        fact("order", f"{self.ca.orders() - orders} order, answered by {held['challenge']}")
        fact("certificate", f"serial {held['serial']}, issued by {held['issuer']}")
        fact("valid", f"{held['not-before']} to {held['not-after']}")
        fact("time", f"{took * 1000:.0f} ms for the first request, certificate and all; "
             f"{again * 1000:.0f} ms for the second")
        fact("answer", got.body.decode().strip())
        say()
        return held

    def refused(self, name):
        say(f"https://{name}/", "1;36")
        orders = self.ca.orders()
        got = handshake(self.tls_port, name, root=self.ca.root())
        if got.ok:
            raise SystemExit(f"{name} should have been refused")
        fact("decision", "ask endpoint said 403: denied")
        fact("order", f"{self.ca.orders() - orders} orders")
        fact("client sees", f"TLS alert {got.alert}, after {got.seconds * 1000:.0f} ms")
        again = handshake(self.tls_port, name, root=self.ca.root())
        fact("again", f"TLS alert {again.alert}, after {again.seconds * 1000:.0f} ms, from memory "
             f"(asked {len(self.ask.asked(name))} time in all)")
        say()

    def only_http_01(self, name):
        """The same with tls-alpn-01 taken away, by the configuration."""
        say("Now with \"challenges\": [\"http-01\"] in the configuration", "1")
        self.proxy.stop()
        self.proxy.config["acme"]["challenges"] = ["http-01"]
        self.proxy.start()
        held = self.visit(name)
        if held["challenge"] != "http-01":
            raise SystemExit(f"{name} was validated by {held['challenge']}")

    def restart(self, names):
        say("Restart: the same names again, from the store", "1")
        before = {name: handshake(self.tls_port, name, root=self.ca.root()).der for name in names}
        self.proxy.stop()
        requests, asked = len(self.ca.requests()), len(self.ask.asked())
        self.proxy.start()
        for name in names:
            got = handshake(self.tls_port, name, root=self.ca.root())
            if got.der != before[name]:
                raise SystemExit(f"{name} has another certificate after the restart ({got.alert})")
            fact("served", f"{name}, the same certificate, {got.seconds * 1000:.0f} ms, "
                 + x509(got.der, "-serial").replace("=", " ").lower())
        fact("CA", f"{len(self.ca.requests()) - requests} requests since the restart")
        fact("ask", f"{len(self.ask.asked()) - asked} questions since the restart")
        if len(self.ca.requests()) != requests:
            raise SystemExit("the CA was contacted for stored names")
        say()

    def story(self):
        say(command("version").stdout.splitlines()[0], "1")
        self.start()
        names = ["shop.example.com", "blog.example.net"]
        self.visit(names[0])
        self.refused(DENIED)
        self.only_http_01(names[1])
        self.restart(names)

    def stay(self):
        root = self.ca.root()
        say("Up. Try any name of your own:", "1;32")
        say(f"    curl --cacert {root} \\\n"
            f"         --resolve your.name.example:{self.tls_port}:127.0.0.1 \\\n"
            f"         https://your.name.example:{self.tls_port}/")
        say(f"Its log: {self.proxy.process.err_path}")
        say("Ctrl-C stops everything.")
        while self.proxy.process.is_running():
            time.sleep(0.3)
        raise SystemExit("sallyport ended by itself:\n" + self.proxy.process.output()[-2000:])

    def stop(self):
        for part in reversed(self.parts):
            try:
                part.stop()
            except Exception:  # already gone
                pass


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    directory = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-demo-"))
    demo, failed = Demo(directory), False
    try:
        demo.story()
        if os.environ.get("ONCE"):
            say("That was the story; without ONCE=1 it stays up to be tried.", "1;32")
        else:
            demo.stay()
    except KeyboardInterrupt:
        say()
    except (Exception, SystemExit) as error:
        failed = not isinstance(error, SystemExit) or error.code not in (0, None)
        if failed:
            say(f"The demo failed: {error}", "1;31")
            say(f"What the parts said is in {directory}")
    finally:
        demo.stop()
        if not failed:
            shutil.rmtree(directory, ignore_errors=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
