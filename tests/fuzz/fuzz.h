/* A fuzz target: any bytes in, nothing may crash, hang or break an invariant (FUZZ_CHECK). With
 * clang -fsanitize=fuzzer it is libFuzzer's entry; fuzz_main.c runs it over a corpus and mutations. */
#ifndef SLUICE_TESTS_FUZZ_H
#define SLUICE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(x) do { if (!(x)) die("%s:%d: %s does not hold", __FILE__, __LINE__, #x); } while (0)

#endif
