# SPDX-License-Identifier: GPL-3.0-or-later
"""What every scenario starts from. `world` makes the usual parts and ends them after the test."""

import pathlib
import sys
import warnings

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import certificates  # noqa: E402
from support.client import Http, handshake  # noqa: E402
from support.origin import Ask, Origin  # noqa: E402
from support.pebble import Pebble  # noqa: E402
from support.process import free_port  # noqa: E402
from support.sallyport import IS_SANITIZED, Sallyport  # noqa: E402


class World:
    """A CA, an origin, an ask endpoint and a proxy that know each other's ports."""

    def __init__(self, directory):
        self.directory = directory
        self.tls_port, self.http_port = free_port(), free_port()
        self.ending = []
        self.ca = self.origin = self.ask = self.proxy = self.root = None

    def ends(self, part):
        self.ending.append(part)
        return part

    def with_ca(self, **how):
        how = {"tls_port": self.tls_port, "http_port": self.http_port, **how}
        self.ca = self.ends(Pebble(self.directory / "ca", **how))
        return self

    def with_origin(self, *args, **how):
        self.origin = self.ends(Origin(*args, **how))
        return self

    def with_ask(self, *args, **how):
        self.ask = self.ends(Ask(*args, **how))
        return self

    def acme(self, **more):
        return {"ca": [{"directory": self.ca.url, "trust": self.ca.trust}], **more}

    def with_proxy(self, config=None, **how):
        """On demand for every name when `config` names no sites."""
        config = dict(config or {})
        if self.ca:
            config.setdefault("acme", self.acme())
        if "sites" not in config:
            config["on_demand"] = {"ask": self.ask.url, **config.get("on_demand", {})}
            config["sites"] = {"*": {"tls": "on_demand", "to": self.origin.address}}
        self.proxy = self.ends(Sallyport(self.directory / "proxy", config, self.http_port,
                                         self.tls_port, **how))
        return self

    def on_demand(self, decide=lambda domain: 200, config=None, **ca):
        """The whole set, ordinary in everything not named."""
        self.with_ca(**ca).with_origin().with_ask(decide).with_proxy(config)
        return self

    def with_own_certificate(self, *names, config=None, site=None, respond=None, **how):
        """Sites with a certificate from files and no CA: for what is not about ACME."""
        names = names or ("app.example.com",)
        chain, key = certificates.make(self.directory / "own", *names)
        self.root = str(self.directory / "own" / "root.pem")
        self.with_origin(*([respond] if respond else []), **how)
        site = {"cert": chain, "key": key, "to": self.origin.address, **(site or {})}
        self.with_proxy({"sites": {name: site for name in names}, **(config or {})})
        return self

    def http(self, host="app.example.com", **how):
        how.setdefault("root", self.root)
        return Http(self.tls_port, host, **how)

    def handshake(self, host, **how):
        how.setdefault("root", self.ca.root() if self.ca else self.root)
        return handshake(self.tls_port, host, **how)

    def is_ca_locked_up(self):
        return any(part.is_locked_up() for part in self.ending if isinstance(part, Pebble))

    def begin_again(self):
        self.end()
        self.__init__(self.directory / "again")
        self.directory.mkdir()

    def end(self):
        """Returns what was wrong with the proxies besides what the test looked at."""
        wrong = []
        for part in reversed(self.ending):
            if isinstance(part, Sallyport):
                wrong.append(part.end())
                continue
            try:
                part.stop()
            except Exception:  # a part that ended itself is no failure of the test
                pass
        return "\n".join(filter(None, wrong))


@pytest.fixture
def world(tmp_path, request):
    w = World(tmp_path)
    yield w
    wrong = w.end()
    assert not wrong, wrong


def seconds(item):
    """How long a test says that it takes."""
    slow = item.get_closest_marker("slow")
    return 0 if slow is None else slow.kwargs.get("seconds", 15)


def pytest_collection_modifyitems(items):
    """The longest first: side by side, the whole then takes little more than the longest."""
    for item in items:
        if IS_SANITIZED and item.get_closest_marker("memory"):
            item.add_marker(pytest.mark.skip(reason="measures memory"))
    items.sort(key=seconds, reverse=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that failed because the CA's program locked up is run once more, from nothing, and says so."""
    world = pyfuncitem.funcargs.get("world")
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    try:
        pyfuncitem.obj(**arguments)
    except Exception:
        if world is None or not world.is_ca_locked_up():
            raise
        warnings.warn(f"{pyfuncitem.name}: Pebble locked up; run again", stacklevel=1)
        world.begin_again()
        pyfuncitem.obj(**arguments)
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed scenario shows what the proxy and the CA said last."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed and "world" in item.funcargs:
        w = item.funcargs["world"]
        for part in (w.proxy, w.ca):
            if part is not None and part.process is not None:
                report.sections.append((type(part).__name__, part.process.output()[-6000:]))
