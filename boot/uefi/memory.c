/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/memory.c: memory from the firmware, and the end of its services. */
#include "boot/uefi/app.h"
#include "boot/uefi/convert.h"
#include "hv/lib/util.h"

#define MEMORY_PIECES 64u /* more than we ask for: modules, their files' descriptions, the image */
#define MEMORY_SLACK  64u /* descriptors that the map may grow by until we have it */
#define EXIT_TRIES    2u

static_assert(sizeof(struct uefi_memory) == sizeof(EFI_MEMORY_DESCRIPTOR), "7.2.3");
static_assert(offsetof(struct uefi_memory, number_of_pages) == offsetof(EFI_MEMORY_DESCRIPTOR, NumberOfPages), "7.2.3");
static_assert(offsetof(struct uefi_memory, attribute) == offsetof(EFI_MEMORY_DESCRIPTOR, Attribute), "7.2.3");

struct memory_piece {
	EFI_PHYSICAL_ADDRESS base;
	UINTN pages;
};

static struct memory_piece memory_piece[MEMORY_PIECES];
static unsigned memory_pieces;

static void memory_keep(u64 base, u64 end)
{
	if (base == end)
		return;
	memory_piece[memory_pieces++] = (struct memory_piece){ base, (end - base) >> PAGE_SHIFT };
}

void *memory_get(u64 size, u64 align, const char *what)
{
	u64 bytes = round_up(MAX(size, 1), PAGE_SIZE), more = bytes + align - PAGE_SIZE, at;
	EFI_PHYSICAL_ADDRESS base = UEFI_REACH - 1;

	if (bytes > UEFI_REACH || memory_pieces == MEMORY_PIECES ||
	    uefi_boot->AllocatePages(AllocateMaxAddress, EfiLoaderCode, more >> PAGE_SHIFT, &base) != EFI_SUCCESS)
		con_fail("not enough memory below 4 GiB for %s: %llu KiB", what, (unsigned long long)(bytes >> 10));
	at = round_up(base, align);
	if (at > base)
		uefi_boot->FreePages(base, (at - base) >> PAGE_SHIFT);
	if (base + more > at + bytes)
		uefi_boot->FreePages(at + bytes, (base + more - at - bytes) >> PAGE_SHIFT);
	memory_keep(at, at + bytes);
	return (void *)at;
}

void memory_release(void)
{
	while (memory_pieces) {
		const struct memory_piece *p = &memory_piece[--memory_pieces];

		uefi_boot->FreePages(p->base, p->pages);
	}
}

void memory_exit(struct boot_info *bi)
{
	UINTN size = 0, room, key, step = 0;
	UINT32 version;
	EFI_MEMORY_DESCRIPTOR *map;
	unsigned left_out;

	uefi_boot->GetMemoryMap(&size, NULL, &key, &step, &version);
	room = size + MEMORY_SLACK * step;
	map = memory_get(room, PAGE_SIZE, "the memory map");
	size = room;
	if (uefi_boot->GetMemoryMap(&size, map, &key, &step, &version) != EFI_SUCCESS)
		con_fail("the firmware does not give its memory map");
	left_out = convert_memory(map, size, step, bi);
	if (left_out)
		con_print("trivet: boot: the memory map has too many pieces: %u are left out\n", left_out);
	/* A timer's event may change the map between the two calls: then the key is an old one's (7.4.6). */
	for (unsigned i = 0; i < EXIT_TRIES; i++) {
		size = room;
		if (uefi_boot->GetMemoryMap(&size, map, &key, &step, &version) != EFI_SUCCESS)
			break;
		if (uefi_boot->ExitBootServices(uefi_image, key) == EFI_SUCCESS) {
			(void)convert_memory(map, size, step, bi);
			return;
		}
	}
	con_fail_restart("the firmware does not end its services (ExitBootServices failed twice)");
}
