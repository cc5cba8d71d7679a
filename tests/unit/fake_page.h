/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_page.h: accesses to a device that has a page of registers, for tests of device models. */
#ifndef FAKE_PAGE_H
#define FAKE_PAGE_H

#include "guest/vmm/bus.h"

/** Write and read at a random place in the first @range bytes of the page at @base. @r is the generator's state. */
static inline void fake_page_poke(struct bus *bus, u64 base, unsigned range, u32 *r)
{
	unsigned size = 1u << (*r >> 30);
	u64 off;

	*r = *r * 1664525 + 1013904223;
	off = (*r >> 12) % range;
	if (off + size > 0x1000)
		return;
	bus_write(bus, base + off, size, (u64)*r << 32 | *r * 77u);
	bus_read(bus, base + off, size);
}

#endif
