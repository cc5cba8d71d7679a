/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_pci.c: configuration space, BARs, MSI-X and INTx of a guest's PCI functions.
 * LINK: guest/vmm/pci.c guest/vmm/pci_msix.c guest/vmm/pci_root.c guest/vmm/bus.c guest/vmm/mem.c
 * LINK: tests/unit/fake_rt.c
 */
#include "guest/vmm/pci.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"
#include "guest/vmm/pci_regs.h"

#define ECAM 0xe0000000ULL

static struct vm vm;
static struct pci_root root;
static struct pci_dev dev, other;
static unsigned nmoves;
static bool last_mapped;

static u64 bar_read(void *d, u64 off, unsigned size)
{
	return ((struct pci_dev *)d == &dev ? 0x1000 : 0x2000) + off;
}

static void bar_write(void *d, u64 off, unsigned size, u64 value)
{
}

static const struct bus_ops bar_ops = { bar_read, bar_write };

static void moved(struct pci_dev *d, unsigned n, bool mapped)
{
	nmoves++;
	last_mapped = mapped;
}

static unsigned gsi(unsigned d, unsigned pin)
{
	return 16 + (d + pin - 1) % 2;
}

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, 0);
	memset(&root, 0, sizeof(root));
	nmoves = 0;
	assert_int_equal(pci_root_init(&root, &vm, ECAM, true), OK);
	root.intx_gsi = gsi;
	root.mmio_next = 0xc0000000;
	root.mmio_end = 0xc0100000;
	root.io_next = 0xc000;
	root.io_end = 0xd000;
	root.mmio64_next = 0x800000000;
	root.mmio64_end = 0x900000000;
	pci_dev_init(&dev, &vm, 0x1234, 0x5678, 0x020304, 9, 0xaaaa, 0xbbbb);
	pci_bar_init(&dev, 0, 0x4000, false, false, &bar_ops);
	pci_msix_init(&dev, 1, 3);
	pci_bar_init(&dev, 2, 32, true, false, &bar_ops);
	pci_bar_init(&dev, 4, 0x2000, false, true, &bar_ops);
	pci_express_init(&dev);
	dev.cfg[PCI_INTERRUPT_PIN] = 1;
	dev.bar_moved = moved;
	pci_dev_init(&other, &vm, 0x1234, 0x9999, 0x020304, 9, 0, 0);
	pci_bar_init(&other, 0, 0x4000, false, false, &bar_ops);
	other.cfg[PCI_INTERRUPT_PIN] = 1;
	assert_int_equal(pci_add(&root, &dev, 0x10), OK);
	assert_int_equal(pci_add(&root, &other, 0x20), OK);
	assert_int_equal(pci_root_assign(&root), OK);
	return 0;
}

static u64 rd(struct pci_dev *d, unsigned off, unsigned size)
{
	return bus_read(&vm.mmio, ECAM + (d->devfn << 12) + off, size);
}

static void wr(struct pci_dev *d, unsigned off, unsigned size, u64 v)
{
	bus_write(&vm.mmio, ECAM + (d->devfn << 12) + off, size, v);
}

static u64 cf8(unsigned off, unsigned size)
{
	bus_write(&vm.pio, 0xcf8, 4, 0x80000000u | 0x10 << 8 | (off & 0xfc));
	return bus_read(&vm.pio, 0xcfc + (off & 3), size);
}

static void both_ways_to_configuration_space_agree(void **state)
{
	for (unsigned off = 0; off < 256; off += 4) {
		assert_int_equal(cf8(off, 4), rd(&dev, off, 4));
		assert_int_equal(cf8(off + 2, 2), rd(&dev, off + 2, 2));
		assert_int_equal(cf8(off + 3, 1), rd(&dev, off + 3, 1));
	}
	assert_int_equal(cf8(0, 4), 0x56781234);
	assert_int_equal(cf8(8, 4), 0x02030409);
	assert_int_equal(cf8(0x2c, 4), 0xbbbbaaaa);
	bus_write(&vm.pio, 0xcf8, 4, 0x80001004);
	assert_int_equal(bus_read(&vm.pio, 0xcf8, 4), 0x80001004);
	bus_write(&vm.pio, 0xcfd, 1, 0x04); /* the command's high byte: INTx disable */
	assert_int_equal(rd(&dev, 4, 2), 0x0403);
}

static void what_is_not_there_reads_as_ones(void **state)
{
	bus_write(&vm.pio, 0xcf8, 4, 0x80001800);
	assert_int_equal(bus_read(&vm.pio, 0xcfc, 4), 0xffffffff);
	bus_write(&vm.pio, 0xcf8, 4, 0x80011000); /* bus 1 */
	assert_int_equal(bus_read(&vm.pio, 0xcfc, 2), 0xffff);
	bus_write(&vm.pio, 0xcf8, 4, 0x00001000); /* not enabled */
	assert_int_equal(bus_read(&vm.pio, 0xcfc, 2), 0xffff);
	assert_int_equal(bus_read(&vm.mmio, ECAM + 0x11000, 4), 0xffffffff);
	assert_int_equal(pci_cfg_read(&dev, 4093, 4), ~0ULL);
	pci_cfg_write(&dev, 4093, 4, 0);
	pci_cfg_write(&dev, 0xfffffffe, 4, 0);
	assert_int_equal(rd(&dev, 0x100, 4), 0);
}

static void config_address_takes_whole_words_only(void **state)
{
	bus_write(&vm.pio, 0xcf8, 4, 0x80001004);
	bus_write(&vm.pio, 0xcf9, 1, 6);
	bus_write(&vm.pio, 0xcf8, 2, 0);
	assert_int_equal(bus_read(&vm.pio, 0xcf8, 4), 0x80001004);
	assert_int_equal(bus_read(&vm.pio, 0xcf9, 1), 0xff);
}

static void read_only_bits_stay_and_error_bits_clear(void **state)
{
	wr(&dev, 0, 4, 0);
	wr(&dev, 0x2c, 4, 0);
	assert_int_equal(rd(&dev, 0, 4), 0x56781234);
	dev.cfg[7] = 0xf9;
	wr(&dev, 6, 2, 0x3010);
	assert_int_equal(dev.cfg[7], 0xc9);
	assert_int_equal(rd(&dev, 6, 1) & 0x10, 0x10);
}

static void bars_can_be_sized(void **state)
{
	wr(&dev, 4, 2, 0);
	for (unsigned n = 0; n < 6; n++)
		wr(&dev, 0x10 + 4 * n, 4, 0xffffffff);
	assert_int_equal(rd(&dev, 0x10, 4), 0xffffc000);
	assert_int_equal(rd(&dev, 0x14, 4), 0xfffff000);
	assert_int_equal(rd(&dev, 0x18, 4), 0xffffffe1);
	assert_int_equal(rd(&dev, 0x1c, 4), 0);
	assert_int_equal(rd(&dev, 0x20, 4), 0xffffe004);
	assert_int_equal(rd(&dev, 0x24, 4), 0xffffffff);
}

static void bars_follow_address_and_decoding(void **state)
{
	u64 at = rd(&dev, 0x10, 4);

	assert_int_equal(at, 0xc0000000);
	assert_int_equal(bus_read(&vm.mmio, at + 4, 4), 0x1004);
	assert_int_equal(bus_read(&vm.pio, 0xc004, 2), 0x1004);
	assert_int_equal(bus_read(&vm.mmio, 0x800000008, 4), 0x1008);
	nmoves = 0;
	wr(&dev, 0x10, 4, 0xd0000000);
	assert_int_equal(nmoves, 2);
	assert_true(last_mapped);
	assert_int_equal(bus_read(&vm.mmio, at + 4, 4), 0xffffffff);
	assert_int_equal(bus_read(&vm.mmio, 0xd0000004, 4), 0x1004);
	wr(&dev, 4, 2, 1); /* memory decoding off, ports on */
	assert_int_equal(bus_read(&vm.mmio, 0xd0000004, 4), 0xffffffff);
	assert_int_equal(bus_read(&vm.pio, 0xc004, 2), 0x1004);
	wr(&dev, 0x24, 4, 0x9);
	wr(&dev, 4, 2, 2);
	assert_int_equal(bus_read(&vm.pio, 0xc004, 2), 0xffff);
	assert_int_equal(bus_read(&vm.mmio, 0x900000008, 4), 0x1008);
}

static void a_bar_over_something_else_stays_unmapped(void **state)
{
	u64 mine = rd(&dev, 0x10, 4), his = rd(&other, 0x10, 4);

	wr(&dev, 0x10, 4, his);
	assert_int_equal(bus_read(&vm.mmio, his, 4), 0x2000); /* its owner keeps it */
	wr(&dev, 0x10, 4, ECAM);
	assert_int_equal(rd(&dev, 0, 2), 0x1234);
	wr(&dev, 0x18, 4, 0xce0); /* over CF8 */
	assert_int_equal(cf8(0, 2), 0x1234);
	wr(&dev, 0x18, 4, 0xffffffe0); /* beyond the ports */
	assert_false(dev.bar[2].mapped);
	wr(&dev, 0x10, 4, 0);
	assert_false(dev.bar[0].mapped);
	/* When the owner leaves, who waits for the place gets it. */
	wr(&dev, 0x10, 4, his);
	wr(&other, 0x10, 4, mine);
	assert_int_equal(bus_read(&vm.mmio, his, 4), 0x1000);
	assert_int_equal(bus_read(&vm.mmio, mine, 4), 0x2000);
}

static void reset_brings_back_what_was_assigned(void **state)
{
	u64 mine = rd(&dev, 0x10, 4), his = rd(&other, 0x10, 4);

	wr(&other, 0x10, 4, 0xd0000000);
	wr(&dev, 0x10, 4, his);
	wr(&other, 0x10, 4, mine);
	pci_intx(&dev, true);
	pci_root_reset(&root);
	assert_int_equal(bus_read(&vm.mmio, mine, 4), 0x1000);
	assert_int_equal(bus_read(&vm.mmio, his, 4), 0x2000);
	assert_int_equal(rd(&dev, 4, 2), 3);
	assert_false(fake.gsi_level[gsi(2, 1)]);
	assert_false(pci_msix_on(&dev));
}

static void windows_that_are_full_are_an_error(void **state)
{
	static struct pci_dev big;

	pci_dev_init(&big, &vm, 1, 2, 0, 0, 0, 0);
	pci_bar_init(&big, 0, 0x100000, false, false, &bar_ops);
	assert_int_equal(pci_add(&root, &big, 0x10), ERR_EXISTS);
	assert_int_equal(pci_add(&root, &big, 0x100), ERR_RANGE);
	assert_int_equal(pci_add(&root, &big, 0x28), OK);
	assert_int_equal(pci_root_assign(&root), ERR_FULL);
	root.mmio_next = root.mmio_end = 0xffffffffffffffffULL;
	assert_int_equal(pci_root_assign(&root), ERR_FULL);
}

static void capabilities_are_a_list_that_ends(void **state)
{
	unsigned n = 0, cap, seen = 0;

	assert_true(rd(&dev, 6, 2) & 0x10);
	for (cap = rd(&dev, 0x34, 1); cap != 0 && n < 48; cap = rd(&dev, cap + 1, 1), n++) {
		if (rd(&dev, cap, 1) == 0x11)
			seen |= rd(&dev, cap + 2, 2) == 2 && rd(&dev, cap + 4, 4) == 1 && rd(&dev, cap + 8, 4) == 0x801;
		if (rd(&dev, cap, 1) == 0x10)
			seen |= 2u * (rd(&dev, cap + 2, 2) == 0x92);
	}
	assert_int_equal(n, 2);
	assert_int_equal(seen, 3);
}

#define TBL (rd(&dev, 0x14, 4))

static void msix_on(unsigned ctl)
{
	wr(&dev, dev.msix.cap + 2, 2, 0x8000 | ctl);
	for (unsigned v = 0; v < 3; v++) {
		bus_write(&vm.mmio, TBL + 16 * v, 8, 0xfee00000ULL + 0x1000 * v);
		bus_write(&vm.mmio, TBL + 16 * v + 8, 8, 0x40 + v);
	}
}

static void msix_delivers_address_and_data(void **state)
{
	assert_false(pci_msix_raise(&dev, 0));
	msix_on(0);
	assert_true(pci_msix_raise(&dev, 2));
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(fake.msi[0].vm, 7);
	assert_int_equal(fake.msi[0].addr, 0xfee02000);
	assert_int_equal(fake.msi[0].data, 0x42);
	assert_true(pci_msix_raise(&dev, 3)); /* no such vector */
	assert_true(pci_msix_raise(&dev, 0xffff));
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(bus_read(&vm.mmio, TBL + 0x20, 8), 0xfee02000);
	assert_int_equal(bus_read(&vm.mmio, TBL + 0x29, 1), 0);
}

static void masked_vectors_stay_pending_until_unmasked(void **state)
{
	msix_on(0);
	bus_write(&vm.mmio, TBL + 12, 4, 1);
	pci_msix_raise(&dev, 0);
	pci_msix_raise(&dev, 0);
	assert_int_equal(fake.nmsi, 0);
	assert_int_equal(bus_read(&vm.mmio, TBL + 0x800, 4), 1);
	bus_write(&vm.mmio, TBL + 12, 4, 0);
	assert_int_equal(fake.nmsi, 1);
	assert_int_equal(bus_read(&vm.mmio, TBL + 0x800, 8), 0);

	wr(&dev, dev.msix.cap + 2, 2, 0xc000);
	pci_msix_raise(&dev, 1);
	pci_msix_raise(&dev, 2);
	assert_int_equal(bus_read(&vm.mmio, TBL + 0x800, 4), 6);
	bus_write(&vm.mmio, TBL + 0x800, 4, 0); /* read only */
	assert_int_equal(fake.nmsi, 1);
	wr(&dev, dev.msix.cap + 2, 2, 0x8000);
	assert_int_equal(fake.nmsi, 3);
}

static void odd_accesses_to_the_msix_table_do_nothing(void **state)
{
	msix_on(0);
	for (unsigned off = 0; off < 4096; off++) {
		bus_read(&vm.mmio, TBL + off, 8);
		bus_write(&vm.mmio, TBL + off, 1, 0xff);
		bus_write(&vm.mmio, TBL + off, 2, 0xffff);
		if (off >= 48)
			bus_write(&vm.mmio, TBL + off, 8, ~0ULL);
	}
	assert_int_equal(bus_read(&vm.mmio, TBL + 8, 8), 0x40);
}

static void intx_is_a_shared_level(void **state)
{
	static struct pci_dev third;
	unsigned line = gsi(2, 1);

	pci_dev_init(&third, &vm, 1, 2, 0, 0, 0, 0);
	third.cfg[PCI_INTERRUPT_PIN] = 1;
	assert_int_equal(pci_add(&root, &third, 0x30), OK);
	pci_intx(&dev, true);
	assert_true(fake.gsi_level[line]);
	assert_int_equal(rd(&dev, 6, 1) & 8, 8);
	pci_intx(&other, true); /* device 4, same line */
	pci_intx(&dev, false);
	assert_true(fake.gsi_level[line]);
	pci_intx(&other, false);
	assert_false(fake.gsi_level[line]);
}

static void intx_obeys_its_disable_bit_and_msix(void **state)
{
	unsigned line = gsi(2, 1);

	pci_intx(&dev, true);
	wr(&dev, 4, 2, 0x0403);
	assert_false(fake.gsi_level[line]);
	assert_int_equal(rd(&dev, 6, 1) & 8, 8); /* the status bit does not care */
	wr(&dev, 4, 2, 0x0003);
	assert_true(fake.gsi_level[line]);
	wr(&dev, dev.msix.cap + 2, 2, 0x8000);
	assert_false(fake.gsi_level[line]);
	wr(&dev, dev.msix.cap + 2, 2, 0);
	assert_true(fake.gsi_level[line]);
}

static void random_configuration_writes_do_no_harm(void **state)
{
	u32 x = 12345;

	for (unsigned i = 0; i < 20000; i++) {
		x = x * 1664525 + 1013904223;
		bus_write(&vm.mmio, ECAM + 0x10000 + (x >> 8 & 0xfff), 1u << (x >> 4 & 3), x * 2654435761u);
		if (i % 16 == 0)
			pci_msix_raise(&dev, x >> 16 & 3);
		bus_read(&vm.mmio, ECAM + 0x10000 + (x >> 9 & 0xfff), 1u << (x >> 5 & 3));
	}
	assert_int_equal(rd(&dev, 0, 4), 0x56781234);
	assert_int_equal(rd(&other, 0, 4), 0x99991234);
	assert_int_equal(bus_read(&vm.mmio, rd(&other, 0x10, 4), 4), 0x2000);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_ways_to_configuration_space_agree),
		T(what_is_not_there_reads_as_ones),
		T(config_address_takes_whole_words_only),
		T(read_only_bits_stay_and_error_bits_clear),
		T(bars_can_be_sized),
		T(bars_follow_address_and_decoding),
		T(a_bar_over_something_else_stays_unmapped),
		T(reset_brings_back_what_was_assigned),
		T(windows_that_are_full_are_an_error),
		T(capabilities_are_a_list_that_ends),
		T(msix_delivers_address_and_data),
		T(masked_vectors_stay_pending_until_unmasked),
		T(odd_accesses_to_the_msix_table_do_nothing),
		T(intx_is_a_shared_level),
		T(intx_obeys_its_disable_bit_and_msix),
		T(random_configuration_writes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
