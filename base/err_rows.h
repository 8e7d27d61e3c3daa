/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * err_rows: one row per error. Add a row to add an error; numbers are never reused.
 * 1xx start and configuration, 2xx certificates and ACME, 3xx store, 4xx client side, 5xx upstream
 * side, 6xx network, 9xx own limits and bugs.
 */
#ifndef BASE_ERR_ROWS_H
#define BASE_ERR_ROWS_H

#define ERR_ROWS(X) \
	X(E_USAGE, 101, "wrong command line", "Run 'sallyport help' for the commands and their options.") \
	X(E_CONFIG, 102, "configuration error", "Fix the line named in the message; 'sallyport check' verifies a file without starting.") \
	X(E_FILE, 103, "file cannot be read", "Check that the path exists and that the user sallyport runs as may read it.") \
	X(E_BIND, 104, "address cannot be listened on", "Another program may hold the port ('ss -ltnp'), or the port needs CAP_NET_BIND_SERVICE.") \
	X(E_DENIED, 201, "name not allowed", "Add the name to \"sites\", or let the ask endpoint answer 200 for it.") \
	X(E_ASK_UNKNOWN, 202, "ask endpoint gave no usable answer", "The ask endpoint must answer 200 to allow, 403/404/410 to deny. Stored certificates are served meanwhile.") \
	X(E_BACKOFF, 203, "waiting before the next attempt", "An earlier attempt failed; the next one is at the time shown. 'sallyport why NAME' tells the cause.") \
	X(E_ISSUE, 204, "certificate not issued", "Read the reason given by the CA; usually DNS or a firewall keeps the CA from reaching this server.") \
	X(E_NAME, 205, "not a name a certificate can be had for", "Use a DNS name with at least one dot, in ASCII (A-label) form.") \
	X(E_CHALLENGE, 206, "no usable challenge", "The CA offered no challenge this configuration can answer; check \"challenges\" and the plain listener.") \
	X(E_ACME, 207, "CA answered with an error", "See the CA's own words in the detail.") \
	X(E_ACME_PROTOCOL, 208, "CA answer not understood", "The directory URL may be wrong or a captive portal in the way.") \
	X(E_RATE_LIMITED, 209, "CA rate limit", "Nothing to do: the next attempt follows when the CA allows it.") \
	X(E_ACCOUNT, 210, "CA refuses the account", "Check e-mail, EAB and the terms of service of this CA; 'sallyport account' tells how we stand with it.") \
	X(E_CHAIN, 211, "certificate refused", "What the CA (or file) delivered does not match the key, the name or the time.") \
	X(E_EXPIRED, 212, "certificate expired", "Renewal failed for long; 'sallyport why NAME' tells the cause.") \
	X(E_CA_DOWN, 213, "CA unreachable", "Check the network to the CA and its trust file.") \
	X(E_CLOCK, 215, "our clock is wrong", "Set the clock of this machine (NTP); stored certificates are served meanwhile.") \
	X(E_KEY, 214, "key unusable", "The private key cannot be read or does not fit.") \
	X(E_DNS, 218, "DNS record for the challenge not set", "See the detail; \"acme.dns\" says how records are set and who is asked for them.") \
	X(E_ASK_OPEN, 220, "ask endpoint allows any name", "It said yes to a name that cannot exist, so anybody could make it order certificates: let it answer 404 for names it does not know. \"on_demand.canary\" says what follows meanwhile.") \
	X(E_NAMES_FILE, 221, "list of allowed names not usable", "Correct the line named in the detail; the list read before stays in force meanwhile.") \
	X(E_PLACEMENT, 222, "ask reply leads where it may not", "\"on_demand.allow_to\" lists the upstreams and networks that the \"to\" of a reply may lead to.") \
	X(E_STORE, 301, "store failed", "Check free space and permissions of the store directory.") \
	X(E_STORE_CORRUPT, 302, "stored file damaged", "It was moved to quarantine; the name is served from the previous generation or ordered again.") \
	X(E_STORE_OPEN, 303, "store directory refused", "It must be a directory owned by the user sallyport runs as, mode 0700.") \
	X(E_NOT_FOUND, 304, "not found", "") \
	X(E_LOCKED, 305, "locked by another process", "Another sallyport works on it.") \
	X(E_CLIENT_HELLO, 401, "bad ClientHello", "") \
	X(E_NOT_TLS, 402, "client does not speak TLS", "") \
	X(E_NO_SNI, 403, "client sent no server name", "Set a site \"default\": true if clients without SNI are to be served.") \
	X(E_TLS, 404, "TLS handshake or record error", "") \
	X(E_HTTP, 405, "malformed HTTP message", "") \
	X(E_HEAD_TOO_LARGE, 406, "request head too large", "Raise \"limits.head\" if these requests are legitimate.") \
	X(E_MISDIRECTED, 407, "Host belongs to another site than the SNI", "") \
	X(E_NO_ROUTE, 408, "no site or route for this request", "Add the host to \"sites\", or a route for the path.") \
	X(E_BODY_TOO_LARGE, 409, "body too large", "Raise \"limits.body\" if these requests are legitimate.") \
	X(E_METHOD, 410, "method not supported", "") \
	X(E_UPSTREAM_CONNECT, 501, "upstream cannot be reached", "Is the backend running and listening on the address given in the configuration?") \
	X(E_UPSTREAM_TIMEOUT, 502, "upstream did not answer in time", "The backend is slow or stuck; \"timeouts\" say how long we wait.") \
	X(E_UPSTREAM_PROTOCOL, 503, "upstream sent a malformed answer", "") \
	X(E_UPSTREAM_CLOSED, 504, "upstream closed the connection", "") \
	X(E_UPSTREAM_TLS, 505, "TLS to the upstream failed", "Check the upstream's certificate, or give its CA file.") \
	X(E_EOF, 601, "connection closed by peer", "") \
	X(E_RESET, 602, "connection reset", "") \
	X(E_REFUSED, 603, "connection refused", "Nothing listens on that address and port, or a firewall rejects it.") \
	X(E_UNREACHABLE, 604, "network unreachable", "") \
	X(E_TIMEOUT, 605, "timed out", "") \
	X(E_RESOLVE, 606, "name does not resolve", "Check the DNS record and the resolver.") \
	X(E_TRUST, 607, "peer's certificate not trusted", "Give the CA's certificate by \"trust\" if it is a private one.") \
	X(E_CANCELED, 608, "cancelled", "") \
	X(E_IO, 609, "input/output error", "") \
	X(E_AGAIN, 610, "more bytes needed", "") \
	X(E_LIMIT, 901, "limit reached", "A configured cap was met; see \"limits\".") \
	X(E_NOMEM, 902, "out of memory", "") \
	X(E_FDS, 903, "out of file descriptors", "Raise the process's descriptor limit (ulimit -n).") \
	X(E_PARSE, 904, "cannot be parsed", "") \
	X(E_INTERNAL, 905, "internal error", "Please report this with the log around it.") \
	X(E_DRAINING, 906, "shutting down", "")

#endif
