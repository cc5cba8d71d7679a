/* SPDX-License-Identifier: Apache-2.0 */
/* tests/emu/uefi/fault.c: starts \trivet\trivet.efi on firmware with a fault. FAILURES: so many times ExitBootServices
 * fails, as it does when the map key is an old one's (UEFI 2.10, 7.4.6). SILENT: no console is on a serial line. */
#include <efi.h>

#define PROGRAM_MAX (1 << 20)

static EFI_BOOT_SERVICES *boot;
static EFI_EXIT_BOOT_SERVICES real_exit;
static INTN calls;

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

static EFI_STATUS EFIAPI stale_exit(EFI_HANDLE image, UINTN key)
{
	return calls++ < FAILURES ? EFI_INVALID_PARAMETER : real_exit(image, key);
}

static void *protocol(EFI_HANDLE handle, EFI_GUID guid)
{
	void *p = NULL;

	return boot->HandleProtocol(handle, &guid, &p) == EFI_SUCCESS ? p : NULL;
}

/* Consoles on serial lines go when their drivers do. */
static void silence(void)
{
	EFI_GUID guid = EFI_SERIAL_IO_PROTOCOL_GUID;
	EFI_HANDLE *h;
	UINTN n;

	if (boot->LocateHandleBuffer(ByProtocol, &guid, NULL, &n, &h) != EFI_SUCCESS)
		return;
	for (UINTN i = 0; i < n; i++)
		boot->DisconnectController(h[i], NULL, NULL);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	static CHAR16 path[] = L"\\trivet\\trivet.efi";
	EFI_LOADED_IMAGE_PROTOCOL *self;
	EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
	EFI_FILE_HANDLE root, file;
	EFI_HANDLE program = NULL;
	UINTN size = PROGRAM_MAX;
	EFI_STATUS s;
	void *data;

	boot = table->BootServices;
	real_exit = boot->ExitBootServices;
	self = protocol(image, (EFI_GUID)EFI_LOADED_IMAGE_PROTOCOL_GUID);
	volume = protocol(self->DeviceHandle, (EFI_GUID)EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID);
	s = volume->OpenVolume(volume, &root);
	if (s == EFI_SUCCESS)
		s = root->Open(root, &file, path, EFI_FILE_MODE_READ, 0);
	if (s == EFI_SUCCESS)
		s = boot->AllocatePool(EfiLoaderData, size, &data);
	if (s == EFI_SUCCESS)
		s = file->Read(file, &size, data);
	if (s == EFI_SUCCESS)
		s = boot->LoadImage(FALSE, image, protocol(self->DeviceHandle, (EFI_GUID)EFI_DEVICE_PATH_PROTOCOL_GUID),
				    data, size, &program);
	if (s == EFI_SUCCESS) {
		boot->ExitBootServices = stale_exit;
		if (SILENT)
			silence();
		s = boot->StartImage(program, NULL, NULL);
	}
	boot->Exit(image, s, 0, NULL);
	return s;
}
