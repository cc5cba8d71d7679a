/* SPDX-License-Identifier: Apache-2.0 */
/* arch/iface/exit.h: why a guest stopped, decoded once by the architecture; handlers never read hardware. */
#ifndef ARCH_IFACE_EXIT_H
#define ARCH_IFACE_EXIT_H

#include "hv/abi/event.h"

struct exit {
	enum exit_kind kind;
	u64 next_pc; /* behind the instruction; 0: unknown          */
	u64 data;    /* what the guest writes, for IO and SYSREG    */
	union {
		struct {
			u16 port;
			u8 size;
			bool write;
			bool rep;
			u8 addr_size; /* string forms               */
			u8 seg;	      /* string forms, 0xff unknown */
		} io;
		struct {
			u64 gpa;
			u64 gva;	/* ~0: unknown, or a walk's */
			u32 access;	/* MAP_R, MAP_W, MAP_X; 0: cache maintenance */
			const u8 *insn; /* the CPU gave the instruction: insn_len bytes, up to 15 */
			u8 insn_len;	/* 0: it did not */
			u8 size;	/* hardware decoded it, bytes; a value written is in data. 0: it did not */
			u64 insn_gpa;	/* of the instruction, ~0: unknown */
			bool operand;	/* gpa is where its operand is, not an entry of the guest's tables */
		} mmio;
		struct {
			u32 index;
			bool write;
		} sysreg;
		u32 vector; /* EOI */
		struct {
			u64 code;
			u64 info;
			const char *what;
		} fault; /* SHUTDOWN, ENTRY_FAILED, HALT for ever */
	};
};

#endif
