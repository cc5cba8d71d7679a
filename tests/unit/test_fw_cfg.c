/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_fw_cfg.c: the firmware configuration device.
 * LINK: guest/vmm/dev/fw_cfg.c guest/vmm/bus.c tests/unit/fake_rt.c
 */
#include "guest/vmm/dev/fw_cfg.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_rt.h"

#define RAM  0x10000
#define DESC 0x100
#define BUF  0x1000

static struct vm vm;
static struct fw_cfg fw;

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, RAM);
	assert_int_equal(fw_cfg_init(&fw, &vm, 0x8000000, 3), OK);
	assert_int_equal(fw_cfg_add(&fw, "etc/one", "hello", 5), OK);
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

static void put_be(u8 *p, u64 v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = v >> 8 * (n - 1 - i);
}

/** Run a DMA; returns the control word that the device leaves. */
static u32 dma(u32 control, u32 len, u64 addr, u64 desc)
{
	u8 *d = vm_mem(&vm, DESC, 16);

	put_be(d, control, 4);
	put_be(d + 4, len, 4);
	put_be(d + 8, addr, 8);
	bus_write(&vm.pio, 0x514, 4, __builtin_bswap32(desc >> 32));
	bus_write(&vm.pio, 0x518, 4, __builtin_bswap32(desc));
	return (u32)d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3];
}

static void select_item(u16 key)
{
	bus_write(&vm.pio, 0x510, 2, key);
}

static u8 next(void)
{
	return bus_read(&vm.pio, 0x511, 1);
}

static void signature_and_features_by_port(void **state)
{
	select_item(0);
	assert_int_equal(next(), 'Q');
	assert_int_equal(next(), 'E');
	assert_int_equal(next(), 'M');
	assert_int_equal(next(), 'U');
	assert_int_equal(next(), 0);
	select_item(1);
	assert_int_equal(next(), 3);
	select_item(FW_CFG_NB_CPUS);
	assert_int_equal(next(), 3);
	assert_int_equal(bus_read(&vm.pio, 0x514, 8), 0x47464320554d4551); /* "QEMU CFG" */
}

static void directory_lists_the_file(void **state)
{
	u8 dir[4 + 64];

	select_item(0x19);
	for (unsigned i = 0; i < sizeof(dir); i++)
		dir[i] = next();
	assert_memory_equal(dir, "\0\0\0\1\0\0\0\5\0\x20\0\0etc/one", 4 + 8 + 8);
	select_item(0x20);
	assert_int_equal(next(), 'h');
}

static void dma_reads_and_skips(void **state)
{
	assert_int_equal(dma(0x0020000a, 3, BUF, DESC), 0);
	assert_memory_equal(vm_mem(&vm, BUF, 3), "hel", 3);
	assert_int_equal(dma(0x4, 1, 0, DESC), 0);
	assert_int_equal(dma(0x2, 4, BUF, DESC), 0);
	assert_memory_equal(vm_mem(&vm, BUF, 4), "o\0\0\0", 4);
}

static void dma_errors_are_told(void **state)
{
	assert_int_equal(dma(0x0020000a, 5, RAM - 2, DESC), 1);
	assert_int_equal(dma(0x0020000a, 0xffffffff, BUF, DESC), 1);
	assert_int_equal(dma(0x0020000a, 16, ~0ull - 7, DESC), 1);
	assert_int_equal(dma(0x00200018, 4, BUF, DESC), 1); /* writing */
	assert_int_equal(dma(0xffff000a, 4, BUF, DESC), 0); /* no such item: zeros */
	assert_int_equal(dma(0x4, 0xffffffff, 0, DESC), 0);
	dma(0x2, 1, BUF, RAM - 8); /* the descriptor itself is not RAM */
	dma(0x2, 1, BUF, ~0ull);
}

static void adding_checks_its_arguments(void **state)
{
	char name[FW_CFG_NAME + 1] = "";

	assert_int_equal(fw_cfg_add(&fw, "etc/one", "x", 1), ERR_EXISTS);
	memset(name, 'n', FW_CFG_NAME);
	assert_int_equal(fw_cfg_add(&fw, name, "x", 1), ERR_RANGE);
	assert_int_equal(fw_cfg_add(&fw, "big", "x", 1ull << 32), ERR_RANGE);
	name[3] = 0;
	for (unsigned i = 1; i < FW_CFG_FILES; i++) {
		name[0] = 'A' + i;
		assert_int_equal(fw_cfg_add(&fw, name, "x", 1), OK);
	}
	assert_int_equal(fw_cfg_add(&fw, "more", "x", 1), ERR_FULL);
}

/* Data as it lies in memory, the selector and the DMA address big-endian. */
static void the_same_in_memory(void **state)
{
	static struct fw_cfg mem;
	u8 *d = vm_mem(&vm, DESC, 16);

	assert_int_equal(fw_cfg_init_mmio(&mem, &vm, 0x9020000, RAM, 1), OK);
	assert_int_equal(fw_cfg_add(&mem, "etc/one", "hello", 5), OK);
	bus_write(&vm.mmio, 0x9020008, 2, 0x0000);
	assert_int_equal(bus_read(&vm.mmio, 0x9020000, 4), 0x554d4551); /* "QEMU" */
	bus_write(&vm.mmio, 0x9020008, 2, 0x2000);			/* 20h */
	assert_int_equal(bus_read(&vm.mmio, 0x9020000, 1), 'h');
	assert_int_equal(bus_read(&vm.mmio, 0x9020000, 8), 0x6f6c6c65);
	assert_int_equal(bus_read(&vm.mmio, 0x9020008, 8), 0);
	assert_int_equal(bus_read(&vm.mmio, 0x9020010, 8), 0x47464320554d4551); /* "QEMU CFG" */
	assert_int_equal((u32)bus_read(&vm.mmio, 0x9020014, 8), 0x47464320);	/* no more of it is there */
	put_be(d, FW_CFG_FILE << 16 | 8 | 2, 4);
	put_be(d + 4, 5, 4);
	put_be(d + 8, BUF, 8);
	bus_write(&vm.mmio, 0x9020010, 8, __builtin_bswap64(DESC));
	assert_memory_equal(vm_mem(&vm, BUF, 5), "hello", 5);
	assert_int_equal(d[3], 0);
	fw_cfg_reset(&mem);
	assert_int_equal(bus_read(&vm.mmio, 0x9020000, 1), 'Q');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(signature_and_features_by_port, setup, teardown),
		cmocka_unit_test_setup_teardown(directory_lists_the_file, setup, teardown),
		cmocka_unit_test_setup_teardown(dma_reads_and_skips, setup, teardown),
		cmocka_unit_test_setup_teardown(dma_errors_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(the_same_in_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(adding_checks_its_arguments, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
