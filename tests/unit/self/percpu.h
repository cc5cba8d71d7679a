/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/self/percpu.h: the CPUs of a unit test: each thread says which one it is, and may change its mind. */
#ifndef SELF_PERCPU_H
#define SELF_PERCPU_H

#define FAKE_CPUS 8

__attribute__((weak)) struct rt_cpu fake_cpus[FAKE_CPUS];
__attribute__((weak)) bool fake_cpus_ready[FAKE_CPUS];
__attribute__((weak)) _Thread_local unsigned fake_cpu; /* this thread is CPU ... */

static inline struct rt_cpu *cpu_this(void)
{
	struct rt_cpu *c = &fake_cpus[fake_cpu];

	if (!fake_cpus_ready[fake_cpu]) {
		rt_cpu_init(c, fake_cpu);
		fake_cpus_ready[fake_cpu] = true;
	}
	return c;
}

/* All as at first. */
static inline void fake_cpus_reset(void)
{
	fake_cpu = 0;
	for (unsigned i = 0; i < FAKE_CPUS; i++) {
		fake_cpus[i] = (struct rt_cpu){ 0 };
		rt_cpu_init(&fake_cpus[i], i);
		fake_cpus_ready[i] = true;
	}
}

#endif
