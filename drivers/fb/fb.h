/* SPDX-License-Identifier: Apache-2.0 */
/* drivers/fb/fb.h: text on a linear framebuffer of direct colour. It is written, never read. */
#ifndef DRIVERS_FB_FB_H
#define DRIVERS_FB_FB_H

#include "hv/abi/boot_info.h"

/* The text grid at most; a larger screen gets larger characters. */
#define FB_COLS 240u
#define FB_ROWS 68u

/* What a line is, which is its colour. */
enum fb_style { FB_LOG, FB_TITLE, FB_REASON, FB_DETAIL, FB_BEFORE, FB_STYLES };

/** Why text cannot be drawn on @fb, in words; NULL: it can. The loader's word is not trusted. */
const char *fb_check(const struct boot_framebuffer *fb);
/** How many bytes a screen that fb_check has passed takes from its base on. */
u64 fb_bytes(const struct boot_framebuffer *fb);
/** Take a screen that fb_check has passed, and that is mapped for writing at @at, and clear it. */
void fb_start(const struct boot_framebuffer *fb, void *at);
/** Is there one? */
bool fb_on(void);
/** Draw @c: a character, or the end of a line. At the bottom the lines move up. Callers take turns (the log's lock). */
void fb_putc(char c);
/**
 * Clear the screen for a panic: from now on each line has the colour that fb_line says, and what does not fit on the
 * screen is left out. Needs no lock; who was drawing stops.
 */
void fb_panic(void);
/** Draw the first @len characters of @text as a line of the panic screen. */
void fb_line(enum fb_style style, const char *text, size_t len);
/** How many lines of the panic screen are left. */
u32 fb_left(void);

#endif
