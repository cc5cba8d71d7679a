/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_panic.c: panic() of a unit test: fails the running test, or is what it expected. */
#include "hv/lib/panic.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	/* Caught by expect_assert_failure(); else it fails the test. Does not return. */
	mock_assert(0, "panic", __FILE__, __LINE__);
	abort();
}
