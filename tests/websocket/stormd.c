/* A bare WebSocket server that keeps thousands of connections and knows when each handshake came: stormd [PORT] prints
 * its port, then answers lines: "cut" closes every connection at once, "look" counts, "times" prints the µs (monotonic)
 * of the handshakes since the last cut, "burst N" sends N numbered messages on the oldest connection, "jam" cuts all and from
 * then on upgrades, but answers a hello with Close 1000, as a jammed daemon does. Ends with stdin. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sim/sha1.h"

enum { CONNS = 20000, REQUEST = 2048, TIMES = 200000, EVENTS = 256 };

struct conn {
	int fd;
	bool open;
	int n;
	unsigned char in[REQUEST];
};

static struct conn *conn[CONNS];                /* by descriptor */
static int64_t times[TIMES];
static int n_times, up, listener, ep;
static int64_t accepted, pings, to_send, sent;
static int sender = -1;
static bool jammed;

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void end(struct conn *c)
{
	up -= c->open;
	sender = sender == c->fd ? -1 : sender;
	conn[c->fd] = NULL;
	close(c->fd);
	free(c);
}

static void base64(char *out, const unsigned char *p, int n)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (int i = 0; i < n; i += 3) {
		unsigned v = (unsigned)p[i] << 16 | (i + 1 < n ? (unsigned)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
		*out++ = abc[v >> 18 & 63];
		*out++ = abc[v >> 12 & 63];
		*out++ = i + 1 < n ? abc[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? abc[v & 63] : '=';
	}
	*out = 0;
}

static bool put(struct conn *c, const void *p, size_t n)
{
	return send(c->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* The whole request is there: its time, and 101. */
static bool upgrade(struct conn *c)
{
	char *key = strcasestr((char *)c->in, "sec-websocket-key:"), text[128], accept[40], reply[256];
	unsigned char digest[20];
	if (!key)
		return false;
	key += 18;
	while (*key == ' ')
		key++;
	int n = snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)strcspn(key, "\r\n "), key);
	sha1(digest, text, (size_t)n);
	base64(accept, digest, 20);
	n = snprintf(reply, sizeof reply, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
	if (n_times < TIMES)
		times[n_times++] = now_us();
	c->open = true;
	c->n = 0;
	up++;
	return put(c, reply, (size_t)n);
}

/* The exai hello, or anything else that is text. */
static bool answer(struct conn *c)
{
	static const char ack[] = "\x81\x1c{\"op\":\"hello_ack\",\"ok\":true}";
	return jammed ? put(c, "\x88\x02\x03\xe8", 4) : put(c, ack, sizeof ack - 1);
}

/* One frame from the front; its length, 0 = not whole yet, -1 = end. Small frames only are understood; others are skipped. */
static int frame(struct conn *c)
{
	int n = c->n >= 2 ? c->in[1] & 127 : 0, head = 6;
	if (c->n < 2 || c->n < head + n)
		return 0;
	if (n > 125 || !(c->in[1] & 128))
		return -1;
	unsigned char *p = c->in + head, out[130] = { 0x8a, (unsigned char)n };
	for (int i = 0; i < n; i++)
		out[2 + i] = p[i] ^ c->in[2 + i % 4];
	if ((c->in[0] & 15) == 8)
		return -1;
	if ((c->in[0] & 15) == 1 && !answer(c))
		return -1;
	if ((c->in[0] & 15) == 9) {
		pings++;
		if (!put(c, out, (size_t)n + 2))
			return -1;
	}
	return head + n;
}

static void readable(struct conn *c)
{
	ssize_t got = recv(c->fd, c->in + c->n, sizeof c->in - 1 - (size_t)c->n, MSG_DONTWAIT);
	int used = 1;
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		end(c);
		return;
	}
	c->n += (int)got;
	c->in[c->n] = 0;
	if (!c->open && strstr((char *)c->in, "\r\n\r\n") && !upgrade(c)) {
		end(c);
		return;
	}
	while (c->open && used > 0 && c->n > 0) {
		used = frame(c);
		if (used < 0) {
			end(c);
			return;
		}
		memmove(c->in, c->in + used, (size_t)(c->n -= used));
	}
	if (c->n == REQUEST - 1)
		end(c);
}

static void accept_all(void)
{
	int fd, on = 1;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= CONNS) {
			close(fd);
			continue;
		}
		struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		conn[fd] = calloc(1, sizeof *conn[fd]);
		conn[fd]->fd = fd;
		accepted++;
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	}
}

/* As many as the socket takes; blocking, since the reader is what is measured. */
static void send_some(void)
{
	char out[16384];
	size_t n = 0;
	for (int i = 0; i < 200 && sent < to_send && n < sizeof out - 100; i++) {
		sent++;
		int len = snprintf(out + n + 2, 100, "{\"id\":\"m%" PRId64 "\",\"type\":\"thing\",\"sequence\":%" PRId64 ",\"epoch\":\"e1\"}", sent, sent);
		out[n] = (char)0x81;
		out[n + 1] = (char)len;
		n += (size_t)len + 2;
	}
	for (size_t at = 0; at < n;) {
		ssize_t k = send(sender, out + at, n - at, MSG_NOSIGNAL);
		if (k < 0 && errno != EAGAIN) {
			sender = -1;
			return;
		}
		at += k > 0 ? (size_t)k : 0;
		if (k < 0)
			usleep(200);
	}
	if (sent == to_send)
		sender = -1;
}

static void look(void)
{
	printf("{\"up\":%d,\"handshakes\":%d,\"accepted\":%" PRId64 ",\"pings\":%" PRId64 ",\"sent\":%" PRId64 "}\n", up, n_times, accepted, pings, sent);
}

static void told(char *line)
{
	jammed |= strncmp(line, "jam", 3) == 0;
	if (strncmp(line, "cut", 3) == 0 || strncmp(line, "jam", 3) == 0) {
		n_times = 0;
		for (int i = 0; i < CONNS; i++)
			if (conn[i])
				end(conn[i]);
		printf("{\"at\":%" PRId64 "}\n", now_us());
	} else if (strncmp(line, "times", 5) == 0) {
		printf("[");
		for (int i = 0; i < n_times; i++)
			printf("%s%" PRId64, i ? "," : "", times[i]);
		printf("]\n");
	} else if (strncmp(line, "burst ", 6) == 0) {
		to_send = sent + strtoll(line + 6, NULL, 10);
		for (int i = 0; i < CONNS && sender < 0; i++)
			sender = conn[i] && conn[i]->open ? i : -1;
		look();
	} else {
		look();
	}
	fflush(stdout);
}

static bool on_stdin(void)
{
	char line[256], *at = line;
	ssize_t n = read(STDIN_FILENO, line, sizeof line - 1);
	if (n <= 0)
		return false;
	line[n] = 0;
	for (char *one; (one = strsep(&at, "\n")) && *one;)
		told(one);
	return true;
}

static void open_all(int port)
{
	struct rlimit r = { CONNS, CONNS };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;
	int on = 1;
	setrlimit(RLIMIT_NOFILE, &r);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) || listen(listener, 4096) || getsockname(listener, (struct sockaddr *)&a, &len)) {
		perror("stormd");
		exit(1);
	}
	ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event l = { .events = EPOLLIN, .data.fd = listener }, in = { .events = EPOLLIN, .data.fd = STDIN_FILENO };
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &l);
	epoll_ctl(ep, EPOLL_CTL_ADD, STDIN_FILENO, &in);
	printf("{\"port\":%d}\n", ntohs(a.sin_port));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct epoll_event e[EVENTS];
	open_all(argc > 1 ? atoi(argv[1]) : 0);
	for (;;) {
		int n = epoll_wait(ep, e, EVENTS, sender >= 0 ? 0 : -1);
		for (int i = 0; i < n; i++) {
			if (e[i].data.fd == listener)
				accept_all();
			else if (e[i].data.fd == STDIN_FILENO && !on_stdin())
				return 0;
			else if (e[i].data.fd != STDIN_FILENO && conn[e[i].data.fd])
				readable(conn[e[i].data.fd]);
		}
		if (sender >= 0)
			send_some();
	}
}
