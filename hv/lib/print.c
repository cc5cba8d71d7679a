/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/print.c: formatted text without a libc. */
#include "hv/lib/print.h"

#include "hv/lib/string.h"

/* One conversion: its flags, and where the text goes. */
struct print {
	print_sink sink;
	void *ctx;
	int count;
	bool left, zero, space;
	int width, prec; /* prec < 0: none given */
	int length;	 /* -2 hh, -1 h, 0 int, 1 long, long long or size_t */
};

static void print_char(struct print *p, char c)
{
	p->sink(p->ctx, c);
	p->count++;
}

static void print_pad(struct print *p, char c, int n)
{
	while (n-- > 0)
		print_char(p, c);
}

static void print_text(struct print *p, const char *s)
{
	int n;

	if (s == NULL)
		s = "(null)";
	n = (int)strnlen(s, p->prec >= 0 ? (size_t)p->prec : INT32_MAX);
	if (!p->left)
		print_pad(p, ' ', p->width - n);
	for (int i = 0; i < n; i++)
		print_char(p, s[i]);
	if (p->left)
		print_pad(p, ' ', p->width - n);
}

/* A number of magnitude @v after @prefix (a sign, "0x" or nothing). */
static void print_number(struct print *p, u64 v, unsigned base, bool upper, const char *prefix)
{
	const char *digit = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int prefix_len = (int)strlen(prefix), n = 0, zeros;
	char buf[20]; /* 2^64 has 20 decimal digits */

	for (; v != 0; v /= base)
		buf[n++] = digit[v % base];
	zeros = (p->prec >= 0 ? p->prec : 1) - n;
	if (zeros < 0)
		zeros = 0;
	if (p->zero && !p->left && p->prec < 0 && p->width - prefix_len - n > zeros)
		zeros = p->width - prefix_len - n;

	if (!p->left)
		print_pad(p, ' ', p->width - prefix_len - zeros - n);
	while (*prefix != '\0')
		print_char(p, *prefix++);
	print_pad(p, '0', zeros);
	for (int i = n; i > 0; i--)
		print_char(p, buf[i - 1]);
	if (p->left)
		print_pad(p, ' ', p->width - prefix_len - zeros - n);
}

/* All lengths from long on are 64 bits wide on every machine we know. */
static_assert(sizeof(long) == 8 && sizeof(long long) == 8 && sizeof(size_t) == 8, "LP64");

static void print_signed(struct print *p, s64 v)
{
	if (p->length == -1)
		v = (s16)v;
	else if (p->length == -2)
		v = (s8)v;
	print_number(p, v < 0 ? 0 - (u64)v : (u64)v, 10, false, v < 0 ? "-" : p->space ? " " : "");
}

static void print_unsigned(struct print *p, u64 v, unsigned base, bool upper)
{
	if (p->length == -1)
		v = (u16)v;
	else if (p->length == -2)
		v = (u8)v;
	print_number(p, v, base, upper, "");
}

static const char *print_flags(struct print *p, const char *f)
{
	p->left = p->zero = p->space = false;
	for (;; f++) {
		if (*f == '-')
			p->left = true;
		else if (*f == '0')
			p->zero = true;
		else if (*f == ' ')
			p->space = true;
		else
			return f;
	}
}

/* Decimal digits, cut off at a value that still fits. */
static const char *print_digits(const char *f, int *out)
{
	int v = 0;

	for (; *f >= '0' && *f <= '9'; f++) {
		if (v < 100000000)
			v = v * 10 + (*f - '0');
	}
	*out = v;
	return f;
}

static const char *print_length(struct print *p, const char *f)
{
	p->length = 0;
	for (;; f++) {
		if (*f == 'l' || *f == 'z')
			p->length = 1;
		else if (*f == 'h')
			p->length = p->length == -1 ? -2 : -1;
		else
			return f;
	}
}

/* The argument of an integer conversion: narrower types arrive promoted to int. */
#define PRINT_SIGNED(p, ap)   ((p)->length > 0 ? (s64)va_arg(ap, long) : (s64)va_arg(ap, int))
#define PRINT_UNSIGNED(p, ap) ((p)->length > 0 ? (u64)va_arg(ap, unsigned long) : (u64)va_arg(ap, unsigned))

/* va_list is an array on some machines: wrapped, it can be passed by pointer everywhere. */
struct print_args {
	va_list ap;
};

/* Read width, precision and length from @f on; returns where the conversion's letter stands. */
static const char *print_spec(struct print *p, const char *f, struct print_args *a)
{
	f = print_flags(p, f);
	if (*f == '*') {
		p->width = va_arg(a->ap, int);
		if (p->width < 0) {
			p->left = true;
			p->width = p->width == INT32_MIN ? INT32_MAX : -p->width;
		}
		f++;
	} else {
		f = print_digits(f, &p->width);
	}
	p->prec = -1;
	if (f[0] == '.' && f[1] == '*') {
		p->prec = va_arg(a->ap, int);
		f += 2;
	} else if (f[0] == '.') {
		f = print_digits(f + 1, &p->prec);
	}
	return print_length(p, f);
}

/* Print the conversion @c; false if it is none of ours. */
static bool print_convert(struct print *p, char c, struct print_args *a)
{
	switch (c) {
	case 'd':
	case 'i': print_signed(p, PRINT_SIGNED(p, a->ap)); return true;
	case 'u': print_unsigned(p, PRINT_UNSIGNED(p, a->ap), 10, false); return true;
	case 'x': print_unsigned(p, PRINT_UNSIGNED(p, a->ap), 16, false); return true;
	case 'X': print_unsigned(p, PRINT_UNSIGNED(p, a->ap), 16, true); return true;
	case 'p': print_number(p, (u64)(uintptr_t)va_arg(a->ap, void *), 16, false, "0x"); return true;
	case 's': print_text(p, va_arg(a->ap, const char *)); return true;
	case '%': print_char(p, '%'); return true;
	case 'c':
		if (!p->left)
			print_pad(p, ' ', p->width - 1);
		print_char(p, (char)va_arg(a->ap, int));
		if (p->left)
			print_pad(p, ' ', p->width - 1);
		return true;
	default: return false;
	}
}

int vprint(print_sink sink, void *ctx, const char *fmt, va_list ap)
{
	struct print p = { .sink = sink, .ctx = ctx };
	struct print_args a;

	va_copy(a.ap, ap);
	while (*fmt != '\0') {
		const char *start = fmt, *f;

		if (*fmt != '%') {
			print_char(&p, *fmt++);
			continue;
		}
		f = print_spec(&p, fmt + 1, &a);
		fmt = *f != '\0' ? f + 1 : f;
		if (*f == '\0' || !print_convert(&p, *f, &a)) {
			while (start < fmt) /* shown as it stands */
				print_char(&p, *start++);
		}
	}
	va_end(a.ap);
	return p.count;
}

/* The sink of vsnprintf: counts past the end, but stores only what fits. */
struct print_buf {
	char *at;
	size_t left;
};

static void print_to_buf(void *ctx, char c)
{
	struct print_buf *b = ctx;

	if (b->left > 1) {
		*b->at++ = c;
		b->left--;
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct print_buf b = { buf, size };
	int n = vprint(print_to_buf, &b, fmt, ap);

	if (size != 0)
		*b.at = '\0';
	return n;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
