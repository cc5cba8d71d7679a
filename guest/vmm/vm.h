/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/vm.h: a guest as the service VM sees it: its memory, its buses, its interrupts. */
#ifndef GUEST_VMM_VM_H
#define GUEST_VMM_VM_H

#include "guest/rt/rt.h"
#include "guest/rt/hypercall.h"
#include "guest/vmm/bus.h"

#define VM_NAME_MAX  32
#define VM_WHY_MAX   200
#define VM_MAX_RAM   4
#define VM_MAX_ROMS  2
#define VM_MAX_VCPUS 8

/* Guest RAM: [gpa, gpa+size) lies at mem in the service VM. */
struct vm_ram {
	u64 gpa, size;
	u8 *mem;
};

/* Firmware's memory, the same; mapped: the guest's CPUs reach it, for reading. */
struct vm_rom {
	u64 gpa, size;
	u8 *mem;
	bool mapped;
};

enum vm_state { VM_STOPPED, VM_RUNNING, VM_PAUSED, VM_CRASHED, VM_OFF };

/* Why a VM stopped for good. */
enum vm_stop { STOP_POWEROFF, STOP_RESET, STOP_CRASH };

/*
 * Where a vCPU is, as the service VM knows. It belongs to the CPU that serves its exit from VCPU_SERVED on until it is
 * back in the guest; others, who stop or pause the VM, may only cancel the reply. All changes but the two of the exit's
 * way, VCPU_IN to VCPU_SERVED to VCPU_IN, are made with the VM's lock.
 *
 *   OUT ------ started ------> IN --- its exit comes ---> SERVED --- reply ---> IN
 *                                                           | vm_stop, vm_pause
 *                       paused: HELD, stopped: OUT <---- CANCELLED (its handler has ended)
 *
 * An exit that comes when the VM does not run goes from SERVED to HELD or OUT at once; HELD becomes SERVED by
 * vm_resume.
 */
enum vcpu_at { VCPU_OUT, VCPU_IN, VCPU_SERVED, VCPU_CANCELLED, VCPU_HELD };

/* What a held vCPU lacks: all of its exit is to be served, or it wants the reply alone. */
enum vcpu_held { HELD_EXIT, HELD_REPLY };

struct vm;
struct vcpu {
	struct vm *vm;
	u32 id; /* the hypervisor's number */
	unsigned index;
	struct run_page *run;
	u64 exits[EXIT_COUNT]; /* that came to the service VM */
	u32 at;		       /* enum vcpu_at */
	bool owed;	       /* its handler wants the reply given; its CPU's alone */
	bool parked;	       /* it halted with interrupts off, or awaits a SIPI */
	enum vcpu_held held;
	unsigned cpu;	/* where its exit was when it was held */
	struct work go; /* there, when it goes on              */
};

/* A piece of RAM that is out of the guest's stage 2 until it is used. */
struct vm_hole {
	u64 gpa, size;
};

#define VM_MAX_HOLES 64

struct vm {
	char name[VM_NAME_MAX];
	u32 id; /* the hypervisor's number */
	struct lock lock;
	u32 state; /* enum vm_state: changed with the lock, read without */
	unsigned nram;
	struct vm_ram ram[VM_MAX_RAM];
	/* Firmware: the guest's CPUs read it and run from it directly; what they write goes to the bus. Not for DMA. */
	unsigned nroms;
	struct vm_rom rom[VM_MAX_ROMS];
	struct bus pio;	 /* I/O ports (x86)         */
	struct bus mmio; /* guest-physical memory   */
	unsigned nvcpus;
	struct vcpu vcpu[VM_MAX_VCPUS];
	void *platform; /* the architecture's machine */
	/* Sets the level of global system interrupt @gsi; the platform provides it. */
	void (*irq)(struct vm *, unsigned gsi, bool level);
	/* Called from the first CPU's event loop when, after vm_stop, its last vCPU has come out; the owner provides
	 * it. */
	void (*stopped)(struct vm *);
	/* The hypervisor's memory for this VM has run out: give it more. False: there is none. The owner provides it.
	 */
	bool (*donate)(struct vm *);
	enum vm_stop stop_how;
	char stop_why[VM_WHY_MAX];
	struct work stop_work;
	struct timer chase; /* stops vCPUs whose reply was on its way when they were to stop */
	bool stop_told;
	struct lock ram_lock; /* the rest is under it */
	unsigned nholes;
	struct vm_hole hole[VM_MAX_HOLES];
	u64 refaults; /* pieces that were mapped again because the guest used them */
};

/** Before anything else of @vm is used; it is zeroed. */
void vm_init(struct vm *vm);

static inline enum vm_state vm_state(const struct vm *vm)
{
	return (enum vm_state)__atomic_load_n(&vm->state, __ATOMIC_RELAXED);
}

/**
 * The service VM's view of guest memory [@gpa, @gpa+@len), or NULL unless all of it is RAM in one piece.
 * What is there may change under the reader: copy, then check.
 */
void *vm_mem(const struct vm *vm, u64 gpa, u64 len);
/** As vm_mem, but takes what lies in one piece: cuts *@len down to it. NULL: @gpa is not RAM. */
void *vm_mem_part(const struct vm *vm, u64 gpa, u64 *len);
/** Copy out of or into guest RAM, over several pieces. ERR_RANGE: something is not RAM, nothing was copied. */
MUST_CHECK status_t vm_read(const struct vm *vm, u64 gpa, void *buf, u64 len);
MUST_CHECK status_t vm_write(const struct vm *vm, u64 gpa, const void *buf, u64 len);

static inline void vm_irq(struct vm *vm, unsigned gsi, bool level)
{
	vm->irq(vm, gsi, level);
}

/** Deliver a message-signalled interrupt. */
static inline void vm_msi(struct vm *vm, u64 addr, u32 data)
{
	hv_vm_irq(vm->id, addr, data);
}

/*
 * RAM and stage 2. Invariant: what is not mapped is in vm->hole, and nothing else is; both change together, under
 * vm->ram_lock. Only vm_ram_unmap takes RAM out (the guest's owner does not, but for all of it at the VM's end, with no
 * vCPU left). A vCPU that finds RAM missing calls vm_ram_fault, and tries again: if another was faster, it is there.
 */

/** Take [@gpa, @gpa+@size), whole pages of RAM in one piece, away. ERR_RANGE; ERR_EXISTS: some of it is away; ERR_FULL.
 */
MUST_CHECK status_t vm_ram_unmap(struct vm *vm, u64 gpa, u64 size);
/** An access to @gpa found nothing in stage 2. True: that is RAM, and is mapped now. The VM may have been stopped. */
bool vm_ram_fault(struct vm *vm, u64 gpa);
/** Give all of it back. False: as vm_ram_fault, the VM has been stopped. */
bool vm_ram_restore(struct vm *vm);
/** Is @gpa RAM? */
static inline bool vm_is_ram(const struct vm *vm, u64 gpa)
{
	for (unsigned i = 0; i < vm->nram; i++) {
		if (gpa - vm->ram[i].gpa < vm->ram[i].size)
			return true;
	}
	return false;
}

/** The bytes of firmware at [@gpa, @gpa+@len), or NULL unless all of it lies in one piece. */
static inline const u8 *vm_rom(const struct vm *vm, u64 gpa, u64 len)
{
	for (unsigned i = 0; i < vm->nroms; i++) {
		if (range_in(gpa, len, vm->rom[i].gpa, vm->rom[i].size))
			return vm->rom[i].mem + (gpa - vm->rom[i].gpa);
	}
	return NULL;
}

/**
 * The guest asked for it, or must be stopped: no vCPU of it gets a reply from now on, and from the event loop on none
 * runs. Says @why on its console. From any CPU, with any locks up to LOCK_VM.
 */
void vm_stop(struct vm *vm, enum vm_stop how, const char *why, ...) PRINTF(3, 4);

/** None of @vm's vCPUs runs until vm_resume; its timers and counters go on. False: it does not run. */
bool vm_pause(struct vm *vm);
/** @vm goes on where vm_pause has stopped it, each vCPU on its CPU. False: it was not paused. */
bool vm_resume(struct vm *vm);
/** It runs from now on: vm_start lets its vCPUs run, one after the other. */
void vm_running(struct vm *vm);
/** Let @v, which is out, run from its present state on, unless the VM has been stopped. The hypervisor's errors. */
MUST_CHECK status_t vm_start(struct vcpu *v);
/** @v sleeps, and nothing but another vCPU of the guest wakes it. True: so do all. */
bool vm_park(struct vcpu *v);

/* For the event loop, where the VM is not as it should be, or @v not. */
/** @v's exit has come and the VM does not run. True: it does; serve it. */
bool vm_exit_late(struct vcpu *v);
/** @v's exit has been served, and its reply was cancelled, or it wants none. True: give it all the same. */
bool vm_reply_late(struct vcpu *v);
/** The hypervisor did not take the reply: @v is out, and the VM stops. */
void vm_refused(struct vcpu *v, status_t status);

#endif
