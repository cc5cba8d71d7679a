/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/t_hostile-hypercall.c: each instruction that calls a hypervisor, with every number 0-64 and random
 * arguments. Expected: an undefined instruction or an error (a result that isn't 0); never success, since this guest
 * holds no rights; PASS. */
#include "guest/test/lib/t.h"

struct call {
	unsigned kind;
	u64 n, ret;
};

static void hypercall(void *arg)
{
	struct call *c = arg;
	const u64 random[4] = { t_rand(), t_rand(), t_rand(), t_rand() };

	c->ret = t_hypercall(c->kind, c->n, random);
}

void t_main(void)
{
	unsigned ud = 0, other = 0, ok = 0, err = 0;

	for (unsigned round = 0; round < 16; round++)
		for (u64 n = 0; n <= 64; n++)
			for (unsigned kind = 0; kind < t_hypercalls; kind++) {
				struct call c = { kind, n | (round & 1 ? t_rand() << 32 : 0), 0 };
				int x = trap_try(hypercall, &c);

				ud += trap_undefined(x);
				other += x >= 0 && !trap_undefined(x);
				ok += x < 0 && c.ret == 0;
				err += x < 0 && c.ret != 0;
			}
	t_info("undefined", ud);
	t_info("errors", err);
	t_eq("no hypercall succeeded", ok, 0);
	t_eq("no other exception", other, 0);
	t_check("hypercalls survived", true);
}
