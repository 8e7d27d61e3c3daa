/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * adoption_account: ACME accounts of other clients: what the CA said of an account, and the private key that lies
 * beside it in the same directory. Everything read is distrusted and capped.
 */
#ifndef PROXY_ADOPTION_ACCOUNT_H
#define PROXY_ADOPTION_ACCOUNT_H

#include "base/json.h"
#include "certstore/key.h"

enum { ADOPTION_ACCOUNTS = 1024, ADOPTION_ACCOUNT_URL = 1024, ADOPTION_ACCOUNT_CONTACT = 512 };

struct adoption_account {
	char url[ADOPTION_ACCOUNT_URL];          /* the account's, by which it signs */
	char directory[ADOPTION_ACCOUNT_URL];    /* the CA's, where the files tell it; "" */
	char contact[ADOPTION_ACCOUNT_CONTACT];  /* e-mail address; "" */
	char *source;                            /* the file that tells of it */
	const struct key *key;                   /* NULL: none was found beside it */
};

struct adoption_accounts;
struct adoption_accounts *adoption_accounts_new(void);
void adoption_accounts_free(struct adoption_accounts **a);

/* A private key without a chain, found in this file; referenced. */
void adoption_accounts_add_key(struct adoption_accounts *a, struct key *key, const char *source);
/* Any JSON: certbot's regr.json and private_key.json, Caddy's and mod_md's accounts, Traefik's resolvers. False:
 * none of these. */
bool adoption_accounts_add_json(struct adoption_accounts *a, const struct json *root, const char *source);
/* acme.sh's ca.conf. */
bool adoption_accounts_add_conf(struct adoption_accounts *a, struct str text, const char *source);

/* In the order found, keys beside them; borrowed until something is added. */
const struct adoption_account *adoption_accounts_list(struct adoption_accounts *a, unsigned *n);

#endif
