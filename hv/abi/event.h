/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/event.h: what REPLY_WAIT returns, and the run page in which an exit is described and completed. */
#ifndef HV_ABI_EVENT_H
#define HV_ABI_EVENT_H

#include "hv/abi/status.h"
#include "self/regs.h"

enum event_kind {
	EVENT_NONE,	/* only with WAIT_POLL                                   */
	EVENT_EXIT,	/* cookie: the vCPU's; its run page holds the record     */
	EVENT_DOORBELL, /* cookie: the doorbell's; rung once or more             */
	EVENT_IRQ,	/* cookie: IRQ_ATTACH's; level interrupts are masked until IRQ_ACK */
	EVENT_TIMER,	/* the TIMER_SET time has come                           */
	EVENT_KICK,	/* CPU_KICK, once or more                                */
};

/*
 * Every way out of a guest. X(NAME, function of hv/exit.c). Kinds that an architecture answers by itself are
 * counted and traced under their name too. Order is ABI (struct hv_stats, trace records).
 */
#define EXIT_LIST(X)                                                                    \
	X(NONE, none)		/* nothing to do: enter again                  */       \
	X(IRQ, irq)		/* a physical interrupt                        */       \
	X(NMI, nmi)		/* a physical NMI                              */       \
	X(HYPERCALL, hypercall) /* VMCALL, VMMCALL, SVC                        */       \
	X(IO, io)		/* IN, OUT                                     */       \
	X(IO_STRING, io_string) /* INS, OUTS                                   */       \
	X(MMIO, mmio)		/* stage 2 has no mapping, or not this right   */       \
	X(SYSREG, sysreg)	/* MSR or system register for the service VM   */       \
	X(CPUID, arch)		/* answered by the architecture, as those below */      \
	X(MSR, arch)                                                                    \
	X(APIC, arch) /* local interrupt controller access           */                 \
	X(XSETBV, arch)                                                                 \
	X(CR, arch)                                                                     \
	X(DR, arch)                                                                     \
	X(EXCEPTION, arch)	      /* intercepted exception given back            */ \
	X(WINDOW, arch)		      /* the guest can take an interrupt now         */ \
	X(UNDEFINED, arch)	      /* an instruction the guest does not have: #UD */ \
	X(CACHE, arch)		      /* INVD, WBINVD                                */ \
	X(PAUSE, pause)		      /* spinning                                    */ \
	X(HALT, halt)		      /* HLT, WFI                                    */ \
	X(EXTINT, extint)	      /* it would accept the 8259's interrupt now    */ \
	X(EOI, eoi)		      /* end of a level-triggered interrupt          */ \
	X(SHUTDOWN, shutdown)	      /* triple fault, or PSCI off                   */ \
	X(ENTRY_FAILED, entry_failed) /* the CPU refused the guest's state       */     \
	X(STOPPED, none)	      /* VCPU_STOP; data: 1, it was halted           */ \
	X(SIPI, sipi)		      /* INIT or SIPI for this vCPU                  */ \
	X(DEBUG, none)		      /* breakpoint or single step                   */ \
	X(LENGTH,                                                                       \
	  length) /* how long is the instruction at RIP? data is the answer, 1-15; the guest makes its exit again */

enum exit_kind {
#define X(NAME, fn) EXIT_##NAME,
	EXIT_LIST(X)
#undef X
		EXIT_COUNT
};

/* An injected exception. */
#define RUN_INJECT_VALID (1u << 31)
#define RUN_INJECT_ERROR (1u << 11) /* @error is pushed */

/* data of EXIT_SIPI: a start-up vector, or this for INIT. */
#define EXIT_SIPI_INIT 0x100u

/* run_page.flags, set by the hypervisor. */
#define RUN_STATE 0x1u /* regs is current beyond the general registers */
#define RUN_INSN  0x2u /* insn[] holds insn_len bytes from the CPU      */
#define RUN_OPERAND \
	0x4u /* MMIO without size: gpa is where an operand is, which the CPU has translated and may access so */

/* run_page.reply, set by the service VM, cleared by the hypervisor once used. */
#define REPLY_REGS \
	0x01u /* load what is beyond them (rip, rflags, rsp; pc, pstate) from regs (general registers always are) */
#define REPLY_SKIP   0x02u /* go behind the instruction: needs next_pc != 0  */
#define REPLY_INJECT 0x04u /* inject the exception in inject/error            */
#define REPLY_EXTINT 0x08u /* inject external interrupt inject (its vector)   */
#define REPLY_HALT   0x10u /* sleep until an interrupt                        */

/*
 * One per vCPU, owned by the service VM and shared with the hypervisor. The hypervisor writes the record when the
 * vCPU leaves the guest for the service VM and reads the reply at VCPU_RUN or REPLY_WAIT; the service VM is free to
 * write anything at any time: the hypervisor reads each field once and checks what it uses.
 */
struct run_page {
	struct vcpu_regs regs;

	u32 kind;    /* enum exit_kind */
	u32 flags;   /* RUN_*          */
	u64 next_pc; /* behind the instruction; 0: unknown */
	union {
		struct {
			u16 port;
			u8 size; /* 1, 2, 4 */
			u8 write;
			u8 rep;	      /* string forms */
			u8 addr_size; /* string forms: 2, 4, 8 */
			u8 seg;	      /* string forms: enum x86_sreg; 0xff unknown */
			u8 pad;
		} io; /* IO: the value is in data */
		struct {
			u64 gpa;
			u32 access; /* MAP_R, MAP_W or MAP_X; arm64, 0: cache maintenance */
			u8 size;    /* 1, 2, 4, 8 where hardware decoded it: the value is in data, else 0 */
			u8 pad[3];
			u64 gva;      /* where known, else ~0; arm64, ~0: the walk of the guest's tables */
			u64 insn_gpa; /* without size: guest-physical address of the instruction, ~0: unknown */
		} mmio;
		struct {
			u32 index;
			u32 write;
		} sysreg; /* the value is in data */
		struct {
			u32 vector;
		} eoi;
		struct {
			u64 code; /* the vendor's exit code or error, for the log */
			u64 info;
			char what[96]; /* in words */
		} fault;	       /* SHUTDOWN, ENTRY_FAILED */
	} u;
	u64 data; /* written: the value; read: the service VM's answer */
	u8 insn_len;
	u8 insn[15];

	u32 reply;  /* REPLY_* */
	u32 inject; /* vector | RUN_INJECT_ERROR */
	u32 error;  /* error code */
	u32 pad;
};

static_assert(sizeof(struct run_page) <= PAGE_SIZE, "a run page is a page");

/* One trace record; the ring is an array of these behind struct trace_ring. */
struct trace_record {
	u64 time; /* counter */
	u16 vm, vcpu;
	u16 kind; /* enum exit_kind */
	u16 pad;
	u64 pc;
	u64 a, b; /* by kind: port|size and data, gpa and access, ... */
};

struct trace_ring {
	u64 head; /* records ever written; the newest is at (head - 1) % size */
	u64 size; /* records that fit */
	u64 pad[2];
	struct trace_record rec[];
};

#endif
