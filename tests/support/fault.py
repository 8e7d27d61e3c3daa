# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS-terminating forwarder in front of Pebble that a test lets misbehave.

Pebble builds its URLs from the Host it was asked by, so the whole conversation runs through here. A rule is
called as rule(n, method, path) for each request (n counts requests of that path's first segment) and
returns one of

    None             pass
    "drop"           close before the request is sent
    "reset"          the same by a TCP reset
    "swallow"        the CA acts, the reply is lost
    "reset_after"    the same by a TCP reset
    "middle"         the first half of the reply, then a reset
    "silence"        no answer, kept open
    Raw(parts)       bytes as they are: parts(answer) yields them, the connection is closed after the last
    (status, headers, body)     in place of the CA's answer; the CA does not hear of the request
    a function       from the CA's (status, headers, body) to another such tuple; see `edited`, `headed`
"""

import base64
import collections
import http.client
import http.server
import json
import os
import socket
import ssl
import struct
import threading
import time

from .process import free_port

JSON = [("Content-Type", "application/json")]


class Raw:
    def __init__(self, parts):
        self.parts, self.sent = parts, 0


def edited(change):
    """A reply whose JSON object went through change(object), which returns it or alters it in place."""
    def edit(status, headers, body):
        try:
            was = json.loads(body)
        except ValueError:
            return status, headers, body
        return status, headers, json.dumps(change(was) or was).encode()
    return edit


def headed(change):
    """A reply with change(list of header pairs) in place of its headers."""
    return lambda status, headers, body: (status, change(headers), body)


class Fault:
    """`certificate` is the (chain, key) that it shows in place of Pebble's own."""

    def __init__(self, pebble, rule=lambda n, method, path: None, certificate=None, port=None):
        self.pebble, self.rule = pebble, rule
        self.port = port or free_port()
        self.counts, self.seen, self.lock = collections.Counter(), [], threading.Lock()
        self.replies, self.connections, self.ended = [], 0, threading.Event()
        self.posts = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def setup(self):
                with outer.lock:
                    outer.connections += 1
                super().setup()

            def handle(self):
                try:
                    super().handle()
                except (OSError, ValueError):   # the client left, or we did
                    self.close_connection = True

            def handle_any(self):
                outer._handle(self)

            do_GET = do_POST = do_HEAD = handle_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(certificate or (pebble.directory / "api.pem",
                                                  pebble.directory / "api.key")))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}/dir"

    def acme(self, **more):
        """The configuration of a client that asks here."""
        return {"ca": [{"directory": self.url, "trust": self.pebble.trust}], **more}

    def _ask(self, handler, body):
        context = ssl.create_default_context(cafile=self.pebble.trust)
        ca = http.client.HTTPSConnection("127.0.0.1", self.pebble.port, context=context, timeout=60)
        ca.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
        for name, value in handler.headers.items():
            if name.lower() not in ("connection", "content-length"):
                ca.putheader(name, value)
        if handler.command == "POST":
            ca.putheader("Content-Length", str(len(body)))
        ca.endheaders(body if handler.command == "POST" else None)
        got = ca.getresponse()
        out = got.status, [(n, v) for n, v in got.getheaders()], got.read()
        ca.close()
        with self.lock:
            self.replies.append((handler.path, got.status))
        return out

    @staticmethod
    def _reset(handler):
        """A close that the kernel tells by RST, not by FIN."""
        handler.close_connection = True
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(handler.connection.detach())

    @staticmethod
    def _compose(handler, answer):
        status, headers, body = answer
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Odd')}"]
        lines += [f"{name}: {value}" for name, value in headers if name.lower() not in
                  ("content-length", "transfer-encoding", "date", "connection")]
        lines += [f"Content-Length: {len(body)}", "", ""]
        head = "\r\n".join(lines).encode("latin-1")
        return head if handler.command == "HEAD" else head + body

    def _handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        kind = handler.path.split("/")[1]
        with self.lock:
            n = self.counts[kind]
            self.counts[kind] += 1
            self.seen.append((time.monotonic(), handler.command, handler.path))
            if handler.command == "POST":
                self.posts.append((handler.path, body))
        verdict = self.rule(n, handler.command, handler.path)
        if verdict == "silence":
            self.ended.wait(150)
        if verdict in ("drop", "silence"):
            handler.close_connection = True
            return
        if verdict == "reset":
            self._reset(handler)
            return
        answer = verdict if isinstance(verdict, tuple) else self._ask(handler, body)
        if verdict == "swallow":
            handler.close_connection = True
            return
        if verdict == "reset_after":
            self._reset(handler)
            return
        if isinstance(verdict, Raw):
            handler.close_connection = True
            for part in verdict.parts(answer):
                if self.ended.is_set():
                    return
                handler.connection.sendall(part)
                verdict.sent += len(part)
            return
        if callable(verdict):
            answer = verdict(*answer)
        data = self._compose(handler, answer)
        if verdict == "middle":
            handler.connection.sendall(data[:len(data) // 2])
            self._reset(handler)
            return
        handler.connection.sendall(data)

    def count(self, prefix):
        with self.lock:
            return sum(1 for _, _, path in self.seen if path.startswith(prefix))

    def said(self, prefix):
        """[(protected header, payload)] of what was posted to paths that begin so; payload None: nothing."""
        def part(text):
            return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else None
        with self.lock:
            bodies = [json.loads(body) for path, body in self.posts if path.startswith(prefix)]
        return [(part(b["protected"]), part(b["payload"])) for b in bodies]

    def orders(self):
        """Orders that the CA made for who asked through here."""
        with self.lock:
            return sum(1 for path, status in self.replies
                       if path.startswith("/order-plz") and status == 201)

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()
