/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/arm64/its.c: a GICv3's interrupt translation service, as far as MSIs of bus 0's functions to the first CPU
 * need it (Arm IHI 0069, 5 and 12.19). Flat tables of one page each, of 64 KiB: KVM has no others. */
#include "guest/test/arm64/arm64.h"
#include "guest/test/arm64/fdt.h"

#define GITS_CTLR	0x00
#define GITS_TYPER	0x08
#define GITS_CBASER	0x80
#define GITS_CWRITER	0x88
#define GITS_CREADR	0x90
#define GITS_BASER	0x100
#define GITS_TRANSLATER 0x10040
#define GICR_CTLR	0x00
#define GICR_TYPER	0x08
#define GICR_PROPBASER	0x70
#define GICR_PENDBASER	0x78

#define TYPER_PTA  BIT(19) /* collections go by a redistributor's address, not its number */
#define VALID	   BIT(63)
#define BASER_PAGE BITS(9, 8)		  /* 2: 64 KiB */
#define BASER_TYPE BITS(58, 56)		  /* 1: devices, 4: collections */
#define SHARED	   (BIT(10) | 7ull << 59) /* inner shareable, write-back */
#define SHAREDR	   (BIT(10) | 7ull << 7)  /* the same for a redistributor's tables */
#define PTZ	   BIT(62)		  /* the pending table is zero */
#define ID_BITS	   14			  /* LPIs are 8192 to 16383 */
#define CONFIG	   0xa1			  /* priority and enable */

#define CMD_SYNC  0x05
#define CMD_MAPD  0x08
#define CMD_MAPC  0x09
#define CMD_MAPTI 0x0a

static u8 pending[65536] ALIGNED(65536), table[2][65536] ALIGNED(65536);
static u8 config[8192] ALIGNED(4096);
static u64 queue[512] ALIGNED(4096);
static u8 itt[4][4096] ALIGNED(4096); /* of the first functions */

static u64 its;

static volatile u64 *reg64(u64 a)
{
	return (volatile u64 *)a;
}

static void command(u64 a, u64 b, u64 c)
{
	static unsigned at;

	queue[at] = a;
	queue[at + 1] = b;
	queue[at + 2] = c;
	queue[at + 3] = 0;
	at = (at + 4) % ARRAY_SIZE(queue);
	dsb();
	*reg64(its + GITS_CWRITER) = at * 8ull;
	for (unsigned i = 0; i < 1000000 && *reg64(its + GITS_CREADR) != at * 8ull; i++)
		;
}

static bool its_tables(void)
{
	for (unsigned i = 0; i < 8; i++) {
		volatile u64 *baser = reg64(its + GITS_BASER + 8ull * i);
		u64 type = FIELD(BASER_TYPE, *baser);

		if (type != 1 && type != 4)
			continue;
		*baser = VALID | SHARED | (u64)table[type == 4] | 2 << 8;
		if (FIELD(BASER_PAGE, *baser) != 2)
			return false;
	}
	return true;
}

static bool its_start(void)
{
	u32 node = fdt_compatible("arm,gic-v3-its");
	u64 target;

	its = node != 0 ? fdt_reg(node, 0, NULL) : 0;
	if (its == 0)
		return false;
	memset(config, CONFIG, sizeof(config));
	dsb();
	*mmio32(its + GITS_CTLR) = 0;
	*mmio32(gicr + GICR_CTLR) = 0;
	*reg64(gicr + GICR_PROPBASER) = SHAREDR | (u64)config | (ID_BITS - 1);
	*reg64(gicr + GICR_PENDBASER) = PTZ | SHAREDR | (u64)pending;
	*mmio32(gicr + GICR_CTLR) = 1;
	if (!its_tables())
		return false;
	*reg64(its + GITS_CBASER) = VALID | SHARED | (u64)queue;
	*reg64(its + GITS_CWRITER) = 0;
	*mmio32(its + GITS_CTLR) = 1;
	target = *reg64(its + GITS_TYPER) & TYPER_PTA ? gicr : (*reg64(gicr + GICR_TYPER) >> 8 & 0xffff) << 16;
	command(CMD_MAPC, 0, VALID | target);
	for (u64 bdf = 0, n = 0; bdf < 256 && n < ARRAY_SIZE(itt); bdf++) {
		if (pci_r16((u16)bdf, 0) == 0xffff || pci_cap((u16)bdf, 0x11, 0) == 0)
			continue;
		command(CMD_MAPD | bdf << 32, 2, VALID | (u64)itt[n++]);
		for (u64 event = 0; event < ITS_MSIS; event++)
			command(CMD_MAPTI | bdf << 32, event | (LPI_FIRST + event) << 32, 0);
	}
	command(CMD_SYNC, 0, target);
	return true;
}

bool its_msi(unsigned n, u64 *addr, u32 *data, u32 *irq)
{
	static bool tried, works;

	if (gic_version == 3 && !tried)
		works = its_start();
	tried = true;
	if (!works || n >= ITS_MSIS)
		return false;
	*addr = its + GITS_TRANSLATER;
	*data = n;
	*irq = IRQ_LPI + n;
	return true;
}
