/* SPDX-License-Identifier: Apache-2.0 */
/* boot/arm64/fdt_walk.c: nodes with their parents, what their addresses mean to the CPU, and their interrupts. */
#include "boot/arm64/fdt_walk.h"

#include "hv/lib/string.h"
#include "hv/lib/util.h"

#include <libfdt.h>

/* Of a GIC's interrupt cells (Linux, bindings/interrupt-controller/arm,gic-v3): kind, number, flags. */
#define GIC_CELLS   3u
#define GIC_SPI	    0u
#define GIC_PPI	    1u
#define GIC_SPIS    988u /* INTIDs 32 to 1019 */
#define GIC_PPIS    16u
#define INTID_SPI   32u
#define INTID_PPI   16u
#define MAX_CELLS   8u
#define MAX_ENTRIES 64u /* entries of ranges that are looked at */

void walk_start(struct walk *w, const void *fdt)
{
	memset(w, 0, sizeof(*w));
	w->fdt = fdt;
	w->node = -1;
	w->depth = -1;
}

/* #address-cells and their like, which are @fallback where they are not said (2.3.5); MAX_CELLS + 1: absurd. */
static u32 walk_cells(const struct walk *w, const char *name, u32 fallback)
{
	u64 v;

	if (!walk_prop(w, name, NULL))
		return fallback;
	return walk_number(w, name, &v) && v <= MAX_CELLS ? (u32)v : MAX_CELLS + 1;
}

/* QEMU's guest-loader describes modules in a /chosen without these numbers and means the root's. */
bool walk_next(struct walk *w)
{
	bool chosen;
	int len;

	do {
		w->node = fdt_next_node(w->fdt, w->node, &w->depth);
		if (w->node < 0 || w->depth < 0)
			return false;
	} while (w->depth >= WALK_DEPTH);
	w->at[w->depth].node = w->node;
	chosen = w->depth == 1 && strcmp(fdt_get_name(w->fdt, w->node, &len), "chosen") == 0;
	w->at[w->depth].ac = walk_cells(w, "#address-cells", chosen ? w->at[0].ac : 2);
	w->at[w->depth].sc = walk_cells(w, "#size-cells", chosen ? w->at[0].sc : 1);
	return true;
}

const void *walk_prop(const struct walk *w, const char *name, u32 *len)
{
	int n;
	const void *p = fdt_getprop(w->fdt, w->node, name, &n);

	if (p && len)
		*len = (u32)n;
	return p;
}

const char *walk_string(const struct walk *w, const char *name)
{
	u32 len;
	const char *s = walk_prop(w, name, &len);

	return s && strnlen(s, len) < len ? s : NULL;
}

static u64 walk_read(const u8 *p, u32 cells)
{
	u64 v = 0;

	for (u32 i = 0; i < cells * 4; i++)
		v = v << 8 | p[i];
	return v;
}

bool walk_number(const struct walk *w, const char *name, u64 *v)
{
	u32 len;
	const u8 *p = walk_prop(w, name, &len);

	if (!p || (len != 4 && len != 8))
		return false;
	*v = walk_read(p, len / 4);
	return true;
}

bool walk_compatible(const struct walk *w, const char *const *names)
{
	for (; *names; names++)
		if (fdt_node_check_compatible(w->fdt, w->node, *names) == 0)
			return true;
	return false;
}

bool walk_enabled(const struct walk *w)
{
	const char *s;

	if (!walk_prop(w, "status", NULL))
		return true;
	s = walk_string(w, "status");
	return s && (strcmp(s, "okay") == 0 || strcmp(s, "ok") == 0);
}

bool walk_in(const struct walk *w, const char *name)
{
	const char *parent = w->depth == 2 ? fdt_get_name(w->fdt, w->at[1].node, NULL) : NULL;

	return parent && strcmp(parent, name) == 0;
}

bool walk_reg_raw(const struct walk *w, unsigned i, struct boot_range *r)
{
	u32 len, ac, sc;
	const u8 *p = walk_prop(w, "reg", &len);

	if (!p || w->depth < 1)
		return false;
	ac = w->at[w->depth - 1].ac;
	sc = w->at[w->depth - 1].sc;
	if (ac < 1 || ac > 2 || sc > 2 || i >= len / ((ac + sc) * 4))
		return false;
	p += (size_t)i * (ac + sc) * 4;
	r->base = walk_read(p, ac);
	r->size = walk_read(p + ac * 4, sc);
	return true;
}

/* The bus at depth @d: an address of its children becomes one of its parent's (2.3.8). */
static bool walk_translate(const struct walk *w, int d, struct boot_range *r)
{
	u32 ac = w->at[d].ac, up = w->at[d - 1].ac, sc = w->at[d].sc, step = (ac + up + sc) * 4;
	int len;
	const u8 *p = fdt_getprop(w->fdt, w->at[d].node, "ranges", &len);

	if (!p || ac < 1 || ac > 2 || up < 1 || up > 2)
		return false; /* its children are not in the parent's addresses, or it is a bus like PCI */
	if (len == 0)
		return true;
	if (sc < 1 || sc > 2)
		return false;
	for (u32 i = 0; i < MIN((u32)len / step, MAX_ENTRIES); i++, p += step) {
		u64 from = walk_read(p, ac), to = walk_read(p + ac * 4, up), size = walk_read(p + (ac + up) * 4, sc);

		if (range_in(r->base, r->size, from, size)) {
			r->base = r->base - from + to;
			return !range_bad(r->base, r->size);
		}
	}
	return false;
}

bool walk_reg(const struct walk *w, unsigned i, struct boot_range *r)
{
	if (!walk_reg_raw(w, i, r) || range_bad(r->base, r->size))
		return false;
	for (int d = w->depth - 1; d > 0; d--)
		if (!walk_translate(w, d, r))
			return false;
	return true;
}

/* The node that the interrupts of ours go to (2.4), or -1. */
static int walk_irq_parent(const struct walk *w)
{
	for (int d = w->depth; d >= 0; d--) {
		int len;
		const u8 *p = fdt_getprop(w->fdt, w->at[d].node, "interrupt-parent", &len);

		if (p && len == 4)
			return fdt_node_offset_by_phandle(w->fdt, (u32)walk_read(p, 1));
	}
	return -1;
}

static bool walk_is_gic(const struct walk *w, int node)
{
	static const char *const gics[] = { "arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic" };

	for (unsigned i = 0; i < ARRAY_SIZE(gics); i++)
		if (fdt_node_check_compatible(w->fdt, node, gics[i]) == 0)
			return true;
	return false;
}

u32 walk_irq(const struct walk *w, unsigned i)
{
	int parent = walk_irq_parent(w), n;
	u32 len, cells, kind, nr;
	const u8 *p = walk_prop(w, "interrupts", &len), *c;

	if (!p || parent < 0 || !walk_is_gic(w, parent))
		return 0;
	c = fdt_getprop(w->fdt, parent, "#interrupt-cells", &n);
	cells = c && n == 4 ? (u32)walk_read(c, 1) : 0;
	if (cells < GIC_CELLS || cells > MAX_CELLS || i >= len / (cells * 4))
		return 0;
	p += (size_t)i * cells * 4;
	kind = (u32)walk_read(p, 1);
	nr = (u32)walk_read(p + 4, 1);
	if (kind == GIC_SPI && nr < GIC_SPIS)
		return nr + INTID_SPI;
	return kind == GIC_PPI && nr < GIC_PPIS ? nr + INTID_PPI : 0;
}

int walk_string_index(const struct walk *w, const char *name, const char *s)
{
	int i = fdt_stringlist_search(w->fdt, w->node, name, s);

	return i < 0 ? -1 : i;
}
