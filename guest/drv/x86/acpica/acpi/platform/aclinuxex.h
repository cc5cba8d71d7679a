/* SPDX-License-Identifier: Apache-2.0 */
/* guest/drv/x86/acpica/acpi/platform/aclinuxex.h: the last header that ACPICA includes; it has nothing to add. */
