/* WebSocket frames (RFC 6455 5.2) read strictly and written as told, wrong ones included. Pure. */
#ifndef SLUICE_SIM_FRAME_H
#define SLUICE_SIM_FRAME_H

#include "base/str.h"

enum { FRAME_CONT = 0, FRAME_TEXT = 1, FRAME_BINARY = 2, FRAME_CLOSE = 8, FRAME_PING = 9, FRAME_PONG = 10 };

struct frame {
	bool fin, masked;
	int rsv, opcode;
	uint8_t mask[4];
	size_t head, payload;           /* bytes of each on the wire */
};

enum frame_result { FRAME_MORE, FRAME_OK, FRAME_BAD, FRAME_TOO_LARGE };

/* The frame at the start of in, once its payload is there too. FRAME_BAD: a length that is not
 * minimal or has its top bit set, a control frame that is fragmented or above 125 bytes. */
enum frame_result frame_read(struct slice in, size_t max_payload, struct frame *out);
/* Unmasks in place. */
void frame_unmask(const struct frame *f, char *payload);
/* mask NULL: not masked. opcode and fin are written as they are. */
void frame_write(struct buf *out, bool fin, int opcode, struct slice payload, const uint8_t mask[4]);
/* code 0: an empty Close. */
void frame_write_close(struct buf *out, int code, struct slice reason);
/* Codes that may be on the wire. */
bool frame_close_code_ok(int code);

#endif
