/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rewrite: one pass takes our own fields out of the client's list and remembers what they said, then ours
 * are appended: after the codec removed what Connection names, so that a client cannot remove them.
 */
#include "proxy/rewrite.h"

#include "base/check.h"
#include "conf/address.h"
#include "net/random.h"

/* X(enumerator, name as written) */
#define FIELD_ROWS(X) \
	X(FIELD_FOR, "X-Forwarded-For") \
	X(FIELD_PROTO, "X-Forwarded-Proto") \
	X(FIELD_HOST, "X-Forwarded-Host") \
	X(FIELD_FORWARDED, "Forwarded") \
	X(FIELD_VIA, "Via") \
	X(FIELD_ID, "X-Request-Id")

enum field {
#define X(name, text) name,
	FIELD_ROWS(X)
#undef X
	FIELDS
};

static const struct str names[FIELDS] = {
#define X(name, text) { text, sizeof(text) - 1 },
	FIELD_ROWS(X)
#undef X
};

#define PSEUDONYM "sallyport"

#define LENGTH_BIT(name, text) UINT32_C(1) << (sizeof(text) - 1) |

static enum field field_of(struct str name)
{
	const uint32_t lengths = FIELD_ROWS(LENGTH_BIT) 0;
	enum field f = FIELD_FOR;

	if (name.len >= 32 || !(lengths >> name.len & 1))
		return FIELDS;

	while (f < FIELDS && (name.len != names[f].len || !str_equal_nocase(name, names[f])))
		f++;
	return f;
}

static struct str join(struct arena *a, const struct str *parts, unsigned n)
{
	size_t len = 0;
	char *text, *at;

	for (unsigned i = 0; i < n; i++)
		len += parts[i].len;
	text = at = arena_alloc(a, len + 1);
	if (!text)
		return STR_NONE;
	for (unsigned i = 0; i < n; i++) {
		if (parts[i].len)
			memcpy(at, parts[i].at, parts[i].len);
		at += parts[i].len;
	}
	*at = '\0';
	return str_of(text, len);
}

/* "old, new", or new alone. */
static struct str append(struct arena *a, struct str old, struct str new)
{
	struct str parts[] = { old, STR(", "), new };

	return old.len ? join(a, parts, 3) : new;
}

static void take_out(struct headers *h, struct arena *a, struct str old[FIELDS])
{
	bool has_any = false;

	for (unsigned i = 0; i < h->n; i++) {
		enum field f = field_of(h->at[i].name);

		if (f == FIELDS)
			continue;
		old[f] = append(a, old[f], h->at[i].value);
		h->at[i].name.len = 0;
		has_any = true;
	}
	if (has_any)
		headers_compact(h);
}

bool rewrite_is_trusted(const struct conf *conf, const struct addr_small *peer)
{
	if (peer->is_unix)
		return false;
	for (unsigned i = 0; i < conf->n_trusted_proxies; i++)
		if (address_is_in(&conf->trusted_proxies[i], peer->ip))
			return true;
	return false;
}

/* RFC 7239 section 4: tokens go bare, anything else is quoted; quotes cannot occur in a checked authority. */
static struct str forwarded(struct arena *a, struct str ip, const struct request_head *head)
{
	bool is_ipv6 = str_find(ip, ':') >= 0;
	struct str parts[] = {
		is_ipv6 ? STR("for=\"[") : STR("for="), ip.len ? ip : STR("unknown"),
		is_ipv6 ? STR("]\"") : STR_NONE,
		head->authority.len ? STR(";host=\"") : STR_NONE, head->authority,
		head->authority.len ? STR("\"") : STR_NONE, STR(";proto="), head->scheme,
	};

	return join(a, parts, ARRAY_LEN(parts));
}

/* RFC 9110 section 7.6.3. */
static struct str via(unsigned version)
{
	if (version >= 20)
		return version >= 30 ? STR("3 " PSEUDONYM) : STR("2 " PSEUDONYM);
	return version == 10 ? STR("1.0 " PSEUDONYM) : STR("1.1 " PSEUDONYM);
}

static bool is_usable_id(struct str id)
{
	return id.len && id.len <= REWRITE_ID_MAX && header_value_is_valid(id);
}

static struct str new_id(struct arena *a)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char raw[(REWRITE_ID - 1) / 2];
	char *text = arena_alloc(a, REWRITE_ID);

	if (!text)
		return STR_NONE;
	random_bytes(raw, sizeof(raw));
	for (unsigned i = 0; i < sizeof(raw); i++) {
		text[2 * i] = hex[raw[i] >> 4];
		text[2 * i + 1] = hex[raw[i] & 15];
	}
	text[REWRITE_ID - 1] = '\0';
	return str_of(text, REWRITE_ID - 1);
}

static struct str client_ip(struct arena *a, const struct peer *peer)
{
	char text[ADDR_IP_TEXT];

	if (peer->addr.is_unix)
		return STR("");
	addr_small_text(text, &peer->addr);
	return str_from(arena_strndup(a, text, strlen(text)));
}

/* Values without a text (a Unix-socket client has no address) are left out. */
static enum err put_all(struct request_head *head, struct arena *a, const struct str values[FIELDS])
{
	enum err err = E_OK;

	for (enum field f = FIELD_FOR; f < FIELDS && !err; f++)
		if (!values[f].at)
			err = E_NOMEM;
		else if (values[f].len)
			err = headers_add(&head->headers, a, names[f], values[f]);
	return err;
}

enum err rewrite_request(struct request_head *head, const struct rewrite_args *args, struct str *id)
{
	struct str old[FIELDS] = { 0 }, values[FIELDS];
	struct arena *a = args->arena;
	struct str ip = client_ip(a, args->peer);
	bool is_trusted = rewrite_is_trusted(args->conf, &args->peer->addr);

	ASSERT(head && id);
	take_out(&head->headers, a, old);
	if (!is_trusted)
		memset(old, 0, sizeof(old));
	values[FIELD_FOR] = append(a, old[FIELD_FOR], ip);
	values[FIELD_PROTO] = old[FIELD_PROTO].len ? old[FIELD_PROTO] : head->scheme;
	values[FIELD_HOST] = old[FIELD_HOST].len ? old[FIELD_HOST] : head->authority;
	values[FIELD_FORWARDED] = append(a, old[FIELD_FORWARDED], forwarded(a, ip, head));
	values[FIELD_VIA] = append(a, old[FIELD_VIA], via(head->version));
	values[FIELD_ID] = is_usable_id(old[FIELD_ID]) ? old[FIELD_ID] : new_id(a);
	if (!values[FIELD_HOST].at)
		values[FIELD_HOST] = STR("");
	*id = values[FIELD_ID];
	if (args->host)
		head->authority = str_from(args->host);
	return put_all(head, a, values);
}

enum err rewrite_response(struct response_head *head, struct arena *a)
{
	struct str old = headers_join(&head->headers, a, "via");
	struct str ours = append(a, old, via(head->version));

	if (!old.at)
		return headers_add(&head->headers, a, STR("Via"), ours);
	return ours.at ? headers_set(&head->headers, a, "Via", ours) : E_NOMEM;
}
