/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drivers/fb/fb.c: text on a linear framebuffer. The text is kept in memory, so that scrolling draws only characters
 * that have changed and the framebuffer, which is slow to read, never is.
 */
#include "drivers/fb/fb.h"

#include "gen/fb_font.h"
#include "hv/lib/util.h"

#define FONT_W	  8u
#define FONT_H	  16u
#define MIN_W	  320u
#define MIN_H	  200u
#define MAX_W	  16384u
#define MAX_BYTES (256u << 20)
#define MAX_SCALE 17u /* MAX_W by MAX_W in FB_COLS by FB_ROWS cells of 8 by 16 */
#define TAB	  8u

static_assert(MAX_W / FONT_W / MAX_SCALE < FB_COLS && MAX_W / FONT_H / MAX_SCALE < FB_ROWS, "scale");

/* RGB, 8 bits each: characters, and what is behind them. */
static const struct {
	u32 fg, bg;
} fb_colour[FB_STYLES] = {
	[FB_LOG] = { 0xd0d0d0, 0x000000 },    [FB_TITLE] = { 0x600000, 0xffffff },
	[FB_REASON] = { 0xffff60, 0x600000 }, [FB_DETAIL] = { 0xffffff, 0x600000 },
	[FB_BEFORE] = { 0xc0a0a0, 0x600000 },
};

static struct {
	struct boot_framebuffer is;
	u8 *at;		  /* NULL: none */
	u32 bytes, scale; /* of a pixel; pixels of the screen for one of the font, each way */
	u32 cols, rows, row, col;
	bool newline; /* the line has ended; the next one begins with its first character */
	bool panic;
	u32 fg, bg; /* as pixels */
} fb;
static char fb_text[FB_ROWS][FB_COLS];

static bool fb_channel_bad(u32 pos, u32 size, u32 bpp)
{
	return size == 0 || size > 16 || pos + size > bpp;
}

static u64 fb_mask(u32 pos, u32 size)
{
	return BITS(pos + size - 1, pos);
}

const char *fb_check(const struct boot_framebuffer *f)
{
	u32 bytes = (f->bpp + 7u) / 8;
	u64 red, green;

	if (f->bpp != 15 && f->bpp != 16 && f->bpp != 24 && f->bpp != 32)
		return "its pixels have neither 16, 24 nor 32 bits";
	if (fb_channel_bad(f->red_pos, f->red_size, f->bpp) || fb_channel_bad(f->green_pos, f->green_size, f->bpp) ||
	    fb_channel_bad(f->blue_pos, f->blue_size, f->bpp))
		return "a colour's bits lie outside of its pixels";
	red = fb_mask(f->red_pos, f->red_size);
	green = fb_mask(f->green_pos, f->green_size);
	if ((red & green) || ((red | green) & fb_mask(f->blue_pos, f->blue_size)))
		return "colours share bits";
	if (f->width < MIN_W || f->height < MIN_H || f->width > MAX_W || f->height > MAX_W)
		return "its size makes no sense";
	if (f->pitch < f->width * bytes || (u64)f->pitch * f->height > MAX_BYTES)
		return "its lines' length makes no sense";
	if (bytes != 3 && (!is_aligned(f->pitch, bytes) || !is_aligned(f->base, bytes)))
		return "its pixels are not aligned";
	if (f->base == 0 || range_bad(f->base, fb_bytes(f)))
		return "its address makes no sense";
	return NULL;
}

u64 fb_bytes(const struct boot_framebuffer *f)
{
	return (u64)f->pitch * f->height;
}

bool fb_on(void)
{
	return fb.at != NULL;
}

static u32 fb_scaled(u32 value, u32 pos, u32 size)
{
	return (size < 8 ? value >> (8 - size) : value << (size - 8)) << pos;
}

static u32 fb_pixel(u32 rgb)
{
	const struct boot_framebuffer *f = &fb.is;

	return fb_scaled(rgb >> 16 & 0xff, f->red_pos, f->red_size) |
	       fb_scaled(rgb >> 8 & 0xff, f->green_pos, f->green_size) |
	       fb_scaled(rgb & 0xff, f->blue_pos, f->blue_size);
}

static void fb_style(enum fb_style style)
{
	fb.fg = fb_pixel(fb_colour[style].fg);
	fb.bg = fb_pixel(fb_colour[style].bg);
}

/* @n pixels of the same colour into the line buffer @d; returns its new end. */
static u8 *fb_fill(u8 *d, u32 pixel, u32 n)
{
	for (; n != 0; n--)
		for (u32 i = 0; i < fb.bytes; i++)
			*d++ = (u8)(pixel >> 8 * i);
	return d;
}

/* To the framebuffer, in stores as large as the addresses allow. @s is aligned to 8. */
static void fb_copy(u8 *d, const u8 *s, u32 len)
{
	if (is_aligned((u64)d | len, 8))
		for (u32 i = 0; i < len; i += 8)
			*(volatile u64 *)(d + i) = *(const u64 *)(s + i);
	else if (is_aligned((u64)d | len, 4))
		for (u32 i = 0; i < len; i += 4)
			*(volatile u32 *)(d + i) = *(const u32 *)(s + i);
	else if (is_aligned((u64)d | len, 2))
		for (u32 i = 0; i < len; i += 2)
			*(volatile u16 *)(d + i) = *(const u16 *)(s + i);
	else
		for (u32 i = 0; i < len; i++)
			*(volatile u8 *)(d + i) = s[i];
}

/* Lines @top to @bottom of pixels, in the background's colour. */
static void fb_wipe(u32 top, u32 bottom)
{
	u8 line[64 * 4] ALIGNED(8);

	(void)fb_fill(line, fb.bg, 64);
	for (u32 y = top; y < bottom; y++) {
		u8 *d = fb.at + (u64)y * fb.is.pitch;

		for (u32 x = 0; x < fb.is.width; x += 64)
			fb_copy(d + (u64)x * fb.bytes, line, MIN(64u, fb.is.width - x) * fb.bytes);
	}
}

static void fb_draw(u32 row, u32 col)
{
	const u8 *glyph = fb_font[fb_text[row][col] - ' '];
	u8 line[FONT_W * MAX_SCALE * 4] ALIGNED(8);
	u32 len = FONT_W * fb.scale * fb.bytes;
	u8 *d = fb.at + (u64)row * FONT_H * fb.scale * fb.is.pitch + (u64)col * len;

	for (u32 y = 0; y < FONT_H; y++) {
		u8 *end = line;

		for (u32 x = 0; x < FONT_W; x++)
			end = fb_fill(end, glyph[y] & 0x80 >> x ? fb.fg : fb.bg, fb.scale);
		for (u32 i = 0; i < fb.scale; i++, d += fb.is.pitch)
			fb_copy(d, line, len);
	}
}

static void fb_set(u32 row, u32 col, char c)
{
	if (fb_text[row][col] == c)
		return;
	fb_text[row][col] = c;
	fb_draw(row, col);
}

static void fb_clear(enum fb_style style)
{
	fb_style(style);
	fb_wipe(0, fb.is.height);
	for (u32 row = 0; row < fb.rows; row++)
		for (u32 col = 0; col < fb.cols; col++)
			fb_text[row][col] = ' ';
	fb.row = fb.col = 0;
	fb.newline = false;
}

void fb_start(const struct boot_framebuffer *f, void *at)
{
	fb.is = *f;
	fb.at = at;
	fb.panic = false;
	fb.bytes = (f->bpp + 7u) / 8;
	fb.scale = 1;
	while (f->width / FONT_W / fb.scale > FB_COLS || f->height / FONT_H / fb.scale > FB_ROWS)
		fb.scale++;
	fb.cols = f->width / FONT_W / fb.scale;
	fb.rows = f->height / FONT_H / fb.scale;
	fb_clear(FB_LOG);
}

static void fb_scroll(void)
{
	for (u32 row = 0; row < fb.rows && !fb.panic; row++)
		for (u32 col = 0; col < fb.cols; col++)
			fb_set(row, col, row + 1 < fb.rows ? fb_text[row + 1][col] : ' ');
}

/* The cursor to the next line; a panic's first lines stay. */
static void fb_next_line(void)
{
	fb.newline = false;
	fb.col = 0;
	if (fb.row + 1 < fb.rows)
		fb.row++;
	else
		fb_scroll();
}

static char fb_printable(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

/* Where the text goes on; no further than the grid, whoever else draws. */
static void fb_char(char c)
{
	if (fb.newline || fb.col >= fb.cols)
		fb_next_line();
	fb_set(MIN(fb.row, fb.rows - 1), fb.col, fb_printable(c));
	fb.col++;
}

void fb_putc(char c)
{
	if (!fb.at || fb.panic)
		return;
	if (c == '\n' && !fb.newline) {
		fb.newline = true;
	} else if (c == '\n') {
		fb_next_line();
		fb.newline = true;
	} else if (c == '\t') {
		do
			fb_char(' ');
		while (fb.col % TAB != 0 && fb.col < fb.cols);
	} else if (c != '\r') {
		fb_char(c);
	}
}

void fb_panic(void)
{
	if (!fb.at)
		return;
	fb.panic = true;
	fb_clear(FB_DETAIL);
}

void fb_line(enum fb_style style, const char *text, size_t len)
{
	if (!fb.at)
		return;
	fb_style(style);
	for (size_t i = 0; (i < len || i == 0) && fb.row < fb.rows; i += fb.cols, fb.row++) {
		fb_wipe(fb.row * FONT_H * fb.scale, (fb.row + 1) * FONT_H * fb.scale);
		for (u32 col = 0; col < fb.cols && i + col < len; col++) {
			fb_text[fb.row][col] = fb_printable(text[i + col]);
			fb_draw(fb.row, col);
		}
	}
}

u32 fb_left(void)
{
	return fb.at ? fb.rows - MIN(fb.row, fb.rows) : 0;
}
