# SPDX-License-Identifier: GPL-3.0-or-later
"""Pebble, a real ACME CA, with its DNS server (pebble-challtestsrv), on ports of their own."""

import functools
import json
import pathlib
import shutil
import ssl
import subprocess
import threading
import urllib.error
import urllib.request

from .process import ROOT, Process, can_connect, free_port, wait_until


@functools.lru_cache
def programs():
    """(pebble, challtestsrv): 2.10 from the cache, else the machine's own."""
    got = subprocess.run([ROOT / "deps" / "fetch", "pebble"], capture_output=True, text=True)
    place = pathlib.Path(got.stdout.strip().splitlines()[-1]) if got.stdout.strip() else None
    if got.returncode == 0 and place and (place / "pebble").exists():
        return place / "pebble", place / "pebble-challtestsrv"
    own = shutil.which("pebble"), shutil.which("pebble-challtestsrv")
    if all(own):
        return own
    raise RuntimeError("no Pebble: " + got.stderr)


def make_api_certificate(directory):
    """A CA and a server certificate for Pebble's own API (Debian ships none)."""
    run = functools.partial(subprocess.run, check=True, cwd=directory, capture_output=True)
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
           "-nodes", "-days", "30"]
    run([*new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=pebble api ca"])
    (directory / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", "api.key", "-out", "api.csr", "-subj", "/CN=localhost"])
    run(["openssl", "x509", "-req", "-in", "api.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
         "-CAcreateserial", "-days", "30", "-extfile", "san", "-out", "api.pem"])


class Dns:
    """Answers every name with 127.0.0.1 until told otherwise."""

    address = "127.0.0.1"

    def __init__(self, directory):
        self.port, self.management = free_port(), free_port()
        self.process = Process(
            [programs()[1], "-dnsserver", f"127.0.0.1:{self.port}", "-http01", "", "-https01", "",
             "-tlsalpn01", "", "-doh", "", "-management", f"127.0.0.1:{self.management}",
             "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""], directory, "dns")
        self.process.wait_port(self.management)

    def tell(self, verb, **what):
        request = urllib.request.Request(f"http://127.0.0.1:{self.management}/{verb}",
                                         json.dumps(what).encode(), method="POST")
        urllib.request.urlopen(request, timeout=5).read()

    def break_name(self, host):
        self.tell("set-servfail", host=host)

    def heal_name(self, host):
        self.tell("clear-servfail", host=host)

    def stop(self):
        self.process.kill()


class Pebble:
    """`validity` is the lifetime of certificates in seconds."""

    def __init__(self, directory, http_port, tls_port, dns=None, validity=7776000, retry_after=1,
                 nonce_reject=5, authz_reuse=0, chain_length=2, alternates=0, sleep=None,
                 strict=True, eab=None, blocked=(), key="ecdsa", env=None, profiles=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.own_dns, self.lock = dns is None, threading.Lock()
        self.dns = dns or Dns(self.directory)
        self.port, self.management = free_port(), free_port()
        self.tls_port, self.http_port = tls_port, http_port
        self.strict = strict
        if not (self.directory / "api.pem").exists():
            make_api_certificate(self.directory)
        profiles = profiles or {"only": {"description": "the only one", "validityPeriod": validity}}
        config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": "api.pem", "privateKey": "api.key",
            "httpPort": http_port, "tlsPort": tls_port,
            "externalAccountBindingRequired": bool(eab), "externalAccountMACKeys": eab or {},
            "domainBlocklist": list(blocked), "keyAlgorithm": key,
            "caaIdentities": ["pebble.letsencrypt.org"],
            "certificateValidityPeriod": validity,
            "profiles": profiles}
        if retry_after:
            config["retryAfter"] = {"authz": retry_after, "order": retry_after}
        (self.directory / "pebble.json").write_text(json.dumps({"pebble": config}))
        self.env = {"PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
                    "PEBBLE_AUTHZREUSE": str(authz_reuse),
                    "PEBBLE_CHAIN_LENGTH": str(chain_length),
                    "PEBBLE_ALTERNATE_ROOTS": str(alternates), **(env or {})}
        if sleep is None:
            self.env["PEBBLE_VA_NOSLEEP"] = "1"
        else:
            self.env["PEBBLE_VA_SLEEPTIME"] = str(sleep)
        self.start()

    def start(self):
        argv = [programs()[0], "-config", "pebble.json", "-dnsserver",
                f"{self.dns.address}:{self.dns.port}"]
        if self.strict:
            argv.insert(1, "-strict")
        self.process = Process(argv, self.directory, "pebble", env=self.env)
        wait_until(lambda: can_connect(self.port) and can_connect(self.management), 15, "pebble")

    def stop(self):
        self.process.kill()
        if self.own_dns:
            self.dns.stop()

    def restart(self):
        """Forgets everything: accounts, orders, issuing keys."""
        self.process.kill()
        self.start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}/dir"

    @property
    def trust(self):
        return str(self.directory / "ca.pem")

    def get(self, path, management=True):
        context = ssl.create_default_context(cafile=self.trust)
        port = self.management if management else self.port
        return urllib.request.urlopen(f"https://127.0.0.1:{port}{path}", context=context,
                                      timeout=10).read()

    def is_locked_up(self):
        """Pebble 2.10 locks its database up for good now and then: one order in a hundred looks for a valid
        authorization, which takes a read lock twice, and a writer may come in between."""
        if not self.process.is_running():
            return False
        try:
            self.get("/cert-status-by-serial/00")
        except urllib.error.HTTPError:
            return False
        except OSError as error:
            return "timed out" in str(error)
        return False

    def has(self, feature):
        """"renewalInfo" or "profiles": what 2.4 lacks."""
        directory = json.loads(self.get("/dir", management=False))
        return feature in directory or feature in directory.get("meta", {})

    def root(self):
        """Path of a file with the issuing root, for clients."""
        path = self.directory / f"root-{self.process.pid}.pem"
        with self.lock:
            if not path.exists():
                path.write_bytes(self.get("/roots/0"))
        return str(path)

    # --- what the CA saw, from its request log

    def log(self):
        return self.process.output()

    def requests(self):
        """[(method, path)], in order, since it started."""
        seen = []
        for line in self.log().splitlines():
            for method in ("GET", "POST", "HEAD"):
                mark = f" {method} /"
                if mark in line:
                    path = "/" + line.split(mark, 1)[1].split()[0]
                    seen.append((method, path.split("?")[0]))
        return seen

    def count(self, path_prefix):
        return sum(1 for _, path in self.requests() if path.startswith(path_prefix))

    def orders(self):
        """Orders it created (requests with a refused nonce do not count)."""
        return self.log().count("orders in the db")

    def accounts(self):
        return self.log().count("accounts in memory")

    def issued(self):
        return self.log().count("Issued certificate serial")
