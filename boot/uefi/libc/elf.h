/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/libc/elf.h: as much of the system's <elf.h> as gnu-efi's _relocate needs: a cross compiler has none. Names
 * and values are those of the System V ABI, chapter 5, and its supplements for the two processors. */
#ifndef BOOT_UEFI_LIBC_ELF_H
#define BOOT_UEFI_LIBC_ELF_H

#include <stdint.h>

typedef struct {
	int64_t d_tag;
	union {
		uint64_t d_val;
		uint64_t d_ptr;
	} d_un;
} Elf64_Dyn;

typedef struct {
	uint64_t r_offset;
	uint64_t r_info;
} Elf64_Rel;

typedef struct {
	uint64_t r_offset;
	uint64_t r_info;
	int64_t r_addend;
} Elf64_Rela;

#define ELF64_R_TYPE(info) ((info)&0xffffffff)

#define DT_NULL	   0
#define DT_RELA	   7
#define DT_RELASZ  8
#define DT_RELAENT 9

#define R_X86_64_NONE	   0
#define R_X86_64_RELATIVE  8
#define R_AARCH64_NONE	   0
#define R_AARCH64_RELATIVE 1027

#endif
