/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client_hello: gathers and reads a ClientHello (RFC 8446 4.1.2, RFC 5246 7.4.1.2) before any TLS
 * object exists. No I/O: bytes in, facts out. Copes with any segmentation and any split into
 * records; refuses what is not a ClientHello. Hostile input by definition.
 */
#ifndef NET_CLIENT_HELLO_H
#define NET_CLIENT_HELLO_H

#include "base/buf.h"

enum {
	CLIENT_HELLO_MAX = 32 * 1024, /* bytes on the wire, all records together */
	CLIENT_HELLO_ALPN = 16,       /* protocols kept; more are ignored */
	CLIENT_HELLO_SNI = 256,
};

enum client_hello_state {
	CLIENT_HELLO_MORE, /* feed more */
	CLIENT_HELLO_DONE,
	CLIENT_HELLO_PLAIN_HTTP, /* begins like an HTTP request (or PRI * HTTP/2.0) */
	CLIENT_HELLO_SSLV2,      /* SSLv2-compatible hello */
	CLIENT_HELLO_BAD,        /* *alert says what to answer */
	CLIENT_HELLO_TOO_BIG,
};

struct client_hello {
	/* Facts, valid when DONE; slices point into the gathered bytes. */
	bool has_sni;
	bool sni_is_valid;          /* LDH labels, 1..253 bytes, no trailing dot, no IP literal */
	char sni[CLIENT_HELLO_SNI]; /* lower-cased, NUL-terminated; "" without or when invalid */
	struct str alpn[CLIENT_HELLO_ALPN];
	unsigned n_alpn;
	bool has_tls13, has_tls12; /* offered, by supported_versions or legacy_version */
	bool has_ticket;         /* offers a session ticket or a PSK */
	/* private */
	struct buf raw;       /* bytes as received */
	struct buf handshake; /* handshake message, re-assembled when several records */
	size_t parsed;
	size_t record_left;
	bool one_record;
};

void client_hello_init(struct client_hello *h);
/* Frees what was gathered; also at DONE once the engine has been fed. */
void client_hello_fini(struct client_hello *h);
/* Takes all of bytes (also what follows the hello, such as early data or a second flight). *alert
 * gets a TLS alert description (RFC 8446 6) for BAD and TOO_BIG. Once not MORE it must not be
 * called again. */
enum client_hello_state client_hello_feed(struct client_hello *h, struct str bytes, int *alert);
/* The hello re-framed as one TLS record (wolfSSL wants that), plus whatever came after it. Valid
 * until fini. E_NOMEM. */
enum err client_hello_record(struct client_hello *h, struct str *record, struct str *rest);
bool client_hello_has_alpn(const struct client_hello *h, const char *protocol);
/* With which keys a certificate's owner can sign so that the client verifies it, by our own suites: the
 * signature algorithms; below TLS 1.3 the cipher suites and the curves too. Read again from the message, for
 * the few who have to know: until fini. */
struct client_signatures {
	bool p256, p384, rsa;
};
struct client_signatures client_hello_signatures(const struct client_hello *h);
/* A fatal alert record for a client whose handshake never began: 7 bytes at dst. */
enum { CLIENT_HELLO_ALERT = 7 };
void client_hello_alert(char dst[CLIENT_HELLO_ALERT], int alert);

/* Alert descriptions used outside the engine. */
enum {
	ALERT_HANDSHAKE_FAILURE = 40,
	ALERT_ILLEGAL_PARAMETER = 47,
	ALERT_DECODE_ERROR = 50,
	ALERT_PROTOCOL_VERSION = 70,
	ALERT_INTERNAL_ERROR = 80,
	ALERT_UNRECOGNIZED_NAME = 112,
	ALERT_NO_APPLICATION_PROTOCOL = 120
};

#endif
