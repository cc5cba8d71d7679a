/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_exits.c: what exits do to devices, registers and the reply.
 * LINK: guest/vmm/x86/exits.c guest/vmm/bus.c
 */
#include "guest/vmm/loop.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/vmm/x86/loader.h"
#include "guest/vmm/x86/emulate.h"
#include "guest/vmm/x86/pc.h"

static struct vm vm;
static struct pc pc;
static struct run_page run;
static struct vcpu *v = &vm.vcpu[0];
static char mailbox[4096];
static unsigned nfault, neoi_off, neoi_again;

void *hv_mailbox(void)
{
	return mailbox;
}
static u64 written;
static unsigned eoi, gets, stops;
static enum vm_stop expected_stop;
static char why[256];
static enum emu_result emu_answer;
static bool msr_answer;

void panic(const char *fmt, ...)
{
	mock_assert(0, "panic", __FILE__, __LINE__);
	abort();
}

void log_line(const char *fmt, ...)
{
}

void vm_stop(struct vm *m, enum vm_stop how, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(vsnprintf)(why, sizeof(why), fmt, ap);
	va_end(ap);
	assert_int_equal(how, expected_stop);
	stops++;
}

struct hv_result hv_call(enum hypercall nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	struct vcpu_state *s = hv_mailbox();

	if (nr == HV_VCPU_GET) {
		gets++;
		memset(s, 0, sizeof(*s));
		s->regs.rip = 0xfffffffe;
		s->regs.gpr[X86_RAX] = 99;
	}
	return (struct hv_result){ OK, 0, 0, 0 };
}

void pveoi_off(struct pveoi *p, struct vcpu *cpu)
{
	neoi_off++;
}

void pveoi_again(struct pveoi *p, struct vm *m)
{
	neoi_again++;
}

bool vm_park(struct vcpu *cpu)
{
	cpu->owed = false;
	cpu->parked = true;
	return vm.vcpu[0].parked && (vm.nvcpus < 2 || vm.vcpu[1].parked);
}

bool vm_ram_fault(struct vm *m, u64 gpa)
{
	nfault++;
	return true;
}

void *vm_mem(const struct vm *m, u64 gpa, u64 len)
{
	return NULL;
}

status_t emu_translate(struct emu *e, u64 linear, bool write, bool fetch, u64 *gpa)
{
	return ERR_UNMAPPED;
}

enum emu_result emu_step(struct emu *e)
{
	assert_ptr_equal(pc_current(), v);
	e->fault = (struct emu_fault){ .vector = 14, .has_error = true, .error = 2, .cr2 = 0x1234 };
	return emu_answer;
}

enum emu_result emu_length(struct emu *e)
{
	e->length = 3;
	return emu_answer;
}

void x86_reset_state(struct vcpu_state *s)
{
	memset(s, 0, sizeof(*s));
	s->apic_base = 0xfee00900;
}

bool pc_msr(struct vcpu *cpu, u32 index, bool write, u64 *value)
{
	*value = 5;
	return msr_answer;
}

int pc_intack(struct pc *p)
{
	return 0x30;
}

void pc_eoi(struct pc *p, u32 vector)
{
	eoi = vector;
}

static u64 dev_read(void *dev, u64 off, unsigned size)
{
	return 0x1122334455667788;
}

static void dev_write(void *dev, u64 off, unsigned size, u64 value)
{
	written = value;
}

static const struct bus_ops dev_ops = { dev_read, dev_write };
static struct bus_region region = { 0x60, 8, &dev_ops, NULL };

static int setup(void **state)
{
	memset(&vm, 0, sizeof(vm));
	memset(&run, 0, sizeof(run));
	vm.state = VM_RUNNING;
	vm.platform = &pc;
	vm.nvcpus = 1;
	v->vm = &vm;
	v->run = &run;
	v->owed = true;
	pc_set_current(NULL);
	gets = stops = 0;
	expected_stop = STOP_CRASH;
	emu_answer = EMU_DONE;
	msr_answer = true;
	return bus_add(&vm.pio, &region) == OK ? 0 : -1;
}

static void port(u16 number, u8 size, bool write, u64 data)
{
	run.kind = EXIT_IO;
	run.next_pc = 0x1002;
	run.data = data;
	run.u.io.port = number;
	run.u.io.size = size;
	run.u.io.write = write;
	exit_dispatch(v);
}

static void a_port_access_has_its_size(void **state)
{
	port(0x60, 2, false, ~0ULL);
	assert_int_equal(run.data, 0x7788);
	assert_int_equal(run.reply, REPLY_SKIP);
	port(0x60, 1, true, 0xabcdef);
	assert_int_equal(written, 0xef);
	port(0x1234, 4, false, 0);
	assert_int_equal(run.data, 0xffffffff); /* nothing there */
}

static void without_next_rip_the_decoder_finds_the_length(void **state)
{
	run.kind = EXIT_HYPERCALL;
	exit_dispatch(v);
	assert_int_equal(gets, 1);
	assert_int_equal(run.reply, REPLY_REGS);
	assert_int_equal(run.regs.rip, 1); /* wrapped at 4 GiB outside 64-bit mode */
	assert_int_equal(run.regs.gpr[X86_RAX], (u64)-1000);
}

static void a_page_fault_goes_to_the_guest(void **state)
{
	emu_answer = EMU_FAULT;
	run.kind = EXIT_MMIO;
	run.flags = RUN_STATE;
	exit_dispatch(v);
	assert_int_equal(gets, 0);
	assert_int_equal(run.reply, REPLY_INJECT | REPLY_REGS);
	assert_int_equal(run.inject, 14 | RUN_INJECT_VALID | RUN_INJECT_ERROR);
	assert_int_equal(run.error, 2);
	assert_int_equal(run.regs.cr2, 0x1234);
}

static void what_cannot_be_emulated_stops_the_vm_with_its_bytes(void **state)
{
	emu_answer = EMU_UNKNOWN;
	run.kind = EXIT_MMIO;
	run.flags = RUN_STATE | RUN_INSN;
	run.insn_len = 200; /* hostile or broken: bounded */
	run.insn[0] = 0xf3;
	run.regs.rip = 0xabc;
	exit_dispatch(v);
	assert_int_equal(stops, 1);
	assert_non_null(strstr(why, "abc"));
	assert_non_null(strstr(why, " f3 00"));
}

static void running_a_device_stops_the_vm(void **state)
{
	run.kind = EXIT_MMIO;
	run.u.mmio.access = MAP_X;
	exit_dispatch(v);
	assert_int_equal(stops, 1);
}

static void an_unknown_msr_is_a_general_protection_fault(void **state)
{
	run.kind = EXIT_SYSREG;
	run.next_pc = 2;
	exit_dispatch(v);
	assert_int_equal(run.reply, REPLY_SKIP);
	assert_int_equal(run.data, 5);
	msr_answer = false;
	exit_dispatch(v);
	assert_int_equal(run.reply, REPLY_INJECT);
	assert_int_equal(run.inject, 13 | RUN_INJECT_VALID | RUN_INJECT_ERROR);
}

static void the_pic_gives_the_vector_and_gets_the_eoi(void **state)
{
	run.kind = EXIT_EXTINT;
	exit_dispatch(v);
	assert_int_equal(run.reply, REPLY_EXTINT);
	assert_int_equal(run.inject, 0x30);
	run.kind = EXIT_EOI;
	run.u.eoi.vector = 0x41;
	exit_dispatch(v);
	assert_int_equal(eoi, 0x41);
	assert_int_equal(run.reply, 0);
}

static void a_triple_fault_says_what_it_was(void **state)
{
	run.kind = EXIT_SHUTDOWN;
	run.flags = RUN_STATE;
	memset(run.u.fault.what, 'x', sizeof(run.u.fault.what)); /* not terminated */
	exit_dispatch(v);
	assert_int_equal(stops, 1);
	assert_non_null(strstr(why, "xxx"));
}

static void a_sipi_starts_the_cpu_and_init_parks_it(void **state)
{
	const struct vcpu_state *s = hv_mailbox();

	run.kind = EXIT_SIPI;
	run.data = 0x9a;
	exit_dispatch(v);
	assert_int_equal(s->regs.seg[X86_CS].base, 0x9a000);
	assert_int_equal(s->apic_base, 0xfee00800);
	assert_true(v->owed);
	v->index = 1;
	run.data = EXIT_SIPI_INIT;
	exit_dispatch(v);
	assert_int_equal(run.reply, REPLY_HALT);
	assert_true(v->parked);
	assert_int_equal(neoi_off, 1); /* it has no word for its EOIs any more */
	assert_int_equal(stops, 0);
	v->index = 0;
	expected_stop = STOP_RESET;
	exit_dispatch(v);
	assert_int_equal(stops, 1); /* the boot processor's INIT resets the machine */
}

static void ram_that_was_missing_may_have_words_for_eois(void **state)
{
	vm.nram = 1;
	vm.ram[0] = (struct vm_ram){ .gpa = 0, .size = 0x10000 };
	run.kind = EXIT_MMIO;
	run.u.mmio.gpa = 0x8000;
	exit_dispatch(v);
	assert_int_equal(nfault, 1);
	assert_int_equal(neoi_again, 1);
	assert_int_equal(run.reply, 0); /* the guest tries again */
}

static void a_kind_that_is_not_ours_stops_the_vm(void **state)
{
	run.kind = EXIT_CPUID;
	exit_dispatch(v);
	run.kind = 0xffffffff;
	exit_dispatch(v);
	assert_int_equal(stops, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_port_access_has_its_size, setup),
		cmocka_unit_test_setup(without_next_rip_the_decoder_finds_the_length, setup),
		cmocka_unit_test_setup(a_page_fault_goes_to_the_guest, setup),
		cmocka_unit_test_setup(what_cannot_be_emulated_stops_the_vm_with_its_bytes, setup),
		cmocka_unit_test_setup(running_a_device_stops_the_vm, setup),
		cmocka_unit_test_setup(an_unknown_msr_is_a_general_protection_fault, setup),
		cmocka_unit_test_setup(the_pic_gives_the_vector_and_gets_the_eoi, setup),
		cmocka_unit_test_setup(a_triple_fault_says_what_it_was, setup),
		cmocka_unit_test_setup(a_sipi_starts_the_cpu_and_init_parks_it, setup),
		cmocka_unit_test_setup(ram_that_was_missing_may_have_words_for_eois, setup),
		cmocka_unit_test_setup(a_kind_that_is_not_ours_stops_the_vm, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
