/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/test_exits_a64.c: what an arm64 guest's exits do to devices, registers and the reply.
 * LINK: guest/vmm/arm64/exits.c guest/vmm/arm64/emulate.c guest/vmm/arm64/walk.c guest/vmm/bus.c tests/unit/fake_rt.c
 * CFLAGS: -Ihv/abi/arm64 -Iguest/vmm/arm64
 */
#include "guest/vmm/loop.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "fake_rt.h"
#include "guest/vmm/arm64/virt.h"

#define DEV	 0x9000000u
#define RAM_SIZE 0x4000u
#define CODE	 (VIRT_RAM_BASE + 0x100)

static struct vm vm;
static struct run_page run;
static struct vcpu *v = &vm.vcpu[0];
static struct bus_region region;
static u64 got_off, got_value;
static unsigned got_size, reads, writes, gets, sets;
static status_t get_status, set_status;
static struct vcpu_state cpu; /* what the hypervisor has */

struct hv_result hv_call(enum hypercall nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	assert_int_equal(a, 70);
	if (nr == HV_VCPU_GET) {
		gets++;
		memcpy(hv_mailbox(), &cpu, sizeof(cpu));
		return (struct hv_result){ .status = get_status };
	}
	assert_int_equal(nr, HV_VCPU_SET);
	assert_int_equal(b, 0);
	sets++;
	memcpy(&cpu, hv_mailbox(), sizeof(cpu));
	return (struct hv_result){ .status = set_status };
}

static u64 dev_read(void *dev, u64 off, unsigned size)
{
	reads++;
	got_off = off;
	got_size = size;
	return 0x1122334455667788;
}

static void dev_write(void *dev, u64 off, unsigned size, u64 value)
{
	writes++;
	got_off = off;
	got_size = size;
	got_value = value;
}

static const struct bus_ops dev_ops = { dev_read, dev_write };

static int setup(void **state)
{
	fake_reset();
	fake_vm_init(&vm, RAM_SIZE);
	vm.ram[0].gpa = VIRT_RAM_BASE;
	region = (struct bus_region){ DEV, 0x1000, &dev_ops, NULL };
	assert_int_equal(bus_add(&vm.mmio, &region), OK);
	memset(&run, 0xee, sizeof(run));
	memset(&run.regs, 0, sizeof(run.regs));
	memset(&cpu, 0, sizeof(cpu));
	cpu.sctlr = 1;
	run.regs.pc = 0xffff800000080100;
	run.regs.pstate = ARM_PSTATE_EL1H;
	run.next_pc = run.regs.pc + 4;
	v->run = &run;
	reads = writes = gets = sets = 0;
	get_status = set_status = OK;
	return 0;
}

static int teardown(void **state)
{
	fake_vm_free(&vm);
	return 0;
}

static void mmio_of(u64 insn_gpa, u64 gpa, unsigned access, u8 size)
{
	run.kind = EXIT_MMIO;
	run.u.mmio.gpa = gpa;
	run.u.mmio.gva = 0xffff000010000000 + gpa;
	run.u.mmio.access = access;
	run.u.mmio.size = size;
	run.u.mmio.insn_gpa = insn_gpa;
	exit_dispatch(v);
}

static void mmio(u64 gpa, unsigned access, u8 size)
{
	mmio_of(CODE, gpa, access, size);
}

/* The same, not decoded, with @word at CODE. */
static void undecoded(u32 word, u64 gpa)
{
	memcpy(vm.ram[0].mem + 0x100, &word, 4);
	mmio(gpa, MAP_R, 0);
}

static void assert_abort(void)
{
	assert_int_equal(run.reply, REPLY_INJECT);
	assert_int_equal(run.inject, RUN_INJECT_VALID | ARM_INJECT_ABORT);
	assert_int_equal(run.regs.pc, 0xffff800000080100);
	assert_int_equal(reads + writes, 0);
	assert_int_equal(fake.nstop, 0);
}

static void a_decoded_access_is_one_bus_access(void **state)
{
	for (unsigned size = 1; size <= 8; size *= 2) {
		u64 mask = ~0ull >> (64 - 8 * size);

		mmio(DEV + 0x18, MAP_R, (u8)size);
		assert_int_equal(run.reply, REPLY_SKIP);
		assert_int_equal(run.data & mask, 0x1122334455667788 & mask);
		assert_int_equal(got_off, 0x18);
		assert_int_equal(got_size, size);
		run.data = 0xa1a2a3a4a5a6a7a8 & mask;
		mmio(DEV + 0x20, MAP_W, (u8)size);
		assert_int_equal(run.reply, REPLY_SKIP);
		assert_int_equal(got_off, 0x20);
		assert_int_equal(got_size, size);
		assert_int_equal(got_value, 0xa1a2a3a4a5a6a7a8 & mask);
	}
	assert_int_equal(reads, 4);
	assert_int_equal(writes, 4);
	assert_int_equal(gets + sets, 0);
}

static void nothing_in_the_place_is_an_external_abort(void **state)
{
	static const u64 at[] = {
		0, DEV - 1, DEV + 0x1000, VIRT_GICD_BASE, 0x4000000000, ~0ull, VIRT_ECAM_BASE + 0x100000
	};

	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		mmio(at[i], MAP_R, 4);
		assert_abort();
		mmio(at[i], MAP_W, 1);
		assert_abort();
	}
}

static void in_pcis_windows_it_is_all_ones(void **state)
{
	static const u64 at[] = { VIRT_MMIO_START, VIRT_MMIO_END - 8, VIRT_MMIO64_BASE,
				  VIRT_MMIO64_BASE + VIRT_MMIO64_SIZE - 8 };

	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		mmio(at[i], MAP_R, 2);
		assert_int_equal(run.reply, REPLY_SKIP);
		assert_int_equal(run.data, 0xffff);
		mmio(at[i], MAP_W, 8);
		assert_int_equal(run.reply, REPLY_SKIP);
	}
}

static void a_fetch_from_nowhere_or_a_device_aborts(void **state)
{
	mmio(0, MAP_X, 0);
	assert_abort();
	mmio(DEV, MAP_X, 0);
	assert_abort();
	mmio(VIRT_MMIO_START, MAP_X, 0);
	assert_abort();
}

/* Firmware runs from its ROM. */
static void an_undecoded_access_of_code_in_rom_is_carried_out(void **state)
{
	u32 code[2] = { 0, 0xb8004c41 }; /* str w1, [x2, #4]! */

	vm.nroms = 1;
	vm.rom[0] = (struct vm_rom){ .gpa = 0, .size = sizeof(code), .mem = (u8 *)code, .mapped = true };
	run.regs.x[2] = 0xffff000010000000 + DEV + 8;
	run.regs.x[1] = 0x55;
	mmio_of(4, DEV + 12, MAP_W, 0);
	vm.nroms = 0;
	assert_int_equal(run.reply, REPLY_REGS);
	assert_int_equal(writes, 1);
	assert_int_equal(got_off, 12);
}

static void an_undecoded_store_is_carried_out(void **state)
{
	run.regs.x[2] = 0xffff000010000000 + DEV + 8;
	run.regs.x[1] = 0x55;
	undecoded(0xb8004c41, DEV + 12); /* str w1, [x2, #4]! */
	assert_int_equal(run.reply, REPLY_REGS);
	assert_int_equal(writes, 1);
	assert_int_equal(got_off, 12);
	assert_int_equal(got_size, 4);
	assert_int_equal(got_value, 0x55);
	assert_int_equal(run.regs.x[2], 0xffff000010000000 + DEV + 12);
	assert_int_equal(run.regs.pc, 0xffff800000080104);
	assert_int_equal(sets, 0);
}

static void an_undecoded_load_fills_registers(void **state)
{
	run.regs.x[2] = 0xffff000010000000 + DEV;
	undecoded(0xa9400c41, DEV); /* ldp x1, x3, [x2] */
	assert_int_equal(run.reply, REPLY_REGS);
	assert_int_equal(reads, 2);
	assert_int_equal(run.regs.x[1], 0x1122334455667788);
	assert_int_equal(run.regs.x[3], 0x1122334455667788);
}

static void a_moved_stack_pointer_of_el1_is_set_by_a_call(void **state)
{
	cpu.sp_el1 = 0xffff000010000000 + DEV + 0x20;
	cpu.ttbr1 = 0x12345;
	run.regs.x[1] = 9;
	undecoded(0xf81f0fe1, DEV + 0x10); /* str x1, [sp, #-16]! */
	assert_int_equal(run.reply, REPLY_REGS);
	assert_int_equal(got_value, 9);
	assert_int_equal(sets, 1);
	assert_int_equal(cpu.sp_el1, 0xffff000010000000 + DEV + 0x10);
	assert_int_equal(cpu.ttbr1, 0x12345);
	assert_int_equal(cpu.regs.pc, 0xffff800000080104);
	assert_int_equal(cpu.regs.x[1], 9);
	/* at EL0 it is in the run page */
	run.regs.sp_el0 = 0xffff000010000000 + DEV + 0x20;
	run.regs.pstate = ARM_PSTATE_EL0;
	undecoded(0xf81f0fe1, DEV + 0x10);
	assert_int_equal(run.reply, REPLY_REGS);
	assert_int_equal(run.regs.sp_el0, 0xffff000010000000 + DEV + 0x10);
	assert_int_equal(sets, 1);
}

static void what_cannot_be_carried_out_aborts(void **state)
{
	run.regs.x[2] = 0xffff000010000000 + DEV;
	undecoded(0x885f7c41, DEV); /* ldxr w1, [x2] */
	assert_abort();
	undecoded(0x3dc00040, DEV); /* ldr q0, [x2] */
	assert_abort();
	undecoded(0xf9400041, DEV + 0x100); /* ldr x1, [x2]: another address has faulted */
	assert_abort();
	run.regs.pstate = 0x10; /* AArch32: other instructions */
	undecoded(0xf9400041, DEV);
	assert_abort();
	run.regs.pstate = ARM_PSTATE_EL1H;
	run.u.mmio.insn_gpa = 0;
	run.u.mmio.gva = ~0ull;
	exit_dispatch(v);
	assert_abort();
}

/* The CPU has found a table of the guest's away: again, once it is there. A table in no RAM is the guest's mistake. */
static void a_walk_is_tried_again_or_aborts(void **state)
{
	run.kind = EXIT_MMIO;
	run.u.mmio.gpa = VIRT_RAM_BASE + 0x2000;
	run.u.mmio.gva = ~0ull;
	run.u.mmio.access = MAP_R;
	run.u.mmio.size = 0;
	run.u.mmio.insn_gpa = ~0ull;
	exit_dispatch(v);
	assert_int_equal(run.reply, 0);
	assert_int_equal(reads + writes + gets, 0);
	vm.nholes = 1; /* no hole of RAM has to do with what follows */
	run.u.mmio.gpa = DEV;
	exit_dispatch(v);
	assert_abort();
	run.u.mmio.gpa = 0;
	exit_dispatch(v);
	assert_abort();
	vm.nholes = 0;
}

static void cache_maintenance_reaches_ram_or_nothing(void **state)
{
	static const u64 nothing[] = { DEV, 0, VIRT_MMIO_START };

	mmio(VIRT_RAM_BASE + 0x3000, 0, 0);
	assert_int_equal(run.reply, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(nothing); i++) {
		mmio(nothing[i], 0, 0);
		assert_int_equal(run.reply, REPLY_SKIP);
	}
	assert_int_equal(reads + writes + gets, 0);
	assert_int_equal(fake.nstop, 0);
}

static void an_instruction_outside_of_ram_aborts(void **state)
{
	static const u64 at[] = { ~0ull, DEV, CODE + 2, VIRT_RAM_BASE + RAM_SIZE, VIRT_RAM_BASE - 4, 0 };

	run.regs.x[2] = 0xffff000010000000 + DEV;
	undecoded(0xf9400041, DEV);
	assert_int_equal(run.reply, REPLY_REGS);
	run.regs.pc -= 4;
	reads = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
		run.u.mmio.insn_gpa = at[i];
		exit_dispatch(v);
		assert_abort();
	}
}

static void registers_that_cannot_be_had_stop_the_guest(void **state)
{
	run.regs.x[2] = 0xffff000010000000 + DEV;
	get_status = ERR_STATE;
	undecoded(0xf9400041, DEV);
	assert_int_equal(fake.nstop, 1);
	assert_int_equal(fake.stop, STOP_CRASH);
	get_status = OK;
	set_status = ERR_INVAL;
	cpu.sp_el1 = 0xffff000010000000 + DEV + 0x20;
	undecoded(0xf81f0fe1, DEV + 0x10);
	assert_int_equal(fake.nstop, 2);
}

static void fault(u32 kind, u64 code)
{
	run.kind = kind;
	run.u.fault.code = code;
	exit_dispatch(v);
}

static void psci_ends_the_guest(void **state)
{
	static const struct {
		u64 code;
		enum vm_stop how;
	} t[] = { { PSCI_SYSTEM_OFF, STOP_POWEROFF }, { PSCI_SYSTEM_RESET, STOP_RESET },
		  { PSCI_SYSTEM_RESET2, STOP_RESET }, { 0x84000012, STOP_RESET },
		  { PSCI_CPU_OFF, STOP_POWEROFF },    { 0x84000099, STOP_CRASH } };

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		fault(EXIT_SHUTDOWN, t[i].code);
		assert_int_equal(fake.nstop, i + 1);
		assert_int_equal(fake.stop, t[i].how);
		assert_true(fake.why[0] != '\0');
	}
}

static void a_crash_says_what_and_where(void **state)
{
	memset(run.u.fault.what, 'A', sizeof(run.u.fault.what)); /* without an end */
	fault(EXIT_ENTRY_FAILED, 5);
	assert_int_equal(fake.stop, STOP_CRASH);
	assert_non_null(strstr(fake.why, "AAAA"));
	strcpy(run.u.fault.what, "illegal state");
	fault(EXIT_ENTRY_FAILED, 0x1f);
	assert_string_equal(fake.why, "illegal state (code 1f, info eeeeeeeeeeeeeeee) of CPU 0 at PC ffff800000080100");
	assert_non_null(strstr(fake.log, "sp_el1"));
}

static void unknown_system_registers_are_undefined(void **state)
{
	run.kind = EXIT_SYSREG;
	exit_dispatch(v);
	assert_int_equal(run.reply, REPLY_INJECT);
	assert_int_equal(run.inject, RUN_INJECT_VALID | ARM_INJECT_UNDEFINED);
}

static void exits_of_others_stop_the_guest_in_words(void **state)
{
	static const u32 quiet[] = { EXIT_NONE, EXIT_PAUSE, EXIT_STOPPED };
	static const u32 odd[] = { EXIT_IO, EXIT_HYPERCALL, EXIT_HALT, EXIT_SIPI, EXIT_COUNT, ~0u };

	for (unsigned i = 0; i < ARRAY_SIZE(quiet); i++) {
		run.kind = quiet[i];
		run.reply = 0xff;
		exit_dispatch(v);
		assert_int_equal(run.reply, 0);
	}
	assert_int_equal(fake.nstop, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(odd); i++) {
		run.kind = odd[i];
		exit_dispatch(v);
		assert_int_equal(fake.nstop, i + 1);
		assert_int_equal(fake.stop, STOP_CRASH);
	}
}

static void random_instructions_do_no_harm(void **state)
{
	u64 s = 0x1234567;

	for (unsigned n = 0; n < 100000; n++) {
		u32 word;

		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		word = (u32)s;
		for (unsigned r = 0; r < 31; r++)
			run.regs.x[r] = 0xffff000010000000 + DEV + (s >> 40 & 63) * (r & 3);
		cpu.sp_el1 = run.regs.x[3];
		cpu.sctlr = s >> 50 & 1;
		run.regs.pstate = s >> 33 & 0x1f;
		undecoded(n & 1 ? (word & ~0x0a000000u) | 0x08000000u : word, DEV + (s >> 40 & 63));
		assert_true(run.reply == REPLY_REGS || run.reply == REPLY_INJECT);
	}
	assert_int_equal(fake.nstop, 0);
	assert_true(reads > 100 && writes > 100);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_decoded_access_is_one_bus_access),
		T(nothing_in_the_place_is_an_external_abort),
		T(in_pcis_windows_it_is_all_ones),
		T(an_undecoded_access_of_code_in_rom_is_carried_out),
		T(a_fetch_from_nowhere_or_a_device_aborts),
		T(an_undecoded_store_is_carried_out),
		T(an_undecoded_load_fills_registers),
		T(a_moved_stack_pointer_of_el1_is_set_by_a_call),
		T(what_cannot_be_carried_out_aborts),
		T(a_walk_is_tried_again_or_aborts),
		T(cache_maintenance_reaches_ram_or_nothing),
		T(an_instruction_outside_of_ram_aborts),
		T(registers_that_cannot_be_had_stop_the_guest),
		T(psci_ends_the_guest),
		T(a_crash_says_what_and_where),
		T(unknown_system_registers_are_undefined),
		T(exits_of_others_stop_the_guest_in_words),
		T(random_instructions_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
