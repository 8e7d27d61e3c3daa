/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dns_exchange: plain sockets and poll. UDP is asked again every second, since packets get lost.
 */
#include "net/dns_exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/dns_message.h"

enum { UDP_AGAIN_MS = 1000, UDP_MAX = 4096, TRIES_MAX = 64 };

/* E_OK when the socket is ready. */
static enum err wait_for(int fd, short events, int64_t end_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left_ms = end_ms - clock_mono_ms();
		int n;

		if (left_ms <= 0)
			return E_TIMEOUT;
		n = poll(&p, 1, (int)(left_ms < 60000 ? left_ms : 60000));
		if (n > 0)
			return E_OK;
		if (n < 0 && errno != EINTR)
			return err_from_errno(-errno);
	}
}

static enum err open_socket(const struct addr *to, int type, int64_t end_ms, int *out)
{
	int fd = socket(to->any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), failed = 0;
	socklen_t len = sizeof(failed);
	enum err err = E_OK;

	if (fd < 0)
		return err_from_errno(-errno);
	if (connect(fd, &to->any, addr_len(to)) < 0)
		err = errno == EINPROGRESS ? wait_for(fd, POLLOUT, end_ms) : err_from_errno(-errno);
	if (!err && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 && failed)
		err = err_from_errno(-failed);
	if (err)
		close(fd);
	else
		*out = fd;
	return err;
}

/* ---- UDP ---- */

/* Until an answer to our question comes, or time is up. */
static enum err receive_datagram(int fd, struct str query, int64_t end_ms, struct buf *answer)
{
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		enum err err = wait_for(fd, POLLIN, end_ms);
		ssize_t n;

		buf_clear(answer);
		if (!err)
			err = buf_reserve(answer, UDP_MAX);
		if (err)
			return err;
		n = recv(fd, answer->at, UDP_MAX, 0);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_from_errno(-errno);
		answer->len = n > 0 ? (size_t)n : 0;
		if (n > 0 && dns_is_answer(buf_str(answer), query))
			return E_OK;
	}
	return E_PARSE;
}

static enum err ask_udp(const struct dns_exchange *x, int64_t end_ms, struct buf *answer)
{
	int fd;
	enum err err = open_socket(x->to, SOCK_DGRAM, end_ms, &fd);

	if (err)
		return err;
	do {
		int64_t again_ms = clock_mono_ms() + UDP_AGAIN_MS;

		if (send(fd, x->message.at, x->message.len, MSG_NOSIGNAL) < 0)
			err = err_from_errno(-errno);
		else
			err = receive_datagram(fd, x->message, again_ms < end_ms ? again_ms : end_ms, answer);
	} while (err == E_TIMEOUT && clock_mono_ms() < end_ms);
	close(fd);
	return err;
}

static bool is_cut(struct str answer)
{
	struct dns_reader r;

	return dns_read(&r, answer) == E_OK && r.header.flags & DNS_TRUNCATED;
}

/* ---- TCP: each message behind its length (RFC 1035 4.2.2) ---- */

static enum err send_all(int fd, struct str bytes, int64_t end_ms)
{
	while (bytes.len) {
		ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
		enum err err = E_OK;

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_from_errno(-errno);
		if (n > 0)
			bytes = str_of(bytes.at + n, bytes.len - (size_t)n);
		else
			err = wait_for(fd, POLLOUT, end_ms);
		if (err)
			return err;
	}
	return E_OK;
}

static enum err receive_exactly(int fd, size_t n, int64_t end_ms, struct buf *out)
{
	enum err err = buf_reserve(out, n);

	while (!err && n) {
		ssize_t got = recv(fd, out->at + out->len, n, 0);

		if (got == 0)
			return E_EOF;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return err_from_errno(-errno);
		if (got < 0) {
			err = wait_for(fd, POLLIN, end_ms);
			continue;
		}
		out->len += (size_t)got;
		n -= (size_t)got;
	}
	return err;
}

static enum err receive_message(int fd, int64_t end_ms, struct buf *out)
{
	enum err err;
	size_t n;

	buf_clear(out);
	err = receive_exactly(fd, 2, end_ms, out);
	if (err)
		return err;
	n = (size_t)(unsigned char)out->at[0] << 8 | (unsigned char)out->at[1];
	buf_clear(out);
	return receive_exactly(fd, n, end_ms, out);
}

static enum err ask_tcp(const struct dns_exchange *x, int64_t end_ms, struct buf *answer)
{
	unsigned char len[] = { (unsigned char)(x->message.len >> 8), (unsigned char)x->message.len };
	int fd;
	enum err err = open_socket(x->to, SOCK_STREAM, end_ms, &fd);

	if (err)
		return err;
	err = send_all(fd, str_of(len, sizeof(len)), end_ms);
	if (!err)
		err = send_all(fd, x->message, end_ms);
	if (!err)
		err = receive_message(fd, end_ms, answer);
	close(fd);
	return err || dns_is_answer(buf_str(answer), x->message) ? err : E_PARSE;
}

enum err dns_exchange(const struct dns_exchange *x, struct buf *answer)
{
	int64_t end_ms = clock_mono_ms() + x->timeout_ms;
	enum err err = E_OK;

	ASSERT(x->message.len >= DNS_HEADER && x->message.len <= DNS_MESSAGE_MAX);
	if (x->over == DNS_OVER_UDP) {
		err = ask_udp(x, end_ms, answer);
		if (err || !is_cut(buf_str(answer)))
			return err;
	}
	return ask_tcp(x, end_ms, answer);
}
