/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/bench/count.c: a plugin for QEMU's TCG: whose instructions they are that a machine executes - the hypervisor's,
 * the service VM's, the guests' (with the firmware's) - and, on request, how often each of the first two was executed.
 *
 * Code is told apart by where it lies in the host's memory, which no guest can choose: the hypervisor's image begins
 * where the first instruction at its entry address lies, the service VM's with the first code after that which is not
 * the hypervisor's. A guest that overwrites its memory with a copy of theirs is still not in theirs.
 *
 * out=FILE gets a line for each time a guest executed the instruction mark=HEX, one for a guest's first instruction and
 * one for the end: what has been executed by then, and how often guests and the service VM were left (exit=OFFSET in
 * the hypervisor's image, more than one if need be: where such an exit begins). Another hypervisor's code is not known:
 * there all are others', and each time the instruction enter=HEX is executed counts as an exit of a guest.
 *
 * Arguments: entry=VADDR,image=BYTES,offset=OF_ENTRY,service=BYTES,soffset=OF_ENTRY,exit=OFFSET,mark=HEX,enter=HEX,
 * out=FILE,profile=FILE
 *
 * API is the version of QEMU's interface for plugins to build for: 1, 2 (QEMU 9.0) or 3 (from 9.1 on).
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of QEMU's interface for plugins: what is used here (QEMU's documentation, "QEMU TCG Plugins"). */
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*qp_trans)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*qp_exec)(unsigned cpu, void *data);
typedef void (*qp_exit)(uint64_t id, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, qp_trans fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, qp_exec fn, int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, qp_exec fn, int flags, void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, qp_exit fn, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
#if API < 3
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
#else
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
#endif

/* Counters that an instruction adds to. */
#if API < 2
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op, void *counter, uint64_t add);

typedef uint64_t *counters;

static counters counters_new(size_t n)
{
	return calloc(n, sizeof(uint64_t));
}

static void counters_add(counters c, size_t i, struct qemu_plugin_insn *insn)
{
	qemu_plugin_register_vcpu_insn_exec_inline(insn, 0, &c[i], 1);
}

static uint64_t counters_get(counters c, size_t i)
{
	return c[i];
}
#else
typedef struct qemu_plugin_scoreboard *counters; /* for each CPU */
struct place {
	counters in;
	size_t offset;
};
counters qemu_plugin_scoreboard_new(size_t size);
uint64_t qemu_plugin_u64_sum(struct place at);
void qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(struct qemu_plugin_insn *insn, int op, struct place at,
							 uint64_t add);

static counters counters_new(size_t n)
{
	return qemu_plugin_scoreboard_new(n * sizeof(uint64_t));
}

static struct place place(counters c, size_t i)
{
	return (struct place){ c, i * sizeof(uint64_t) };
}

static void counters_add(counters c, size_t i, struct qemu_plugin_insn *insn)
{
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, 0, place(c, i), 1);
}

static uint64_t counters_get(counters c, size_t i)
{
	return qemu_plugin_u64_sum(place(c, i));
}
#endif

#define EXPORT __attribute__((visibility("default")))
EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = API;
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

enum { OTHERS, HV, SERVICE, PARTS };
static const char *const part_name[PARTS] = { "others", "hypervisor", "service" };

/* Code of ours in the host's memory, and what its instructions were executed. */
struct part {
	uintptr_t base;
	uint64_t size, offset; /* of the entry in it */
	counters times;	       /* by byte of the image */
};
static struct part parts[PARTS];
static counters total;	       /* of each part; [PARTS]: the instruction that enters a guest */
static uint64_t left[PARTS];   /* exits from the service VM and from guests */
static uint64_t guest_at_exit; /* total[OTHERS] at the last one */
static uint64_t entry;
static uint64_t exits[16];
static unsigned nexits;
static struct code {
	unsigned char byte[16];
	size_t size;
} mark, enter;
static bool seen_guest;
static FILE *out;
static const char *profile;

static bool part_has(const struct part *p, uintptr_t at)
{
	return p->base && at - p->base < p->size;
}

static void part_found(struct part *p, uintptr_t at)
{
	p->base = at - p->offset;
	if (profile)
		p->times = counters_new(p->size);
}

static void say(const char *when)
{
	(void)fprintf(out, "%s", when);
	for (int i = 0; i < PARTS; i++)
		(void)fprintf(out, " %s %" PRIu64, part_name[i], counters_get(total, i));
	(void)fprintf(out, " guest-exits %" PRIu64 " service-exits %" PRIu64 "\n",
		      left[OTHERS] + counters_get(total, PARTS), left[SERVICE]);
	(void)fflush(out);
}

static void guest_first(unsigned cpu, void *data)
{
	if (!seen_guest)
		say("first");
	seen_guest = true;
}

static void marked(unsigned cpu, void *data)
{
	say("mark");
}

/* The hypervisor has been entered: from whom? */
static void exited(unsigned cpu, void *data)
{
	uint64_t guest = counters_get(total, OTHERS);

	left[guest != guest_at_exit ? OTHERS : SERVICE]++;
	guest_at_exit = guest;
}

static bool is_exit(uint64_t offset)
{
	for (unsigned i = 0; i < nexits; i++)
		if (exits[i] == offset)
			return true;
	return false;
}

static bool is_code(const struct qemu_plugin_insn *insn, const struct code *code)
{
#if API < 3
	const void *data = qemu_plugin_insn_data(insn);
#else
	unsigned char data[sizeof(code->byte)];

	(void)qemu_plugin_insn_data(insn, data, sizeof(data));
#endif
	return code->size && qemu_plugin_insn_size(insn) == code->size && memcmp(data, code->byte, code->size) == 0;
}

/* Whose code is at @at? The two parts are found in the order in which they start. */
static int whose(uint64_t vaddr, uintptr_t at)
{
	if (!parts[HV].size)
		return OTHERS;
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

		counters_add(total, who, insn);
		if (who != OTHERS && parts[who].times)
			counters_add(parts[who].times, at - parts[who].base, insn);
		if (who == HV && is_exit(at - parts[HV].base))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, exited, 0, NULL);
		if (who == OTHERS && is_code(insn, &mark))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, marked, 0, NULL);
		if (who == OTHERS && is_code(insn, &enter))
			counters_add(total, PARTS, insn);
		if (i == 0 && who == OTHERS && parts[SERVICE].base && !seen_guest)
			qemu_plugin_register_vcpu_tb_exec_cb(tb, guest_first, 0, NULL);
	}
}

static void finish(uint64_t id, void *data)
{
	FILE *f = profile ? fopen(profile, "w") : NULL;

	say("end");
	(void)fclose(out);
	for (int i = HV; f && i < PARTS; i++)
		for (uint64_t a = 0; parts[i].times && a < parts[i].size; a++)
			if (counters_get(parts[i].times, a))
				(void)fprintf(f, "%s %" PRIx64 " %" PRIu64 "\n", part_name[i], a,
					      counters_get(parts[i].times, a));
	if (f)
		(void)fclose(f);
}

static bool take_code(const char *hex, struct code *code)
{
	for (; hex[0] && hex[1] && code->size < sizeof(code->byte); hex += 2) {
		char byte[3] = { hex[0], hex[1], 0 };

		code->byte[code->size++] = (unsigned char)strtoul(byte, NULL, 16);
	}
	return hex[0] == 0;
}

static bool take(const char *key, const char *value)
{
	uint64_t n = strtoull(value, NULL, 0);

	if (strcmp(key, "entry") == 0)
		entry = n;
	else if (strcmp(key, "image") == 0)
		parts[HV].size = n;
	else if (strcmp(key, "offset") == 0)
		parts[HV].offset = n;
	else if (strcmp(key, "service") == 0)
		parts[SERVICE].size = n;
	else if (strcmp(key, "soffset") == 0)
		parts[SERVICE].offset = n;
	else if (strcmp(key, "exit") == 0 && nexits < sizeof(exits) / sizeof(exits[0]))
		exits[nexits++] = n;
	else if (strcmp(key, "mark") == 0)
		return take_code(value, &mark);
	else if (strcmp(key, "enter") == 0)
		return take_code(value, &enter);
	else if (strcmp(key, "out") == 0)
		return (out = fopen(value, "w")) != NULL;
	else if (strcmp(key, "profile") == 0)
		return (profile = strdup(value)) != NULL;
	else
		return false;
	return true;
}

EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		char *value = strchr(argv[i], '=');

		if (!value)
			return -1;
		*value++ = 0;
		if (!take(argv[i], value))
			return -1;
	}
	if (!out)
		return -1;
	total = counters_new(PARTS + 1);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
