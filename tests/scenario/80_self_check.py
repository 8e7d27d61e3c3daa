# SPDX-License-Identifier: GPL-3.0-or-later
"""What is served is compared with what should be, by a handshake with ourselves."""

import shutil

from support.client import fingerprint, handshake
from support.process import wait_until
from support.sallyport import Sallyport

ACME = {"ca": "internal", "self_check": "1s"}


def serve(world, directory, **ports):
    config = {"acme": ACME, "sites": {"localhost": world.origin.address}}
    proxy = world.ends(Sallyport(world.directory / directory, config, **ports))
    got = wait_until(lambda: (h := handshake(proxy.tls_port, "localhost")).der and h, 10, "served")
    return proxy, fingerprint(got.der)


def test_a_newer_generation_in_the_store_is_noticed_and_served(world):
    """Another process wrote it; nobody told this one."""
    world.with_origin()
    here, first = serve(world, "here", http_port=world.http_port, tls_port=world.tls_port)
    world.proxy = here
    there, second = serve(world, "there")
    assert first != second
    mine, theirs = here.bundles("localhost")[-1], there.bundles("localhost")[-1]
    newer = mine.with_name(f"{int(mine.stem) + 1:010d}.pem")
    shutil.copy(theirs, newer)
    newer.chmod(0o600)
    wait_until(lambda: fingerprint(handshake(here.tls_port, "localhost").der) == second, 10,
               "the newer one served", every=0.2)
    assert here.events("another certificate served than should be")


def test_nothing_is_said_while_all_is_well(world):
    world.with_origin()
    here, first = serve(world, "here", http_port=world.http_port, tls_port=world.tls_port)
    world.proxy = here
    wait_until(lambda: here.events("client hello") or True, 1, "a moment")
    for _ in range(20):
        assert fingerprint(handshake(here.tls_port, "localhost").der) == first
    assert not here.events("another certificate served than should be")
