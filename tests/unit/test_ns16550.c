/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_ns16550.c: which 16550 is the hypervisor's console, on fake I/O ports and PCI functions. */
#define SELF_IO_H /* the ports are below */
#include "hv/abi/types.h"

static u8 arch_io_read8(u64 port);
static void arch_io_write8(u64 port, u8 v);
static u32 port_read32(u16 port);
static void port_write32(u16 port, u32 v);

#include "drivers/uart/x86/ns16550.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

/* A function of PCI: bus, device and function as in an address. */
struct function {
	u32 at, id, command, class, header, bar0;
};

static struct function pci[4];
static unsigned npci, reads;
static u32 pci_at;
static u16 chip;   /* the port of a 16550, 0: none */
static bool stuck; /* its transmitter never empties */
static u8 reg[8], divisor, sent[16];
static unsigned nsent;
static struct boot_info bi;

static u8 arch_io_read8(u64 port)
{
	assert_true(port <= 0xffff);
	if (chip == 0 || port < chip || port > chip + 7u)
		return 0xff;
	return port - chip == REG_LSR ? (stuck ? 0 : LSR_THRE) : reg[port - chip];
}

static void arch_io_write8(u64 port, u8 v)
{
	if (chip == 0 || port < chip || port > chip + 7u)
		return;
	if (port == chip && (reg[REG_LCR] & LCR_DLAB))
		divisor = v;
	else if (port == chip)
		sent[nsent++ % sizeof(sent)] = v;
	else
		reg[port - chip] = v;
}

static struct function *function(void)
{
	for (unsigned i = 0; i < npci; i++)
		if (pci[i].at == (pci_at >> 8 & 0xffff))
			return &pci[i];
	return NULL;
}

static u32 port_read32(u16 port)
{
	const struct function *f = function();

	assert_int_equal(port, PCI_DATA);
	assert_true(pci_at & PCI_ENABLE);
	reads++;
	if (!f)
		return ~0u;
	switch (pci_at & 0xff) {
	case PCI_ID: return f->id;
	case PCI_COMMAND: return f->command;
	case PCI_CLASS: return f->class;
	case PCI_HEADER: return f->header;
	case PCI_BAR0: return f->bar0;
	default: return 0;
	}
}

static void port_write32(u16 port, u32 v)
{
	if (port == PCI_ADDRESS) {
		pci_at = v;
		return;
	}
	assert_int_equal(port, PCI_DATA);
	assert_int_equal(pci_at & 0xff, PCI_COMMAND);
	function()->command = v;
}

static int fresh(void **state)
{
	memset(pci, 0, sizeof(pci));
	memset(reg, 0, sizeof(reg));
	memset(&bi, 0, sizeof(bi));
	npci = nsent = reads = 0;
	divisor = 0;
	chip = 0;
	stuck = false;
	return 0;
}

static void add(u32 at, u32 class, u32 header, u32 bar0)
{
	pci[npci++] = (struct function){ at, 0x00021b36, 0xffff0000, class, header, bar0 };
}

static void com1_is_used_when_it_answers(void **state)
{
	chip = COM1;
	ns16550_init(NULL);
	ns16550_putc('a');
	ns16550_init(&bi);
	ns16550_putc('b');
	assert_memory_equal(sent, "ab", 2);
	assert_int_equal(divisor, 1);
	assert_int_equal(bi.platform.serial.port, COM1);
	assert_int_equal(bi.platform.serial.irq_kind, BOOT_IRQ_ISA);
	assert_int_equal(bi.platform.serial.irq, 4);
	assert_int_equal(reads, 0);
}

static void the_spcrs_is_not_asked_about(void **state)
{
	chip = 0x2f8;
	bi.platform.serial = (struct boot_serial){ .port = 0x2f8, .irq_kind = BOOT_IRQ_GSI, .irq = 19 };
	ns16550_init(NULL); /* COM1 does not answer */
	ns16550_putc('a');
	ns16550_init(&bi);
	ns16550_putc('b');
	assert_int_equal(nsent, 1);
	assert_int_equal(sent[0], 'b');
	assert_int_equal(divisor, 0); /* firmware's speed */
	assert_int_equal(reg[REG_LCR], LCR_8N1);
	assert_int_equal(bi.platform.serial.irq, 19);
}

static void without_com1_it_is_the_first_on_pci(void **state)
{
	chip = 0xc050;
	add(0x0000, 0x06000000, 0, 0);
	add(0x00fa, 0x07000200, 0, 0xd001); /* function 2 of a device with one alone */
	add(0x0310, 0x07000201, 0x800000, 0xc051);
	add(0x0318, 0x07000200, 0, 0xe001);
	ns16550_init(&bi);
	ns16550_putc('x');
	assert_int_equal(sent[0], 'x');
	assert_int_equal(divisor, 1);
	assert_int_equal(bi.platform.serial.port, 0xc050);
	assert_int_equal(bi.platform.serial.irq_kind, BOOT_IRQ_NONE);
	assert_int_equal(pci[2].command, 1); /* its status is not written back */
	assert_int_equal(pci[3].command, 0xffff0000);
}

static void other_functions_are_left_alone(void **state)
{
	add(0x0010, 0x07000200, 0x00010000, 0xc001); /* a bridge, it says */
	add(0x0018, 0x07000200, 0, 0xfe000000);	     /* in memory */
	add(0x0020, 0x07000200, 0, 1);		     /* nowhere */
	add(0x0028, 0x07008000, 0, 0xc001);	     /* some other interface */
	ns16550_init(&bi);
	ns16550_putc('x'); /* to nobody */
	assert_int_equal(bi.platform.serial.port, 0);
	for (unsigned i = 0; i < npci; i++)
		assert_int_equal(pci[i].command, 0xffff0000);
}

static void one_that_sends_nothing_is_given_up(void **state)
{
	chip = COM1;
	ns16550_init(&bi);
	stuck = true;
	ns16550_putc('x');
	stuck = false;
	ns16550_putc('y');
	assert_int_equal(nsent, 0);
}

#define T(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(com1_is_used_when_it_answers),	T(the_spcrs_is_not_asked_about),
		T(without_com1_it_is_the_first_on_pci), T(other_functions_are_left_alone),
		T(one_that_sends_nothing_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
