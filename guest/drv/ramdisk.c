/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/ramdisk.c: a copy-on-write disk over a boot module in memory. */
#include "guest/drv/ramdisk.h"

#include "guest/rt/rt.h"
#include "hv/lib/util.h"

struct ramdisk {
	struct disk disk;
	const u8 *base;
	u64 size; /* bytes of the module */
	u64 npages;
	u8 **page; /* by page number: NULL the module's, ram_zero zeros, else our copy */
};

/* Stands for a page of zeros; nothing is ever written to it. */
static u8 ram_zero[PAGE_SIZE];

/* Bytes [@off, @off+@len) of the module, zeros behind its end. */
static void ram_base_read(const struct ramdisk *rd, u64 off, u8 *buf, u64 len)
{
	u64 have = off < rd->size ? MIN(len, rd->size - off) : 0;

	if (have > 0)
		memcpy(buf, rd->base + off, have);
	if (len > have)
		memset(buf + have, 0, len - have);
}

static void ram_free(struct ramdisk *rd, u64 n)
{
	if (rd->page[n] != NULL && rd->page[n] != ram_zero)
		page_free(rd->page[n], PAGE_SIZE);
}

/* Page @n to write to, with its present content unless @whole. NULL: out of memory. */
static u8 *ram_own(struct ramdisk *rd, u64 n, bool whole)
{
	u8 *page = rd->page[n];

	if (page != NULL && page != ram_zero)
		return page;
	page = page_alloc(PAGE_SIZE, PAGE_SIZE);
	if (page == NULL)
		return NULL;
	if (!whole && rd->page[n] == ram_zero)
		memset(page, 0, PAGE_SIZE);
	else if (!whole)
		ram_base_read(rd, n * PAGE_SIZE, page, PAGE_SIZE);
	rd->page[n] = page;
	return page;
}

/* Copy between [@off, @off+@len) and @buf. */
static status_t ram_copy(struct ramdisk *rd, u64 off, u8 *buf, u64 len, bool write)
{
	u64 part;

	for (; len > 0; off += part, buf += part, len -= part) {
		u64 n = off / PAGE_SIZE, in = off % PAGE_SIZE;
		u8 *page = rd->page[n];

		part = MIN(len, PAGE_SIZE - in);
		if (write) {
			page = ram_own(rd, n, part == PAGE_SIZE);
			if (page == NULL)
				return ERR_NOMEM;
			memcpy(page + in, buf, part);
		} else if (page != NULL) {
			memcpy(buf, page + in, part);
		} else {
			ram_base_read(rd, off, buf, part);
		}
	}
	return OK;
}

static status_t ram_transfer(struct ramdisk *rd, const struct disk_req *r)
{
	u64 off = r->sector * SECTOR_SIZE, left = r->nsectors * SECTOR_SIZE;
	unsigned i;

	for (i = 0; i < r->nseg && left > 0; i++) {
		u64 len = MIN(left, r->seg[i].len);
		status_t s = ram_copy(rd, off, r->seg[i].base, len, r->op == DISK_WRITE);

		if (s != OK)
			return s;
		off += len;
		left -= len;
	}
	return left == 0 ? OK : ERR_INVAL;
}

/* Make [@off, @off+@len) zeros. @advise: parts of pages may keep what they hold. */
static status_t ram_clear(struct ramdisk *rd, u64 off, u64 len, bool advise)
{
	u64 part;

	for (; len > 0; off += part, len -= part) {
		u64 n = off / PAGE_SIZE, in = off % PAGE_SIZE;
		u8 *page;

		part = MIN(len, PAGE_SIZE - in);
		if (part == PAGE_SIZE) {
			ram_free(rd, n);
			rd->page[n] = ram_zero;
			continue;
		}
		if (advise || rd->page[n] == ram_zero)
			continue;
		page = ram_own(rd, n, false);
		if (page == NULL)
			return ERR_NOMEM;
		memset(page + in, 0, part);
	}
	return OK;
}

static void ram_submit(struct disk *d, struct disk_req *r)
{
	struct ramdisk *rd = container_of(d, struct ramdisk, disk);
	u64 off = r->sector * SECTOR_SIZE, len = r->nsectors * SECTOR_SIZE;
	status_t s;

	switch (r->op) {
	case DISK_READ:
	case DISK_WRITE: s = ram_transfer(rd, r); break;
	case DISK_FLUSH: s = OK; break;
	case DISK_DISCARD: s = ram_clear(rd, off, len, true); break;
	case DISK_ZEROES: s = ram_clear(rd, off, len, false); break;
	default: s = ERR_UNSUPPORTED; break;
	}
	r->done(r, s);
}

static const struct disk_ops ram_ops = { ram_submit };

struct disk *ramdisk_new(const void *base, u64 size, bool readonly, const char *serial)
{
	struct ramdisk *rd = mem_alloc(sizeof(*rd));

	if (rd == NULL)
		return NULL;
	rd->base = base;
	rd->size = size;
	rd->npages = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
	rd->page = mem_alloc(MAX(rd->npages, 1) * sizeof(*rd->page));
	if (rd->page == NULL) {
		mem_free(rd);
		return NULL;
	}
	rd->disk.ops = &ram_ops;
	rd->disk.nsectors = size / SECTOR_SIZE + (size % SECTOR_SIZE != 0);
	rd->disk.readonly = readonly;
	memcpy(rd->disk.serial, serial, strnlen(serial, sizeof(rd->disk.serial) - 1)); /* the rest is zero */
	return &rd->disk;
}

void ramdisk_free(struct disk *d)
{
	struct ramdisk *rd = container_of(d, struct ramdisk, disk);
	u64 n;

	for (n = 0; n < rd->npages; n++)
		ram_free(rd, n);
	mem_free(rd->page);
	mem_free(rd);
}
