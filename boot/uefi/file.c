/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/file.c: files of the volume that we come from. */
#include "boot/uefi/app.h"
#include "boot/names.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

#define FILE_CHUNK (4 * SIZE_2M) /* bytes that are read at once: firmware drivers are not all good at very many */

static EFI_FILE_HANDLE file_root;
static size_t file_skip; /* characters of a path that the volume does not have */

static bool file_is(EFI_FILE_HANDLE root, const u16 *path)
{
	EFI_FILE_HANDLE f;

	if (root->Open(root, &f, (CHAR16 *)path, EFI_FILE_MODE_READ, 0) != EFI_SUCCESS)
		return false;
	f->Close(f);
	return true;
}

/* The root of the file system on @handle, NULL: it has none. */
static EFI_FILE_HANDLE file_volume(EFI_HANDLE handle)
{
	EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume = uefi_protocol(handle, (EFI_GUID)EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID);
	EFI_FILE_HANDLE root = NULL;

	return volume && volume->OpenVolume(volume, &root) == EFI_SUCCESS ? root : NULL;
}

/* Is it the volume? Then it is where all files come from. */
static bool file_ours(EFI_FILE_HANDLE root)
{
	static const u16 path[] = u"\\trivet\\trivet.elf";
	size_t folder = strlen(NAMES_FOLDER) - 1;

	if (!root || (!file_is(root, path) && !file_is(root, path + folder)))
		return false;
	file_root = root;
	file_skip = file_is(root, path) ? 0 : folder;
	return true;
}

/* Whether the device @inner is @outer, or a part of it. */
static bool file_within(EFI_HANDLE inner, EFI_HANDLE outer)
{
	const EFI_DEVICE_PATH_PROTOCOL *i = uefi_protocol(inner, (EFI_GUID)EFI_DEVICE_PATH_PROTOCOL_GUID);
	const EFI_DEVICE_PATH_PROTOCOL *o = uefi_protocol(outer, (EFI_GUID)EFI_DEVICE_PATH_PROTOCOL_GUID);
	const u8 *end = (const u8 *)o;

	if (!i || !o)
		return false;
	while (!IsDevicePathEndType((const EFI_DEVICE_PATH_PROTOCOL *)end))
		end = (const u8 *)NextDevicePathNode((const EFI_DEVICE_PATH_PROTOCOL *)end);
	return memcmp(i, o, end - (const u8 *)o) == 0;
}

void file_init(void)
{
	EFI_LOADED_IMAGE_PROTOCOL *self = uefi_protocol(uefi_image, (EFI_GUID)EFI_LOADED_IMAGE_PROTOCOL_GUID);
	EFI_FILE_HANDLE own = self && self->DeviceHandle ? file_volume(self->DeviceHandle) : NULL;
	EFI_HANDLE *h;
	UINTN n;

	if (file_ours(own))
		return;
	h = self && self->DeviceHandle ? uefi_handles((EFI_GUID)EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID, &n) : NULL;
	for (UINTN i = 0; h && i < n; i++)
		if (file_within(h[i], self->DeviceHandle) && file_ours(file_volume(h[i])))
			break;
	if (h)
		uefi_boot->FreePool(h);
	if (!file_root)
		file_root = own;
	if (!file_root)
		con_fail("this program was not started from a volume with a file system");
}

/* A name for the user. */
static void file_text(const u16 *path, char text[NAMES_PATH])
{
	size_t n = 0;

	for (; path[n]; n++)
		text[n] = (char)path[n];
	text[n] = '\0';
}

/* A file's length (13.5.14); false: it is a folder, or it cannot be told. */
static bool file_size(EFI_FILE_HANDLE f, u64 *size)
{
	static u8 buf[sizeof(EFI_FILE_INFO) + NAMES_PATH * sizeof(CHAR16)] ALIGNED(8);
	const EFI_FILE_INFO *info = (const EFI_FILE_INFO *)buf;
	EFI_GUID id = EFI_FILE_INFO_ID;
	UINTN n = sizeof(buf);

	if (f->GetInfo(f, &id, &n, buf) != EFI_SUCCESS || info->Attribute & EFI_FILE_DIRECTORY)
		return false;
	*size = info->FileSize;
	return true;
}

void *file_load(const u16 *path, const char *reason, u64 *size)
{
	char text[NAMES_PATH];
	EFI_FILE_HANDLE f;
	EFI_STATUS s;
	u8 *to;

	path += file_skip;
	file_text(path, text);
	s = file_root->Open(file_root, &f, (CHAR16 *)path, EFI_FILE_MODE_READ, 0);
	if (s == EFI_NOT_FOUND && !reason)
		return NULL;
	reason = reason ? reason : "";
	if (s == EFI_NOT_FOUND)
		con_fail("there is no file %s%s", text, reason);
	if (s != EFI_SUCCESS)
		con_fail("the file %s cannot be opened (status %llu)%s", text, (unsigned long long)(s & 0xff), reason);
	if (!file_size(f, size))
		con_fail("%s is not a file%s", text, reason);
	to = memory_get(*size, PAGE_SIZE, text);
	for (u64 at = 0; at < *size;) {
		UINTN n = MIN(*size - at, FILE_CHUNK);

		s = f->Read(f, &n, to + at);
		if (s != EFI_SUCCESS || n == 0)
			con_fail("the file %s cannot be read from byte %llu on", text, (unsigned long long)at);
		at += n;
	}
	f->Close(f);
	return to;
}
