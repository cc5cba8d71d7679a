/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/pci.h: a guest's PCI root, its functions, their BARs, capabilities and MSI-X. */
#ifndef GUEST_VMM_PCI_H
#define GUEST_VMM_PCI_H

#include "guest/vmm/vm.h"

#define PCI_BARS     6
#define PCI_MSIX_MAX 32
#define PCI_CFG_SIZE 4096

struct pci_dev;

struct pci_bar {
	u32 size; /* a power of two; 0: none. MMIO BARs at least 4 KiB, I/O at least 4 */
	bool io;
	bool is64;		   /* takes the next BAR's place too */
	const struct bus_ops *ops; /* called with dev = the struct pci_dev */
	struct bus_region region;  /* on the bus while decoding is on  */
	bool mapped;
};

struct pci_msix {
	unsigned nvectors;
	unsigned bar; /* the table at offset 0, the PBA at half of the BAR's size */
	u8 cap;	      /* configuration offset */
	struct {
		u64 addr;
		u32 data;
		u32 ctrl; /* bit 0: masked */
	} table[PCI_MSIX_MAX];
	u64 pending;
};

/* A function. A device model embeds it. */
struct pci_dev {
	struct vm *vm;
	struct lock lock;      /* its configuration space, its BARs' registers, the device model */
	struct pci_root *root; /* NULL until pci_add */
	u8 devfn;
	u8 cfg[PCI_CFG_SIZE];	/* little-endian, as the guest reads it        */
	u8 wmask[PCI_CFG_SIZE]; /* bits that the guest may write               */
	u8 w1c[256];		/* bits that a written one clears              */
	unsigned next_cap;	/* first free byte for a capability            */
	u8 *last_cap_link;
	struct pci_bar bar[PCI_BARS];
	struct pci_msix msix;
	bool intx;		    /* level of its INTx pin, as the device model wants it         */
	bool intx_out;		    /* the same after the disable bit and MSI-X; under intx_lock, too */
	u8 reset_cfg[PCI_CFG_SIZE]; /* cfg as pci_root_assign left it                               */
	/* Optional: a write to configuration space behind the header has been stored at [off, off+size). */
	void (*cfg_written)(struct pci_dev *, unsigned off, unsigned size);
	/* Optional: reading [off, off+size): the model may refresh cfg first. */
	void (*cfg_read)(struct pci_dev *, unsigned off, unsigned size);
	/* Optional: bar @n has been mapped (region.base is its address) or unmapped. */
	void (*bar_moved)(struct pci_dev *, unsigned n, bool mapped);
};

#define PCI_MAX_DEVS 32

struct pci_root {
	struct vm *vm;
	struct lock lock;	  /* the ways to configuration space, and where BARs lie    */
	struct lock intx_lock;	  /* pins and the lines that they share                     */
	struct pci_dev *dev[256]; /* by devfn on bus 0 */
	struct bus_region ecam;	  /* 1 MiB a bus; bus 0 only is populated */
	struct bus_region cf8;	  /* ports CF8-CFF (x86) */
	u32 config_address;
	/* Where firmware would put BARs: the root assigns them at pci_root_assign, as guests without firmware expect.
	 */
	u64 mmio_next, mmio_end;     /* 32-bit window  */
	u64 io_next, io_end;	     /* port window    */
	u64 mmio64_next, mmio64_end; /* 64-bit window  */
	/* The GSI for INTx pin 1-4 of a device number; the platform provides it and puts the same into ACPI or FDT. */
	unsigned (*intx_gsi)(unsigned dev, unsigned pin);
};

/**
 * Put the root on @vm's buses: ECAM of bus 0 at @ecam_base; with @cf8 also the ports CF8 and CFC. Windows and
 * intx_gsi are the caller's to set, before or after. ERR_EXISTS, ERR_FULL.
 */
MUST_CHECK status_t pci_root_init(struct pci_root *, struct vm *vm, u64 ecam_base, bool cf8);
/** Fill the header of @d: vendor, device, class (24 bit), subsystem; clears everything else. */
void pci_dev_init(struct pci_dev *d, struct vm *vm, u16 vendor, u16 device, u32 class_code, u8 rev, u16 subvendor,
		  u16 subdevice);
/** Declare BAR @n. */
void pci_bar_init(struct pci_dev *d, unsigned n, u32 size, bool io, bool is64, const struct bus_ops *ops);
/** Append a capability of @len bytes (id and link included) and return its offset; the caller fills the rest. */
unsigned pci_cap_add(struct pci_dev *d, u8 id, unsigned len);
/** Make @d an endpoint integrated into the root complex (PCI Express 5.0, 7.5.3), so that ECAM guests take it. */
void pci_express_init(struct pci_dev *d);
/** Give @d MSI-X with @n vectors, its table in BAR @bar, which this call declares and serves by itself. */
void pci_msix_init(struct pci_dev *d, unsigned bar, unsigned n);
/** Put @d on the bus at @devfn. ERR_EXISTS. */
MUST_CHECK status_t pci_add(struct pci_root *, struct pci_dev *d, unsigned devfn);
/** Make @d the root's host bridge and put it on the bus as device 0. ERR_EXISTS. */
MUST_CHECK status_t pci_host_bridge_init(struct pci_root *, struct pci_dev *d);
/**
 * The same as Intel's 440FX, whose place firmware knows: 82441FX (290549-001), with the PAM registers of 3.2.18. All of
 * C0000h to FFFFFh is RAM whatever they say, as if each said that reads and writes go there.
 */
MUST_CHECK status_t pci_440fx_init(struct pci_root *, struct pci_dev *d);
/** Assign addresses to the BARs of all functions and turn decoding on, as firmware would have. ERR_FULL. */
MUST_CHECK status_t pci_root_assign(struct pci_root *);
/** Reset every function's configuration to what pci_root_assign left. */
void pci_root_reset(struct pci_root *);
/* All that follows is called with d->lock held, but for pci_cfg_read and pci_cfg_write, which take it. */
/** Raise MSI-X vector @v (kept pending while masked); false when MSI-X is off: use pci_intx. */
bool pci_msix_raise(struct pci_dev *d, unsigned v);
bool pci_msix_on(const struct pci_dev *d);
/** Forget vectors and pending bits, as a reset does. */
void pci_msix_reset(struct pci_dev *d);
/** Deliver what is pending and no longer masked. */
void pci_msix_flush(struct pci_dev *d);
/** Set the level of the function's INTx pin. */
void pci_intx(struct pci_dev *d, bool level);
/** The pin's level follows the disable bit and MSI-X: call when one of them has changed. */
void pci_intx_update(struct pci_dev *d);
/** Take off the bus the BARs whose address or decoding has changed; true if there was one. */
bool pci_bars_unmap(struct pci_dev *d);
/** Put on the bus what decodes and is not there. What would overlap something stays off. */
void pci_bars_map(struct pci_dev *d);
u64 pci_cfg_read(struct pci_dev *d, unsigned off, unsigned size);
void pci_cfg_write(struct pci_dev *d, unsigned off, unsigned size, u64 value);

#endif
