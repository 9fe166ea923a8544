/*
 * fuzz: what libFuzzer calls, and what driver.c calls where there is no libFuzzer.
 */
#ifndef FD_TESTS_FUZZ_H
#define FD_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
