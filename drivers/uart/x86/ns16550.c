/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drivers/uart/x86/ns16550.c: a PC's 16550, 8N1 (National Semiconductor PC16550D), output alone, polled: the one that
 * the SPCR names, else COM1 at 115200 baud, else the first on PCI.
 */
#include "arch/iface/io.h"
#include "drivers/uart/x86/x86.h"
#include "hv/lib/util.h"

#define COM1	 0x3f8
#define COM1_IRQ 4
#define REG_DATA 0 /* THR; with DLAB the divisor's low byte  */
#define REG_IER	 1 /* interrupt enable; divisor's high byte  */
#define REG_FCR	 2
#define REG_LCR	 3
#define REG_MCR	 4
#define REG_LSR	 5
#define LCR_DLAB 0x80
#define LCR_8N1	 0x03
#define FCR_ON	 0x07 /* enable, clear both FIFOs */
#define MCR_RUN	 0x03 /* DTR, RTS                 */
#define LSR_THRE 0x20
#define SPINS	 1000000u /* far longer than a character takes */

/* PCI configuration space by ports (PCI local bus specification 3.0, 3.2.2.3, 6.1). */
#define PCI_ADDRESS  0xcf8
#define PCI_DATA     0xcfc
#define PCI_ENABLE   BIT(31)
#define PCI_ID	     0x00
#define PCI_COMMAND  0x04
#define PCI_CLASS    0x08 /* class, subclass, interface, revision */
#define PCI_HEADER   0x0c
#define PCI_BAR0     0x10
#define PCI_IO	     BIT(0) /* of the command, and of a BAR */
#define PCI_MULTI    BIT(23)
#define PCI_TYPE     BITS(22, 16)
#define CLASS_SERIAL 0x0700u /* a 16450 or one of its heirs, by the interface 0 to 6 */

static u16 ns16550_port; /* 0: none, or it does not answer */

static u32 pci_address(u32 function, u32 reg)
{
	return (u32)PCI_ENABLE | function << 8 | reg;
}

static u32 pci_read(u32 function, u32 reg)
{
	port_write32(PCI_ADDRESS, pci_address(function, reg));
	return port_read32(PCI_DATA);
}

/* The port of @function's registers, switched on; 0: it is no serial port in I/O space. */
static u16 pci_serial(u32 function)
{
	u32 class = pci_read(function, PCI_CLASS), bar = pci_read(function, PCI_BAR0), command;

	if (class >> 16 != CLASS_SERIAL || (class >> 8 & 0xff) > 6 || (pci_read(function, PCI_HEADER) & PCI_TYPE) != 0)
		return 0;
	if (!(bar & PCI_IO) || (bar & 0xfff8) == 0)
		return 0;
	command = pci_read(function, PCI_COMMAND) & 0xffff; /* the status above it is cleared by ones */
	port_write32(PCI_ADDRESS, pci_address(function, PCI_COMMAND));
	port_write32(PCI_DATA, command | (u32)PCI_IO);
	return (u16)(bar & 0xfff8);
}

/* All buses: what is behind a bridge has been numbered by firmware. */
static u16 pci_find(void)
{
	for (u32 device = 0; device < 0x10000; device += 8) {
		u32 functions;

		if ((pci_read(device, PCI_ID) & 0xffff) == 0xffff)
			continue;
		functions = pci_read(device, PCI_HEADER) & PCI_MULTI ? 8 : 1;
		for (u32 f = device; f < device + functions; f++) {
			u16 port = pci_serial(f);

			if (port != 0)
				return port;
		}
	}
	return 0;
}

static bool ns16550_there(u16 port)
{
	return arch_io_read8(port + REG_LSR) != 0xff;
}

static void ns16550_choose(struct boot_serial *s)
{
	if (s->port != 0)
		return; /* the SPCR's */
	s->divisor = 1;
	if (ns16550_there(COM1)) {
		s->port = COM1;
		s->irq_kind = BOOT_IRQ_ISA;
		s->irq = COM1_IRQ;
	} else {
		s->port = pci_find(); /* how its interrupt is wired is in AML: it is polled */
	}
}

static void ns16550_init(struct boot_info *bi)
{
	struct boot_serial com1 = { .port = COM1, .divisor = 1 }, *s = bi ? &bi->platform.serial : &com1;

	if (bi)
		ns16550_choose(s);
	ns16550_port = (u16)s->port;
	if (ns16550_port == 0)
		return;
	arch_io_write8(ns16550_port + REG_IER, 0);
	if (s->divisor != 0) {
		arch_io_write8(ns16550_port + REG_LCR, LCR_DLAB);
		arch_io_write8(ns16550_port + REG_DATA, (u8)s->divisor);
		arch_io_write8(ns16550_port + REG_IER, 0);
	}
	arch_io_write8(ns16550_port + REG_LCR, LCR_8N1);
	arch_io_write8(ns16550_port + REG_FCR, FCR_ON);
	arch_io_write8(ns16550_port + REG_MCR, MCR_RUN);
}

static void ns16550_putc(char c)
{
	for (unsigned i = 0; ns16550_port != 0; i++) {
		if (i == SPINS || !ns16550_there(ns16550_port)) {
			ns16550_port = 0;
		} else if (arch_io_read8(ns16550_port + REG_LSR) & LSR_THRE) {
			arch_io_write8(ns16550_port, (u8)c);
			break;
		}
	}
}

const struct uart_driver uart_ns16550 = { .name = "16550", .init = ns16550_init, .putc = ns16550_putc };
