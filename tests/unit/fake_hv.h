/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/fake_hv.h: all of hv/ on the fake machine of arch/host, with the test in the place of the service VM. */
#ifndef TESTS_UNIT_FAKE_HV_H
#define TESTS_UNIT_FAKE_HV_H

#include "arch/host/host.h"
#include "hv/abi/service.h"
#include "hv/vm.h"

/* Memory map, from host_base on: RAM to 9f000, firmware's to 1 MiB, RAM to the end but for ACPI's last MiB; the
 * modules. */
#define T_ACPI	  0x3f00000UL
#define T_SERVICE 0x1000000UL /* the service VM's image, 64 KiB */
#define T_INITRD  0x1100000UL /* another module, 8 KiB */
#define T_RAM	  0x1800000UL /* from here on, to T_ACPI: free, in 2 MiB leaves */

/** Boot: power on, mem_init, service_create. The service vCPU runs. */
void hv_boot(void);
/** The same in two steps, with RAM from @base on: the test may change hv_boot_info and hv_header between them. */
void hv_find_memory(u64 base);
void hv_start(void);
extern struct service_header hv_header;
/** More of hv_boot_info: [@base, @end) is @kind (enum boot_mem_kind); a module. */
void hv_region(u64 base, u64 end, u32 kind);
void hv_module(u64 base, u64 size, const char *name);
/** Undo what hv/ keeps in static variables. */
void hv_off(void);
extern struct boot_info hv_boot_info;

/** The service VM calls @nr; returns the status. Its results are in hv_out, and who runs next in hv_next. */
u64 hv_call(u64 nr, u64 a, u64 b, u64 c, u64 d, u64 e);
extern u64 hv_out[3];
extern struct vcpu *hv_next;
/** REPLY_WAIT(@vcpu, @flags); returns who runs next. */
struct vcpu *hv_wait(u64 vcpu, u64 flags);
/** Guest @v makes exit @x, as hv_main would see it; returns who runs next. */
struct vcpu *hv_exit(struct vcpu *v, struct exit x);
/** Assert that the service VM is to run and has got this event. */
void hv_assert_event(struct vcpu *next, u64 kind, u64 cookie);

/** A VM of @pages donated at @pa; and its vCPU @index with the run page at @pa. Asserts success. */
u64 hv_make_vm(u64 pa, u64 pages, u64 cookie);
struct vcpu *hv_make_vcpu(u64 vm, u64 pa, u64 cookie, u64 index);
/** What the service VM sees of a run page. */
struct run_page *hv_run(struct vcpu *v);

/** A number that stands for the frame table, all stage-2 leaves, pools, lists and states. */
u64 hv_hash(void);
/** Violations that the audit finds now; its answer in hv_audited. */
u64 hv_audit(void);
extern struct hv_audit hv_audited;

/** A small generator, the same everywhere; hv_seed starts it. */
u32 hv_random(void);
extern u64 hv_seed;

/** hv/log.c's panic(), renamed: a test's own is fake_panic.c's. */
NORETURN void hv_panic(const char *fmt, ...) PRINTF(1, 2);

/** The log as it is before anything is said; memory stays, so log_keep is that of the next start. */
void hv_log_restart(void);
/** What the hypervisor has logged, as a string. */
const char *hv_log(void);

#endif
