/* SPDX-License-Identifier: Apache-2.0 */
/* hv/lib/ptab.h: one page-table walker for every kind of table, told apart by a const format. */
#ifndef HV_LIB_PTAB_H
#define HV_LIB_PTAB_H

#include "hv/abi/status.h"
#include "hv/lib/pool.h"

/* Rights and memory type, neutral; a format turns them into its bits and back. */
#define PT_R	  0x01u /* read                                        */
#define PT_W	  0x02u /* write                                       */
#define PT_X	  0x04u /* execute                                     */
#define PT_USER	  0x08u /* reachable from the unprivileged mode        */
#define PT_GLOBAL 0x10u /* kept over an address-space switch           */
#define PT_DEVICE 0x20u /* uncached device memory; else write-back RAM */
#define PT_WC	  0x40u /* write-combining                             */
#define PT_FLAGS  0x7fu

#define PT_MAX_LEVELS 5

/*
 * The format of a kind of table. Level 0 holds 4 KiB leaves; the root is level levels-1.
 * All tables are one page of 512 eight-byte entries, but for a root of @root_pages pages
 * (Arm stage 2 concatenation).
 */
struct ptab;

struct ptab_format {
	const char *name;
	unsigned levels;				     /* 3, 4 or 5                                           */
	unsigned max_leaf;				     /* highest level that may hold a leaf: 0 4K, 1 2M, 2 1G */
	unsigned addr_bits;				     /* width of the input address                          */
	u64 pa_mask;					     /* the bits of an entry that hold a physical address   */
	unsigned root_pages;				     /* 1, or more when concatenated                        */
	u64 (*leaf)(u64 pa, unsigned flags, unsigned level); /* make a leaf entry   */
	u64 (*table)(u64 pa);				     /* make a table entry  */
	unsigned (*flags)(u64 entry, unsigned level);	     /* PT_* of a leaf      */
	bool (*present)(u64 entry);
	bool (*is_leaf)(u64 entry, unsigned level); /* of a present entry  */
	/*
	 * NULL: not needed. Of a table that is in use, by other CPUs too: broken forgets cached translations everywhere
	 * between a large leaf's end and the table in its place (Arm ARM, D8.14.1, break-before-make); publish lets
	 * table walks see what has been written.
	 */
	void (*broken)(const struct ptab *pt);
	void (*publish)(void);
};

/* How this program reaches a table: physical address to pointer and back. */
struct ptab_mem {
	void *(*ptr)(u64 pa);
	u64 (*pa)(const void *ptr);
};

struct ptab {
	const struct ptab_format *fmt;
	const struct ptab_mem *mem;
	unsigned max_leaf; /* this machine's limit, at most fmt->max_leaf */
	u64 *root;
};

struct ptab_leaf {
	u64 va; /* input address of the leaf's start */
	u64 pa;
	u64 size;	/* 4K, 2M or 1G */
	unsigned flags; /* PT_*         */
};

/** Take a root from @pool. ERR_NOMEM. */
MUST_CHECK status_t ptab_init(struct ptab *pt, const struct ptab_format *fmt, const struct ptab_mem *mem,
			      struct pool *pool);

/**
 * Map [@va, @va+@size) to @pa with @flags, in the largest leaves that both alignments and max_leaf
 * allow. All in bytes, multiples of 4 KiB. ERR_ALIGN, ERR_RANGE (beyond addr_bits or pa_mask, wraps),
 * ERR_EXISTS (any of it is mapped), ERR_NOMEM: nothing has changed, tables taken are given back.
 */
MUST_CHECK status_t ptab_map(struct ptab *pt, u64 va, u64 pa, u64 size, unsigned flags, struct pool *pool);

/**
 * Unmap [@va, @va+@size); a larger leaf that is cut is split first (ERR_NOMEM: nothing has changed).
 * Parts that were not mapped are skipped. Tables that become empty go back to @pool.
 * The caller invalidates the TLB.
 */
MUST_CHECK status_t ptab_unmap(struct ptab *pt, u64 va, u64 size, struct pool *pool);

/**
 * Change the rights and type of [@va, @va+@size) to @flags, splitting as ptab_unmap does. ERR_UNMAPPED (a part of it
 * is not mapped), ERR_NOMEM: nothing has changed. The caller invalidates the TLB.
 */
MUST_CHECK status_t ptab_protect(struct ptab *pt, u64 va, u64 size, unsigned flags, struct pool *pool);

/**
 * Would ptab_unmap or ptab_protect of that range split a larger leaf? Where the format has "broken", the range's
 * surroundings are unmapped for a moment then: nobody else may use the table meanwhile.
 */
bool ptab_splits(const struct ptab *pt, u64 va, u64 size);

/** The leaf that maps @va, whole. ERR_UNMAPPED, ERR_RANGE. */
MUST_CHECK status_t ptab_lookup(const struct ptab *pt, u64 va, struct ptab_leaf *out);

/** The first leaf at or after @va: for walking a whole table. ERR_NOENT after the last. */
MUST_CHECK status_t ptab_next(const struct ptab *pt, u64 va, struct ptab_leaf *out);

/** Give every table, the root included, back to @pool. */
void ptab_destroy(struct ptab *pt, struct pool *pool);

#endif
