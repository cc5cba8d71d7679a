/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/x86/hypercall.c: the hypercall instruction and its registers, see hv/abi/hypercall.h. */
#include "guest/rt/hypercall.h"
#include "guest/rt/x86/hypercall.h"
#include "self/insn.h"

static bool hypercall_amd;

void hypercall_init(void)
{
	u32 r[4];

	cpu_cpuid(0, 0, r);
	/* "AuthenticAMD" and "HygonGenuine" by EBX; all others speak VMX. */
	hypercall_amd = r[1] == 0x68747541 || r[1] == 0x6f677948;
}

struct hv_result hv_call(enum hypercall nr, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	register u64 r10 __asm__("r10") = d;
	register u64 r8 __asm__("r8") = e;
	struct hv_result r;
	u64 rax = nr;

	/* The memory clobber: the call reads and writes the mailbox and run pages. */
	if (hypercall_amd)
		__asm__ volatile("vmmcall" : "+a"(rax), "+D"(a), "+S"(b), "+d"(c) : "r"(r10), "r"(r8) : "memory");
	else
		__asm__ volatile("vmcall" : "+a"(rax), "+D"(a), "+S"(b), "+d"(c) : "r"(r10), "r"(r8) : "memory");
	r.status = (status_t)rax;
	r.a = a;
	r.b = b;
	r.c = c;
	return r;
}

struct hv_event hv_reply_wait(u32 vcpu, u64 flags)
{
	u64 rax = HV_REPLY_WAIT, a = vcpu, b = flags, c;

	if (hypercall_amd)
		__asm__ volatile("vmmcall" : "+a"(rax), "+D"(a), "+S"(b), "=d"(c) : : "memory");
	else
		__asm__ volatile("vmcall" : "+a"(rax), "+D"(a), "+S"(b), "=d"(c) : : "memory");
	return (struct hv_event){ (status_t)rax, (u32)a, b };
}
