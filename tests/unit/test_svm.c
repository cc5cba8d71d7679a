/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_svm.c: interrupts on SVM, from the APIC and the 8259 to a CPU that takes V_IRQ as the APM says.
 * CFLAGS: -iquote arch/x86
 * LINK: arch/x86/eoi.c arch/x86/post.c arch/x86/vlapic.c arch/x86/vlapic_reg.c tests/unit/fake_panic.c */
/* CFLAGS: -Iarch/x86 */
#define SELF_CPU_H /* the CPU's block is below */
#include "hv/abi/types.h"

static u64 block[512];

static inline void *arch_cpu_block(void)
{
	return block;
}

static inline u64 arch_counter(void)
{
	return 0;
}

#include "arch/x86/run.c"
#include "arch/x86/svm.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

struct x86_features x86_features;

void x86_mce_fatal(const char *where)
{
	panic("machine check %s", where);
}

void x86_mce_check(const char *where)
{
}

u64 x86_image_offset;
const struct ptab_format fmt_npt;
static struct arch_vm vm;
static struct vcpu_regs regs;
static struct vmcb vmcb;
static struct arch_vcpu vcpu;
static int taken;     /* the vector that the CPU took at the last entry, -1: none */
static u32 flushed;   /* what that entry had in TLB_CONTROL */
static u32 injected;  /* ... and in EVENTINJ */
static u64 next_exit; /* of the next entry, but an interrupt's; 0: an interrupt's */

/* VMRUN: the CPU takes a virtual interrupt if it may (APM 2, 15.21.4), and something exits soon. */
void svm_enter(struct vcpu_regs *r, u64 vmcb_pa)
{
	u64 priority = FIELD(INT_V_PRIO, vmcb.int_ctl), tpr = FIELD(INT_V_TPR, vmcb.int_ctl);
	bool may = (vmcb.int_ctl & INT_V_IRQ) && (vmcb.rflags & RFLAGS_IF) && !(vmcb.int_state & 1) &&
		   ((vmcb.int_ctl & INT_V_IGN_TPR) || priority > tpr);

	taken = -1;
	flushed = vmcb.tlb_control;
	injected = (u32)vmcb.eventinj;
	vmcb.exitcode = next_exit ? next_exit : SVM_EXIT_INTR;
	next_exit = 0;
	if (!may)
		return;
	if (vmcb.intercept_misc1 & MISC1_VINTR) {
		vmcb.exitcode = SVM_EXIT_VINTR;
		return;
	}
	taken = (int)vmcb.int_vector;
	vmcb.int_ctl &= ~(u32)INT_V_IRQ;
	vmcb.rflags &= ~(u64)RFLAGS_IF;
}

static u64 unexpected(void)
{
	fail_msg("nobody should ask for this");
	return 0;
}

unsigned x86_msr_pass(u32 msr)
{
	return (unsigned)unexpected();
}

enum x86_answer x86_rdmsr(struct arch_vcpu *v, u32 msr, u64 *value)
{
	return (enum x86_answer)unexpected();
}

enum x86_answer x86_wrmsr(struct arch_vcpu *v, u32 msr, u64 value, struct exit *x)
{
	return (enum x86_answer)unexpected();
}

void x86_ipi(struct arch_vcpu *from, const struct vlapic_ipi *ipi)
{
	unexpected();
}

void x86_reset_apic(struct arch_vcpu *v)
{
	unexpected();
}

void x86_cpuid(struct arch_vcpu *v)
{
	unexpected();
}

void vmx_apic_take(struct arch_vcpu *v)
{
	unexpected();
}

void svm_swap(struct arch_vcpu *from, struct arch_vcpu *to)
{
	unexpected();
}

void svm_get(struct arch_vcpu *v, struct vcpu_state *s)
{
	unexpected();
}

void svm_set(struct arch_vcpu *v, const struct vcpu_state *s)
{
	unexpected();
}

void svm_export(struct arch_vcpu *v)
{
}

void arch_vcpu_export(struct arch_vcpu *v)
{
	v->regs->rflags = vmcb.rflags;
}

/* A guest with its APIC on, interrupts enabled, and LINT0 open to the 8259, as after power-on of a PC. */
static void fresh(bool tcg)
{
	static u64 counters[EXIT_COUNT];

	memset(&vcpu, 0, sizeof(vcpu));
	memset(&vmcb, 0, sizeof(vmcb));
	vendor = &vendor_svm;
	x86_features.tcg = tcg;
	vcpu.regs = &regs;
	vcpu.ctl = &vmcb;
	vcpu.vm = &vm;
	vcpu.asid_seen = x86_cpu()->asid_generation = 1;
	x86_cpu()->loaded = &vcpu;
	vcpu.exits = counters;
	svm_vcpu_init(&vcpu);
	vlapic_init(&vcpu.apic, 0, true);
	vlapic_virtual_wire(&vcpu.apic);
	vmcb.rflags = RFLAGS_FIXED | RFLAGS_IF;
}

static enum exit_kind run(void)
{
	struct exit x = { 0 };

	arch_vcpu_run(&vcpu, &x);
	return x.kind;
}

/* The 8259's line rises, and the service VM answers with @vector when it is asked. */
static void extint(u8 vector)
{
	arch_vcpu_extint(&vcpu, true);
	assert_int_equal(run(), EXIT_EXTINT);
	arch_vcpu_extint(&vcpu, false);
	vcpu.extint_vector = vector;
	vcpu.extint_ready = true;
}

static void irq(u8 vector)
{
	assert_true(vlapic_accept(&vcpu.apic, APIC_FIXED, vector, false));
}

/* Each test on both: hardware, and QEMU's emulation with its own ways. */

/* SeaBIOS has the timer at vector 8: of class 0, below any priority that CR8 could leave open. */
static void extint_of_a_low_vector_is_taken(void **state)
{
	for (unsigned tcg = 0; tcg < 2; tcg++) {
		fresh(tcg);
		extint(8);
		run();
		assert_int_equal(taken, 8);
		assert_false(vcpu.extint_ready);
		assert_int_equal(vlapic_pending(&vcpu.apic), -1); /* the APIC knows nothing of it */
	}
}

static void cr8_holds_an_interrupt_back_but_no_extint(void **state)
{
	for (unsigned tcg = 0; tcg < 2; tcg++) {
		fresh(tcg);
		vlapic_set_tpr(&vcpu.apic, 0x40);
		irq(0x4f);
		run();
		assert_int_equal(taken, -1);
		extint(0x30);
		run();
		assert_int_equal(taken, 0x30);
		vmcb.rflags |= RFLAGS_IF;
		run();
		assert_int_equal(taken, -1);
		vlapic_set_tpr(&vcpu.apic, 0x30);
		run();
		assert_int_equal(taken, 0x4f);
	}
}

/* Both have one vector: what CR8 holds back for the APIC does not stand for the 8259's, and both come. */
static void extint_of_an_armed_vector_comes_beside_it(void **state)
{
	for (unsigned tcg = 0; tcg < 2; tcg++) {
		fresh(tcg);
		vlapic_set_tpr(&vcpu.apic, 0x30);
		irq(0x31);
		run();
		assert_int_equal(taken, -1);
		extint(0x31);
		run();
		assert_int_equal(taken, 0x31);
		vmcb.rflags |= RFLAGS_IF;
		vlapic_set_tpr(&vcpu.apic, 0);
		run();
		assert_int_equal(taken, 0x31);
		assert_int_equal(vlapic_pending(&vcpu.apic), -1);
	}
}

static void the_8259_is_asked_when_the_guest_can_take_it(void **state)
{
	for (unsigned tcg = 0; tcg < 2; tcg++) {
		fresh(tcg);
		vmcb.rflags &= ~(u64)RFLAGS_IF;
		arch_vcpu_extint(&vcpu, true);
		assert_int_equal(run(), EXIT_IRQ);
		assert_true(vmcb.intercept_misc1 & MISC1_VINTR);
		vmcb.rflags |= RFLAGS_IF; /* its next STI */
		assert_int_equal(run(), EXIT_EXTINT);
		assert_int_equal(taken, -1);
	}
}

/* A change of the VM's map, another vCPU's new ASIDs, a move to another CPU: each is seen at the next run, once. */
static void stale_translations_are_flushed_once(void **state)
{
	fresh(false);
	run();
	assert_int_equal(flushed, 0);
	vm.flush++;
	run();
	assert_int_equal(flushed, 1);
	run();
	assert_int_equal(flushed, 0);
	svm_max_asid = 8;
	x86_cpu()->asid_next = 3;
	x86_cpu()->asid_generation = 7;
	run();
	assert_int_equal(vmcb.guest_asid, 3);
	assert_int_equal(flushed, 0); /* of this ASID there is nothing */
	svm_leave(&vcpu);
	x86_cpu()->asid_next = 8; /* all are used */
	run();
	assert_int_equal(vmcb.guest_asid, 1);
	assert_int_equal(flushed, 1);
	run();
	assert_int_equal(flushed, 0);
}

/* WRMSR 80Bh exits once, and then something else for the caller to see. */
static void eoi(u64 value)
{
	regs.gpr[X86_RCX] = MSR_X2APIC_EOI;
	regs.gpr[X86_RAX] = value;
	regs.gpr[X86_RDX] = 0;
	next_exit = SVM_EXIT_MSR;
	vmcb.exitinfo1 = 1;
	vmcb.rip = 0x1000;
	svm_nrips = true;
	vmcb.nrip = 0x1002;
}

static void an_eoi_ends_the_highest_in_service(void **state)
{
	fresh(false);
	vcpu.apic.base |= APIC_BASE_EXTD;
	vec_set(&vcpu.apic.isr, 0x31);
	vec_set(&vcpu.apic.isr, 0x52);
	eoi(0);
	assert_int_equal(run(), EXIT_IRQ); /* the next one */
	assert_int_equal(vec_top(&vcpu.apic.isr), 0x31);
	assert_int_equal(vcpu.exits[EXIT_APIC], 1);
	assert_int_equal(vcpu.rip, 0x1002);
	vcpu.apic.tmr[1] |= 1u << (0x31 - 32);
	eoi(0);
	assert_int_equal(run(), EXIT_EOI); /* level-triggered: the I/O APIC's, too */
	assert_int_equal(vec_top(&vcpu.apic.isr), -1);
	vec_set(&vcpu.apic.isr, 0x31);
	vcpu.apic.svr |= APIC_SVR_NO_EOI_BC;
	eoi(0);
	assert_int_equal(run(), EXIT_IRQ); /* unless the guest does not want that */
	svm_nrips = false;
}

/* What the guest has made of CR8 is in the APIC's register behind the exit; bits below a class are that one's alone. */
static void cr8_goes_into_the_apic(void **state)
{
	fresh(false);
	vlapic_set_tpr(&vcpu.apic, 0x47);
	run();
	assert_int_equal(vcpu.apic.tpr, 0x47);
	vmcb.int_ctl = (vmcb.int_ctl & ~INT_V_TPR) | 9;
	run();
	assert_int_equal(vcpu.apic.tpr, 0x90);
}

/* An exception goes in once, and not again with the next entry. */
static void an_injected_exception_goes_in_once(void **state)
{
	fresh(false);
	vmcb.cr0 = CR0_PE;
	vcpu.inject = (struct x86_event){ .info = EVENT_VALID | EVENT_TYPE_EXCP | EVENT_ERROR | VEC_GP, .error = 8 };
	run();
	assert_int_equal(injected, (u32)(EVENT_VALID | EVENT_TYPE_EXCP | EVENT_ERROR | VEC_GP));
	assert_int_equal(vcpu.inject.info | vcpu.event.info, 0);
	run();
	assert_int_equal(injected, 0);
}

/* The guest's word says that it need not write; what it ends by its word has ended when it halts. */
static void an_interrupt_ends_by_the_guests_word(void **state)
{
	u32 word;

	for (unsigned tcg = 0; tcg < 2; tcg++) {
		fresh(tcg);
		word = 0;
		arch_vcpu_eoi(&vcpu, &word);
		vmcb.rflags &= ~(u64)RFLAGS_IF;
		irq(0x51);
		run();
		assert_int_equal(taken, -1);
		assert_int_equal(word, 1);
		vmcb.rflags |= RFLAGS_IF;
		run();
		assert_int_equal(taken, 0x51);
		assert_int_equal(word, 1);
		run();
		assert_int_equal(word, 1);
		word = 0;
		assert_int_equal(vlapic_offer(&vcpu.apic), -1);
		vmcb.rflags |= RFLAGS_IF;
		irq(0x42);
		assert_true(arch_vcpu_awake(&vcpu)); /* nothing in service holds it back */
		run();
		assert_int_equal(taken, 0x42);
		assert_int_equal(word, 1);
		irq(0x43); /* of the same class: the guest is to tell us when it can come */
		run();
		assert_int_equal(word, 0);
		arch_vcpu_eoi(&vcpu, NULL);
		assert_int_equal(vec_top(&vcpu.apic.isr), 0x42);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extint_of_a_low_vector_is_taken),
		cmocka_unit_test(cr8_holds_an_interrupt_back_but_no_extint),
		cmocka_unit_test(extint_of_an_armed_vector_comes_beside_it),
		cmocka_unit_test(the_8259_is_asked_when_the_guest_can_take_it),
		cmocka_unit_test(stale_translations_are_flushed_once),
		cmocka_unit_test(an_eoi_ends_the_highest_in_service),
		cmocka_unit_test(cr8_goes_into_the_apic),
		cmocka_unit_test(an_interrupt_ends_by_the_guests_word),
		cmocka_unit_test(an_injected_exception_goes_in_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
