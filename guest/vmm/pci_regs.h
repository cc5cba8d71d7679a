/* SPDX-License-Identifier: Apache-2.0 */
/* guest/vmm/pci_regs.h: offsets and bits of PCI configuration space (PCI Local Bus 3.0, chapter 6; PCIe 5.0, 7.5). */
#ifndef GUEST_VMM_PCI_REGS_H
#define GUEST_VMM_PCI_REGS_H

#define PCI_VENDOR_ID	   0x00
#define PCI_DEVICE_ID	   0x02
#define PCI_COMMAND	   0x04
#define PCI_STATUS	   0x06
#define PCI_REVISION_ID	   0x08
#define PCI_CLASS	   0x09 /* three bytes */
#define PCI_HEADER_TYPE	   0x0e
#define PCI_BAR0	   0x10
#define PCI_SUBVENDOR_ID   0x2c
#define PCI_SUBSYSTEM_ID   0x2e
#define PCI_CAP_POINTER	   0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN  0x3d
#define PCI_HEADER_END	   0x40

#define PCI_COMMAND_IO		 0x0001u
#define PCI_COMMAND_MEMORY	 0x0002u
#define PCI_COMMAND_MASTER	 0x0004u
#define PCI_COMMAND_WRITABLE	 0x0547u /* those three, parity and SERR# enable, INTx disable */
#define PCI_COMMAND_INTX_DISABLE 0x0400u

#define PCI_STATUS_INTX	  0x08u /* in its low byte  */
#define PCI_STATUS_CAPS	  0x10u /* in its low byte  */
#define PCI_STATUS_ERRORS 0xf9u /* in its high byte: cleared by writing ones */

#define PCI_BAR_IO   0x1u
#define PCI_BAR_64   0x4u
#define PCI_PORT_TOP 0x10000u /* ports are 16 bits wide */

#define PCI_CAP_VENDOR	0x09
#define PCI_CAP_EXPRESS 0x10
#define PCI_CAP_MSIX	0x11

/* MSI-X capability (PCI 3.0, 6.8.2); the control word's high byte. */
#define MSIX_CONTROL	 2
#define MSIX_TABLE	 4
#define MSIX_PBA	 8
#define MSIX_CTL_ENABLE	 0x80u
#define MSIX_CTL_MASKALL 0x40u
#define MSIX_MASKED	 0x1u /* in a vector's control */

/* PCI Express capability. */
#define EXP_LEN		 0x3c
#define EXP_FLAGS	 0x02
#define EXP_DEVCAP	 0x04
#define EXP_DEVCTL	 0x08
#define EXP_DEVSTA	 0x0a
#define EXP_VERSION	 2u
#define EXP_TYPE_RC_END	 0x90u	 /* root complex integrated endpoint, in bits 7:4 */
#define EXP_DEVCAP_RBER	 0x8000u /* role-based error reporting: mandatory         */
#define EXP_DEVCTL_WRITE 0x7fffu /* all but the function level reset it does not have */
#define EXP_DEVSTA_W1C	 0x0fu

#endif
