/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/vmx_vmcs.c: life of a VMCS: controls and host state, which one is current, VPIDs, flushes. */
#include "arch/iface/mem.h"
#include "arch/x86/irq.h"
#include "arch/x86/vmx.h"
#include "hv/lib/panic.h"
#include "hv/lib/string.h"

#define VPIDS 1024
/* Cycles: two PAUSEs that lie further apart are of two loops, and a loop that takes longer has spun enough. */
#define PAUSE_GAP    128
#define PAUSE_WINDOW 4096
#define BOCHS_TICKS  20000 /* of the TSC: a guest's run, where interrupts may stay away from it (vmx_probe) */

enum { BITMAP_GUEST, BITMAP_SERVICE, BITMAP_APIC, BITMAPS };

struct vmx_descriptor {
	u64 which; /* EPTP or VPID */
	u64 address;
};

/* By who runs: guests in general, the service VM (all ones), guests with v->apic_hw. Read low, read high, write low,
 * write high (25.6.9). */
static u8 vmx_msr_bitmap[BITMAPS][PAGE_SIZE] ALIGNED(4096);
static bool vmx_bitmaps_ready;
static u64 vmx_vpids[VPIDS / 64] = { 1 }; /* used ones; 0 is the hypervisor's */

/* Fields whose value is 0 for good; a fresh VMCS need not be zero inside. */
static const u16 vmcs_zeroed[] = {
	VMCS_HOST_FS,	       VMCS_HOST_GS,	       VMCS_HOST_FS_BASE,	 VMCS_HOST_GS_BASE,
	VMCS_HOST_SYSENTER_CS, VMCS_HOST_SYSENTER_ESP, VMCS_HOST_SYSENTER_EIP,	 VMCS_PF_MASK,
	VMCS_PF_MATCH,	       VMCS_CR3_TARGETS,       VMCS_EXIT_MSR_STORES,	 VMCS_EXIT_MSR_LOADS,
	VMCS_ENTRY_MSR_LOADS,  VMCS_ENTRY_INFO,	       VMCS_GUEST_DEBUGCTL,	 VMCS_GUEST_ACTIVITY,
	VMCS_GUEST_BLOCKING,   VMCS_GUEST_SMBASE,      VMCS_GUEST_PENDING_DEBUG,
};

static bool vmx_clear(u64 pa)
{
	bool failed;

	asm volatile("vmclear %1" : "=@ccbe"(failed) : "m"(pa) : "memory");
	return !failed;
}

static void vmx_new_home(struct arch_vcpu *v);

void vmx_make_current(struct arch_vcpu *v)
{
	bool failed;

	/* It must not be current on another CPU: vmx_leave saw to that. */
	asm volatile("vmptrld %1" : "=@ccbe"(failed) : "m"(v->ctl_pa) : "memory");
	ASSERT(!failed);
	x86_cpu()->vmx_current = v;
	if (unlikely(v->vmx.home != x86_cpu()))
		vmx_new_home(v);
}

void vmx_swap_user(struct arch_vcpu *v)
{
	struct x86_cpu *c = x86_cpu();

	if (v == c->vmx_user)
		return;
	if (c->vmx_user) {
		c->vmx_user->vmx.cr2 = read_cr2();
		c->vmx_user->vmx.dr6 = read_dr6();
	}
	c->vmx_user = v;
	if (v) {
		write_cr2(v->vmx.cr2);
		write_dr6(v->vmx.dr6);
	}
}

u64 vmx_cr2(const struct arch_vcpu *v)
{
	return v == x86_cpu()->vmx_user || v->service ? read_cr2() : v->vmx.cr2;
}

u64 vmx_dr6(const struct arch_vcpu *v)
{
	return v == x86_cpu()->vmx_user || v->service ? read_dr6() : v->vmx.dr6;
}

void vmx_set_user(struct arch_vcpu *v, u64 cr2, u64 dr6)
{
	if (v == x86_cpu()->vmx_user)
		x86_cpu()->vmx_user = NULL;
	v->vmx.cr2 = cr2;
	v->vmx.dr6 = (u32)dr6;
}

static void vmx_bitmap_pass(u8 *map, u32 first, unsigned offset)
{
	for (u32 i = 0; i < 0x2000; i++) {
		unsigned pass = x86_msr_pass(first + i);

		if (pass & X86_PASS_READ)
			map[offset + i / 8] &= (u8)~BIT(i % 8);
		if (pass & X86_PASS_WRITE)
			map[0x800 + offset + i / 8] &= (u8)~BIT(i % 8);
	}
}

static void vmx_bitmap_open(u8 *map, u32 off, unsigned n)
{
	for (u32 msr = MSR_X2APIC_FIRST + (off >> 4); n; msr++, n--)
		map[msr / 8] &= (u8)~BIT(msr % 8);
}

/* What the CPU does by itself (SDM 3C, 30.5): registers that only it changes are read, and three are written. */
static void vmx_bitmap_apic(u8 *map)
{
	vmx_bitmap_open(map, APIC_TPR, 1);
	vmx_bitmap_open(map, APIC_PPR, 1);
	vmx_bitmap_open(map, APIC_ISR, 8);
	vmx_bitmap_open(map, APIC_TMR, 8);
	vmx_bitmap_open(map + 0x800, APIC_TPR, 1);
	vmx_bitmap_open(map + 0x800, APIC_EOI, 1);
	if (vmx_caps.bochs)
		return; /* not all of IRR is in the page: see vmx_apic.c */
	vmx_bitmap_open(map, APIC_IRR, 8);
	vmx_bitmap_open(map + 0x800, APIC_SELF, 1);
}

static void vmx_make_bitmaps(void)
{
	memset(vmx_msr_bitmap, 0xff, sizeof(vmx_msr_bitmap));
	vmx_bitmap_pass(vmx_msr_bitmap[BITMAP_GUEST], 0, 0);
	vmx_bitmap_pass(vmx_msr_bitmap[BITMAP_GUEST], 0xc0000000, 0x400);
	memcpy(vmx_msr_bitmap[BITMAP_APIC], vmx_msr_bitmap[BITMAP_GUEST], PAGE_SIZE);
	vmx_bitmap_apic(vmx_msr_bitmap[BITMAP_APIC]);
	vmx_bitmaps_ready = true;
}

/* 0: all are in use. */
static u16 vmx_take_vpid(void)
{
	for (unsigned i = 0; vmx_caps.vpid && i < ARRAY_SIZE(vmx_vpids); i++)
		if (~vmx_vpids[i]) {
			unsigned bit = (unsigned)__builtin_ctzll(~vmx_vpids[i]);

			vmx_vpids[i] |= BIT(bit);
			return (u16)(i * 64 + bit);
		}
	return 0;
}

void vmx_flush_linear(struct arch_vcpu *v)
{
	const struct vmx_descriptor d = { v->vmx.vpid, 0 };

	if (v->vmx.vpid) /* without, each entry and exit flushes */
		asm volatile("invvpid %0, %1" : : "m"(d), "r"(1UL) : "cc", "memory");
}

static u64 vmx_eptp(const struct arch_vcpu *v)
{
	return v->vm->s2_root | EPTP_WALK4 | EPTP_WB;
}

void vmx_flush_guest(struct arch_vcpu *v)
{
	const struct vmx_descriptor d = { vmx_eptp(v), 0 };

	asm volatile("invept %0, %1" : : "m"(d), "r"(vmx_caps.invept_single ? 1UL : 2UL) : "cc", "memory");
}

void vmx_set_proc(struct arch_vcpu *v, u32 proc)
{
	if (v->vmx.proc != proc) {
		v->vmx.proc = proc;
		vmwrite(VMCS_PROC, proc);
	}
}

static u32 vmx_proc2(const struct arch_vcpu *v)
{
	u32 proc2 = v->vmx.vpid ? vmx_caps.proc2 : vmx_caps.proc2 & ~(u32)PROC2_VPID;

	if (v->crowded && vmx_caps.pause_loop)
		proc2 |= PROC2_PAUSE_LOOP;
	return v->vmx.apic_on ? proc2 | (u32)(PROC2_X2APIC | PROC2_APIC_REGS | PROC2_VIRQ) : proc2;
}

void vmx_watch_pause(struct arch_vcpu *v)
{
	vmx_load(v);
	if (vmx_caps.pause_loop)
		vmwrite(VMCS_PROC2, vmx_proc2(v));
	else
		vmx_set_proc(v, v->crowded ? v->vmx.proc | (u32)PROC_PAUSE : v->vmx.proc & ~(u32)PROC_PAUSE);
}

void vmx_apic_switch(struct arch_vcpu *v, bool on)
{
	const u32 cr8 = PROC_CR8_LOAD | PROC_CR8_STORE, shadow = PROC_TPR_SHADOW;

	if (on == v->vmx.apic_on)
		return;
	v->vmx.apic_on = on;
	vmx_set_proc(v, on ? (v->vmx.proc & ~cr8) | shadow : (v->vmx.proc & ~shadow) | cr8);
	vmwrite(VMCS_PROC2, vmx_proc2(v));
	vmwrite(VMCS_MSR_BITMAP, arch_pa(vmx_msr_bitmap[on ? BITMAP_APIC : BITMAP_GUEST]));
}

/* What an exit loads (25.5). The descriptor tables' limits become FFFFh by themselves. */
static void vmx_host_state(void)
{
	vmwrite(VMCS_HOST_CR0, read_cr0());
	vmwrite(VMCS_HOST_CR3, read_cr3());
	vmwrite(VMCS_HOST_CR4, read_cr4());
	vmwrite(VMCS_HOST_ES, SEL_DATA);
	vmwrite(VMCS_HOST_CS, SEL_CODE);
	vmwrite(VMCS_HOST_SS, SEL_DATA);
	vmwrite(VMCS_HOST_DS, SEL_DATA);
	vmwrite(VMCS_HOST_TR, SEL_TSS);
	vmwrite(VMCS_HOST_TR_BASE, (u64)x86_tss());
	vmwrite(VMCS_HOST_GDTR, (u64)x86_gdt());
	vmwrite(VMCS_HOST_IDTR, (u64)x86_idt());
	vmwrite(VMCS_HOST_PAT, rdmsr(MSR_PAT));
	vmwrite(VMCS_HOST_EFER, rdmsr(MSR_EFER));
	vmwrite(VMCS_HOST_RIP, (u64)vmx_exit_entry);
}

/* @v, whose VMCS is current, runs on this CPU from now on: here are other tables and a stack, and old translations. */
static void vmx_new_home(struct arch_vcpu *v)
{
	v->vmx.home = x86_cpu();
	v->vmx.host_rsp = 0;
	vmx_host_state();
	vmx_flush_linear(v);
	vmx_flush_guest(v);
}

static void vmx_controls(struct arch_vcpu *v)
{
	vmwrite(VMCS_PIN, vmx_caps.pin);
	if (vmx_caps.pin & PIN_TIMER)
		vmwrite(VMCS_GUEST_TIMER, BOCHS_TICKS >> FIELD(VMX_MISC_TIMER, rdmsr(MSR_VMX_MISC)));
	/* The service VM has every port that the hypervisor does not need; guests have none. */
	vmx_set_proc(v, vmx_caps.proc | (v->service ? 0 : (u32)PROC_IO));
	vmwrite(VMCS_PROC2, vmx_proc2(v));
	vmwrite(VMCS_EXIT_CONTROLS, vmx_caps.exit);
	vmwrite(VMCS_ENTRY_CONTROLS, vmx_caps.entry);
	vmwrite(VMCS_EXCEPTIONS, v->service ? BIT(VEC_MC) : BIT(VEC_MC) | BIT(VEC_DB) | BIT(VEC_AC));
	vmwrite(VMCS_MSR_BITMAP, arch_pa(vmx_msr_bitmap[v->service ? BITMAP_SERVICE : BITMAP_GUEST]));
	vmwrite(VMCS_EPTP, vmx_eptp(v));
	if (v->vmx.vpid)
		vmwrite(VMCS_VPID, v->vmx.vpid);
	vmwrite(VMCS_CR0_MASK, vmx_caps.cr0_owned);
	vmwrite(VMCS_CR4_MASK, vmx_caps.cr4_owned);
	vmwrite(VMCS_LINK, ~0ULL);
	if (vmx_caps.pause_loop) {
		vmwrite(VMCS_PAUSE_GAP, PAUSE_GAP);
		vmwrite(VMCS_PAUSE_WINDOW, PAUSE_WINDOW);
	}
	if (v->vmx.apic_page) {
		vmwrite(VMCS_VIRTUAL_APIC, arch_pa(v->vmx.apic_page));
		vmwrite(VMCS_TPR_THRESHOLD, 0);
		vmwrite(VMCS_GUEST_VIRQ, 0);
		for (unsigned i = 0; i < ARRAY_SIZE(v->vmx.eoi_exits); i++)
			vmwrite(VMCS_EOI_EXITS + 2 * i, 0);
	}
}

void vmx_vcpu_init(struct arch_vcpu *v)
{
	if (!vmx_bitmaps_ready)
		vmx_make_bitmaps();
	*(u32 *)v->ctl = vmx_caps.revision;
	v->launched = false;
	v->vmx.vpid = vmx_take_vpid();
	ASSERT(vmx_clear(v->ctl_pa));
	vmx_make_current(v);
	for (unsigned i = 0; i < ARRAY_SIZE(vmcs_zeroed); i++)
		vmwrite(vmcs_zeroed[i], 0);
	vmx_controls(v);
}

void vmx_leave(struct arch_vcpu *v)
{
	if (v == x86_cpu()->vmx_user)
		vmx_swap_user(NULL);
	if (v == x86_cpu()->vmx_current)
		x86_cpu()->vmx_current = NULL;
	ASSERT(vmx_clear(v->ctl_pa));
	v->launched = false;
	v->vmx.home = NULL;
}

void vmx_vcpu_fini(struct arch_vcpu *v)
{
	vmx_leave(v);
	if (v->vmx.vpid)
		vmx_vpids[v->vmx.vpid / 64] &= ~BIT(v->vmx.vpid % 64);
}
