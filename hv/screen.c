/* SPDX-License-Identifier: Apache-2.0 */
/* hv/screen.c: the framebuffer that the loader tells of as a console: the log, and a panic's page. */
#include "arch/iface/mem.h"
#include "drivers/fb/fb.h"
#include "hv/vm.h"

static const struct boot_info *screen_info; /* NULL: the hypervisor has no page tables of its own yet, or it is tried */

/* It must be nobody's memory: what is not RAM is the service VM's to reach, as a device. */
static const char *screen_map(const struct boot_info *bi, void **at)
{
	u64 base = round_down(bi->fb.base, PAGE_SIZE),
	    size = round_up(bi->fb.base + fb_bytes(&bi->fb), PAGE_SIZE) - base;

	if (range_bad(base, size))
		return "its address makes no sense";
	for (u64 pa = base; pa - base < size; pa += PAGE_SIZE)
		if (mem_frame(pa))
			return "it lies in RAM";
	for (u32 i = 0; i < bi->nregions; i++) {
		const struct boot_region *r = &bi->region[i];

		if (r->kind != BOOT_MEM_RAM && r->kind != BOOT_MEM_RESERVED &&
		    range_overlap(base, size, r->base, r->size))
			return "it lies in firmware's tables";
	}
	if (arch_device_reserved(base, size))
		return "an interrupt controller is there";
	if (arch_mem_map(base, size, PT_WC) != OK)
		return "it cannot be mapped";
	*at = (u8 *)arch_ptr(base) + (bi->fb.base - base);
	return NULL;
}

void screen_find(const struct boot_info *bi)
{
	screen_info = bi;
}

void screen_start(void)
{
	const struct boot_info *bi = screen_info;
	const char *why;
	char text[128];
	void *at = NULL;
	u64 done = log_begin();
	size_t n;

	screen_info = NULL;
	if (!bi || bi->fb.base == 0)
		return;
	why = fb_check(&bi->fb);
	if (!why)
		why = screen_map(bi, &at);
	if (why) {
		log_printf("trivet: no console on the screen (%u by %u, %u bits, lines of %u bytes at %lx): %s\n",
			   bi->fb.width, bi->fb.height, bi->fb.bpp, bi->fb.pitch, bi->fb.base, why);
		return;
	}
	fb_start(&bi->fb, at);
	for (; (n = log_copy(done, text, sizeof(text))) != 0; done += n)
		for (size_t i = 0; i < n; i++)
			fb_putc(text[i]);
	log_printf("trivet: screen of %u by %u, %u bits, at %lx\n", bi->fb.width, bi->fb.height, bi->fb.bpp,
		   bi->fb.base);
}

/* Draw the log's lines from @from to @to; the first that says something is why we stop. */
static void screen_lines(u64 from, u64 to, enum fb_style style)
{
	static char line[FB_COLS]; /* not on a stack that may be short */
	size_t len = 0;
	char c;

	for (; from < to && log_copy(from, &c, 1) == 1; from++) {
		if (c != '\n' && len < sizeof(line))
			line[len++] = c;
		if (c != '\n' && len < sizeof(line))
			continue;
		if (len != 0)
			fb_line(style == FB_REASON && line[0] == ' ' ? FB_DETAIL : style, line, len);
		len = 0;
	}
}

void screen_panic(u64 from)
{
	static const char title[] = "TRIVET HAS STOPPED: an error of its own (docs/testing.md, \"A panic\")";
	static const char before[] = "The log before it";
	u64 end, start = from;
	char c;

	screen_start(); /* if it has not been tried yet */
	if (!fb_on())
		return;
	end = log_end();
	fb_panic();
	fb_line(FB_TITLE, title, sizeof(title) - 1);
	screen_lines(from, end, FB_REASON);
	if (fb_left() < 3)
		return;
	fb_line(FB_TITLE, before, sizeof(before) - 1);
	for (u32 lines = fb_left(); start > log_begin() && log_copy(start - 1, &c, 1) == 1; start--)
		if (c == '\n' && start != from && lines-- == 1)
			break;
	screen_lines(start, from, FB_BEFORE);
}
