/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/bench/count.c: a plugin for QEMU's TCG: whose instructions they are that a machine executes - the hypervisor's,
 * the service VM's, the guests' (with the firmware's) - and, on request, how often each of the first two was executed.
 *
 * Code is told apart by where it lies in the host's memory, which no guest can choose: the hypervisor's image begins
 * where the first instruction at its entry address lies, the service VM's with the first code after that which is not
 * the hypervisor's. A guest that overwrites its memory with a copy of theirs is still not in theirs.
 *
 * Arguments: entry=VADDR,image=BYTES,offset=OF_ENTRY,service=BYTES,soffset=OF_ENTRY,out=FILE,profile=FILE
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of QEMU's interface for plugins, version 1: what is used here (QEMU's documentation, "QEMU TCG Plugins"). */
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*qp_trans)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*qp_exec)(unsigned cpu, void *data);
typedef void (*qp_exit)(uint64_t id, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, qp_trans fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, qp_exec fn, int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *counter, uint64_t add);
void qemu_plugin_register_atexit_cb(uint64_t id, qp_exit fn, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))
EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

enum { OTHERS, HV, SERVICE, PARTS };
static const char *const part_name[PARTS] = { "others", "hypervisor", "service" };

/* Code of ours in the host's memory, and what its instructions were executed. */
struct part {
	uintptr_t base;
	uint64_t size, offset; /* of the entry in it */
	uint64_t *times;       /* by byte of the image */
};
static struct part parts[PARTS];
static uint64_t total[PARTS];	 /* all */
static uint64_t at_guest[PARTS]; /* of these before a guest's first instruction */
static uint64_t entry;
static bool seen_guest;
static const char *out, *profile;

static bool part_has(const struct part *p, uintptr_t at)
{
	return p->base && at - p->base < p->size;
}

static void part_found(struct part *p, uintptr_t at)
{
	p->base = at - p->offset;
	if (profile)
		p->times = calloc(p->size, sizeof(*p->times));
}

static void guest_first(unsigned cpu, void *data)
{
	if (!seen_guest)
		memcpy(at_guest, total, sizeof(total));
	seen_guest = true;
}

/* Whose code is at @at? The two parts are found in the order in which they start. */
static int whose(uint64_t vaddr, uintptr_t at)
{
	if (!parts[HV].base) {
		if (vaddr != entry)
			return OTHERS;
		part_found(&parts[HV], at);
	}
	if (part_has(&parts[HV], at))
		return HV;
	if (!parts[SERVICE].base)
		part_found(&parts[SERVICE], at);
	return part_has(&parts[SERVICE], at) ? SERVICE : OTHERS;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);

	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uintptr_t at = (uintptr_t)qemu_plugin_insn_haddr(insn);
		int who = whose(qemu_plugin_insn_vaddr(insn), at);

		qemu_plugin_register_vcpu_insn_exec_inline(insn, 0, &total[who], 1);
		if (who != OTHERS && parts[who].times)
			qemu_plugin_register_vcpu_insn_exec_inline(insn, 0, &parts[who].times[at - parts[who].base], 1);
		if (i == 0 && who == OTHERS && parts[SERVICE].base && !seen_guest)
			qemu_plugin_register_vcpu_tb_exec_cb(tb, guest_first, 0, NULL);
	}
}

static void finish(uint64_t id, void *data)
{
	FILE *f = fopen(out, "w");

	if (!f)
		return;
	for (int i = 0; i < PARTS; i++)
		(void)fprintf(f, "%s %" PRIu64 " %" PRIu64 "\n", part_name[i], total[i], at_guest[i]);
	(void)fclose(f);
	f = profile ? fopen(profile, "w") : NULL;
	for (int i = HV; f && i < PARTS; i++)
		for (uint64_t a = 0; parts[i].times && a < parts[i].size; a++)
			if (parts[i].times[a])
				(void)fprintf(f, "%s %" PRIx64 " %" PRIu64 "\n", part_name[i], a, parts[i].times[a]);
	if (f)
		(void)fclose(f);
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return -1;
		*value++ = 0;
		if (strcmp(argv[i], "entry") == 0)
			entry = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "image") == 0)
			parts[HV].size = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "offset") == 0)
			parts[HV].offset = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "service") == 0)
			parts[SERVICE].size = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "soffset") == 0)
			parts[SERVICE].offset = strtoull(value, NULL, 0);
		else if (strcmp(argv[i], "out") == 0)
			out = strdup(value);
		else if (strcmp(argv[i], "profile") == 0)
			profile = strdup(value);
		else
			return -1;
	}
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
