/* SPDX-License-Identifier: Apache-2.0 */
/* arch/host/mem.c: the hypervisor's address space: a mapping whose pages the kernel opens as arch_mem_map says. */
#define _GNU_SOURCE /* memfd_create */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/host/host.h"
#include "hv/lib/panic.h"
#include "hv/lib/util.h"

#define PAGES (HOST_RAM / PAGE_SIZE)

u64 host_base;
u8 *host_view, *host_machine;
static u8 *host_view_map, *host_machine_map; /* of host_base */
u64 host_mapped_pages;
static u8 host_map[PAGES];
static bool host_final; /* after arch_mem_init */
static struct ptab host_table;
static struct pool *host_pool;

static void *host_ptr(u64 pa)
{
	return arch_ptr(pa);
}

static u64 host_pa(const void *ptr)
{
	return arch_pa(ptr);
}

const struct ptab_mem arch_ptab_mem = { .ptr = host_ptr, .pa = host_pa };

static u64 host_leaf(u64 pa, unsigned flags, unsigned level)
{
	return pa | 3 | (u64)flags << 56;
}

static u64 host_table_entry(u64 pa)
{
	return pa | 1;
}

static unsigned host_flags(u64 entry, unsigned level)
{
	return (unsigned)(entry >> 56) & PT_FLAGS;
}

static bool host_present(u64 entry)
{
	return entry & 1;
}

static bool host_is_leaf(u64 entry, unsigned level)
{
	return entry & 2;
}

/* Bit 0: present; bit 1: a leaf; PT_* in bits 62-56. */
const struct ptab_format host_format = { .name = "host",
					 .levels = 4,
					 .max_leaf = 2,
					 .addr_bits = 48,
					 .pa_mask = BITS(51, 12),
					 .root_pages = 1,
					 .leaf = host_leaf,
					 .table = host_table_entry,
					 .flags = host_flags,
					 .present = host_present,
					 .is_leaf = host_is_leaf };

static void host_open(u64 pa, u64 size, bool open)
{
	if (mprotect(host_view + pa, size, open ? PROT_READ | PROT_WRITE : PROT_NONE) != 0)
		panic("mprotect of %lx, %lx bytes", pa, size);
	for (u64 n = (pa - host_base) / PAGE_SIZE; n < (pa - host_base + size) / PAGE_SIZE; n++) {
		host_mapped_pages += (u64)open - host_map[n];
		host_map[n] = open;
	}
}

bool host_mapped(u64 pa)
{
	return pa - host_base < HOST_RAM && host_map[(pa - host_base) / PAGE_SIZE];
}

void host_check(u64 pa)
{
	if (!host_mapped(pa))
		panic("the hypervisor reaches for page %lx, which it has not mapped", pa);
}

void host_mem_reset(void)
{
	int fd;

	if (!host_view_map) {
		fd = memfd_create("machine", 0);
		if (fd < 0 || ftruncate(fd, HOST_RAM) != 0)
			panic("no memory for the machine");
		host_view_map = mmap(NULL, HOST_RAM, PROT_NONE, MAP_SHARED, fd, 0);
		host_machine_map = mmap(NULL, HOST_RAM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (host_view_map == MAP_FAILED || host_machine_map == MAP_FAILED)
			panic("no mapping of the machine's memory");
	}
	host_view = host_view_map - host_base;
	host_machine = host_machine_map - host_base;
	memset(host_machine_map, 0xa5, HOST_RAM);
	host_open(host_base, HOST_RAM, true);
	host_final = false;
}

void arch_image_range(u64 *base, u64 *size)
{
	*base = host_base + HOST_IMAGE;
	*size = HOST_IMAGE_SIZE;
}

u64 arch_image_bytes(void)
{
	return HOST_IMAGE_SIZE / 2;
}

void arch_mem_init(u64 base, u64 size, struct pool *pool)
{
	host_pool = pool;
	if (ptab_init(&host_table, &host_format, &arch_ptab_mem, pool) != OK ||
	    ptab_map(&host_table, base, base, size, PT_R | PT_W, pool) != OK)
		panic("pool of the hypervisor's tables is short");
	host_open(host_base, HOST_RAM, false);
	host_open(base, size, true);
	host_final = true;
}

status_t arch_mem_map(u64 pa, u64 size, unsigned type)
{
	status_t s;

	ASSERT(host_final);
	if (!range_in(pa, size, host_base, HOST_RAM))
		return ERR_RANGE;
	s = ptab_map(&host_table, pa, pa, size, PT_R | PT_W | type, host_pool);
	if (s == OK)
		host_open(pa, size, true);
	return s;
}

/* What is unmapped was mapped so: as on other machines, nothing is split here. */
void arch_mem_unmap(u64 pa, u64 size)
{
	size_t before = pool_free(host_pool);

	for (u64 off = 0; off < size; off += PAGE_SIZE)
		ASSERT(host_mapped(pa + off));
	if (ptab_unmap(&host_table, pa, size, host_pool) != OK || pool_free(host_pool) < before)
		panic("a mapping of ours was split");
	host_open(pa, size, false);
}

void arch_mem_clean(const void *ptr, size_t size)
{
}

void arch_mem_zero(u64 pa)
{
	memset(host_machine + pa, 0, PAGE_SIZE);
}

void arch_mem_read(u64 pa, void *buf)
{
	memcpy(buf, host_machine + pa, PAGE_SIZE);
}

u32 host_mem_flushes;

void arch_mem_flush(u64 pa, u64 size)
{
	host_mem_flushes++;
}
