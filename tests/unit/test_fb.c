/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: drivers/fb/fb.c */
/* tests/unit/test_fb.c: text on framebuffers of all kinds, and descriptors that lie. */
#include "drivers/fb/fb.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "gen/fb_font.h"
#include "hv/lib/util.h"

#define EDGE   64 /* bytes around the screen that must stay as they are */
#define MARK   0xee
#define LOG_FG 0xd0d0d0u /* as fb.c has it */

static struct boot_framebuffer screen;
static u8 *memory; /* EDGE, the screen, EDGE */

static struct boot_framebuffer rgb(u32 width, u32 height, u8 bpp)
{
	struct boot_framebuffer f = { .base = 0xe0000000, .width = width, .height = height, .bpp = bpp };

	if (bpp == 16) {
		f.red_pos = 11, f.red_size = 5, f.green_pos = 5, f.green_size = 6, f.blue_size = 5;
	} else {
		f.red_pos = 16, f.green_pos = 8;
		f.red_size = f.green_size = f.blue_size = 8;
	}
	f.pitch = width * (bpp / 8);
	return f;
}

/* The screen is the heap's, so that AddressSanitizer sees what goes beyond the edges. */
static void start(struct boot_framebuffer f)
{
	screen = f;
	free(memory);
	memory = malloc(fb_bytes(&f) + 2 * EDGE);
	assert_non_null(memory);
	memset(memory, MARK, fb_bytes(&f) + 2 * EDGE);
	assert_null(fb_check(&f));
	fb_start(&f, memory + EDGE);
	assert_true(fb_on());
}

static int off(void **state)
{
	free(memory);
	memory = NULL;
	return 0;
}

static void say(const char *s)
{
	while (*s)
		fb_putc(*s++);
}

static u32 pixel(u32 x, u32 y)
{
	const u8 *p = memory + EDGE + (size_t)y * screen.pitch + (size_t)x * (screen.bpp / 8);
	u32 v = 0;

	for (unsigned i = 0; i < screen.bpp / 8u; i++)
		v |= (u32)p[i] << 8 * i;
	return v;
}

static u32 channel(u32 rgb8, unsigned pos, unsigned size)
{
	return (size < 8 ? rgb8 >> (8 - size) : rgb8 << (size - 8)) << pos;
}

static u32 colour(u32 c)
{
	return channel(c >> 16, screen.red_pos, screen.red_size) |
	       channel(c >> 8 & 0xff, screen.green_pos, screen.green_size) |
	       channel(c & 0xff, screen.blue_pos, screen.blue_size);
}

/* Is @c in the cell, pixel by pixel, at @scale and in colour @fg on @bg? */
static bool shows(u32 row, u32 col, char c, u32 scale, u32 fg, u32 bg)
{
	for (u32 y = 0; y < 16 * scale; y++)
		for (u32 x = 0; x < 8 * scale; x++) {
			bool on = fb_font[c - ' '][y / scale] & 0x80 >> x / scale;

			if (pixel(col * 8 * scale + x, row * 16 * scale + y) != colour(on ? fg : bg))
				return false;
		}
	return true;
}

static void assert_row(u32 row, const char *text, u32 scale)
{
	for (u32 col = 0; text[col]; col++)
		assert_true(shows(row, col, text[col], scale, LOG_FG, 0));
}

/* What is no pixel of the screen has not been written: the edges, and what a line has behind its pixels. */
static void assert_clipped(void)
{
	size_t used = screen.width * (screen.bpp / 8u);

	for (size_t i = 0; i < EDGE; i++) {
		assert_int_equal(memory[i], MARK);
		assert_int_equal(memory[EDGE + fb_bytes(&screen) + i], MARK);
	}
	for (u32 y = 0; y < screen.height; y++)
		for (size_t i = used; i < screen.pitch; i++)
			assert_int_equal(memory[EDGE + (size_t)y * screen.pitch + i], MARK);
}

static void formats_and_pitches(void **state)
{
	static const struct {
		u32 width, height, more;
		u8 bpp;
	} t[] = {
		{ 640, 480, 0, 32 },  { 640, 480, 64, 32 }, { 645, 487, 4, 32 }, { 640, 480, 0, 16 },
		{ 641, 481, 2, 16 },  { 640, 480, 0, 24 },  { 643, 480, 0, 24 }, { 643, 485, 7, 24 },
		{ 1024, 768, 0, 32 }, { 320, 200, 12, 32 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct boot_framebuffer f = rgb(t[i].width, t[i].height, t[i].bpp);

		f.pitch += t[i].more;
		start(f);
		say("Log: ~|{}@ 0123\nsecond\tline\r\n");
		assert_row(0, "Log: ~|{}@ 0123", 1);
		assert_row(1, "second  line", 1);
		assert_clipped();
	}
}

static void other_orders_of_colours(void **state)
{
	struct boot_framebuffer f = rgb(640, 480, 32);

	f.red_pos = 0, f.blue_pos = 16; /* BGR */
	start(f);
	say("x");
	assert_row(0, "x", 1);
	f.red_pos = 20, f.red_size = 10, f.green_pos = 10, f.green_size = 10, f.blue_pos = 0, f.blue_size = 10;
	start(f);
	say("x");
	assert_row(0, "x", 1);
	f = rgb(640, 480, 16);
	f.bpp = 16, f.red_pos = 10, f.green_size = 5; /* 5-5-5 */
	start(f);
	say("x");
	assert_row(0, "x", 1);
	fb_panic();
	fb_line(FB_REASON, "yes", 3);
	assert_true(shows(0, 1, 'e', 1, 0xffff60, 0x600000));
}

static void large_screens_have_large_characters(void **state)
{
	start(rgb(3840, 2160, 32));
	say("4K");
	assert_row(0, "4K", 2);
	start(rgb(1920, 1080, 32));
	say("HD");
	assert_row(0, "HD", 1);
	start(rgb(7680, 4320, 24));
	say("8K");
	assert_row(0, "8K", 4);
	assert_clipped();
}

static void lines_wrap_and_move_up(void **state)
{
	char line[] = "line 00";

	start(rgb(320, 200, 32)); /* 40 by 12 */
	for (unsigned i = 0; i < 40; i++)
		fb_putc((char)('A' + i % 26));
	say("wrapped\n\n");
	for (unsigned i = 0; i < 20; i++) {
		line[5] = (char)('0' + i / 10);
		line[6] = (char)('0' + i % 10);
		say(line);
		fb_putc('\n');
	}
	assert_row(0, "line 08 ", 1);
	assert_row(11, "line 19 ", 1);
	assert_clipped();
	say("\x01\xff"); /* no characters of the font */
	assert_row(11, "?? ", 1);
	assert_row(10, "line 19", 1);
}

static void scrolling_draws_only_what_changes(void **state)
{
	start(rgb(320, 200, 32));
	for (unsigned i = 0; i < 12; i++)
		say(i % 2 ? "same text, 1\n" : "same text, 2\n");
	memset(memory + EDGE, MARK, fb_bytes(&screen)); /* whoever draws now is seen */
	say("s");
	for (u32 row = 0; row < 12; row++)
		for (u32 col = 0; col < 40; col++) {
			u32 was = row % 2 ? '1' : '2';
			bool drawn = pixel(col * 8, row * 16) != (MARK * 0x01010101u);

			/* the number, and the last line but its first letter, which is the same again */
			assert_int_equal(drawn, (row < 11 && col == 11 && was) ||
							(row == 11 && col < 12 && "same text, 1"[col] != ' '));
		}
}

static void a_panic_has_colours_and_its_beginning_stays(void **state)
{
	start(rgb(320, 200, 32));
	say("log\nlog");
	fb_panic();
	assert_int_equal(fb_left(), 12);
	fb_line(FB_TITLE, "title", 5);
	fb_line(FB_REASON, "a reason that is longer than a line of this screen", 50);
	fb_line(FB_DETAIL, "", 0);
	assert_int_equal(fb_left(), 8);
	assert_true(shows(0, 0, 't', 1, 0x600000, 0xffffff));
	assert_true(shows(0, 39, ' ', 1, 0x600000, 0xffffff));
	assert_true(shows(2, 0, 'h', 1, 0xffff60, 0x600000)); /* "this screen", its t is above */
	for (unsigned i = 0; i < 30; i++)
		fb_line(FB_DETAIL, "detail", 6);
	assert_int_equal(fb_left(), 0);
	assert_true(shows(0, 0, 't', 1, 0x600000, 0xffffff));
	assert_true(shows(11, 5, 'l', 1, 0xffffff, 0x600000));
	say("others have nothing to say any more\n");
	assert_true(shows(11, 5, 'l', 1, 0xffffff, 0x600000));
	assert_clipped();
}

static void refused(struct boot_framebuffer f, const char *why)
{
	assert_non_null(fb_check(&f));
	assert_string_equal(fb_check(&f), why);
}

static void descriptors_that_lie_are_refused(void **state)
{
	struct boot_framebuffer f;

#define LIE(change, why)                \
	do {                            \
		f = rgb(1024, 768, 32); \
		change;                 \
		refused(f, why);        \
	} while (0)
	LIE(f.bpp = 0, "its pixels have neither 16, 24 nor 32 bits");
	LIE(f.bpp = 8, "its pixels have neither 16, 24 nor 32 bits");
	LIE(f.bpp = 255, "its pixels have neither 16, 24 nor 32 bits");
	LIE(f.red_pos = 25, "a colour's bits lie outside of its pixels");
	LIE(f.red_pos = 255, "a colour's bits lie outside of its pixels");
	LIE(f.green_size = 0, "a colour's bits lie outside of its pixels");
	LIE(f.blue_size = 255, "a colour's bits lie outside of its pixels");
	LIE(f.green_pos = 15, "colours share bits");
	LIE(f.blue_pos = 16, "colours share bits");
	LIE(f.width = 0, "its size makes no sense");
	LIE(f.height = 0, "its size makes no sense");
	LIE(f.width = ~0u, "its size makes no sense");
	LIE(f.height = ~0u, "its size makes no sense");
	LIE(f.width = 0x40000001, "its size makes no sense");
	LIE(f.pitch = 0, "its lines' length makes no sense");
	LIE(f.pitch = 4095, "its lines' length makes no sense");
	LIE(f.pitch = ~0u, "its lines' length makes no sense");
	LIE(f.pitch = 4097, "its pixels are not aligned");
	LIE(f.base = 0xe0000002, "its pixels are not aligned");
	LIE(f.base = 0, "its address makes no sense");
	LIE(f.base = ~0UL - 4095, "its address makes no sense");
#undef LIE
	assert_non_null(fb_check(&(struct boot_framebuffer){ 0 }));
}

/* Whatever is not refused can be drawn on without leaving it. */
static void random_descriptors(void **state)
{
	u32 seed = 1, taken = 0;

	for (unsigned i = 0; i < 200000; i++) {
		struct boot_framebuffer f = rgb(400, 300, i % 3 == 0 ? 16 : i % 3 == 1 ? 24 : 32);
		u8 *bytes = (u8 *)&f;

		for (unsigned n = 0; n < 2; n++) {
			seed = seed * 1664525 + 1013904223;
			bytes[8 + (seed >> 16) % (sizeof(f) - 8)] ^= (u8)(1u << (seed >> 28 & 7));
		}
		if (fb_check(&f) || fb_bytes(&f) > 4u << 20 || i % 50 != 0)
			continue;
		start(f);
		say("some text, some more, and a line's end\nthat is all");
		taken++;
	}
	assert_true(taken > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_and_pitches),
		cmocka_unit_test(other_orders_of_colours),
		cmocka_unit_test(large_screens_have_large_characters),
		cmocka_unit_test(lines_wrap_and_move_up),
		cmocka_unit_test(scrolling_draws_only_what_changes),
		cmocka_unit_test(a_panic_has_colours_and_its_beginning_stays),
		cmocka_unit_test(descriptors_that_lie_are_refused),
		cmocka_unit_test(random_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, off);
}
