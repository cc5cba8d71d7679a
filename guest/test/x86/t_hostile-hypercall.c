/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/x86/t_hostile-hypercall.c: VMCALL and VMMCALL with every number 0-64 and random arguments. Expected: #UD
 * or an error (RAX not 0); never success, since this guest holds no rights; PASS. */
#include "guest/test/lib/t.h"

struct call {
	u64 n, ret;
	bool amd;
};

static void hypercall(void *arg)
{
	struct call *c = arg;
	u64 a = c->n, b = t_rand(), d = t_rand(), s = t_rand(), t = t_rand();

	if (c->amd)
		__asm__ volatile("vmmcall"
				 : "+a"(a), "+b"(b), "+d"(d), "+S"(s), "+D"(t)::"rcx", "r8", "r9", "r10", "r11",
				   "memory");
	else
		__asm__ volatile("vmcall"
				 : "+a"(a), "+b"(b), "+d"(d), "+S"(s), "+D"(t)::"rcx", "r8", "r9", "r10", "r11",
				   "memory");
	c->ret = a;
}

void t_main(void)
{
	unsigned ud = 0, other = 0, ok = 0, err = 0;

	for (unsigned round = 0; round < 16; round++)
		for (u64 n = 0; n <= 64; n++)
			for (unsigned amd = 0; amd < 2; amd++) {
				struct call c = { n | (round & 1 ? t_rand() << 32 : 0), 0, amd };
				int x = trap_try(hypercall, &c);

				ud += x == X_UD;
				other += x >= 0 && x != X_UD;
				ok += x < 0 && c.ret == 0;
				err += x < 0 && c.ret != 0;
			}
	t_info("#UD", ud);
	t_info("errors", err);
	t_eq("no hypercall succeeded", ok, 0);
	t_eq("no other exception", other, 0);
	t_check("hypercalls survived", true);
}
