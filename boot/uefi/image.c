/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/image.c: is a file the hypervisor, or the service VM, and all of it? */
#include "boot/uefi/image.h"

#include "boot/handoff.h"
#include "hv/abi/service.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

#define IMAGE_MAX (16 * SIZE_2M) /* more is corrupt */
#define PT_LOAD	  1u
#define ELF_START 8 /* bytes of e_ident that are looked at */

struct elf_header {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};

static_assert(sizeof(struct elf_header) == 64, "Elf64_Ehdr");
static_assert(sizeof(struct elf_segment) == 56, "Elf64_Phdr");

static const struct elf_segment *image_segment(const void *file, u16 n)
{
	const struct elf_header *h = file;

	return (const struct elf_segment *)((const u8 *)file + h->phoff) + n;
}

static const char *image_check_header(const struct elf_header *h, u64 size, u16 machine)
{
	static const u8 start[ELF_START] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, 0 }; /* 64 bits, little-endian */

	if (size < sizeof(*h))
		return "it is cut off";
	if (memcmp(h->ident, start, sizeof(start)) != 0 || h->phentsize != sizeof(struct elf_segment) ||
	    h->shentsize != 64)
		return "it is not an ELF-64 file";
	if (h->machine != machine)
		return "it is for another architecture";
	/* The section headers are at its end. */
	if (!is_aligned(h->phoff, 8) || !range_in(h->phoff, (u64)h->phnum * sizeof(struct elf_segment), 0, size) ||
	    !range_in(h->shoff, (u64)h->shnum * 64, 0, size))
		return "it is cut off";
	return NULL;
}

/* Its segments lie in the file, and in memory in the order of their addresses, close together. */
static const char *image_check_segments(const void *file, u64 size, struct image *out)
{
	const struct elf_header *h = file;
	u64 end = 0;
	bool any = false;

	for (u16 i = 0; i < h->phnum; i++) {
		const struct elf_segment *s = image_segment(file, i);

		if (s->type != PT_LOAD || s->memsz == 0)
			continue;
		if (!range_in(s->offset, s->filesz, 0, size))
			return "it is cut off";
		if (!any)
			out->base = end = s->paddr;
		any = true;
		if (s->filesz > s->memsz || s->paddr < end || s->memsz > IMAGE_MAX ||
		    s->paddr - out->base > IMAGE_MAX - s->memsz)
			return "its segments make no sense";
		end = s->paddr + s->memsz;
	}
	out->size = end - out->base;
	return any && is_aligned(out->base, SIZE_2M) ? NULL : "it does not start at a multiple of 2 MiB";
}

/* The header of boot/handoff.h, near the start of the first segment. */
static const char *image_check_handoff(const void *file, struct image *out)
{
	const struct elf_header *h = file;
	const struct elf_segment *s = NULL;

	for (u16 i = 0; i < h->phnum && !s; i++)
		if (image_segment(file, i)->type == PT_LOAD && image_segment(file, i)->memsz)
			s = image_segment(file, i);
	for (u64 at = 0; s && at < HANDOFF_REACH && at + sizeof(struct handoff_header) <= s->filesz; at += 8) {
		struct handoff_header handoff;

		memcpy(&handoff, (const u8 *)file + s->offset + at, sizeof(handoff));
		if (handoff.magic != HANDOFF_MAGIC)
			continue;
		if (handoff.info_size != sizeof(struct boot_info))
			return "it is of another version than this loader";
		if (!range_in(handoff.entry, 1, out->base, out->size))
			return "its entry lies outside of it";
		out->entry = handoff.entry;
		return NULL;
	}
	return "it is not a Trivet that UEFI can start";
}

status_t image_check(const void *file, u64 size, u16 machine, struct image *out, const char **why)
{
	memset(out, 0, sizeof(*out));
	*why = image_check_header(file, size, machine);
	if (*why)
		return ERR_FORMAT;
	*why = image_check_segments(file, size, out);
	if (*why)
		return ERR_RANGE;
	*why = image_check_handoff(file, out);
	return *why ? ERR_FORMAT : OK;
}

void image_load(const void *file, const struct image *image, void *to)
{
	const struct elf_header *h = file;

	memset(to, 0, image->size);
	for (u16 i = 0; i < h->phnum; i++) {
		const struct elf_segment *s = image_segment(file, i);

		if (s->type == PT_LOAD && s->memsz)
			memcpy((u8 *)to + (s->paddr - image->base), (const u8 *)file + s->offset, s->filesz);
	}
}

status_t image_check_service(const void *file, u64 size, const char **why)
{
	struct service_header h = { 0 };

	memcpy(&h, file, MIN(size, sizeof(h)));
	if (size >= sizeof(h) && (h.magic != SERVICE_MAGIC || h.version != SERVICE_VERSION)) {
		*why = "it is not a service VM of this version";
		return ERR_FORMAT;
	}
	if (size < sizeof(h) || h.image_size > size) {
		*why = "it is cut off";
		return ERR_RANGE;
	}
	return OK;
}
