/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json_scan: a stack of open containers, one step per token. Keys of all objects share one hash
 * set, whose entries say which object they belong to; equal hashes are compared as decoded text.
 */
#include "base/json_scan.h"

#include "base/check.h"
#include "base/mem.h"

enum { DEPTH_MAX = 64, NUMBER_MAX = 60 };

struct key_entry {
	uint64_t hash;
	uint32_t object;  /* number of the object plus one; 0: free */
	uint32_t at;      /* offset of the key's opening quote */
};

struct scanner {
	const char *text;
	size_t len, at;
	const struct json_limits *limits;
	struct json_scan *out;
	struct open {
		char closer;          /* '}' or ']' */
		uint32_t object;
	} open[DEPTH_MAX];
	unsigned depth;
	uint32_t objects;
	struct key_entry *keys;
	size_t keys_cap, keys_n;
	struct buf key, other;    /* decoded texts */
};

static void skip_space(struct scanner *s)
{
	while (s->at < s->len && s->text[s->at] && strchr(" \t\r\n", s->text[s->at]))
		s->at++;
}

static int peek(const struct scanner *s)
{
	return s->at < s->len ? (unsigned char)s->text[s->at] : -1;
}

static enum err take_place(struct scanner *s, uint32_t key_at)
{
	struct json_scan *o = s->out;

	if (o->n >= s->limits->nodes)
		return E_LIMIT;
	if (o->n == o->cap) {
		size_t cap = o->cap ? o->cap * 2 : 64;
		void *p = mem_try_resize(o->places, cap * sizeof(*o->places));

		if (!p)
			return E_NOMEM;
		o->places = p;
		o->cap = cap;
	}
	o->places[o->n++] = (struct json_place){ (uint32_t)s->at, key_at };
	return E_OK;
}

static size_t add_utf8(char out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* Four hex digits at offset i; false when they are not there. */
static bool unit(const struct scanner *s, size_t i, uint32_t *out)
{
	uint64_t v;

	if (i > s->len || s->len - i < 4 || !str_to_hex_u64(str_of(s->text + i, 4), &v))
		return false;
	*out = (uint32_t)v;
	return true;
}

/* "\uXXXX" or a surrogate pair at offset i. Bytes taken, 0 when malformed; NUL is refused. */
static size_t code_point(const struct scanner *s, size_t i, uint32_t *c)
{
	uint32_t low;

	if (!unit(s, i + 2, c) || !*c || (*c >= 0xdc00 && *c <= 0xdfff))
		return 0;
	if (*c < 0xd800 || *c > 0xdbff)
		return 6;
	if (s->len - i < 12 || s->text[i + 6] != '\\' || s->text[i + 7] != 'u' ||
	    !unit(s, i + 8, &low) || low < 0xdc00 || low > 0xdfff)
		return 0;
	*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
	return 12;
}

/* One escape at offset i: bytes taken, 0 when malformed; its meaning in out[0..*n). */
static size_t escape(const struct scanner *s, size_t i, char out[4], size_t *n)
{
	static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *p;
	uint32_t c;
	size_t taken;

	if (s->len - i < 2 || !s->text[i + 1])
		return 0;
	if (s->text[i + 1] == 'u') {
		taken = code_point(s, i, &c);
		*n = taken ? add_utf8(out, c) : 0;
		return taken;
	}
	p = strchr(names, s->text[i + 1]);
	if (!p)
		return 0;
	out[0] = meanings[p - names];
	*n = 1;
	return 2;
}

/* The string whose opening quote is at s->at; decoded into into when not NULL. On failure s->at
 * is where it went wrong. */
static enum err string(struct scanner *s, struct buf *into)
{
	s->at++;
	while (s->at < s->len) {
		unsigned char c = (unsigned char)s->text[s->at];
		const char *from = s->text + s->at;
		char decoded[4];
		size_t n, taken;

		if (c == '"') {
			s->at++;
			return E_OK;
		}
		if (c == '\\') {
			taken = escape(s, s->at, decoded, &n);
			from = decoded;
		} else {
			taken = n = c < 0x20 ? 0 : str_utf8_length(from, s->len - s->at);
		}
		if (!taken)
			return E_PARSE;
		if (into && buf_add(into, str_of(from, n)))
			return E_NOMEM;
		s->at += taken;
	}
	return E_PARSE;
}

static size_t digits(struct scanner *s)
{
	size_t start = s->at;

	while (s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9')
		s->at++;
	return s->at - start;
}

static enum err number(struct scanner *s)
{
	size_t start = s->at, n;
	bool zero;

	if (peek(s) == '-')
		s->at++;
	zero = peek(s) == '0';
	n = digits(s);
	if (!n || (zero && n > 1))
		return E_PARSE;
	if (peek(s) == '.') {
		s->at++;
		if (!digits(s))
			return E_PARSE;
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		s->at++;
		if (peek(s) == '+' || peek(s) == '-')
			s->at++;
		if (!digits(s))
			return E_PARSE;
	}
	/* cJSON copies numbers into 64 bytes and would read the rest as the next token. */
	return s->at - start > NUMBER_MAX ? E_PARSE : E_OK;
}

static enum err word(struct scanner *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_has_prefix(str_of(s->text + s->at, s->len - s->at), str_from(words[i]))) {
			s->at += strlen(words[i]);
			return E_OK;
		}
	}
	return E_PARSE;
}

static enum err grow_keys(struct scanner *s)
{
	size_t cap = s->keys_cap ? s->keys_cap * 2 : 64;
	struct key_entry *keys = mem_try(cap * sizeof(*keys));

	if (!keys)
		return E_NOMEM;
	memset(keys, 0, cap * sizeof(*keys));
	for (size_t i = 0; i < s->keys_cap; i++) {
		size_t j = s->keys[i].hash & (cap - 1);

		if (!s->keys[i].object)
			continue;
		while (keys[j].object)
			j = (j + 1) & (cap - 1);
		keys[j] = s->keys[i];
	}
	mem_free(&s->keys);
	s->keys = keys;
	s->keys_cap = cap;
	return E_OK;
}

/* Whether the key at offset at, once decoded, is the one in s->key. */
static bool is_same_key(struct scanner *s, uint32_t at)
{
	size_t here = s->at;

	s->at = at;
	buf_clear(&s->other);
	ASSERT(string(s, &s->other) != E_PARSE);
	s->at = here;
	return str_equal(buf_str(&s->key), buf_str(&s->other));
}

static enum err remember_key(struct scanner *s, uint32_t object, uint32_t at)
{
	uint64_t hash = str_hash(buf_str(&s->key)) ^ object * 0x9e3779b97f4a7c15;
	size_t i;

	if (s->keys_n * 2 >= s->keys_cap && grow_keys(s))
		return E_NOMEM;
	for (i = hash & (s->keys_cap - 1); s->keys[i].object; i = (i + 1) & (s->keys_cap - 1)) {
		if (s->keys[i].hash == hash && s->keys[i].object == object &&
		    is_same_key(s, s->keys[i].at)) {
			s->at = at;
			return E_PARSE;
		}
	}
	s->keys[i] = (struct key_entry){ hash, object, at };
	s->keys_n++;
	return E_OK;
}

/* Key and colon of a member; *key_at is where the key begins. */
static enum err member(struct scanner *s, uint32_t *key_at)
{
	enum err e;

	skip_space(s);
	if (peek(s) != '"')
		return E_PARSE;
	*key_at = (uint32_t)s->at;
	buf_clear(&s->key);
	e = string(s, &s->key);
	if (!e)
		e = remember_key(s, s->open[s->depth - 1].object, *key_at);
	if (e)
		return e;
	skip_space(s);
	if (peek(s) != ':')
		return E_PARSE;
	s->at++;
	return E_OK;
}

static enum err open_container(struct scanner *s)
{
	unsigned most = s->limits->depth < DEPTH_MAX ? s->limits->depth : DEPTH_MAX;
	bool is_object = peek(s) == '{';

	if (s->depth >= most)
		return E_LIMIT;
	s->open[s->depth++] = (struct open){ is_object ? '}' : ']', is_object ? ++s->objects : 0 };
	s->at++;
	return E_OK;
}

/* One value, or only its opening bracket. *complete says which. */
static enum err value(struct scanner *s, uint32_t key_at, bool *complete)
{
	enum err e;
	int c;

	skip_space(s);
	e = take_place(s, key_at);
	if (e)
		return e;
	c = peek(s);
	*complete = c != '{' && c != '[';
	if (!*complete)
		return open_container(s);
	if (c == '"')
		return string(s, NULL);
	if (c == '-' || (c >= '0' && c <= '9'))
		return number(s);
	return word(s);
}

/* After a value: closing brackets as far as they go. *more is set when a comma says that another
 * value of the innermost container follows. */
static enum err close_containers(struct scanner *s, bool *more)
{
	*more = false;
	while (s->depth) {
		skip_space(s);
		if (peek(s) == ',') {
			s->at++;
			*more = true;
			return E_OK;
		}
		if (peek(s) != s->open[s->depth - 1].closer)
			return E_PARSE;
		s->depth--;
		s->at++;
	}
	return E_OK;
}

static enum err scan(struct scanner *s)
{
	bool more = true;

	while (more) {
		uint32_t key_at = 0;
		bool complete;
		enum err e = E_OK;

		if (s->depth && s->open[s->depth - 1].closer == '}')
			e = member(s, &key_at);
		if (!e)
			e = value(s, key_at, &complete);
		if (e)
			return e;
		skip_space(s);
		/* An opened container holds at least one value unless it closes at once. */
		if (!complete && peek(s) != s->open[s->depth - 1].closer)
			continue;
		if (!complete) {
			s->depth--;
			s->at++;
		}
		e = close_containers(s, &more);
		if (e)
			return e;
	}
	skip_space(s);
	return s->at == s->len ? E_OK : E_PARSE;
}

enum err json_scan_text(struct json_scan *out, struct str text, const struct json_limits *limits,
	size_t *error_at)
{
	struct scanner s = { .text = text.at, .len = text.len, .limits = limits, .out = out };
	enum err e;

	ASSERT(limits->bytes < UINT32_MAX);
	*out = (struct json_scan){ 0 };
	*error_at = 0;
	if (text.len > limits->bytes)
		return E_LIMIT;
	buf_init(&s.key, 0);
	buf_init(&s.other, 0);
	e = scan(&s);
	*error_at = s.at;
	buf_fini(&s.key);
	buf_fini(&s.other);
	mem_free(&s.keys);
	if (e)
		json_scan_fini(out);
	return e;
}

void json_scan_fini(struct json_scan *s)
{
	mem_free(&s->places);
	*s = (struct json_scan){ 0 };
}

/* Offset behind the comment at i, or 0 when it does not end. */
static size_t comment_end(const char *text, size_t len, size_t i)
{
	bool is_line = text[i + 1] == '/';

	for (i += 2; i < len; i++) {
		if (is_line && text[i] == '\n')
			return i;
		if (!is_line && text[i] == '*' && i + 1 < len && text[i + 1] == '/')
			return i + 2;
	}
	return is_line ? len : 0;
}

static size_t string_end(const char *text, size_t len, size_t i)
{
	for (i++; i < len && text[i] != '"'; i++)
		if (text[i] == '\\')
			i++;
	return i < len ? i + 1 : len;
}

/* Line ends stay, so that positions can still be told. */
static void blank(char *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (text[i] != '\n' && text[i] != '\r')
			text[i] = ' ';
}

enum err json_scan_blank(char *text, size_t len, size_t *error_at)
{
	size_t comma = 0;       /* offset of the last comma */
	char last = 0, before = 0;  /* the last two significant bytes */

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		blank(text, 0, 3);
	for (size_t i = 0, next; i < len; i = next) {
		char c = text[i];

		next = i + 1;
		if (!c || strchr(" \t\r\n", c))
			continue;
		if (c == '/' && next < len && (text[next] == '/' || text[next] == '*')) {
			next = comment_end(text, len, i);
			if (!next) {
				*error_at = i;
				return E_PARSE;
			}
			blank(text, i, next);
			continue;
		}
		if (c == '"')
			next = string_end(text, len, i);
		/* Only a comma that follows a value is a trailing one: [,] stays wrong. */
		if ((c == '}' || c == ']') && last == ',' && before && !strchr("[{,:", before))
			text[comma] = ' ';
		if (c == ',')
			comma = i;
		before = last;
		last = c;
	}
	return E_OK;
}
