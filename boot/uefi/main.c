/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/main.c: a UEFI application that loads the hypervisor and its modules from the folder \trivet, and starts
 * it. */
#include "boot/uefi/app.h"
#include "boot/uefi/convert.h"
#include "boot/uefi/image.h"
#include "boot/names.h"
#include "hv/lib/print.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

EFI_HANDLE uefi_image;
EFI_SYSTEM_TABLE *uefi_table;
EFI_BOOT_SERVICES *uefi_boot;

/* gnu-efi's start-up code calls it. */
EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

void *uefi_protocol(EFI_HANDLE handle, EFI_GUID guid)
{
	void *p = NULL;

	return uefi_boot->HandleProtocol(handle, &guid, &p) == EFI_SUCCESS ? p : NULL;
}

EFI_HANDLE *uefi_handles(EFI_GUID guid, UINTN *n)
{
	EFI_HANDLE *h = NULL;

	*n = 0;
	return uefi_boot->LocateHandleBuffer(ByProtocol, &guid, NULL, n, &h) == EFI_SUCCESS && *n ? h : NULL;
}

static const char *main_config = "trivet.ini";

/* The file @name of ours, or one that the configuration names in @line. */
static void *main_load(const char *name, u32 line, u64 *size)
{
	char reason[48] = "";
	u16 path[NAMES_PATH];

	if (line)
		snprintf(reason, sizeof(reason), ", named in line %u of %s", line, main_config);
	if (names_path(name, path) != OK)
		con_fail("%s:%u: no file on this volume can be called %s", main_config, line, name);
	return file_load(path, reason, size);
}

static void *main_module(struct boot_info *bi, const char *file, const char *string, u32 line)
{
	struct boot_module *m = &bi->module[bi->nmodules];
	void *p;

	if (bi->nmodules == BOOT_MAX_MODULES)
		con_fail("%s:%u: there are more than %d files with this one", main_config, line, BOOT_MAX_MODULES);
	p = main_load(file, line, &m->size);
	m->base = (u64)p;
	str_copy(m->string, string, sizeof(m->string));
	bi->nmodules++;
	return p;
}

static bool main_has(const struct boot_info *bi, const char *string)
{
	for (u32 i = 0; i < bi->nmodules; i++)
		if (strcmp(bi->module[i].string, string) == 0)
			return true;
	return false;
}

/* The names of the hypervisor's functions, for a panic: it goes without them, too. */
static void main_symbols(struct boot_info *bi)
{
	struct boot_module *m = &bi->module[bi->nmodules];
	u16 path[NAMES_PATH];
	void *file = NULL;

	if (bi->nmodules < BOOT_MAX_MODULES && names_path("symbols.bin", path) == OK)
		file = file_load(path, NULL, &m->size);
	if (!file)
		return;
	m->base = (u64)file;
	str_copy(m->string, "hypervisor symbols", sizeof(m->string));
	bi->nmodules++;
}

/* In the order that ./trivet gives them to other loaders. */
static void main_modules(struct boot_info *bi)
{
	char name[BOOT_STRING];
	const char *why, *config;
	struct names n;
	void *service = main_module(bi, "service.bin", "service", 0);

	if (image_check_service(service, bi->module[0].size, &why) != OK)
		con_fail("\\trivet\\service.bin: %s", why);
	config = main_module(bi, main_config, "config", 0);
	for (names_start(&n, config, bi->module[1].size); names_next(&n, name);)
		if (!main_has(bi, name))
			main_module(bi, name, name, n.line);
	if (n.why)
		con_fail("%s:%u: %s", main_config, n.line, n.why);
	main_symbols(bi);
}

/*
 * For the hypervisor, behind what the firmware's boot entry or the menu says. The word "recovery" there leaves aside
 * what may have been edited: this line and the configuration.
 */
static void main_command_line(struct boot_info *bi)
{
	u16 path[NAMES_PATH];
	const char *line = NULL;
	u64 size = 0;

	if (names_word(bi->cmdline, "recovery"))
		main_config = "recovery.ini";
	else if (names_path("cmdline.txt", path) == OK)
		line = file_load(path, NULL, &size);
	if (line)
		names_append(bi->cmdline, line, size);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
	struct boot_info *bi;
	struct image hv;
	const char *why;
	void *file, *to;
	u64 size;

	uefi_image = image;
	uefi_table = table;
	uefi_boot = table->BootServices;
	uefi_boot->SetWatchdogTimer(0, 0, 0, NULL);
	con_init();
	file_init();
	con_print("trivet: boot: loading\n");
	bi = memory_get(sizeof(*bi), PAGE_SIZE, "the boot information");
	memset(bi, 0, sizeof(*bi));
	platform_describe(bi);
	main_command_line(bi);
	why = uefi_arch_check(bi);
	if (why)
		con_fail("%s", why);
	file = main_load("trivet.elf", 0, &size);
	if (image_check(file, size, uefi_machine, &hv, &why) != OK)
		con_fail("\\trivet\\trivet.elf: %s", why);
	to = memory_get(hv.size, SIZE_2M, "the hypervisor");
	image_load(file, &hv, to);
	main_modules(bi);
	memory_exit(bi);
	uefi_arch_enter(to, hv.size, (u64)to + (hv.entry - hv.base), bi);
}
