#include "sim/frame.h"

#include <string.h>

#include "base/mem.h"

/* Bytes of the length field that follow the second byte. */
static size_t extended(unsigned seven)
{
	return seven == 126 ? 2 : seven == 127 ? 8 : 0;
}

enum frame_result frame_read(struct slice in, size_t max_payload, struct frame *f)
{
	const unsigned char *p = (const unsigned char *)in.p;
	if (in.n < 2)
		return FRAME_MORE;
	unsigned seven = p[1] & 0x7F;
	size_t more = extended(seven);
	f->fin = p[0] & 0x80;
	f->rsv = p[0] >> 4 & 7;
	f->opcode = p[0] & 15;
	f->masked = p[1] & 0x80;
	f->head = 2 + more + (f->masked ? 4 : 0);
	if (f->opcode >= 8 && (!f->fin || seven > 125))
		return FRAME_BAD;
	if (in.n < f->head)
		return FRAME_MORE;
	uint64_t n = more ? 0 : seven;
	for (size_t i = 0; i < more; i++)
		n = n << 8 | p[2 + i];
	if ((more == 2 && n < 126) || (more == 8 && (n < 65536 || n >> 63)))
		return FRAME_BAD;
	if (n > max_payload)
		return FRAME_TOO_LARGE;
	f->payload = (size_t)n;
	if (f->masked)
		memcpy(f->mask, p + f->head - 4, 4);
	return in.n - f->head < f->payload ? FRAME_MORE : FRAME_OK;
}

static void apply_mask(char *payload, size_t n, const uint8_t mask[4])
{
	for (size_t i = 0; i < n; i++)
		payload[i] = (char)(payload[i] ^ mask[i & 3]);
}

void frame_unmask(const struct frame *f, char *payload)
{
	if (f->masked)
		apply_mask(payload, f->payload, f->mask);
}

static void put_length(struct buf *out, size_t n, unsigned mask_bit)
{
	unsigned seven = n < 126 ? (unsigned)n : n < 65536 ? 126 : 127;
	buf_addc(out, (char)(mask_bit | seven));
	for (size_t i = extended(seven); i > 0; i--)
		buf_addc(out, (char)(n >> 8 * (i - 1)));
}

void frame_write(struct buf *out, bool fin, int opcode, struct slice payload, const uint8_t mask[4])
{
	buf_addc(out, (char)((fin ? 0x80 : 0) | opcode));
	put_length(out, payload.n, mask ? 0x80 : 0);
	if (mask)
		buf_add(out, mask, 4);
	size_t at = out->n;
	buf_add(out, payload.p, payload.n);
	if (mask)
		apply_mask(out->p + at, payload.n, mask);
}

void frame_write_close(struct buf *out, int code, struct slice reason)
{
	char payload[125];
	size_t n = 0;
	if (code) {
		n = MIN(reason.n, sizeof(payload) - 2);
		payload[0] = (char)(code >> 8);
		payload[1] = (char)code;
		memcpy(payload + 2, reason.p, n);
		n += 2;
	}
	frame_write(out, true, FRAME_CLOSE, (struct slice){ payload, n }, NULL);
}

bool frame_close_code_ok(int code)
{
	return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
}
