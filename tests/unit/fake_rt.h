/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_rt.h: a fake of guest/rt and of the hypervisor, for tests of device models. */
#ifndef FAKE_RT_H
#define FAKE_RT_H

#include "guest/rt/cpu.h"
#include "guest/rt/rt.h"
#include "guest/rt/tty.h"
#include "guest/vmm/vm.h"

#define FAKE_MAX 256

struct fake_msi {
	u32 vm;
	u64 addr;
	u32 data;
};

struct fake_call {
	enum hypercall nr;
	u64 a, b, c, d, e;
};

struct fake_rt {
	u64 now;  /* what time_ns() says   */
	u64 wall; /* what time_wall() says at now = 0; it goes on with now */
	unsigned nmsi;
	struct fake_msi msi[FAKE_MAX]; /* the first FAKE_MAX of hv_vm_irq */
	unsigned nextint;	       /* calls of hv_vcpu_extint   */
	u32 extint_vcpu;
	bool extint;
	unsigned ncall;
	struct fake_call call[FAKE_MAX]; /* of hv_call, vm_map, vm_unmap, doorbell */
	struct hv_result result;	 /* what hv_call answers   */
	unsigned nstop;			 /* calls of vm_stop       */
	enum vm_stop stop;
	char why[128];
	unsigned nirq;		/* calls of fake_vm's irq */
	bool gsi_level[64];	/* last level by GSI      */
	unsigned gsi_edges[64]; /* low to high changes    */
	unsigned nfault;	/* calls of vm_ram_fault  */
	unsigned nline;		/* calls of hv_vm_line    */
	bool line[256];		/* last level by line     */
	bool no_memory;		/* mem_alloc fails        */
	char log[256];		/* the last line          */
};

extern struct fake_rt fake;

/** Forget everything: time 0, no timers, no work. Call in each test's setup. */
void fake_reset(void);
/** Let @ns nanoseconds pass, calling timers in order of their time, with time_ns() saying that time. */
void fake_advance(u64 ns);
/** Run queued work until there is none; returns how many ran. At most 10000. */
unsigned fake_run_work(void);
/** A VM with @ram_size bytes of RAM from 0 on, its irq() recorded in fake.gsi_*, id 7, vCPU 0's id 70. */
void fake_vm_init(struct vm *vm, u64 ram_size);
void fake_vm_free(struct vm *vm);

/* A tty whose host end is a buffer. */
struct fake_tty {
	struct tty tty;
	u8 out[4096];
	size_t nout;
	size_t space; /* how much output() still takes */
	u8 in[4096];  /* input that waits              */
	size_t nin;
	unsigned nread; /* calls of read()               */
};
void fake_tty_init(struct fake_tty *t);
/** More input, and word of it; returns how much of what waits the guest's end took. What it did not still waits. */
size_t fake_tty_input(struct fake_tty *t, const char *s);
/** The host end takes @n more bytes and says so. */
void fake_tty_room(struct fake_tty *t, size_t n);

#endif
