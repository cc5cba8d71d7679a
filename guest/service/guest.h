/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/guest.h: a configured guest: made at boot, started, restarted and ended by its configuration. */
#ifndef GUEST_SERVICE_GUEST_H
#define GUEST_SERVICE_GUEST_H

#include "guest/drv/ramdisk.h"
#include "guest/service/config.h"
#include "guest/service/console.h"
#include "guest/vmm/loop.h"
#include "guest/vmm/machine.h"
#include "hv/abi/boot_info.h"

#define GUEST_DONATIONS 8 /* the hypervisor takes no more */

/* Has it a VM, with memory and CPUs? While it is scrubbed: no longer, and not again yet. */
enum guest_life { GUEST_GONE, GUEST_MADE, GUEST_SCRUBBED };

struct guest {
	struct vm vm; /* first: vm->stopped gets back from it */
	const struct config_vm *config;
	struct machine machine;
	struct disk *disk[CONFIG_MAX_DISKS];
	struct console *serial, *virtio;
	u64 counter_offset; /* of its vCPUs, as in struct vcpu_state */
	struct timer restart;
	enum guest_life life;
	struct work scrub; /* GUEST_SCRUBBED: its memory goes back */
	bool again;	   /* and it is to start anew when that is done */
	unsigned ndonations;
	struct {
		void *mem;
		u64 size;
	} donation[GUEST_DONATIONS]; /* what the hypervisor has for it */
	unsigned cpu[VM_MAX_VCPUS];  /* physical CPU of each of its own */
	unsigned priority, shares;
	struct work shake;
	u64 shakes, shaken, shake_seed; /* how often yet, how often done, the generator's state */
	u64 starts, started;		/* how often, and time_ns() of the last */
	bool ended;			/* for good */
	bool stays;			/* stopped from the console: it does not start again by itself */
};

extern struct hv_info service_info;
extern struct guest *guests[CONFIG_MAX_VMS];
extern unsigned nguests;

/** Where boot modules are found by name. */
void guest_modules(const struct boot_info *boot);
/** The boot module called @name (the first word of its command line, or that word's last path component). */
const struct boot_module *guest_module(const char *name);

/** Make the VM that @config describes, up to its devices. False: said why in the log. */
bool guest_create(const struct config_vm *config);
/** Load its kernel and let its first CPU run. False: said why in the log. */
bool guest_start(struct guest *g);
/** It could not be started: it has ended, and what it had goes back. */
void guest_failed(struct guest *g);
/** Stop it for good: it runs no more when service_guest_ended is called, which may be from here. */
void guest_stop(struct guest *g);
/** Start one that does not run, as after a reset, with a new VM if it has none. False: its last life is not over yet.
 */
bool guest_again(struct guest *g);
/** Does it run, or stand still only because it was paused? */
static inline bool guest_lives(const struct guest *g)
{
	enum vm_state s = vm_state(&g->vm);

	return s == VM_RUNNING || s == VM_PAUSED;
}
/** Put its vCPU @i on physical CPU @cpu, with its priority, shares and budget. The hypervisor's errors. */
MUST_CHECK status_t guest_sched(struct guest *g, unsigned i, unsigned cpu);
/**
 * @n times, as fast as it goes beside all else, take a random piece of its RAM out of its stage 2; it comes back when
 * it is used. Says so in the log at the end. False: it does not run, or this is under way.
 */
bool guest_shake(struct guest *g, u64 n, u64 seed);
struct guest *guest_by_name(const char *name);
/** Have the hypervisor check who owns which page, and log the result. */
void guest_audit(void);

/** All guests have ended: main.c decides. */
void service_guest_ended(void);
/** Send what is in the consoles, then power off (MACHINE_POWEROFF) or reset. */
NORETURN void service_machine(unsigned what);
/** Stop all guests, then power the machine off (MACHINE_POWEROFF) or reset it. May return: that happens later then. */
void service_leave(unsigned what);
/** Has service_leave been called? Nothing starts again then. */
bool service_leaving(void);
/** A line typed on the service console. */
void command_line(char *text);
/** Into the log, with the configuration's `statistics`: the exits of each of @g's vCPUs by kind, and how many of them
 * came to the service VM. */
void command_log_exits(const struct guest *g);
extern bool guest_statistics;

#endif
