/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/platform.c: strings, firmware's tables and the frame buffer into struct boot_info. */
#include "boot/uefi/app.h"
#include "boot/uefi/convert.h"
#include "hv/lib/print.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

/* The configuration table called @guid (4.6), 0: there is none. */
static u64 platform_table(EFI_GUID guid)
{
	for (UINTN i = 0; i < uefi_table->NumberOfTableEntries; i++)
		if (memcmp(&uefi_table->ConfigurationTable[i].VendorGuid, &guid, sizeof(guid)) == 0)
			return (u64)uefi_table->ConfigurationTable[i].VendorTable;
	return 0;
}

static void platform_strings(struct boot_info *bi)
{
	const EFI_LOADED_IMAGE_PROTOCOL *self = uefi_protocol(uefi_image, (EFI_GUID)EFI_LOADED_IMAGE_PROTOCOL_GUID);
	const CHAR16 *vendor = uefi_table->FirmwareVendor;
	u32 revision = uefi_table->Hdr.Revision;
	char name[32] = "";

	for (unsigned i = 0; vendor && vendor[i] && i < sizeof(name) - 1; i++)
		name[i] = vendor[i] >= ' ' && vendor[i] <= '~' ? (char)vendor[i] : '?';
	snprintf(bi->loader, sizeof(bi->loader), "UEFI %u.%u of %s", revision >> 16, (revision & 0xffff) / 10,
		 name[0] ? name : "an unnamed vendor");
	if (self && self->LoadOptions)
		convert_options(self->LoadOptions, self->LoadOptionsSize, bi->cmdline);
}

/* The first screen's (12.9) */
static void platform_screen(struct boot_framebuffer *fb)
{
	UINTN n;
	EFI_HANDLE *h = uefi_handles((EFI_GUID)EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID, &n);
	const EFI_GRAPHICS_OUTPUT_PROTOCOL *screen;
	const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode;
	EFI_PIXEL_BITMASK mask = { 0x0000ff, 0x00ff00, 0xff0000, 0xff000000 };

	if (!h)
		return;
	screen = uefi_protocol(h[0], (EFI_GUID)EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID);
	uefi_boot->FreePool(h);
	mode = screen && screen->Mode ? screen->Mode->Info : NULL;
	if (!mode || !screen->Mode->FrameBufferBase)
		return;
	switch (mode->PixelFormat) {
	case PixelRedGreenBlueReserved8BitPerColor: break;
	case PixelBlueGreenRedReserved8BitPerColor:
		mask.RedMask = 0xff0000;
		mask.BlueMask = 0x0000ff;
		break;
	case PixelBitMask: mask = mode->PixelInformation; break;
	default: return; /* it is drawn on by calls alone */
	}
	convert_mask(mask.RedMask, &fb->red_pos, &fb->red_size);
	convert_mask(mask.GreenMask, &fb->green_pos, &fb->green_size);
	convert_mask(mask.BlueMask, &fb->blue_pos, &fb->blue_size);
	fb->bpp = 32;
	if (mode->PixelFormat == PixelBitMask) { /* as many bits as all masks reach (12.9.2.3) */
		u32 all = mask.RedMask | mask.GreenMask | mask.BlueMask | mask.ReservedMask;

		while (fb->bpp > 8 && !(all >> (fb->bpp - 8)))
			fb->bpp -= 8;
	}
	fb->base = screen->Mode->FrameBufferBase;
	fb->width = mode->HorizontalResolution;
	fb->height = mode->VerticalResolution;
	fb->pitch = mode->PixelsPerScanLine * (fb->bpp / 8);
	con_print("trivet: boot: screen of %u x %u, %u bits a pixel: red %u at %u, green %u at %u, blue %u at %u\n",
		  fb->width, fb->height, fb->bpp, fb->red_size, fb->red_pos, fb->green_size, fb->green_pos,
		  fb->blue_size, fb->blue_pos);
}

void platform_describe(struct boot_info *bi)
{
	platform_strings(bi);
	bi->acpi_rsdp = platform_table((EFI_GUID)ACPI_20_TABLE_GUID);
	if (!bi->acpi_rsdp)
		bi->acpi_rsdp = platform_table((EFI_GUID)ACPI_TABLE_GUID);
	bi->fdt = platform_table((EFI_GUID)EFI_DTB_TABLE_GUID);
	platform_screen(&bi->fb);
}
