# SPDX-License-Identifier: GPL-3.0-or-later
"""A TLS-terminating forwarder in front of Pebble that a test lets misbehave.

Pebble builds its URLs from the Host it was asked by, so the whole conversation runs through here. A rule is
called as rule(n, method, path) for each request (n counts requests of that path's first segment) and
returns None (pass), "drop" (close before the request is sent), "swallow" (the CA acts, the reply is
lost), "silence" (no answer, kept open), a (status, headers, body) tuple in place of the CA's answer, or a
function from the CA's (status, headers, body) to another such tuple.
"""

import collections
import http.client
import http.server
import ssl
import threading
import time

from .process import free_port


class Fault:
    def __init__(self, pebble, rule=lambda n, method, path: None):
        self.pebble, self.rule = pebble, rule
        self.port = free_port()
        self.counts, self.seen, self.lock = collections.Counter(), [], threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def handle_any(self):
                outer._handle(self)

            do_GET = do_POST = do_HEAD = handle_any

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pebble.directory / "api.pem", pebble.directory / "api.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}/dir"

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
        return out

    def _handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        kind = handler.path.split("/")[1]
        with self.lock:
            n = self.counts[kind]
            self.counts[kind] += 1
            self.seen.append((time.monotonic(), handler.command, handler.path))
        verdict = self.rule(n, handler.command, handler.path)
        if verdict == "drop":
            handler.close_connection = True
            return
        if verdict == "silence":
            time.sleep(120)
            handler.close_connection = True
            return
        answer = verdict if isinstance(verdict, tuple) else self._ask(handler, body)
        if verdict == "swallow":
            handler.close_connection = True
            return
        if callable(verdict):
            answer = verdict(*answer)
        status, headers, body = answer
        handler.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "date", "connection"):
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def count(self, prefix):
        with self.lock:
            return sum(1 for _, _, path in self.seen if path.startswith(prefix))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
