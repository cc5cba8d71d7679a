/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest/vmm/arm64/emulate.h: A64 loads and stores that hardware does not decode for us: with writeback, of pairs,
 * of acquire and release (Arm ARM DDI 0487, C4.1, "Loads and Stores").
 */
#ifndef GUEST_VMM_ARM64_EMULATE_H
#define GUEST_VMM_ARM64_EMULATE_H

#include "guest/vmm/vm.h"

/* A load or store of one or two general registers. */
struct a64_insn {
	u8 rt, rt2, rn, rm; /* 31: zero register, as @rn the stack pointer                   */
	u8 size;	    /* bytes of each register's part in memory: 1, 2, 4, 8          */
	u8 count;	    /* registers: 1 or 2                                             */
	bool load;
	bool sign;  /* load: sign-extended                                           */
	bool wide;  /* and to 64 bits, else to 32                                    */
	bool wback; /* the base register is changed                                  */
	bool post;  /* after the access, which is at the old base                    */
	bool index; /* the offset is @rm, extended and shifted                       */
	u8 extend;  /* option field: 2 UXTW, 3 LSL, 6 SXTW, 7 SXTX                   */
	u8 shift;   /* 0 to 3                                                        */
	s64 imm;    /* offset in bytes, where there is no @rm                        */
};

/** What @word does. False: SIMD, exclusive, atomic, with a memory tag, a prefetch, or no load or store at all. */
MUST_CHECK bool a64_decode(u32 word, struct a64_insn *i);

/**
 * Carry out @i, which faulted at virtual address @gva, guest-physical @gpa, on @st: registers, stack pointers and pc
 * (st->regs as in the run page, the rest from HV_VCPU_GET). False, and nothing has changed: it reaches where neither
 * RAM nor a device is, does not touch @gva, or crosses into a page that the guest's tables do not let it reach.
 */
MUST_CHECK bool a64_step(struct vm *vm, struct vcpu_state *st, const struct a64_insn *i, u64 gva, u64 gpa);

/**
 * Where the tables of @st's guest lead @va, its MMU being on, for an access of the exception level in st->regs. False:
 * no translation, no right, or 52-bit addresses, which are not known here.
 */
MUST_CHECK bool a64_walk(const struct vm *vm, const struct vcpu_state *st, u64 va, bool write, u64 *gpa);

/** Does something answer at @gpa: a device, or PCI's windows, in which unclaimed reads are all ones? */
bool a64_bus_answers(struct vm *vm, u64 gpa);

#endif
