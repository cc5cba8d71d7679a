/* SPDX-License-Identifier: Apache-2.0 */
/* LINK: guest/drv/x86/acpi.c guest/drv/x86/acpi_os.c guest/drv/x86/acpi_io.c build/unit/acpica.a */
/* CFLAGS: -D_LINUX -DBUILDING_ACPICA -isystem guest/drv/x86/acpica -isystem build/src/acpica/include */
/*
 * tests/unit/test_acpi_end.c: the machine's end by ACPICA itself, on tables of tests/unit/firmware.asl in memory that
 * lies at fixed addresses: right ones, broken ones, hostile ones. Each runs in a process of its own, as ACPICA is for
 * once.
 */
#include "guest/drv/x86/acpi.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <assert.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gen/firmware/bare.h"
#include "gen/firmware/deep.h"
#include "gen/firmware/hoard.h"
#include "gen/firmware/huge.h"
#include "gen/firmware/irqchip.h"
#include "gen/firmware/loop.h"
#include "gen/firmware/loops.h"
#include "gen/firmware/method.h"
#include "gen/firmware/nowhere.h"
#include "gen/firmware/own.h"
#include "gen/firmware/ram.h"
#include "gen/firmware/sleep.h"
#include "gen/firmware/ssdt.h"
#include "guest/drv/x86/acpi_os.h"
#include "guest/rt/rt.h"
#include "self/insn.h"

#define FW_BASE	  0x20000000u
#define FW_SIZE	  0x2000000u
#define FW_XSDT	  (FW_BASE + 0x0)
#define FW_FADT	  (FW_BASE + 0x1000)
#define FW_OWN	  (FW_BASE + 0x8000) /* firmware.asl's, too */
#define FW_DSDT	  (FW_BASE + 0x10000)
#define FW_SSDT	  (FW_BASE + 0x20000)
#define RAM_BASE  0x30000000u
#define RAM_SIZE  0x100000u
#define PM1_EVT	  0x600
#define PM1_CNT	  0x604
#define SCI_EN	  1u
#define OUT	  0x80
#define MAX_WRITE 64
#define MAX1	  (~0ULL)

/* What the other process leaves. */
struct seen {
	status_t prepared;
	unsigned lines, nwrites;
	char line[256];
	struct {
		u16 port;
		u32 value;
	} write[MAX_WRITE];  /* the first of them */
	u64 allocated, most; /* bytes in all, at once */
	u64 now;
};
static struct seen *seen;
static struct boot_info boot;
static u64 live;

void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen->line, sizeof(seen->line), fmt, ap);
	va_end(ap);
	seen->lines++;
}

u64 time_ns(void)
{
	return seen->now += 1000;
}

void *mem_alloc(size_t size)
{
	u64 *p = calloc(1, size + 16);

	assert(p != NULL);
	*p = size;
	live += size;
	seen->allocated += size;
	if (live > seen->most)
		seen->most = live;
	return p + 2;
}

void mem_free(void *p)
{
	u64 *block = (u64 *)p - 2;

	live -= *block;
	free(block);
}

static void port_write(u16 port, u32 value)
{
	if (seen->nwrites < MAX_WRITE) {
		seen->write[seen->nwrites].port = port;
		seen->write[seen->nwrites].value = value;
	}
	seen->nwrites++;
}

void cpu_out8(u16 port, u8 v)
{
	port_write(port, v);
}

void cpu_out16(u16 port, u16 v)
{
	port_write(port, v);
}

void cpu_out32(u16 port, u32 v)
{
	port_write(port, v);
}

u8 cpu_in8(u16 port)
{
	return 0xff;
}

u16 cpu_in16(u16 port)
{
	return port == PM1_CNT ? SCI_EN : 0;
}

u32 cpu_in32(u16 port)
{
	return 0xffffffff;
}

static u8 *fw(u32 pa)
{
	return (u8 *)(uintptr_t)pa;
}

static void put(u32 pa, u64 v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fw(pa)[i] = (u8)(v >> (8 * i));
}

static void sum(u8 *p, u32 len, u32 field)
{
	u8 s = 0;

	p[field] = 0;
	for (u32 i = 0; i < len; i++)
		s += p[i];
	p[field] = (u8)-s;
}

static void table(u32 pa, const char *sig, u32 len, u8 revision)
{
	memcpy(fw(pa), sig, 4);
	put(pa + 4, len, 4);
	fw(pa)[8] = revision;
	sum(fw(pa), len, 9);
}

static void gas(u32 pa, u8 space, u8 bits, u64 address)
{
	fw(pa)[0] = space;
	fw(pa)[1] = bits;
	put(pa + 4, address, 8);
}

static void xsdt(unsigned n)
{
	put(FW_XSDT + 36, FW_FADT, 8);
	put(FW_XSDT + 44, FW_SSDT, 8);
	table(FW_XSDT, "XSDT", 36 + 8 * n, 1);
}

static void fadt(u8 reset_space, u64 reset)
{
	put(FW_FADT + 40, FW_DSDT, 4);
	put(FW_FADT + 56, PM1_EVT, 4);
	put(FW_FADT + 64, PM1_CNT, 4);
	fw(FW_FADT)[88] = 4;
	fw(FW_FADT)[89] = 2;
	put(FW_FADT + 112, 1 << 10, 4);
	gas(FW_FADT + 116, reset_space, 8, reset);
	fw(FW_FADT)[128] = 0x5a;
	put(FW_FADT + 140, FW_DSDT, 8);
	gas(FW_FADT + 148, 1, 32, PM1_EVT);
	gas(FW_FADT + 172, 1, 16, PM1_CNT);
	table(FW_FADT, "FACP", 244, 3);
}

/* A machine with the table @dsdt. */
static void build_bytes(const u8 *dsdt, size_t size)
{
	u8 *r = boot.platform.rsdp;

	memset(seen, 0, sizeof(*seen));
	memset(fw(FW_BASE), 0, 0x30000);
	memset(fw(RAM_BASE), 0x77, RAM_SIZE);
	memset(&boot, 0, sizeof(boot));
	boot.nregions = 2;
	boot.region[0] = (struct boot_region){ FW_BASE, FW_SIZE, BOOT_MEM_ACPI, 0 };
	boot.region[1] = (struct boot_region){ RAM_BASE, RAM_SIZE, BOOT_MEM_RAM, 0 };
	memcpy(r, "RSD PTR ", 8);
	r[15] = 2;
	r[20] = 36;
	r[24 + 3] = FW_XSDT >> 24;
	sum(r, 20, 8);
	sum(r, 36, 32);
	xsdt(1);
	fadt(1, 0);
	memcpy(fw(FW_DSDT), dsdt, size);
	memcpy(fw(FW_SSDT), firmware_ssdt, sizeof(firmware_ssdt));
}
#define build(name) build_bytes(firmware_##name, sizeof(firmware_##name))

static void on_poweroff(void)
{
	seen->prepared = acpi_poweroff_prepare(&boot);
	if (seen->prepared == OK)
		acpi_poweroff();
}

static void on_reset(void)
{
	acpi_reset_machine(&boot);
}

/* False: it has come to grief, which is a panic of the service VM's on the machine, and a power-off as of old. */
static bool survives(void (*fn)(void))
{
	int how;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the next test, here */
		(void)!freopen("/dev/null", "w", stderr);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &how, 0), pid);
	assert_true(seen->most <= ACPI_OS_MEMORY + ACPI_OS_MEMORY / 8);
	assert_true(seen->allocated <= 2ull * ACPI_OS_WORK);
	/* What firmware was waited for, and that the machine did not go off. */
	assert_true(seen->now <= ACPI_OS_WAIT + 20000000000ull);
	for (u32 i = 0; i < RAM_SIZE; i++) {
		if (fw(RAM_BASE)[i] != 0x77)
			fail_msg("others' memory has changed");
	}
	return WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

static void run(void (*fn)(void))
{
	assert_true(survives(fn));
}

/* The place of the first write of @value to @port among all, MAX1: none. */
static u64 written(u16 port, u32 value)
{
	for (unsigned i = 0; i < MIN(seen->nwrites, MAX_WRITE); i++) {
		if (seen->write[i].port == port && seen->write[i].value == value)
			return i;
	}
	return MAX1;
}

static void is_off(u32 slp_typ, u8 pts)
{
	run(on_poweroff);
	assert_string_equal(seen->line, "");
	assert_int_equal(seen->prepared, OK);
	assert_true(written(OUT, pts) < written(PM1_CNT, SCI_EN | slp_typ << 10));
	assert_true(written(PM1_CNT, SCI_EN | slp_typ << 10) < written(PM1_CNT, SCI_EN | slp_typ << 10 | 1 << 13));
	assert_true(written(PM1_CNT, SCI_EN | slp_typ << 10 | 1 << 13) < seen->nwrites);
}

/* The one line that is left has @why in it, and nothing was written to the power management. */
static void is_refused(const char *why)
{
	run(on_poweroff);
	assert_int_equal(seen->prepared, ERR_IO);
	if (strstr(seen->line, why) == NULL)
		fail_msg("'%s' is not in '%s'", why, seen->line);
	assert_true(seen->lines >= 1 && seen->lines <= ACPI_OS_LINES + 1);
	for (unsigned i = 0; i < MIN(seen->nwrites, MAX_WRITE); i++)
		assert_int_not_equal(seen->write[i].port, PM1_CNT);
	assert_int_equal(written(OUT, 0x22), MAX1);
}

static void s5_may_be_a_method(void **state)
{
	build(method);
	is_off(5, 5);
	assert_true(written(OUT, 0x11) < written(OUT, 5)); /* _INI */
}

static void s5_may_be_in_an_ssdt(void **state)
{
	build(bare);
	xsdt(2);
	is_off(3, 0x45);
	build(bare);
	is_refused("AE_NOT_FOUND");
}

static void firmwares_own_things_are_in_reach(void **state)
{
	build(own);
	is_off(5, 5);
	assert_memory_equal(fw(FW_OWN), "\x0d\xd0\x0d\x60", 4);
	assert_true(written(0xcf8, 0x80000000 | 0x1f << 11 | 3 << 8 | 0x40) < written(0xcfe, 0x4321));
	assert_true(written(0xcfe, 0x4321) < seen->nwrites);
}

static void other_memory_is_not(void **state)
{
	build(ram);
	is_refused("AE_");
	build(nowhere);
	is_refused("AE_");
	build(irqchip);
	is_refused("AE_");
	build(method);
	acpi_os_begin(&boot);
	assert_true(acpi_os_may_touch(FW_BASE, ACPI_OS_TABLE));
	assert_false(acpi_os_may_touch(FW_BASE, ACPI_OS_TABLE + 1));
	assert_false(acpi_os_may_touch(FW_BASE, 0));
	assert_false(acpi_os_may_touch(0, 1));
	assert_true(acpi_os_may_touch(0x1000, 1));
	assert_true(acpi_os_may_touch(RAM_BASE - 1, 1));
	assert_false(acpi_os_may_touch(RAM_BASE - 1, 2));
	assert_false(acpi_os_may_touch(RAM_BASE + RAM_SIZE - 1, 1));
	assert_true(acpi_os_may_touch(RAM_BASE + RAM_SIZE, 1));
	assert_true(acpi_os_may_touch(0xffffffff, 1));
	assert_false(acpi_os_may_touch(0xffffffff, 2));
	assert_false(acpi_os_may_touch(~0ull, 2));
	assert_false(acpi_os_may_touch(0xfee00ff0, 4));
	boot.platform.nirqchips = 1;
	boot.platform.irqchip[0].base = 0xfec00000;
	assert_false(acpi_os_may_touch(0xfec00010, 4));
	boot.nregions = 3; /* a page of the RAM is also said to be reserved: so it is */
	boot.region[2] = (struct boot_region){ RAM_BASE + 0x800, 1, BOOT_MEM_RESERVED, 0 };
	assert_true(acpi_os_may_touch(RAM_BASE, 0x1000));
	assert_false(acpi_os_may_touch(RAM_BASE, 0x1001));
}

static void endless_work_ends(void **state)
{
	build(loop);
	is_refused("AE_");
	build(loops);
	is_refused("AE_");
	build(deep);
	is_refused("AE_");
}

static void too_much_memory_is_refused(void **state)
{
	build(huge);
	is_refused("AE_NO_MEMORY");
	assert_true(seen->most < 1 << 20);
	build(hoard);
	is_refused("AE_NO_MEMORY");
	assert_true(seen->most > ACPI_OS_MEMORY / 2);
}

static void waiting_has_an_end(void **state)
{
	build(sleep);
	is_off(5, 5);
	assert_true(seen->now >= ACPI_OS_WAIT);
}

static void broken_tables_are_refused(void **state)
{
	build(method);
	fw(FW_XSDT)[9]++;
	is_refused("AE_");
	build(method);
	fw(FW_DSDT)[9]++;
	is_refused("AE_");
	build(method);
	put(FW_DSDT + 4, 0x7fffffff, 4);
	is_refused("AE_");
	build(method);
	put(FW_FADT + 40, RAM_BASE, 4);
	put(FW_FADT + 140, RAM_BASE, 8);
	table(FW_FADT, "FACP", 244, 3);
	is_refused("AE_");
}

/*
 * Whatever is cut off or changed: an end of some kind, and a reason or the machine is off. ACPICA itself does not stand
 * all of it.
 */
static void any_tables_end(void **state)
{
	unsigned runs = 0, grief = 0;
	u32 seed = 1;

	for (u32 len = 36; len < sizeof(firmware_own); len += 7, runs++) {
		build(own);
		table(FW_DSDT, "DSDT", len, 2);
		if (!survives(on_poweroff))
			grief++;
		else
			assert_true(seen->prepared == OK || seen->lines != 0);
	}
	for (unsigned round = 0; round < 100; round++, runs++) {
		build(own);
		for (unsigned i = 0; i < 3; i++) {
			seed = seed * 1664525 + 1013904223;
			fw(FW_DSDT)[36 + (seed >> 8) % (sizeof(firmware_own) - 36)] = (u8)(seed >> 24);
		}
		table(FW_DSDT, "DSDT", sizeof(firmware_own), 2);
		if (!survives(on_poweroff))
			grief++;
		else
			assert_true(seen->prepared == OK || seen->lines != 0);
	}
	assert_true(grief < runs / 4);
}

/* An XSDT with as many entries as fit, each of the largest table. */
static void many_tables_are_bounded(void **state)
{
	build(method);
	for (u32 i = 0; i < 0x1ffff0; i++)
		put(FW_BASE + 0x100000 + 36 + 8 * i, FW_SSDT, 8);
	table(FW_BASE + 0x100000, "XSDT", 36 + 8 * 0x1ffff0, 1);
	boot.platform.rsdp[24 + 2] = 0x10;
	sum(boot.platform.rsdp, 36, 32);
	is_refused("AE_");
}

static void the_reset_register_may_be_anywhere(void **state)
{
	build(method);
	fadt(0, FW_OWN);
	run(on_reset);
	assert_int_equal(fw(FW_OWN)[0], 0x5a);
	assert_int_equal(seen->nwrites, 0);
	build(method);
	fadt(2, 0x1f00030041);
	run(on_reset);
	assert_true(written(0xcf8, 0x80000000 | 0x1f << 11 | 3 << 8 | 0x40) < written(0xcfd, 0x5a));
	assert_true(written(0xcfd, 0x5a) < seen->nwrites);
	/* Not ours to write; and the hypervisor's to write. */
	build(method);
	fadt(0, RAM_BASE);
	run(on_reset);
	assert_int_equal(fw(RAM_BASE)[0], 0x77);
	build(method);
	fadt(1, 0xcf9);
	boot.platform.reset_port = 0xcf9;
	run(on_reset);
	assert_int_equal(seen->nwrites, 0);
}

static void *at(uintptr_t pa, size_t size, int flags)
{
	void *p = mmap((void *)pa, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | flags, -1, 0);

	assert(p != MAP_FAILED);
	return p;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s5_may_be_a_method),
		cmocka_unit_test(s5_may_be_in_an_ssdt),
		cmocka_unit_test(firmwares_own_things_are_in_reach),
		cmocka_unit_test(other_memory_is_not),
		cmocka_unit_test(endless_work_ends),
		cmocka_unit_test(too_much_memory_is_refused),
		cmocka_unit_test(waiting_has_an_end),
		cmocka_unit_test(broken_tables_are_refused),
		cmocka_unit_test(any_tables_end),
		cmocka_unit_test(many_tables_are_bounded),
		cmocka_unit_test(the_reset_register_may_be_anywhere),
	};

	seen = at(0, sizeof(*seen), 0);
	(void)at(FW_BASE, FW_SIZE, MAP_FIXED_NOREPLACE);
	(void)at(RAM_BASE, RAM_SIZE, MAP_FIXED_NOREPLACE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
