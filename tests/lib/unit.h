/*
 * unit: what every cmocka program of ours includes.
 */
#ifndef FD_TESTS_UNIT_H
#define FD_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#endif
