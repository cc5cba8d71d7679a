/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86/self/vcpu.h: a VM and a vCPU on x86, for both vendors, and the hot accessors of arch/iface/vcpu.h. */
#ifndef SELF_VCPU_H
#define SELF_VCPU_H

#include "arch/x86/vlapic.h"

struct cpuid_table;
struct msr_table;

#define X86_VCPUS 8 /* of a VM */

struct arch_vcpu;

struct arch_vm {
	struct ptab s2;
	u64 s2_root; /* EPTP or N_CR3 */
	bool service;
	u32 flush;		   /* counts invalidations: a vCPU that saw an older count flushes when it runs next */
	struct cpuid_table *cpuid; /* one page, NULL: every leaf reads as zero */
	struct msr_table *msr;	   /* one page */
	u32 nvcpus;
	struct arch_vcpu *vcpu[X86_VCPUS]; /* by ID; NULL: none */
};

/* An event to inject: interruption-information format that VMX and SVM share (vector, type, error valid, valid). */
#define EVENT_VALID	(1u << 31)
#define EVENT_ERROR	(1u << 11)
#define EVENT_VECTOR	0xffu
#define EVENT_TYPE	0x700u
#define EVENT_TYPE_INTR (0u << 8)
#define EVENT_TYPE_NMI	(2u << 8)
#define EVENT_TYPE_EXCP (3u << 8)
#define EVENT_TYPE_SOFT (4u << 8) /* INT n */

struct x86_event {
	u32 info; /* EVENT_*, 0: none */
	u32 error;
	u32 length; /* of the instruction, for soft interrupts */
};

/* Which registers of the cached set the guest must get back. */
#define DIRTY_RIP    0x1u
#define DIRTY_RFLAGS 0x2u
#define DIRTY_RSP    0x4u
#define DIRTY_CR2    0x8u
#define DIRTY_TPR    0x10u /* v->tpr must go into the CPU            */
#define DIRTY_ONCE   0x20u /* v->event goes in; SVM: what was set for one entry goes out */
#define DIRTY_TLB    0x40u /* SVM: a new ASID, or a flush                              */

/* What the CPU keeps per guest and no world switch saves: swapped only between guests. */
struct x86_user_msrs {
	u64 star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
	u64 dr[4];
};

/* VMX: what the back end keeps of a vCPU outside of its VMCS. */
struct vmx_vcpu {
	u64 host_rsp;	  /* as the VMCS has it */
	void *home;	  /* the CPU whose host state the VMCS has */
	u64 cr2, dr6;	  /* while another guest has them in the CPU */
	u32 proc;	  /* primary processor-based controls */
	u16 vpid;	  /* 0: none */
	bool window;	  /* WINDOW_INTR was asked for */
	bool apic_on;	  /* as the controls in the VMCS have it */
	void *apic_page;  /* the virtual-APIC page; NULL without x86_features.apic_hw */
	u64 eoi_exits[4]; /* EOI-exit bitmap, as the VMCS has it */
};

/* What others have sent and this vCPU's CPU has not taken yet: post.h. By vector, 32 to a word. */
struct x86_post {
	u32 any; /* a bit for each word below with something in it, perhaps */
	u32 events;
	u32 vectors[16]; /* edge-triggered ones, then level-triggered ones */
};

#define VCPU_LENGTHS 64
#define VIRQ_STALE   0x100u /* no TPR: the interrupt must be offered anew */

struct arch_vcpu {
	struct vcpu_regs *regs; /* run page or private: general registers */
	void *ctl;		/* VMCB or VMCS, one page */
	u64 ctl_pa;
	u64 rip;     /* of the guest, read at each exit */
	u64 next_pc; /* behind the exit's instruction, 0: unknown */
	u32 dirty;   /* DIRTY_* */
	bool service;
	bool step;	  /* SVM: leaves after one instruction, see svm_step_begin */
	bool step_irq;	  /* a virtual interrupt was armed before                  */
	bool step_tf;	  /* the guest had set TF itself */
	bool stepped;	  /* the exit's #DB is that step's own */
	bool launched;	  /* VMX: VMLAUNCH done */
	bool nmi_masked;  /* until IRET */
	u8 extint_vector; /* of an accepted 8259 interrupt ...       */
	u8 tpr;		  /* CR8 << 4, as the CPU has it */
	union {
		struct {
			bool virq_on;	    /* a virtual interrupt is armed     */
			bool extint;	    /* the 8259's INTR line             */
			bool extint_ready;  /* extint_vector is to be injected  */
			bool apic_give : 1; /* VMX: apic_hw is new, or the APIC was taken back: see vmx_apic.c */
			bool eoi_set   : 1; /* bit 0 of *eoi is 1, or the guest has cleared it: see eoi.c */
		};
		u32 irq_state; /* all of them: is there anything to do? */
	};
	bool apic_hw;	/* the CPU is to deliver the APIC's interrupts: in x2APIC mode, enabled, where it can */
	bool apic_lent; /* TPR, ISR and IRR are with the CPU; apic.irr: what has arrived since */
	bool virq_held; /* SVM: it waits for CR8 without being armed */
	u8 virq_vector;
	u16 virq_tpr;	     /* when it was armed, or VIRQ_STALE */
	bool virq_is_extint; /* it came from the 8259, not from the APIC */
	u32 asid_seen, flush_seen;
	struct x86_event reinject; /* was being delivered when the guest left */
	struct x86_event inject;   /* exception from the service VM */
	struct x86_event event;	   /* goes in with the next entry, DIRTY_ONCE set */
	struct arch_vm *vm;
	u32 id;
	u64 *exits; /* counters by enum exit_kind */
	u64 counter_offset;
	u64 xcr0; /* the guest's */
	u64 tsc_adjust;
	struct x86_user_msrs msrs; /* current while another guest is loaded */
	void *xsave;		   /* one page */
	struct vmx_vcpu vmx;
	struct vlapic apic;
	struct x86_post post;
	u32 *eoi;		  /* in the guest's memory; NULL: it ends interrupts by its APIC alone */
	bool crowded;		  /* others wait for the CPU: exit when it spins */
	u64 length[VCPU_LENGTHS]; /* SVM without next-RIP: linear address << 4 | length of instructions seen */
};

static inline struct ptab *arch_vm_s2(struct arch_vm *vm)
{
	return &vm->s2;
}

static inline void arch_vcpu_skip(struct arch_vcpu *v, const struct exit *x)
{
	v->rip = x->next_pc;
	v->dirty |= DIRTY_RIP;
}

void x86_watch_pause(struct arch_vcpu *v, bool on);

/* Who has no other CPU has nothing to wait for in a spin. */
static inline void arch_vcpu_crowded(struct arch_vcpu *v, bool others)
{
	if (v->crowded != others && v->vm->nvcpus != 1)
		x86_watch_pause(v, others);
}

static inline u64 arch_vcpu_pc(const struct arch_vcpu *v)
{
	return v->rip;
}

static inline u64 arch_vcpu_deadline(const struct arch_vcpu *v)
{
	u64 d = vlapic_deadline(&v->apic);

	return d == ~0UL ? d : d - v->counter_offset;
}

static inline u64 arch_vcpu_arg(const struct arch_vcpu *v, unsigned n)
{
	static const u8 reg[] = { X86_RAX, X86_RDI, X86_RSI, X86_RDX, X86_R10, X86_R8 };

	return v->regs->gpr[reg[n]];
}

static inline void arch_vcpu_result(struct arch_vcpu *v, u64 status, u64 a, u64 b, u64 c)
{
	u64 *g = v->regs->gpr;

	g[X86_RAX] = status;
	g[X86_RDI] = a;
	g[X86_RSI] = b;
	g[X86_RDX] = c;
}

/* The instruction of the last exit is done. */
static inline void x86_skip(struct arch_vcpu *v)
{
	v->rip = v->next_pc;
	v->dirty |= DIRTY_RIP;
}

/* REPLY_REGS: run->regs are current, and the service VM may have changed them. */
static inline void x86_take_regs(struct arch_vcpu *v, const struct run_page *run)
{
	v->rip = run->regs.rip;
	v->dirty |= DIRTY_RIP | DIRTY_RFLAGS | DIRTY_RSP;
}

#define ARCH_EOI_WORDS true
void arch_vcpu_eoi(struct arch_vcpu *v, void *word);

void arch_vcpu_export(struct arch_vcpu *v);
/** What arch_vcpu_complete does not do by itself, of @reply. */
u32 x86_complete(struct arch_vcpu *v, enum exit_kind kind, struct run_page *run, u32 reply);

/* The value of a read goes where the instruction wanted it: 32-bit writes clear the upper half. */
static inline void x86_answer_io(struct arch_vcpu *v, unsigned size, u64 data)
{
	u64 *rax = &v->regs->gpr[X86_RAX];

	if (size == 4)
		*rax = (u32)data;
	else if (size == 2)
		*rax = (*rax & ~0xffffUL) | (u16)data;
	else
		*rax = (*rax & ~0xffUL) | (u8)data;
}

static inline u32 arch_vcpu_complete(struct arch_vcpu *v, enum exit_kind kind, struct run_page *run)
{
	u32 reply = run->reply;

	run->reply = 0;
	if (reply == REPLY_REGS && kind == EXIT_MMIO) {
		x86_take_regs(v, run);
		return reply;
	}
	if (unlikely(reply != REPLY_SKIP || kind != EXIT_IO))
		return x86_complete(v, kind, run, reply);
	if (!run->u.io.write)
		x86_answer_io(v, run->u.io.size, run->data);
	x86_skip(v);
	return reply;
}

#endif
