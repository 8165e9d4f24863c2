/* SHA-1, for the one thing that still asks for it: Sec-WebSocket-Accept. Pure. */
#ifndef SLUICE_SIM_SHA1_H
#define SLUICE_SIM_SHA1_H

#include <stddef.h>
#include <stdint.h>

/* At most 4096 bytes. */
void sha1(uint8_t out[20], const void *p, size_t n);

#endif
