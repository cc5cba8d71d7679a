/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/arm64/hypercall.c: the hypercall instruction and its registers, see hv/abi/hypercall.h. */
#include "guest/rt/hypercall.h"

/* X4 to X30 come back as they were. The memory clobber: a call reads and writes the mailbox and run pages. */
#define HYPERCALL "svc #0x5456"

struct hv_result hv_call(enum hypercall nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	register u64 x0 __asm__("x0") = nr;
	register u64 x1 __asm__("x1") = a;
	register u64 x2 __asm__("x2") = b;
	register u64 x3 __asm__("x3") = c;
	register u64 x4 __asm__("x4") = d;
	register u64 x5 __asm__("x5") = e;

	__asm__ volatile(HYPERCALL : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : "r"(x4), "r"(x5) : "memory", "cc");
	return (struct hv_result){ (status_t)x0, x1, x2, x3 };
}

struct hv_event hv_reply_wait(u32 vcpu, u64 flags)
{
	register u64 x0 __asm__("x0") = HV_REPLY_WAIT;
	register u64 x1 __asm__("x1") = vcpu;
	register u64 x2 __asm__("x2") = flags;

	__asm__ volatile(HYPERCALL : "+r"(x0), "+r"(x1), "+r"(x2) : : "x3", "memory", "cc");
	return (struct hv_event){ (status_t)x0, (u32)x1, x2 };
}
