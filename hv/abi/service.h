/* SPDX-License-Identifier: Apache-2.0 */
/* hv/abi/service.h: the header of the service VM's image, and the state in which the hypervisor enters it. */
#ifndef HV_ABI_SERVICE_H
#define HV_ABI_SERVICE_H

#include "hv/abi/types.h"

#define SERVICE_MAGIC	0x3130435653565254ULL /* the bytes "TRVSVC01" */
#define SERVICE_VERSION 1

/*
 * At offset 0 of build/ARCH/service.bin, which is position-independent and is entered where it lies: page-aligned,
 * below 4 GiB, all of [base, base + image_size) readable, writable and executable.
 *
 * x86: entered in 32-bit protected mode, flat segments of 4 GiB, paging and interrupts off, at base + entry;
 * EDI = base, ESI = address of the mailbox page, below 4 GiB. Nothing else is promised, no stack either.
 * arm64: entered at EL0 at base + entry, X0 = base, X1 = address of the mailbox page. It has no page tables of its own:
 * the hypervisor maps memory by identity, [base, base + text_size) read-only and executable, all else writable and not
 * executable, and the page at base + guard not at all.
 */
struct service_header {
	u64 magic; /* SERVICE_MAGIC */
	u32 version;
	u32 header_size;
	u64 image_size; /* bytes; the file is as long, zeroed data included */
	u64 entry;	/* offset of the first instruction */
	u64 text_size;	/* bytes, page-aligned: text and constants, already relocated or free of addresses */
	u64 guard;	/* offset of a page to leave out, 0: none */
	u64 reserved[2];
};

static_assert(sizeof(struct service_header) == 64, "start.asm writes it");

#endif
