/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/dev/fw_cfg.c: QEMU's firmware configuration device, read only, by ports and DMA. */
#include "guest/vmm/dev/fw_cfg.h"

#define FW_CFG_DMA_PORT (FW_CFG_PORT + 4)
#define MMIO_SELECTOR	0x08
#define MMIO_DMA	0x10
#define ID_TRADITIONAL	BIT(0)
#define ID_DMA		BIT(1)

#define DMA_ERROR  BIT(0)
#define DMA_READ   BIT(1)
#define DMA_SKIP   BIT(2)
#define DMA_SELECT BIT(3)
#define DMA_WRITE  BIT(4)
#define DMA_KEY	   BITS(31, 16)
/* Zeros behind an item's end that one transfer may ask for: more would only keep the service VM busy. */
#define DMA_MAX_FILL (1u << 20)

static const char fw_cfg_signature[4] = "QEMU";
static const char fw_cfg_dma_signature[8] = "QEMU CFG";
static const u8 fw_cfg_zero[PAGE_SIZE];

static void put_be32(u8 *p, u32 v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = v >> (24 - 8 * i);
}

static u64 get_be(const u8 *p, unsigned n)
{
	u64 v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/** The item that is selected; size 0 when there is none. */
static const u8 *fw_cfg_item(const struct fw_cfg *f, u64 *size)
{
	unsigned n = f->key - FW_CFG_FILE;

	switch (f->key) {
	case FW_CFG_SIGNATURE: *size = 4; return (const u8 *)fw_cfg_signature;
	case FW_CFG_ID: *size = sizeof(f->id); return (const u8 *)&f->id;
	case FW_CFG_RAM_SIZE: *size = sizeof(f->ram_size); return (const u8 *)&f->ram_size;
	case FW_CFG_NB_CPUS:
	case FW_CFG_MAX_CPUS: *size = sizeof(f->ncpus); return (const u8 *)&f->ncpus;
	case FW_CFG_FILE_DIR: *size = 4 + f->nfiles * sizeof(f->dir.entry[0]); return (const u8 *)&f->dir;
	default: break;
	}
	if (f->key >= FW_CFG_FILE && n < f->nfiles) {
		*size = get_be(f->dir.entry[n].size, 4);
		return f->data[n];
	}
	*size = 0;
	return NULL;
}

static u8 fw_cfg_byte(struct fw_cfg *f)
{
	u64 size;
	const u8 *item = fw_cfg_item(f, &size);

	return f->pos < size ? item[f->pos++] : 0;
}

static void fw_cfg_select(struct fw_cfg *f, u16 key)
{
	f->key = key;
	f->pos = 0;
}

/** Copy @len bytes of the item to guest memory at @addr, zeros behind its end. */
static status_t fw_cfg_dma_read(struct fw_cfg *f, u64 addr, u32 len)
{
	u64 size, n;
	const u8 *item = fw_cfg_item(f, &size);
	status_t st = OK;

	n = f->pos < size ? MIN(size - f->pos, len) : 0;
	if (len - n > DMA_MAX_FILL || (len && range_bad(addr, len)))
		return ERR_RANGE;
	if (n)
		st = vm_write(f->vm, addr, item + f->pos, n);
	if (st != OK)
		return st;
	f->pos += n;
	for (u64 done = n; st == OK && done < len; done += MIN(len - done, PAGE_SIZE))
		st = vm_write(f->vm, addr + done, fw_cfg_zero, MIN(len - done, PAGE_SIZE));
	return st;
}

static void fw_cfg_dma(struct fw_cfg *f)
{
	u64 at = f->dma, size;
	u8 d[16], result[4];
	u32 control, len;
	status_t st = OK;

	f->dma = 0;
	if (vm_read(f->vm, at, d, sizeof(d)) != OK)
		return; /* nowhere to say so */
	control = get_be(d, 4);
	len = get_be(d + 4, 4);
	if (control & DMA_SELECT)
		fw_cfg_select(f, FIELD(DMA_KEY, control));
	if (control & DMA_READ) {
		st = fw_cfg_dma_read(f, get_be(d + 8, 8), len);
	} else if (control & DMA_WRITE) {
		st = ERR_RIGHTS;
	} else if (control & DMA_SKIP) {
		fw_cfg_item(f, &size);
		f->pos = MIN(f->pos + len, MAX(size, f->pos));
	}
	put_be32(result, st == OK ? 0 : DMA_ERROR);
	if (vm_write(f->vm, at, result, sizeof(result)) != OK)
		log_line("%s: fw_cfg: the DMA descriptor at %llx has gone", f->vm->name, (unsigned long long)at);
}

static u64 fw_cfg_read(void *dev, u64 off, unsigned size)
{
	struct fw_cfg *f = dev;

	/* The selector cannot be read; data comes a byte at a time. */
	return off == 1 ? fw_cfg_byte(f) : 0;
}

static void fw_cfg_write(void *dev, u64 off, unsigned size, u64 v)
{
	if (off == 0 && size >= 2)
		fw_cfg_select(dev, v);
}

static u64 fw_cfg_dma_port_read(void *dev, u64 off, unsigned size)
{
	u64 v = 0;

	/* Big-endian as all of this register: the first byte is 'Q'. */
	for (unsigned i = 0; i < size; i++)
		v |= (u64)(u8)fw_cfg_dma_signature[off + i] << 8 * i;
	return v;
}

static void fw_cfg_dma_port_write(void *dev, u64 off, unsigned size, u64 v)
{
	struct fw_cfg *f = dev;

	if (size == 8) {
		f->dma = __builtin_bswap64(v);
		fw_cfg_dma(f);
	} else if (size == 4 && off == 0) {
		f->dma = (u64)__builtin_bswap32(v) << 32;
	} else if (size == 4 && off == 4) {
		f->dma = (f->dma & ~0xffffffffull) | __builtin_bswap32(v);
		fw_cfg_dma(f);
	}
}

/* In memory: data at 0, as it lies in memory; the selector at 8, big-endian; the DMA address at 16. */
static u64 fw_cfg_mmio_read(void *dev, u64 off, unsigned size)
{
	u64 v = 0;

	if (off >= MMIO_DMA)
		return fw_cfg_dma_port_read(dev, off - MMIO_DMA, size);
	for (unsigned i = 0; off < MMIO_SELECTOR && i < size; i++)
		v |= (u64)fw_cfg_byte(dev) << 8 * i;
	return v;
}

static void fw_cfg_mmio_write(void *dev, u64 off, unsigned size, u64 v)
{
	if (off >= MMIO_DMA)
		fw_cfg_dma_port_write(dev, off - MMIO_DMA, size, v);
	else if (off == MMIO_SELECTOR && size == 2)
		fw_cfg_select(dev, __builtin_bswap16((u16)v));
}

static const struct bus_ops fw_cfg_mmio_ops = { fw_cfg_mmio_read, fw_cfg_mmio_write };
static const struct bus_ops fw_cfg_ops = { fw_cfg_read, fw_cfg_write };
static const struct bus_ops fw_cfg_dma_ops = { fw_cfg_dma_port_read, fw_cfg_dma_port_write };

status_t fw_cfg_add(struct fw_cfg *f, const char *name, const void *data, u64 size)
{
	struct fw_cfg_dirent *e;
	unsigned key = FW_CFG_FILE + f->nfiles;

	if (strnlen(name, FW_CFG_NAME) == FW_CFG_NAME || size > 0xffffffffull)
		return ERR_RANGE;
	for (unsigned i = 0; i < f->nfiles; i++) {
		if (!strcmp(f->dir.entry[i].name, name))
			return ERR_EXISTS;
	}
	if (f->nfiles == FW_CFG_FILES)
		return ERR_FULL;
	e = &f->dir.entry[f->nfiles];
	memset(e, 0, sizeof(*e));
	memcpy(e->name, name, strlen(name));
	put_be32(e->size, size);
	e->select[0] = key >> 8;
	e->select[1] = key;
	f->data[f->nfiles++] = data;
	put_be32(f->dir.count, f->nfiles);
	return OK;
}

void fw_cfg_reset(struct fw_cfg *f)
{
	lock_take(&f->lock);
	fw_cfg_select(f, 0);
	f->dma = 0;
	lock_drop(&f->lock);
}

static void fw_cfg_contents(struct fw_cfg *f, struct vm *vm, u64 ram_size, unsigned ncpus)
{
	memset(f, 0, sizeof(*f));
	f->vm = vm;
	lock_init(&f->lock, LOCK_DEVICE);
	f->id = ID_TRADITIONAL | ID_DMA;
	f->ram_size = ram_size;
	f->ncpus = ncpus;
}

status_t fw_cfg_init(struct fw_cfg *f, struct vm *vm, u64 ram_size, unsigned ncpus)
{
	status_t st;

	fw_cfg_contents(f, vm, ram_size, ncpus);
	f->port = (struct bus_region){ FW_CFG_PORT, 2, &fw_cfg_ops, f, &f->lock };
	f->dma_port = (struct bus_region){ FW_CFG_DMA_PORT, 8, &fw_cfg_dma_ops, f, &f->lock };
	st = bus_add(&vm->pio, &f->port);
	return st != OK ? st : bus_add(&vm->pio, &f->dma_port);
}

status_t fw_cfg_init_mmio(struct fw_cfg *f, struct vm *vm, u64 base, u64 ram_size, unsigned ncpus)
{
	fw_cfg_contents(f, vm, ram_size, ncpus);
	f->mmio = (struct bus_region){ base, FW_CFG_MMIO_SIZE, &fw_cfg_mmio_ops, f, &f->lock };
	return bus_add(&vm->mmio, &f->mmio);
}
