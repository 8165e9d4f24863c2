/* bucket OBJECTS KEPT DELAY_MS   a bucket "things" of gone/000000 … and keep/000000 …, in memory, on a port of 127.0.0.1
 *
 * What every client of the bench deletes from: lists of a thousand keys (version 1 and 2), DELETE of one key, POST ?delete
 * of many, each answered after DELAY_MS. It checks no signature, so that its own work is not what is measured. Prints
 * {"port"} when it listens and, when its standard input ends, what it saw: {"requests","bulk","deleted","missing","left","kept"}. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 1000, CONNECTIONS = 1024, IN_MAX = 1 << 20, OUT_MAX = 1 << 20, NAME = 24 };
struct connection { int fd; size_t n; char *in; };
struct answer { double due; int fd; size_t n; char *text; struct answer *next; };

static struct connection by_fd[CONNECTIONS];
static struct answer *first, **last = &first;
static char *alive, out[OUT_MAX];
static size_t n_out;
static long objects, kept;
static double delay;
static struct { long requests, bulk, deleted, missing; } seen;

static void fail(const char *what) { perror(what); exit(1); }

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list a;
	va_start(a, format);
	n_out += (size_t)vsnprintf(out + n_out, sizeof out - n_out, format, a);
	va_end(a);
	if (n_out >= sizeof out)
		n_out = 0, fputs("bucket: an answer is too long\n", stderr), exit(1);
}

/* ---- the objects ---- */

static const char *name(long i)
{
	static char s[NAME];
	snprintf(s, sizeof s, "%s/%06d", i < objects ? "gone" : "keep", (int)(i % 1000000));
	return s;
}

/* The number of the whole key that stands at s, its slash perhaps encoded; -1 for none. */
static long number(const char *s)
{
	const char *digits = s[4] == '/' ? s + 5 : s + 7;
	char *end;
	if (strncmp(s, "gone", 4) != 0 && strncmp(s, "keep", 4) != 0)
		return -1;
	if (s[4] != '/' && strncmp(s + 4, "%2F", 3) != 0)
		return -1;
	long i = strtol(digits, &end, 10);
	return end == digits + 6 && i >= 0 && i < objects + kept ? i : -1;
}

static void gone(long i)
{
	if (i >= 0 && alive[i])
		alive[i] = 0, seen.deleted++;
	else
		seen.missing++;
}

/* ---- the requests ---- */

/* The value of a parameter of the query, or NULL. */
static const char *parameter(const char *query, const char *key)
{
	size_t n = strlen(key);
	for (const char *p = query; *p && *p != ' '; p++)
		if ((p[-1] == '?' || p[-1] == '&') && !strncmp(p, key, n) && p[n] == '=')
			return p + n + 1;
	return NULL;
}

static void list(const char *query)
{
	const char *after = parameter(query, "continuation-token"), *prefix = parameter(query, "prefix");
	long shown = 0, i = 0, end = objects + kept, latest = 0;
	if (!after)
		after = parameter(query, "marker");
	if (after && (i = number(after)) >= 0)
		i++;
	if (prefix && number(prefix) >= 0)
		i = number(prefix), end = i + 1;
	else if (prefix && !strncmp(prefix, "gone", 4))
		end = objects;
	if (i < 0)
		i = end;
	say("<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>things</Name>");
	for (; i < end && shown < PAGE; i++)
		if (alive[i])
			shown++, latest = i, say("<Contents><Key>%s</Key><LastModified>2025-01-01T00:00:00.000Z</LastModified><ETag>&quot;"
				"9dd4e461268c8034f5c8564e155c67a6&quot;</ETag><Size>1</Size><StorageClass>STANDARD</StorageClass></Contents>", name(i));
	while (i < end && !alive[i])
		i++;
	if (i < end)
		say("<NextMarker>%s</NextMarker><NextContinuationToken>%s</NextContinuationToken>", name(latest), name(latest));
	say("<IsTruncated>%s</IsTruncated></ListBucketResult>", i < end ? "true" : "false");
}

static void bulk(const char *body)
{
	seen.bulk++;
	say("<?xml version=\"1.0\"?><DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (const char *p = body; (p = strstr(p, "<Key>")); p += 5) {
		long i = number(p + 5);
		gone(i);
		say("<Deleted><Key>%s</Key></Deleted>", i < 0 ? "?" : name(i));
	}
	say("</DeleteResult>");
}

static int respond(const char *head, const char *body)
{
	const char *path = strchr(head, ' ') + 1, *key = strncmp(path, "/things/", 8) ? "" : path + 8;
	long i = number(key);
	seen.requests++;
	if (!strncmp(head, "DELETE ", 7))
		return gone(i), 204;
	if (!strncmp(head, "POST ", 5))
		return bulk(body), 200;
	if (!strncmp(head, "HEAD ", 5))
		return *key && *key != ' ' && *key != '?' && (i < 0 || !alive[i]) ? 404 : 200;
	if (parameter(path, "versioning"))
		return say("<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>"), 200;
	if (parameter(path, "location"))
		return say("<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>"), 200;
	return list(path), 200;
}

static void queue(int fd, int status, int head_only)
{
	struct answer *a = calloc(1, sizeof *a);
	a->text = malloc(n_out + 200);
	a->n = (size_t)sprintf(a->text, "HTTP/1.1 %d X\r\nContent-Type: application/xml\r\nx-amz-request-id: R\r\n", status);
	if (status != 204)
		a->n += (size_t)sprintf(a->text + a->n, "Content-Length: %zu\r\n", n_out);
	a->n += (size_t)sprintf(a->text + a->n, "\r\n");
	if (!head_only)
		memcpy(a->text + a->n, out, n_out), a->n += n_out;
	a->fd = fd;
	a->due = now() + delay;
	*last = a;
	last = &a->next;
	n_out = 0;
}

/* ---- the wire ---- */

static void hang_up(struct connection *c)
{
	close(c->fd);
	free(c->in);
	*c = (struct connection){ .fd = -1 };
}

static void read_some(struct connection *c)
{
	ssize_t got = read(c->fd, c->in + c->n, IN_MAX - c->n - 1);
	if (got <= 0) {
		hang_up(c);
		return;
	}
	c->in[c->n += (size_t)got] = 0;
	for (char *body; (body = strstr(c->in, "\r\n\r\n")); ) {
		char *length = strcasestr(c->in, "\r\ncontent-length:");
		size_t n = length && length < body ? strtoul(length + 17, NULL, 10) : 0, whole = (size_t)(body + 4 - c->in) + n;
		if (c->n < whole)
			return;
		char next = c->in[whole];
		c->in[whole] = 0;
		int status = respond(c->in, body + 4);
		queue(c->fd, status, !strncmp(c->in, "HEAD", 4));
		c->in[whole] = next;
		memmove(c->in, c->in + whole, c->n -= whole);
		c->in[c->n] = 0;
	}
}

static void answer_due(void)
{
	for (struct answer *a; (a = first) && a->due <= now(); ) {
		for (size_t at = 0; by_fd[a->fd].in && at < a->n; ) {
			ssize_t put = send(a->fd, a->text + at, a->n - at, MSG_NOSIGNAL);
			if (put <= 0)
				break;
			at += (size_t)put;
		}
		if (!(first = a->next))
			last = &first;
		free(a->text);
		free(a);
	}
}

static void take(int ep, int server)
{
	int fd = accept(server, NULL, NULL), on = 1;
	if (fd < 0 || fd >= CONNECTIONS)
		fail("accept");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	by_fd[fd] = (struct connection){ .fd = fd, .in = malloc(IN_MAX) };
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = EPOLLIN, .data.fd = fd });
}

static void serve(int ep, int server)
{
	struct epoll_event e[64];
	for (;;) {
		int wait = !first ? -1 : (int)((first->due - now()) * 1000 + 0.999);
		int n = epoll_wait(ep, e, 64, first && wait < 0 ? 0 : wait);
		for (int i = 0; i < n; i++)
			if (e[i].data.fd == 0)
				return;
			else if (e[i].data.fd == server)
				take(ep, server);
			else
				read_some(&by_fd[e[i].data.fd]);
		answer_due();
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	int server = socket(AF_INET, SOCK_STREAM, 0), ep = epoll_create1(0);
	if (argc != 4)
		fail("bucket OBJECTS KEPT DELAY_MS");
	objects = atol(argv[1]), kept = atol(argv[2]), delay = atof(argv[3]) / 1000;
	alive = malloc((size_t)(objects + kept));
	memset(alive, 1, (size_t)(objects + kept));
	if (bind(server, (void *)&at, n) || listen(server, 128) || getsockname(server, (void *)&at, &n))
		fail("listen");
	epoll_ctl(ep, EPOLL_CTL_ADD, server, &(struct epoll_event){ .events = EPOLLIN, .data.fd = server });
	epoll_ctl(ep, EPOLL_CTL_ADD, 0, &(struct epoll_event){ .events = EPOLLIN, .data.fd = 0 });
	printf("{\"port\":%d}\n", ntohs(at.sin_port));
	fflush(stdout);
	serve(ep, server);
	long left[2] = { 0 };
	for (long i = 0; i < objects + kept; i++)
		left[i >= objects] += alive[i];
	printf("{\"requests\":%ld,\"bulk\":%ld,\"deleted\":%ld,\"missing\":%ld,\"left\":%ld,\"kept\":%ld}\n", seen.requests, seen.bulk, seen.deleted,
	       seen.missing, left[0], left[1]);
	return 0;
}
