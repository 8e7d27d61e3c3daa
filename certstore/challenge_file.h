/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * challenge_file: a live challenge as a value of the store, by which processes at one store answer each
 * other's validators. Bytes only; any thread.
 */
#ifndef CERTSTORE_CHALLENGE_FILE_H
#define CERTSTORE_CHALLENGE_FILE_H

#include "base/buf.h"
#include "conf/conf.h"
#include "net/tls_context.h"

enum {
	CHALLENGE_HOST = 256,
	CHALLENGE_TOKEN = 128 + 1,
	CHALLENGE_KEY = CHALLENGE_HOST + CHALLENGE_TOKEN + 1,
	CHALLENGE_AUTHORIZATION = 256,
	CHALLENGE_FILE_NAME = 64 + 1,
	CHALLENGE_FILE_MAX = 2048,
	/* Longer than any order shows one; what a killed process left is over after this time. */
	CHALLENGE_LIFE_MS = 10 * 60 * 1000,
};

/* [A-Za-z0-9_-]{16,128}: nothing else may come near a path or a header. */
bool challenge_is_token(struct str token);
/* What a validator asks for: "host/token" for http-01; "host" for tls-alpn-01 (token STR_NONE): no host holds
 * a slash. IPv6 addresses come without brackets, in any spelling. STR_NONE when it is too long. */
struct str challenge_key(char dst[CHALLENGE_KEY], struct str host, struct str token);
/* The host by which a challenge is asked for: the identifier in lower case; for tls-alpn-01 and an IP literal
 * its reverse name. */
void challenge_host(char dst[CHALLENGE_HOST], enum conf_challenge kind, const char *identifier);
/* The certificate of a tls-alpn-01 challenge under a key of its own. Takes a millisecond: work queue. */
enum err challenge_certificate(
	const char *identifier, struct str key_authorization, struct tls_certificate **out);

struct challenge_file {
	enum conf_challenge kind;       /* http-01 or tls-alpn-01 */
	char identifier[CHALLENGE_HOST];
	char token[CHALLENGE_TOKEN];
	char key_authorization[CHALLENGE_AUTHORIZATION];
	int64_t until_ms;               /* wall clock */
	struct tls_certificate *certificate; /* challenge_file_answer, tls-alpn-01; owned */
};

/* The value's name: a digest, so that nothing a client sends becomes a path. */
void challenge_file_name(char dst[CHALLENGE_FILE_NAME], struct str key);
/* E_LIMIT above CHALLENGE_FILE_MAX. */
enum err challenge_file_print(const struct challenge_file *f, struct buf *out);
/* store_parse_fn; the object is a struct challenge_file, freed by challenge_file_free. E_NOT_FOUND for one that
 * is over, E_STORE_CORRUPT for what we cannot have written or is not of this name. */
enum err challenge_file_read(
	struct str bytes, const char *name, void **object, struct fault *fault);
/* The same, with the certificate made. */
enum err challenge_file_answer(
	struct str bytes, const char *name, void **object, struct fault *fault);
void challenge_file_free(void *object);
/* store_filter_fn: whether nobody needs it any more; filter_owner: const int64_t, the wall clock. */
bool challenge_file_is_over(struct str bytes, const char *name, void *now_ms);

#endif
