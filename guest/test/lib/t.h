/* SPDX-License-Identifier: Apache-2.0 */
/* guest/test/lib/t.h: what every test guest can use, on any architecture: checks, console, exceptions, interrupts, PCI.
 */
#ifndef GUEST_TEST_T_H
#define GUEST_TEST_T_H

#include "hv/lib/util.h"

/* Each guest: its checks. The runtime prints "DONE n passed m failed" afterwards and powers off. */
void t_main(void);

/* --- console and checks: guest/test/lib/t.c
 * ----------------------------------------------------------------------------- */
void t_puts(const char *s);
void t_hex(u64 v);
void t_dec(u64 v);
/** Print PASS @name or FAIL @name. Returns @ok. */
bool t_check(const char *name, bool ok);
/** The same for equality, and print both values when they differ. */
bool t_eq(const char *name, u64 got, u64 want);
/** A rule of the CPU that QEMU's TCG or Bochs is known to break: a difference is reported as INFO, not FAIL. */
void t_hw(const char *name, u64 got, u64 want);
/** A rule of the interrupt controllers, chipset or devices that an emulator breaks: strict only where t_strict(). */
void t_dev(const char *name, u64 got, u64 want);
void t_info(const char *name, u64 value);
void t_skip(const char *name, const char *why);
NORETURN void t_done(void);

/* xorshift with a fixed seed, so that each run is the same. */
u64 t_rand(void);
void t_seed(u64 seed);

void *memset(void *d, int c, size_t n);
void *memcpy(void *restrict d, const void *restrict s, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* --- what each architecture provides: guest/test/x86, guest/test/arm64 --------------------------------------- */
/** Console, exceptions, interrupts, t_map. t_putc works before, too. */
void t_init(void);
void t_putc(char c);
NORETURN void t_power_off(void);
/** Is this Trivet, which answers for the devices itself? x86: by CPUID (KVM's signature); arm64: by a command line. */
bool t_strict(void);

/** Call @fn(@arg); what ended it (x86: the exception's vector, arm64: its class), or -1. Interrupts end up off. */
int trap_try(void (*fn)(void *), void *arg);
/** Is this result of trap_try that of an instruction that doesn't exist? */
bool trap_undefined(int x);
void irq_on(void);
void irq_off(void);
extern volatile u32 irq_count[]; /* by vector (x86) or INTID (arm64) */
void irq_clear(void);
/** Wait with interrupts on until @irq came @n times or about @ms milliseconds went by. */
bool irq_wait(u32 irq, u32 n, u32 ms);
/** Busy-wait. */
void delay_us(u32 us);
/** A clock, and its ticks in a millisecond. */
u64 t_clock(void);
u64 t_clock_ms(void);
/** Sleep until an interrupt comes. */
void t_halt(void);

/** Prepare message-signalled interrupt @n (< 8): what to write where, and its place in irq_count. False: none here. */
bool t_msi(unsigned n, u64 *addr, u32 *data, u32 *irq);
/** Prepare interrupt pin INTA of function @bdf: its place in irq_count, -1: not looked at on this machine. It is masked
 * when it comes, as a driver's handler would quieten the device; call again for the next. */
int t_intx(u16 bdf);

/** Instructions that call a hypervisor: kinds 0 to t_hypercalls - 1. Run under trap_try. Returns the first result. */
extern const unsigned t_hypercalls;
u64 t_hypercall(unsigned kind, u64 n, const u64 arg[4]);

struct t_range {
	u64 base, size;
	u32 type; /* 1: RAM */
};
extern struct t_range t_map[32]; /* memory as the loader told */
extern unsigned t_map_n;
extern const u64 t_ram_limit; /* this runtime's map ends here */
/** May a check write to this page of t_map's RAM: not the guest's own, not the loader's data? */
bool t_ram_free(u64 page);
/** Check what happens to accesses to a place where nothing is. */
void t_hole_test(void);
extern const u64 t_hole;       /* such a place, far from RAM */
extern const u64 t_device;     /* a device's registers that the hypervisor itself emulates */
extern const u32 t_pci_window; /* PCI memory below 4 GiB for BARs that have no address yet, 16 MiB */
/** Write to an I/O port of PCI. */
void t_port_write16(u16 port, u16 v);

static inline volatile u32 *mmio32(u64 a)
{
	return (volatile u32 *)(uintptr_t)a;
}

/* --- PCI: guest/test/lib/pci.c, and configuration space by the architecture
 * ------------------------------------------------------------------------------ */
/* @bdf: bus << 8 | device << 3 | function. */
u32 pci_r32(u16 bdf, u32 off);
u16 pci_r16(u16 bdf, u32 off);
u8 pci_r8(u16 bdf, u32 off);
void pci_w32(u16 bdf, u32 off, u32 v);
void pci_w16(u16 bdf, u32 off, u16 v);
void pci_w8(u16 bdf, u32 off, u8 v);
/** ECAM base for bus 0; 0: the machine has none. */
u64 pci_ecam(void);
/** First function on bus 0 with this vendor and device ID; -1. */
int pci_find(u16 vendor, u16 device);
/** Offset of capability @id from @after (0: first), 0: none. */
u8 pci_cap(u16 bdf, u8 id, u8 after);
/** A memory BAR's address (0: not a memory BAR). */
u64 pci_bar(u16 bdf, unsigned n);
/** The same, after moving one that is above 4 GiB or nowhere into t_pci_window, with decoding off. */
u64 pci_low_bar(u16 bdf, unsigned n);

/* virtio 1.x over PCI: where the structures are. */
struct vpci {
	u16 bdf;
	u64 common, notify, isr, device;
	u32 notify_mul;
	bool notify_io; /* notify is a port */
};
/** Find virtio device type @type (4: entropy, 2: block) and map its capabilities, bus mastering on. False: none. */
bool vpci_open(struct vpci *d, u16 type);
/** Reset, negotiate VERSION_1 only, leave at FEATURES_OK. False: the device refused. */
bool vpci_start(struct vpci *d);
/** Set queue @q to @size with the three addresses, vector @msix (0xffff: none), and enable it. */
void vpci_queue(struct vpci *d, u16 q, u16 size, u64 desc, u64 avail, u64 used, u16 msix);
void vpci_kick(struct vpci *d, u16 q);
u8 vpci_status(struct vpci *d);
void vpci_set_status(struct vpci *d, u8 s);
#endif
