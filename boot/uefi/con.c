/* SPDX-License-Identifier: Apache-2.0 */
/* boot/uefi/con.c: words for the user, on all of the firmware's consoles and a serial port that is not one of them. */
#include "boot/uefi/app.h"

#include "hv/lib/print.h"
#include "hv/lib/string.h"

#define CON_LINE      200u /* characters that go out at once */
#define CON_RESTART_S 10u
#define CON_SECOND    1000000u /* Stall's microseconds (7.5.2) */

struct con_line {
	CHAR16 text[CON_LINE + 1];
	unsigned n;
};

static EFI_SERIAL_IO_PROTOCOL *con_serial; /* NULL: none, or a console is on it */

static bool con_path_is_serial(const EFI_DEVICE_PATH_PROTOCOL *p)
{
	for (; p && !IsDevicePathEnd(p); p = NextDevicePathNode(p))
		if (DevicePathType(p) == MESSAGING_DEVICE_PATH && DevicePathSubType(p) == MSG_UART_DP)
			return true;
	return false;
}

/* A console on a serial line has a UART on its device path (10.3.4.15): what we print comes out there already. */
static bool con_is_serial(void)
{
	bool found = false;
	UINTN n;
	EFI_HANDLE *h = uefi_handles((EFI_GUID)EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL_GUID, &n);

	for (UINTN i = 0; h && i < n; i++)
		found |= con_path_is_serial(uefi_protocol(h[i], (EFI_GUID)EFI_DEVICE_PATH_PROTOCOL_GUID));
	if (h)
		uefi_boot->FreePool(h);
	return found;
}

void con_init(void)
{
	UINTN n;
	EFI_HANDLE *h;

	if (con_is_serial())
		return;
	h = uefi_handles((EFI_GUID)EFI_SERIAL_IO_PROTOCOL_GUID, &n);
	if (!h)
		return;
	con_serial = uefi_protocol(h[0], (EFI_GUID)EFI_SERIAL_IO_PROTOCOL_GUID);
	uefi_boot->FreePool(h);
}

static void con_flush(struct con_line *l)
{
	char bytes[CON_LINE];
	UINTN n = l->n;

	l->text[l->n] = 0;
	for (unsigned i = 0; i < l->n; i++)
		bytes[i] = (char)l->text[i];
	l->n = 0;
	if (uefi_table->ConOut)
		uefi_table->ConOut->OutputString(uefi_table->ConOut, l->text);
	if (con_serial)
		con_serial->Write(con_serial, &n, bytes);
}

static void con_putc(void *ctx, char c)
{
	struct con_line *l = ctx;

	if (c == '\n')
		l->text[l->n++] = '\r';
	l->text[l->n++] = (CHAR16)c;
	if (l->n >= CON_LINE - 1)
		con_flush(l);
}

static void con_vprint(const char *fmt, va_list ap)
{
	struct con_line l = { .n = 0 };

	vprint(con_putc, &l, fmt, ap);
	con_flush(&l);
}

void con_print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	con_vprint(fmt, ap);
	va_end(ap);
}

static void con_wait_key(void)
{
	SIMPLE_INPUT_INTERFACE *in = uefi_table->ConIn;
	UINTN which;

	if (!in)
		return;
	in->Reset(in, FALSE);
	if (uefi_boot->WaitForEvent(1, &in->WaitForKey, &which) == EFI_SUCCESS)
		in->Reset(in, FALSE);
}

void con_fail(const char *fmt, ...)
{
	va_list ap;

	con_print("\ntrivet: PANIC: boot: ");
	va_start(ap, fmt);
	con_vprint(fmt, ap);
	va_end(ap);
	con_print("\nPress a key to go back to the firmware.\n");
	con_wait_key();
	memory_release();
	uefi_boot->Exit(uefi_image, EFI_LOAD_ERROR, 0, NULL);
	for (;;)
		uefi_boot->Stall(CON_SECOND);
}

void con_fail_restart(const char *fmt, ...)
{
	va_list ap;

	con_print("\ntrivet: PANIC: boot: ");
	va_start(ap, fmt);
	con_vprint(fmt, ap);
	va_end(ap);
	con_print("\nThe machine restarts in %u seconds.\n", CON_RESTART_S);
	for (unsigned i = 0; i < CON_RESTART_S; i++)
		uefi_boot->Stall(CON_SECOND);
	for (;;)
		uefi_table->RuntimeServices->ResetSystem(EfiResetCold, EFI_LOAD_ERROR, 0, NULL);
}
