#include "net/ws_internal.h"

#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEFAULT_QUEUE = 8 << 20, DEFAULT_CONNECTIONS = 64 };

static enum rc check_directory(const char *path, struct err *e)
{
	char *dir = xstrdup(path), *slash = strrchr(dir, '/');
	struct stat st;
	enum rc rc = RC_OK;

	if (slash)
		*slash = '\0';
	if (!slash)
		rc = err_set(e, RC_USAGE, "the socket path must be absolute");
	else if (stat(slash == dir ? "/" : dir, &st) != 0)
		rc = err_set(e, RC_USAGE, "the socket's directory cannot be used: %s", strerror(errno));
	else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		rc = err_set(e, RC_USAGE, "the socket's directory must be yours and closed to others; run chmod 700 on it");
	free(dir);
	return rc;
}

/* lws removes whatever lies at the path: only a socket nobody answers on may go. */
static enum rc check_free(const char *path, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;
	int fd, n;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? RC_OK : err_set(e, RC_IO, "the socket path cannot be used: %s", strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, RC_USAGE, "the socket path is taken by something that is not a socket; remove it or choose another path");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, RC_IO, "no socket can be opened: %s", strerror(errno));
	memcpy(a.sun_path, path, strlen(path) + 1);
	n = connect(fd, (struct sockaddr *)&a, sizeof a);
	close(fd);
	if (n == 0 || errno == EAGAIN)
		return err_set(e, RC_LEASE, "another process answers on the socket already; stop it first");
	return RC_OK;
}

static void fill_common(struct ws_server *s, struct lws_context_creation_info *info)
{
	*info = (struct lws_context_creation_info){
		.protocols = WS_SERVER_PROTOCOLS,
		.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
		.http_proxy_address = ":0",
		.keepalive_timeout = 30,
		.retry_and_idle_policy = &WS_NO_VALIDITY,
		.user = s,
	};
}

static enum rc listen_unix(struct ws_server *s, mode_t mode, struct err *e)
{
	struct lws_context_creation_info info;
	struct stat st;
	struct lws_vhost *vh;
	mode_t old;
	enum rc rc;

	if (strlen(s->unix_path) >= sizeof ((struct sockaddr_un *)NULL)->sun_path)
		return err_set(e, RC_USAGE, "the socket path is %zu bytes long; the system allows 107: use a shorter state directory",
			       strlen(s->unix_path));
	rc = check_directory(s->unix_path, e);
	if (rc == RC_OK)
		rc = check_free(s->unix_path, e);
	if (rc != RC_OK) {
		char shown[120];
		return err_prefix(e, "%s", text_z(shown, sizeof shown, slice_of(s->unix_path)));
	}
	fill_common(s, &info);
	info.vhost_name = "unix";
	info.options |= LWS_SERVER_OPTION_UNIX_SOCK;
	info.iface = s->unix_path;
	old = umask(0777 & ~mode);
	vh = lws_create_vhost(s->ctx->lws, &info);
	umask(old);
	if (!vh || stat(s->unix_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return err_set(e, RC_IO, "the socket cannot be created; see the log for why");
	return RC_OK;
}

static bool parse_tcp(const char *tcp, char host[64], int *port)
{
	const char *colon = strrchr(tcp, ':');
	struct in_addr a;
	int64_t n;

	if (!colon || colon - tcp >= 64 || !parse_i64(slice_of(colon + 1), &n) || n < 0 || n > 65535)
		return false;
	memcpy(host, tcp, (size_t)(colon - tcp));
	host[colon - tcp] = '\0';
	*port = (int)n;
	return inet_pton(AF_INET, host, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}

static enum rc listen_tcp(struct ws_server *s, const char *tcp, struct err *e)
{
	struct lws_context_creation_info info;
	char host[64], shown[80];
	int port;

	text_z(shown, sizeof shown, slice_of(tcp));
	if (!parse_tcp(tcp, host, &port))
		return err_set(e, RC_USAGE, "\"%s\" is not a loopback address with a port; write 127.0.0.1:9469", shown);
	fill_common(s, &info);
	info.vhost_name = "tcp";
	info.options |= LWS_SERVER_OPTION_DISABLE_IPV6;
	info.iface = host;
	info.port = port;
	s->tcp = lws_create_vhost(s->ctx->lws, &info);
	if (!s->tcp || lws_get_vhost_listen_port(s->tcp) <= 0)
		return err_set(e, RC_IO, "cannot listen on %s; is the port in use?", shown);
	return RC_OK;
}

static char **copy_paths(const char *const *paths)
{
	size_t n = 0;
	char **copy;

	while (paths && paths[n])
		n++;
	copy = xcalloc(n + 1, sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(paths[i]);
	return copy;
}

enum rc ws_server_new(struct ws_server **out, struct ws_ctx *c, const struct ws_listen *l,
		      const struct ws_server_handler *h, void *ctx, struct err *e)
{
	struct ws_server *s = xcalloc(1, sizeof *s);
	enum rc rc = RC_OK;

	*out = NULL;
	s->ctx = c;
	s->h = *h;
	s->user = ctx;
	s->unix_path = l->unix_path ? xstrdup(l->unix_path) : NULL;
	s->ws_paths = copy_paths(l->ws_paths);
	s->max_message = l->max_message ? l->max_message : WS_DEFAULT_MESSAGE;
	s->max_queue = l->max_queue ? l->max_queue : DEFAULT_QUEUE;
	s->max_connections = l->max_connections > 0 ? l->max_connections : DEFAULT_CONNECTIONS;
	s->next = c->servers;
	c->servers = s;                 /* lws may know it even after a failure: freed with the context */
	if (s->unix_path)
		rc = listen_unix(s, l->unix_mode ? l->unix_mode : 0600, e);
	if (rc == RC_OK && l->tcp)
		rc = listen_tcp(s, l->tcp, e);
	if (rc == RC_OK)
		*out = s;
	else
		s->refuse = true;
	return rc;
}

int ws_server_tcp_port(const struct ws_server *s)
{
	return s->tcp ? lws_get_vhost_listen_port(s->tcp) : 0;
}

void ws_servers_free(struct ws_ctx *c)
{
	while (c->servers) {
		struct ws_server *s = c->servers;

		c->servers = s->next;
		for (char **p = s->ws_paths; *p; p++)
			free(*p);
		free(s->ws_paths);
		free(s->unix_path);
		free(s);
	}
}
