/* SPDX-License-Identifier: Apache-2.0 */
/* arch/host/host.h: how a test rules the fake machine behind arch/iface. */
#ifndef ARCH_HOST_HOST_H
#define ARCH_HOST_HOST_H

#include <setjmp.h>

#include "arch/iface/cpu.h"
#include "arch/iface/mem.h"
#include "arch/iface/vcpu.h"

#define HOST_HZ		1000000000UL /* counter ticks a second */
#define HOST_IMAGE	0x100000UL   /* the hypervisor's image, from host_base on */
#define HOST_IMAGE_SIZE 0x41800UL
#define HOST_DEVICE	0xfee00000UL /* the one device that the hypervisor keeps, a page */
#define HOST_GUESTS	0xfed00000UL /* a page of a device that hardware keeps apart for each guest */
#define HOST_GSIS	0x100u	     /* interrupts that the machine has */
#define HOST_SCRIPT	32
#define HOST_CPUS	4

/* How the machine stopped for good; a test that expects it sets host_end_armed and setjmp's host_end. */
enum host_end { HOST_RUNS, HOST_RESET, HOST_POWEROFF, HOST_HALT };
extern jmp_buf host_end;
extern bool host_end_armed;

/** A fresh machine: memory full of 0xa5, all of it in reach until arch_mem_init, counter at 1000. Its memory starts at
 * host_base, which the test has set before. */
void host_power_on(void);
/* Its parts. */
void host_mem_reset(void);
void host_vcpu_reset(void);
/** Does the hypervisor map the page of @pa? And how many in all? */
bool host_mapped(u64 pa);
extern u64 host_mapped_pages;
extern u32 host_mem_flushes; /* arch_mem_flush was called: by other CPUs */
/** The format of stage-2 tables and of the hypervisor's own. */
extern const struct ptab_format host_format;

extern unsigned host_ncpus; /* CPUs that firmware lists; after host_power_on: 1 */
extern u32 host_kicked;	    /* bit n: arch_cpu_kick(n) was called */
extern void *host_blocks[HOST_CPUS];
extern bool host_cpu_dead[HOST_CPUS];	  /* firmware refuses to start it */
extern void (*host_on_start)(unsigned n); /* what a CPU that starts does; it shall return */
extern void (*host_on_idle)(void);  /* what happens while a CPU but the first idles; it returns when that is woken */
extern void (*host_on_relax)(void); /* what others do while one waits; NULL: nothing will happen */

extern u32 host_features;   /* arch_features; after host_power_on: 1G pages */
extern u64 host_timer;	    /* last arch_timer_set */
extern u32 host_timer_sets; /* how often           */
extern unsigned host_idles; /* arch_idle was called */
extern unsigned host_polls; /* arch_irq_poll        */
extern int host_idle_gsi;   /* the interrupt that ends the next arch_idle, -1: the timer does */
extern bool host_gsi_on[HOST_GSIS], host_gsi_masked[HOST_GSIS];
extern int host_override;      /* the GSI of ISA IRQ 0, -1: itself */
extern char host_console[512]; /* last text of the fake 16550, in a ring */
extern u64 host_console_n;
extern unsigned host_dumps;
/** A device raises @gsi. */
void host_raise(u32 gsi);

/** The next exits of arch_vcpu_run, whoever runs; none left: EXIT_NONE. */
void host_script(const struct exit *x);
/** arch_vcpu_init fails the next time. */
extern bool host_vcpu_init_fails;
/** VMs between arch_vm_init and arch_vm_fini. */
extern unsigned host_vms;
/** What a device does while a configuration or state is taken over; NULL: nothing. */
extern void (*host_meanwhile)(void);

#endif
