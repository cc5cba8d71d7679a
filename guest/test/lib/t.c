/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/lib/t.c: a test guest's start, its checks and what it prints. */
#include "guest/test/lib/t.h"

void t_start(void);

static unsigned passed, failed;
static u64 seed = 0x2545f4914f6cdd1d;

void t_puts(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			t_putc('\r');
		t_putc(*s);
	}
}

void t_hex(u64 v)
{
	char buf[19] = "0x";
	unsigned n = 2;
	bool on = false;

	for (int i = 60; i >= 0; i -= 4) {
		unsigned d = (v >> i) & 15;

		on = on || d != 0 || i == 0;
		if (on)
			buf[n++] = "0123456789abcdef"[d];
	}
	buf[n] = 0;
	t_puts(buf);
}

void t_dec(u64 v)
{
	char buf[21];
	unsigned n = 20;

	buf[n] = 0;
	do
		buf[--n] = '0' + v % 10;
	while ((v /= 10) != 0);
	t_puts(buf + n);
}

bool t_check(const char *name, bool ok)
{
	t_puts(ok ? "PASS " : "FAIL ");
	t_puts(name);
	t_puts(ok ? "\n" : ": not as expected\n");
	passed += ok;
	failed += !ok;
	return ok;
}

bool t_eq(const char *name, u64 got, u64 want)
{
	if (got == want)
		return t_check(name, true);
	t_puts("FAIL ");
	t_puts(name);
	t_puts(": got ");
	t_hex(got);
	t_puts(", want ");
	t_hex(want);
	t_puts("\n");
	failed++;
	return false;
}

void t_hw(const char *name, u64 got, u64 want)
{
	if (got == want) {
		t_check(name, true);
		return;
	}
	t_puts("INFO not as hardware: ");
	t_puts(name);
	t_puts(": got ");
	t_hex(got);
	t_puts(", want ");
	t_hex(want);
	t_puts("\n");
}

void t_dev(const char *name, u64 got, u64 want)
{
	if (t_strict())
		t_eq(name, got, want);
	else
		t_hw(name, got, want);
}

void t_info(const char *name, u64 value)
{
	t_puts("INFO ");
	t_puts(name);
	t_puts(" ");
	t_hex(value);
	t_puts("\n");
}

void t_skip(const char *name, const char *why)
{
	t_puts("SKIP ");
	t_puts(name);
	t_puts(": ");
	t_puts(why);
	t_puts("\n");
}

void t_done(void)
{
	t_puts("DONE ");
	t_dec(passed);
	t_puts(" passed ");
	t_dec(failed);
	t_puts(" failed\n");
	t_power_off();
}

u64 t_rand(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

void t_seed(u64 s)
{
	seed = s | 1;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void t_start(void)
{
	t_init();
	t_main();
	t_done();
}
