/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/config.h: the configuration file, parsed and checked. docs/config.md describes the format. */
#ifndef GUEST_SERVICE_CONFIG_H
#define GUEST_SERVICE_CONFIG_H

#include "hv/abi/status.h"

#define CONFIG_MAX_VMS	   16
#define CONFIG_MAX_DISKS   8
#define CONFIG_MAX_MODULES 8
#define CONFIG_MAX_PIN	   64
#define CONFIG_PATH	   128
#define CONFIG_CMDLINE	   2048

enum config_action { ACTION_STOP, ACTION_RESTART };

struct config_disk {
	char file[CONFIG_PATH]; /* name of the boot module that holds it */
	char serial[21];
	bool readonly;
};

struct config_vm {
	char name[32];
	char kernel[CONFIG_PATH];    /* empty: firmware */
	char firmware[CONFIG_PATH];  /* empty: kernel   */
	unsigned firmware_line;	     /* where it stands  */
	char variables[CONFIG_PATH]; /* of the firmware, empty: none */
	unsigned variables_line;
	char initrd[CONFIG_PATH];
	char cmdline[CONFIG_CMDLINE];
	struct {
		char file[CONFIG_PATH];
		char args[CONFIG_PATH];
	} module[CONFIG_MAX_MODULES];
	unsigned nmodules;
	u64 memory; /* bytes */
	unsigned cpus;
	struct config_disk disk[CONFIG_MAX_DISKS];
	unsigned ndisks;
	bool serial;	     /* a 16550 at COM1       */
	bool virtio_console; /* and or a virtio-console */
	bool rng;
	unsigned npin; /* 0: anywhere */
	u8 pin[CONFIG_MAX_PIN];
	unsigned priority, shares;
	u64 budget, period; /* ns; budget 0: no limit */
	enum config_action on_poweroff, on_crash, on_reboot;
};

struct config {
	struct config_vm vm[CONFIG_MAX_VMS];
	unsigned nvms;
	bool poweroff_when_done; /* power the machine off when all VMs have stopped */
	bool statistics;	 /* a VM that ends: how often it came to us */
	char error[240];	 /* "line 7: unknown key 'memroy' in [vm linux]"    */
};

/** Parse @text of @size bytes (not NUL-terminated). ERR_FORMAT with error filled in. */
MUST_CHECK status_t config_parse(struct config *c, const char *text, size_t size);

#endif
