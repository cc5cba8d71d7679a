/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/test_vmx.c: the VMX back end on a VMCS of plain memory: events, the APIC's page, control registers, failed
 * entries.
 * CFLAGS: -iquote arch/x86
 * LINK: arch/x86/format.c arch/x86/vlapic.c arch/x86/vlapic_reg.c tests/unit/fake_panic.c tests/unit/fake_run.c */
/* CFLAGS: -Iarch/x86 */
#define ARCH_X86_VMX_OPS_H /* the VMCS is below */
#define SELF_CPU_H	   /* and so is the CPU's block */
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

static u64 vmcs[0x8000];

static u64 vmread(u64 field)
{
	return vmcs[field & 0x7fff];
}

static void vmwrite(u64 field, u64 v)
{
	vmcs[field & 0x7fff] = v;
}

#include "arch/x86/vmx.c"
#include "arch/x86/vmx_apic.c"
#include "arch/x86/vmx_check.c"
#include "arch/x86/vmx_cr.c"
#include "arch/x86/vmx_exit.c"
#include "arch/x86/vmx_state.c"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct vmx_caps vmx_caps;
struct x86_features x86_features = { .phys_bits = 40 };
static struct arch_vcpu vcpu;
static struct arch_vm vm;
static struct vcpu_regs regs;
static u64 memory[512];
static bool mapped;
static u32 apic_page[PAGE_SIZE / 4];
static bool apic_switched;

/* What the CPU of the test does at the next entry. */
static u64 enter_flags;
static u64 enter_reason;
static u64 entered_info, entered_blocking;

u64 vmx_enter(struct vcpu_regs *r, u64 *host_rsp, u64 launched)
{
	entered_info = vmcs[VMCS_ENTRY_INFO];
	entered_blocking = vmcs[VMCS_GUEST_BLOCKING];
	vmcs[VMCS_REASON] = enter_reason;
	if (!enter_flags && !(enter_reason & REASON_ENTRY_FAILED))
		vmcs[VMCS_ENTRY_INFO] = 0;
	return enter_flags;
}

void x86_mce_fatal(const char *where)
{
	panic("machine check %s", where);
}

const char *vmx_probe(void)
{
	return NULL;
}

const char *vmx_cpu_on(void)
{
	return NULL;
}

void vmx_leave(struct arch_vcpu *v)
{
}

void vmx_make_current(struct arch_vcpu *v)
{
	x86_cpu()->vmx_current = v;
}

void vmx_vcpu_init(struct arch_vcpu *v)
{
}

void vmx_vcpu_fini(struct arch_vcpu *v)
{
}

void vmx_set_proc(struct arch_vcpu *v, u32 proc)
{
	v->vmx.proc = proc;
}

void vmx_apic_switch(struct arch_vcpu *v, bool on)
{
	apic_switched = on;
}

void vmx_watch_pause(struct arch_vcpu *v)
{
}

void vmx_flush_linear(struct arch_vcpu *v)
{
}

void vmx_flush_guest(struct arch_vcpu *v)
{
}

void vmx_swap_user(struct arch_vcpu *v)
{
}

u64 vmx_cr2(const struct arch_vcpu *v)
{
	return v->vmx.cr2;
}

u64 vmx_dr6(const struct arch_vcpu *v)
{
	return v->vmx.dr6;
}

void vmx_set_user(struct arch_vcpu *v, u64 cr2, u64 dr6)
{
	v->vmx.cr2 = cr2;
	v->vmx.dr6 = dr6;
}

void log_printf(const char *fmt, ...)
{
}

status_t ptab_lookup(const struct ptab *pt, u64 va, struct ptab_leaf *out)
{
	*out = (struct ptab_leaf){ .va = va & PAGE_MASK, .pa = 0x5000, .size = PAGE_SIZE, .flags = PT_R };
	return mapped ? OK : ERR_UNMAPPED;
}

void arch_mem_read(u64 pa, void *buf)
{
	assert_int_equal(pa, 0x5000);
	memcpy(buf, memory, sizeof(memory));
}

static void protected_mode_state(struct vcpu_state *s)
{
	const struct x86_seg data = { .sel = 0x10, .ar = 0xc93, .limit = 0xffffffff };

	memset(s, 0, sizeof(*s));
	for (unsigned i = 0; i < X86_NSREG; i++)
		s->regs.seg[i] = data;
	s->regs.seg[X86_CS].ar = 0xc9b;
	s->tr = (struct x86_seg){ .ar = 0x89, .limit = 0x67 };
	s->ldtr = (struct x86_seg){ .ar = 0 };
	s->regs.cr0 = CR0_PE | CR0_ET;
	s->regs.rip = 0x1000;
	s->pat = PAT_RESET;
}

static int fresh(void **state)
{
	struct vcpu_state s;

	memset(vmcs, 0, sizeof(vmcs));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&regs, 0, sizeof(regs));
	memset(memory, 0, sizeof(memory));
	vmx_caps.cr0_fixed0 = CR0_NE;
	vmx_caps.cr0_fixed1 = BITS(31, 0);
	vmx_caps.cr4_fixed0 = CR4_VMXE;
	vmx_caps.cr4_fixed1 = BITS(22, 0);
	vmx_caps.cr4_owned = CR4_VMXE | CR4_MCE;
	vcpu.vm = &vm;
	vcpu.regs = &regs;
	vcpu.vmx.apic_page = apic_page;
	memset(apic_page, 0xee, sizeof(apic_page));
	vmx_caps.bochs = false;
	vlapic_init(&vcpu.apic, 0, true);
	x86_cpu()->vmx_current = &vcpu;
	vmx_caps.cr0_owned = VMX_CR0_OWNED;
	vmcs[VMCS_LINK] = ~0UL;
	protected_mode_state(&s);
	vmx_set(&vcpu, &s);
	enter_flags = 0;
	enter_reason = REASON_HLT;
	vmcs[VMCS_LENGTH] = 3;
	mapped = true;
	return 0;
}

static struct exit run(struct x86_event e)
{
	struct exit x = { 0 };

	vcpu.event = e;
	vmx_switch(&vcpu, &x);
	return x;
}

static const struct x86_event none;

static void arm(u8 vector)
{
	vmx_virq(&vcpu, vector);
	vcpu.virq_on = true;
	vcpu.virq_vector = vector;
}

static void interrupt_goes_in_when_the_guest_takes_it(void **state)
{
	vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	arm(0x41);
	run(none);
	assert_int_equal(entered_info, EVENT_VALID | 0x41);
	assert_false(vcpu.virq_on);
	assert_false(vcpu.vmx.proc & PROC_INTR_WINDOW);
}

static void interrupt_waits_for_its_window(void **state)
{
	arm(0x41);
	run(none);
	assert_int_equal(entered_info, 0);
	assert_true(vcpu.virq_on);
	assert_true(vcpu.vmx.proc & PROC_INTR_WINDOW);
	vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	vmcs[VMCS_GUEST_BLOCKING] = BLOCKING_STI;
	run(none);
	assert_true(vcpu.virq_on);
	vmcs[VMCS_GUEST_BLOCKING] = 0;
	enter_reason = REASON_INTR_WINDOW;
	vcpu.virq_on = false;
	assert_int_equal(run(none).kind, EXIT_WINDOW);
	assert_false(vcpu.vmx.proc & PROC_INTR_WINDOW);
}

static void cr8_holds_an_interrupt_back_but_no_extint(void **state)
{
	vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	vcpu.tpr = 0x40;
	arm(0x4f);
	run(none);
	assert_int_equal(entered_info, 0);
	assert_false(vcpu.vmx.proc & PROC_INTR_WINDOW); /* it would exit for ever */
	vcpu.virq_is_extint = true;
	run(none);
	assert_int_equal(entered_info, EVENT_VALID | 0x4f);
}

static void another_event_goes_before_the_interrupt(void **state)
{
	const struct x86_event ud = { .info = EVENT_VALID | EVENT_TYPE_EXCP | VEC_UD };

	vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	arm(0x41);
	run(ud);
	assert_int_equal(entered_info, ud.info);
	assert_true(vcpu.virq_on);
	assert_true(vcpu.vmx.proc & PROC_INTR_WINDOW);
}

static void error_code_follows_vector_and_mode(void **state)
{
	const struct x86_event gp = { .info = EVENT_VALID | EVENT_TYPE_EXCP | VEC_GP, .error = 0xffff1234 };
	const struct x86_event ud = { .info = EVENT_VALID | EVENT_TYPE_EXCP | VEC_UD | EVENT_ERROR };

	run(gp);
	assert_int_equal(entered_info, gp.info | EVENT_ERROR);
	assert_int_equal(vmcs[VMCS_ENTRY_ERROR], 0x1234);
	run(ud);
	assert_int_equal(entered_info, ud.info & ~EVENT_ERROR);
	vmcs[VMCS_GUEST_CR0] &= ~CR0_PE;
	run((struct x86_event){ .info = gp.info | EVENT_ERROR });
	assert_int_equal(entered_info, gp.info);
}

static void nmi_waits_behind_mov_ss_and_blocks_the_next(void **state)
{
	const struct x86_event nmi = { .info = EVENT_VALID | EVENT_TYPE_NMI | VEC_NMI };

	vmcs[VMCS_GUEST_BLOCKING] = BLOCKING_MOV_SS;
	run(nmi);
	assert_int_equal(entered_info, 0);
	assert_int_equal(vcpu.reinject.info, nmi.info);
	assert_true(vcpu.vmx.proc & PROC_NMI_WINDOW);
	vcpu.reinject.info = 0;
	vmcs[VMCS_GUEST_BLOCKING] = BLOCKING_NMI; /* left of a delivery that was cut short */
	run(nmi);
	assert_int_equal(entered_info, nmi.info);
	assert_int_equal(entered_blocking, 0);
	assert_false(vcpu.nmi_masked); /* our CPU's IRET has been */
}

static void cut_short_delivery_is_done_again(void **state)
{
	enter_reason = REASON_EPT_VIOLATION;
	vmcs[VMCS_IDT_INFO] = EVENT_VALID | EVENT_TYPE_EXCP | EVENT_ERROR | BIT(12) | VEC_PF;
	vmcs[VMCS_IDT_ERROR] = 2;
	assert_int_equal(run(none).kind, EXIT_MMIO);
	assert_int_equal(vcpu.reinject.info, EVENT_VALID | EVENT_TYPE_EXCP | EVENT_ERROR | VEC_PF);
	assert_int_equal(vcpu.reinject.error, 2);
	vcpu.reinject.info = 0;
	vmcs[VMCS_IDT_INFO] = EVENT_VALID | EVENT_TYPE_SOFT | 0x80;
	run(none);
	assert_int_equal(vcpu.reinject.info, 0);
	enter_reason = REASON_HLT; /* has none: what stands there is old */
	vmcs[VMCS_IDT_INFO] = EVENT_VALID | 0x41;
	run(none);
	assert_int_equal(vcpu.reinject.info, 0);
}

static void skipping_ends_the_shadow_and_makes_a_step(void **state)
{
	vmcs[VMCS_GUEST_BLOCKING] = BLOCKING_STI | BLOCKING_NMI;
	vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_IF | RFLAGS_TF;
	vcpu.rip = 0x1234;
	vcpu.dirty = DIRTY_RIP;
	assert_true(vmx_interruptible(&vcpu));
	run(none);
	assert_int_equal(vmcs[VMCS_GUEST_RIP], 0x1234);
	assert_int_equal(entered_blocking, BLOCKING_NMI);
	assert_int_equal(vmcs[VMCS_GUEST_PENDING_DEBUG], BIT(14));
}

static void string_io_tells_segment_and_address_size(void **state)
{
	struct exit x;

	enter_reason = REASON_IO;
	vmcs[VMCS_QUALIFICATION] = 0x3f80000 | QUAL_IO_STR | QUAL_IO_REP | 1; /* rep outs word, cs: 32-bit addresses */
	vmcs[VMCS_INSN_INFO] = 1 << 7 | X86_CS << 15;
	x = run(none);
	assert_int_equal(x.kind, EXIT_IO_STRING);
	assert_int_equal(x.io.port, 0x3f8);
	assert_int_equal(x.io.size, 2);
	assert_true(x.io.write && x.io.rep);
	assert_int_equal(x.io.addr_size, 4);
	assert_int_equal(x.io.seg, X86_CS);
	vmcs[VMCS_QUALIFICATION] |= QUAL_IO_IN;
	assert_int_equal(run(none).io.seg, X86_ES);
}

static void nmi_exit_comes_back_from_its_iret(void **state)
{
	enter_reason = REASON_EXCEPTION;
	vmcs[VMCS_EXIT_INFO] = EVENT_VALID | EVENT_TYPE_NMI | VEC_NMI;
	assert_int_equal(run(none).kind, EXIT_NMI);
}

/* x2APIC mode, enabled, and to be delivered by the CPU from the next entry on. */
static void apic_by_cpu(void)
{
	vcpu.apic.base |= APIC_BASE_EXTD;
	vcpu.apic.svr |= APIC_SVR_ENABLE;
	vcpu.apic_hw = vcpu.apic_give = true;
}

static bool in_page(u32 off, u8 vector)
{
	return apic_page[(off + vector / 32 * 16) / 4] >> (vector % 32) & 1;
}

static void put_in_page(u32 off, u8 vector)
{
	apic_page[(off + vector / 32 * 16) / 4] |= 1u << (vector % 32);
}

static void what_arrived_is_requested_of_the_cpu(void **state)
{
	apic_by_cpu();
	vcpu.apic.tpr = 0x20;
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x71, false);
	vlapic_deliver(&vcpu.apic, 0x71);
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x91, false);
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x41, false);
	run(none);
	assert_true(apic_switched && vcpu.apic_lent && !vcpu.apic_give);
	assert_int_equal(vmcs[VMCS_GUEST_VIRQ], 0x7191);
	assert_true(in_page(APIC_IRR, 0x91) && in_page(APIC_IRR, 0x41) && in_page(APIC_ISR, 0x71));
	assert_int_equal(apic_page[APIC_TPR / 4], 0x20);
	assert_int_equal(apic_page[APIC_PPR / 4], 0x70);
	assert_int_equal(vcpu.apic.irr.words, 0);
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x51, false); /* the page stays as it is, but for this */
	apic_page[APIC_TPR / 4] = 0x30;
	run(none);
	assert_int_equal(vmcs[VMCS_GUEST_VIRQ], 0x7191);
	assert_true(in_page(APIC_IRR, 0x51));
	assert_int_equal(apic_page[APIC_TPR / 4], 0x30);
	assert_int_equal(vcpu.apic.irr.words | vcpu.apic.irr.w[2], 0);
}

static void taking_the_apic_back_loses_nothing(void **state)
{
	apic_by_cpu();
	run(none);
	put_in_page(APIC_IRR, 0x55);
	put_in_page(APIC_ISR, 0x31);
	apic_page[APIC_TPR / 4] = 0x20;
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x66, true);
	vmx_apic_take(&vcpu);
	assert_true(vcpu.apic_give && !vcpu.apic_lent);
	assert_int_equal(vcpu.apic.tpr, 0x20);
	assert_int_equal(vlapic_pending(&vcpu.apic), 0x66);
	assert_true(vec_test(vcpu.apic.irr.w, 0x55) && vec_test(vcpu.apic.isr.w, 0x31) &&
		    vec_test(vcpu.apic.tmr, 0x66));
	run(none);
	assert_int_equal(vmcs[VMCS_GUEST_VIRQ], 0x3166);
	assert_true(in_page(APIC_IRR, 0x55) && in_page(APIC_IRR, 0x66) && in_page(APIC_TMR, 0x66));
	vmx_apic_take(&vcpu);
	vcpu.apic_hw = false;
	run(none);
	assert_false(apic_switched || vcpu.apic_lent);
	assert_int_equal(vlapic_pending(&vcpu.apic), 0x66);
}

static void only_level_triggered_interrupts_exit_at_their_end(void **state)
{
	struct exit x;

	apic_by_cpu();
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x41, true);
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x82, false);
	enter_reason = REASON_EOI;
	vmcs[VMCS_QUALIFICATION] = 0x41;
	x = run(none);
	assert_int_equal(vmcs[VMCS_EOI_EXITS], 0);
	assert_int_equal(vmcs[VMCS_EOI_EXITS + 2], 2);
	assert_int_equal(vmcs[VMCS_EOI_EXITS + 4], 0);
	assert_int_equal(x.kind, EXIT_EOI);
	assert_int_equal(x.vector, 0x41);
	assert_int_equal(vcpu.next_pc, 0); /* its WRMSR is done */
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x41, false);
	assert_int_equal(run(none).kind, EXIT_WINDOW);
	assert_int_equal(vmcs[VMCS_EOI_EXITS + 2], 0);
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x41, true);
	vcpu.apic.svr |= APIC_SVR_NO_EOI_BC;
	assert_int_equal(run(none).kind, EXIT_WINDOW);
	assert_int_equal(vmcs[VMCS_EOI_EXITS + 2], 0);
}

static void illegal_self_ipi_is_an_error(void **state)
{
	apic_by_cpu();
	run(none);
	enter_reason = REASON_APIC_WRITE;
	vmcs[VMCS_QUALIFICATION] = APIC_SELF;
	apic_page[APIC_SELF / 4] = 7;
	assert_int_equal(run(none).kind, EXIT_WINDOW);
	assert_int_equal(vcpu.apic.esr_pending, APIC_ESR_RECV_VECTOR);
	assert_int_equal(vcpu.apic.irr.words, 0);
}

static void early_cpu_gets_one_request_when_the_guest_takes_it(void **state)
{
	vmx_caps.bochs = true;
	apic_by_cpu();
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x41, false);
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x51, false);
	run(none); /* IF = 0 */
	assert_int_equal(vmcs[VMCS_GUEST_VIRQ], 0);
	assert_true(vcpu.vmx.proc & PROC_INTR_WINDOW);
	vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	run(none);
	assert_int_equal(vmcs[VMCS_GUEST_VIRQ], 0x51);
	assert_false(in_page(APIC_IRR, 0x41) || (vcpu.vmx.proc & PROC_INTR_WINDOW));
	assert_int_equal(vmcs[VMCS_EOI_EXITS + 2], ~0UL); /* then the other one */
	vmcs[VMCS_GUEST_VIRQ] = 0x5100;
	vlapic_accept(&vcpu.apic, APIC_FIXED, 0x52, false);
	run(none); /* in service: the same class waits, without a window that would exit for ever */
	assert_int_equal(vmcs[VMCS_GUEST_VIRQ], 0x5100);
	assert_false(vcpu.vmx.proc & PROC_INTR_WINDOW);
	vmcs[VMCS_GUEST_VIRQ] = 0;
	run(none);
	run(none);
	assert_int_equal(vcpu.apic.irr.words, 0);
	assert_int_equal(vmcs[VMCS_GUEST_VIRQ], 0x52);
	assert_true(in_page(APIC_IRR, 0x41));
	assert_int_equal(vmcs[VMCS_EOI_EXITS + 2], 0);
}

/* MOV to control register @cr from RBX. */
static void mov_to(unsigned cr, u64 value)
{
	vcpu.inject.info = vcpu.dirty = 0;
	vcpu.rip = 0x1000;
	regs.gpr[X86_RBX] = value;
	vmx_exit_cr(&vcpu, X86_RBX << 8 | cr);
}

static void assert_moved(void)
{
	assert_int_equal(vcpu.inject.info, 0);
	assert_int_equal(vcpu.rip, 0x1003);
	assert_int_equal(vcpu.dirty, DIRTY_RIP);
}

static void assert_fault(void)
{
	assert_int_equal(vcpu.inject.info, EVENT_VALID | EVENT_TYPE_EXCP | EVENT_ERROR | VEC_GP);
	assert_int_equal(vcpu.rip, 0x1000);
}

static void preemption_timer_makes_hv_look_for_interrupts(void **state)
{
	enter_reason = REASON_TIMER;
	assert_int_equal(run(none).kind, EXIT_IRQ);
	assert_int_equal(vcpu.rip, 0x1000);
}

static void cache_bits_are_the_guests_to_see_alone(void **state)
{
	mov_to(0, CR0_PE | CR0_CD | CR0_NW);
	assert_moved();
	assert_int_equal(vmx_reg(&vcpu, REG_CR0), CR0_PE | CR0_ET | CR0_CD | CR0_NW);
	assert_int_equal(vmcs[VMCS_GUEST_CR0], CR0_PE | CR0_ET | CR0_NE);
}

static void bad_control_registers_fault_and_change_nothing(void **state)
{
	static const u64 bad[] = { CR0_PG, CR0_PE | CR0_NW, CR0_PE | BIT(32) };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		mov_to(0, bad[i]);
		assert_fault();
	}
	mov_to(4, CR4_VMXE);
	assert_fault();
	mov_to(8, 0x10);
	assert_fault();
	vmcs[VMCS_GUEST_EFER] = EFER_LME;
	mov_to(0, CR0_PE | CR0_PG | CR0_CD); /* long mode without PAE */
	assert_fault();
	assert_int_equal(vmx_reg(&vcpu, REG_CR0), CR0_PE | CR0_ET);
	assert_int_equal(vcpu.tpr, 0);
}

static void machine_checks_are_on_whatever_the_guest_says(void **state)
{
	assert_int_equal(vmcs[VMCS_GUEST_CR4] & CR4_MCE, CR4_MCE);
	assert_int_equal(vmx_reg(&vcpu, REG_CR4), 0);
	mov_to(4, CR4_MCE | CR4_OSFXSR);
	assert_moved();
	assert_int_equal(vmx_reg(&vcpu, REG_CR4), CR4_MCE | CR4_OSFXSR);
	mov_to(4, CR4_PAE);
	assert_moved();
	assert_int_equal(vmx_reg(&vcpu, REG_CR4), CR4_PAE);
	assert_int_equal(vmcs[VMCS_GUEST_CR4], CR4_PAE | CR4_MCE | CR4_VMXE);
	memory[0] = 0x7001;
	vmcs[VMCS_GUEST_CR0] |= CR0_PG;
	mov_to(4, CR4_PAE | CR4_MCE | CR4_PGE); /* with PAE paging on, the four entries are loaded again */
	assert_moved();
	assert_int_equal(vmcs[VMCS_GUEST_PDPTE], 0x7001);
	memory[0] = 0x7003;
	mov_to(4, CR4_PAE);
	assert_fault();
	assert_int_equal(vmx_reg(&vcpu, REG_CR4), CR4_PAE | CR4_MCE | CR4_PGE);
}

static void bad_values_of_cr4_fault_and_change_nothing(void **state)
{
	static const u64 bad[] = { CR4_MCE | BIT(23), CR4_MCE | BIT(63), CR4_VMXE | CR4_MCE,
				   CR4_MCE | CR4_PCIDE | CR4_PAE };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		mov_to(4, bad[i]);
		assert_fault();
	}
	assert_int_equal(vmx_reg(&vcpu, REG_CR4), 0);
	vmcs[VMCS_GUEST_EFER] = EFER_LME | EFER_LMA;
	vmcs[VMCS_GUEST_CR4] |= CR4_PAE;
	mov_to(4, CR4_MCE); /* PAE goes in long mode */
	assert_fault();
	mov_to(4, CR4_MCE | CR4_PAE | CR4_LA57);
	assert_fault();
	mov_to(4, CR4_MCE | CR4_PAE | CR4_PCIDE);
	assert_moved();
	vmcs[VMCS_GUEST_CR3] = 0x1001;
	mov_to(4, CR4_PAE);
	assert_moved();
	mov_to(4, CR4_MCE | CR4_PAE | CR4_PCIDE);
	assert_fault();
}

static void paging_with_lme_enters_and_leaves_long_mode(void **state)
{
	vmcs[VMCS_GUEST_EFER] = EFER_LME;
	vmcs[VMCS_GUEST_CR4] |= CR4_PAE;
	mov_to(0, CR0_PE | CR0_PG | CR0_CD);
	assert_moved();
	assert_int_equal(vmcs[VMCS_GUEST_EFER], EFER_LME | EFER_LMA);
	assert_true(vmcs[VMCS_ENTRY_CONTROLS] & ENTRY_IA32E);
	mov_to(0, CR0_PE);
	assert_moved();
	assert_int_equal(vmcs[VMCS_GUEST_EFER], EFER_LME);
	assert_false(vmcs[VMCS_ENTRY_CONTROLS] & ENTRY_IA32E);
}

static void pae_paging_loads_the_four_entries_or_faults(void **state)
{
	vmcs[VMCS_GUEST_CR4] |= CR4_PAE;
	vmcs[VMCS_GUEST_CR3] = 0x9fe0;
	memory[0xfe0 / 8] = 0x7001;
	memory[0xfe0 / 8 + 3] = 0x8001;
	mov_to(0, CR0_PE | CR0_PG | CR0_CD);
	assert_moved();
	assert_int_equal(vmcs[VMCS_GUEST_PDPTE], 0x7001);
	assert_int_equal(vmcs[VMCS_GUEST_PDPTE + 6], 0x8001);
	mov_to(0, CR0_PE);
	memory[0xfe0 / 8 + 1] = 0x7003;
	mov_to(0, CR0_PE | CR0_PG | CR0_CD);
	assert_fault();
	memory[0xfe0 / 8 + 1] = 0;
	mapped = false;
	mov_to(0, CR0_PE | CR0_PG | CR0_CD);
	assert_fault();
}

static void cr8_is_the_task_priority(void **state)
{
	mov_to(8, 5);
	assert_moved();
	assert_int_equal(vcpu.tpr, 0x50);
	vmx_exit_cr(&vcpu, X86_R9 << 8 | CR_TYPE_FROM << 4 | 8);
	assert_int_equal(regs.gpr[X86_R9], 5);
}

static void state_comes_back_as_it_was_set(void **state)
{
	struct vcpu_state s, t;

	protected_mode_state(&s);
	s.regs.cr4 = CR4_PGE;
	s.regs.seg[X86_FS] = (struct x86_seg){ .sel = 0x23, .ar = 0x0f3, .limit = 0xfffff, .base = 0x12345678 };
	s.gdtr = (struct x86_table){ .base = 0x1000, .limit = 0x7f };
	s.dr6 = 0xffff0ff1;
	memset(&t, 0, sizeof(t));
	vmx_set(&vcpu, &s);
	vmx_export(&vcpu);
	vmx_get(&vcpu, &t);
	assert_int_equal(regs.cr0, s.regs.cr0);
	assert_int_equal(regs.cr4, s.regs.cr4);
	assert_memory_equal(&regs.seg[X86_FS], &s.regs.seg[X86_FS], sizeof(struct x86_seg));
	assert_int_equal(t.gdtr.limit, 0x7f);
	assert_int_equal(t.dr6, s.dr6);
	assert_int_equal(t.tr.ar, 0x8b); /* a TSS that a CPU has loaded is busy */
	assert_false(t.ldtr.ar & X86_AR_P);
}

static void empty_segment_of_bochs_becomes_unusable(void **state)
{
	vmcs[VMCS_GUEST_AR + 2 * X86_FS] = 0x90;
	enter_reason = REASON_ENTRY_FAILED | REASON_GUEST_STATE;
	vmcs[VMCS_GUEST_RFLAGS] |= RFLAGS_IF;
	arm(0x41);
	assert_int_equal(run(none).kind, EXIT_WINDOW);
	assert_true(vmcs[VMCS_GUEST_AR + 2 * X86_FS] & AR_UNUSABLE);
	assert_true(vcpu.virq_on);			     /* not lost */
	assert_int_equal(run(none).kind, EXIT_ENTRY_FAILED); /* and not for ever */
}

static void failed_entry_names_the_broken_rule(void **state)
{
	static const struct {
		u64 field, value;
		const char *word;
	} broken[] = {
		{ VMCS_GUEST_CR0, CR0_PE, "CR0" },
		{ VMCS_GUEST_CR4, CR4_VMXE | BIT(40), "CR4" },
		{ VMCS_GUEST_CR3, BIT(41), "CR3" },
		{ VMCS_GUEST_DR7, BIT(33), "DR7" },
		{ VMCS_GUEST_EFER, BIT(1), "EFER" },
		{ VMCS_GUEST_EFER, EFER_LMA, "LMA" },
		{ VMCS_GUEST_PAT, 2, "PAT" },
		{ VMCS_GUEST_AR + 2 * X86_CS, 0xc092, "accessed" },
		{ VMCS_GUEST_AR + 2 * X86_CS, AR_UNUSABLE, "CS" },
		{ VMCS_GUEST_LIMIT + 2 * X86_DS, 0xfffff000, "granularity" },
		{ VMCS_GUEST_AR + 2 * SEG_TR, AR_UNUSABLE, "TR" },
		{ VMCS_GUEST_SEL + 2 * SEG_TR, 4, "TR" },
		{ VMCS_GUEST_GDTR, BIT(60), "GDTR" },
		{ VMCS_GUEST_RIP, BIT(33), "RIP" },
		{ VMCS_GUEST_RFLAGS, 0, "RFLAGS" },
		{ VMCS_GUEST_RFLAGS, RFLAGS_FIXED | BIT(15), "RFLAGS" },
		{ VMCS_GUEST_BLOCKING, BLOCKING_STI, "STI" },
		{ VMCS_LINK, 0, "link" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(broken); i++) {
		struct exit x;

		fresh(state);
		enter_reason = REASON_ENTRY_FAILED | REASON_GUEST_STATE;
		assert_non_null(strstr(vmx_check_guest(), "none of the rules"));
		vmwrite(broken[i].field, broken[i].value);
		x = run(none);
		if (x.kind == EXIT_WINDOW)
			x = run(none);
		assert_int_equal(x.kind, EXIT_ENTRY_FAILED);
		if (!strstr(x.fault.what, broken[i].word))
			fail_msg("rule %u: '%s' does not say '%s'", i, x.fault.what, broken[i].word);
	}
}

static void refused_instruction_is_told_in_words(void **state)
{
	struct exit x;

	enter_flags = 2;
	vmcs[VMCS_INSN_ERROR] = 7;
	x = run(none);
	assert_int_equal(x.kind, EXIT_ENTRY_FAILED);
	assert_int_equal(x.fault.code, 7);
	assert_string_equal(x.fault.what, "VM entry with invalid control fields");
	assert_non_null(vmx_insn_error(0));
	assert_non_null(vmx_insn_error(~0UL));
	assert_false(vcpu.launched);
}

static void unknown_exit_ends_the_guest_not_us(void **state)
{
	for (unsigned reason = 0; reason < 80; reason++) {
		struct exit x;

		fresh(state);
		enter_reason = reason;
		x = run(none);
		assert_true(x.kind < EXIT_COUNT);
	}
}

#define TEST(fn) cmocka_unit_test_setup(fn, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interrupt_goes_in_when_the_guest_takes_it),
		TEST(interrupt_waits_for_its_window),
		TEST(cr8_holds_an_interrupt_back_but_no_extint),
		TEST(another_event_goes_before_the_interrupt),
		TEST(error_code_follows_vector_and_mode),
		TEST(nmi_waits_behind_mov_ss_and_blocks_the_next),
		TEST(cut_short_delivery_is_done_again),
		TEST(skipping_ends_the_shadow_and_makes_a_step),
		TEST(string_io_tells_segment_and_address_size),
		TEST(nmi_exit_comes_back_from_its_iret),
		TEST(what_arrived_is_requested_of_the_cpu),
		TEST(taking_the_apic_back_loses_nothing),
		TEST(only_level_triggered_interrupts_exit_at_their_end),
		TEST(illegal_self_ipi_is_an_error),
		TEST(early_cpu_gets_one_request_when_the_guest_takes_it),
		TEST(preemption_timer_makes_hv_look_for_interrupts),
		TEST(cache_bits_are_the_guests_to_see_alone),
		TEST(bad_control_registers_fault_and_change_nothing),
		TEST(machine_checks_are_on_whatever_the_guest_says),
		TEST(bad_values_of_cr4_fault_and_change_nothing),
		TEST(paging_with_lme_enters_and_leaves_long_mode),
		TEST(pae_paging_loads_the_four_entries_or_faults),
		TEST(cr8_is_the_task_priority),
		TEST(state_comes_back_as_it_was_set),
		TEST(empty_segment_of_bochs_becomes_unusable),
		TEST(failed_entry_names_the_broken_rule),
		TEST(refused_instruction_is_told_in_words),
		TEST(unknown_exit_ends_the_guest_not_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
