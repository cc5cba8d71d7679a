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
#define VM_MAX_VCPUS 8

/* Guest RAM: [gpa, gpa+size) lies at mem in the service VM. */
struct vm_ram {
	u64 gpa, size;
	u8 *mem;
};

enum vm_state { VM_STOPPED, VM_RUNNING, VM_PAUSED, VM_CRASHED, VM_OFF };

/* Why a VM stopped for good. */
enum vm_stop { STOP_POWEROFF, STOP_RESET, STOP_CRASH };

/* A paused vCPU has an exit that nobody has served yet, or one that lacks only the reply. */
enum vcpu_held { HELD_NOT, HELD_EXIT, HELD_REPLY };

struct vm;
struct vcpu {
	struct vm *vm;
	u32 id; /* the hypervisor's number */
	unsigned index;
	struct run_page *run;
	u64 exits[EXIT_COUNT]; /* that came to the service VM */
	bool in_guest;	       /* it was let run and has not exited since         */
	bool owed;	       /* its exit is being served: the loop will reply   */
	enum vcpu_held held;   /* while the VM is paused: what vm_resume has to do     */
	bool parked;	       /* it halted with interrupts off, or awaits a SIPI */
};

struct vm {
	char name[VM_NAME_MAX];
	u32 id; /* the hypervisor's number */
	enum vm_state state;
	unsigned nram;
	struct vm_ram ram[VM_MAX_RAM];
	struct bus pio;	 /* I/O ports (x86)         */
	struct bus mmio; /* guest-physical memory   */
	unsigned nvcpus;
	struct vcpu vcpu[VM_MAX_VCPUS];
	void *platform; /* the architecture's machine */
	/* Sets the level of global system interrupt @gsi; the platform provides it. */
	void (*irq)(struct vm *, unsigned gsi, bool level);
	/* Called from the event loop when, after vm_stop, its last vCPU has come out; the owner provides it. */
	void (*stopped)(struct vm *);
	enum vm_stop stop_how;
	char stop_why[VM_WHY_MAX];
	struct work stop_work;
	bool stop_told;
};

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

/** The guest asked for it, or must be stopped: from the event loop on, no vCPU of it runs. Says @why on its console. */
void vm_stop(struct vm *vm, enum vm_stop how, const char *why, ...) PRINTF(3, 4);

/** None of @vm's vCPUs runs until vm_resume; its timers and counters go on. False: it does not run. */
bool vm_pause(struct vm *vm);

#endif
