/* An HTTP/1.1 server that can misbehave on demand: keep-alive, pipelining, Content-Length and
 * chunked request bodies, limits; and answers that are cut, held, dripped, cut short or late. The
 * handler is called once per complete request and fills the reply before it returns. Loop thread. */
#ifndef SLUICE_SIM_HTTPD_H
#define SLUICE_SIM_HTTPD_H

#include "sim/head.h"
#include "sim/outbox.h"

struct httpd_request {
	const struct head *head;
	struct slice body;
	int64_t conn;                   /* number of the connection in this process, from 1 */
	int64_t on_conn;                /* n-th request of the connection, from 1 */
};

enum httpd_how { HTTPD_ANSWER, HTTPD_CUT, HTTPD_RESET, HTTPD_HOLD, HTTPD_SHORT, HTTPD_DRIP };

struct httpd_reply {
	int status;
	const char *type;               /* Content-Type, NULL without body */
	struct buf fields;              /* further "Name: value\r\n" lines */
	struct buf body;                /* owned by the server */
	size_t padding;                 /* spaces in front of the body */
	enum httpd_how how;
	int64_t delay_ms;               /* before anything of it leaves */
	int64_t drip_ms;                /* between two bytes */
	bool close;                     /* end the connection after it */
};

struct httpd_handler {
	void (*on_request)(void *ctx, const struct httpd_request *r, struct httpd_reply *reply);
	/* The client went away while its answer was held, late or dripping. May be NULL. */
	void (*on_gave_up)(void *ctx, int64_t conn);
	/* What came was not HTTP or too large and was answered with status. May be NULL. */
	void (*on_refused)(void *ctx, int64_t conn, int status);
};

struct httpd;
/* On 127.0.0.1; port 0 picks one. *h is copied. */
enum rc httpd_listen(struct httpd **out, struct loop *l, struct outbox *box, int port, size_t max_body,
		     const struct httpd_handler *h, void *ctx, struct err *e) MUST_USE;
int httpd_port(const struct httpd *s);
void httpd_free(struct httpd *s);
int64_t httpd_open(const struct httpd *s);                      /* connections now */
int64_t httpd_accepted(const struct httpd *s);

const char *http_phrase(int status);
/* IMF-fixdate of a time in seconds; dst has 32 bytes. */
const char *http_date(char dst[32], int64_t unix_s);
/* The next number for a connection of this process. */
int64_t conn_number(void);

#endif
