/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/command.c: the commands of the service console. */
#include "guest/rt/hypercall.h"
#include "guest/rt/sys.h"
#include "guest/service/guest.h"

#define COMMAND_TRACE_PAGES 16
#define COMMAND_TRACE_SHOW  32

typedef unsigned long long ull;

static const char *const command_exit_names[EXIT_COUNT] = {
#define X(NAME, fn) [EXIT_##NAME] = #NAME,
	EXIT_LIST(X)
#undef X
};

static const char *const command_states[] = {
	[VM_STOPPED] = "stopped", [VM_RUNNING] = "running", [VM_PAUSED] = "paused",
	[VM_CRASHED] = "crashed", [VM_OFF] = "off",
};

/* The hypervisor's struct hv_stats.state. */
static const char *const command_runs[] = {
	[VCPU_STOPPED] = "stopped",
	[VCPU_READY] = "running",
	[VCPU_HALTED] = "halted",
};

static struct trace_ring *command_trace_ring;

static u64 command_memory(const struct vm *vm)
{
	u64 sum = 0;

	for (unsigned i = 0; i < vm->nram; i++)
		sum += vm->ram[i].size;
	return sum;
}

static bool command_hv_stats(const struct vcpu *v, struct hv_stats *s)
{
	if (v->vm->id == 0 || hv_call(HV_STATS, v->vm->id, v->index, 0, 0, 0).status != OK)
		return false;
	memcpy(s, hv_mailbox(), sizeof(*s));
	return true;
}

static u64 command_ms(u64 ticks)
{
	return ticks / (service_info.counter_hz / 1000);
}

/* The physical CPUs of @g's vCPUs, in turn, and the time that they have used. */
static u64 command_where(const struct guest *g, char *text, size_t size)
{
	size_t used = 0;
	u64 time = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < g->vm.nvcpus && used < size; i++) {
		unsigned cpu = g->cpu[i];
		struct hv_stats s;

		if (command_hv_stats(&g->vm.vcpu[i], &s)) {
			cpu = s.cpu;
			time += s.time;
		}
		used += (size_t)snprintf(text + used, size - used, i == 0 ? "%u" : ",%u", cpu);
	}
	return command_ms(time);
}

static void command_vms(char *arg)
{
	char where[40];

	console_print("%-16s %-8s %8s %5s %6s %12s %-15s %9s\n", "name", "state", "MiB", "CPUs", "starts",
		      "device exits", "on", "ms used");
	for (unsigned i = 0; i < nguests; i++) {
		const struct vm *vm = &guests[i]->vm;
		u64 exits = 0, ms = command_where(guests[i], where, sizeof(where));

		for (unsigned c = 0; c < vm->nvcpus; c++) {
			for (unsigned k = 0; k < EXIT_COUNT; k++)
				exits += vm->vcpu[c].exits[k];
		}
		console_print("%-16s %-8s %8llu %5u %6llu %12llu %-15s %9llu %s\n", vm->name,
			      command_states[vm_state(vm)], (ull)(command_memory(vm) >> 20), vm->nvcpus,
			      (ull)guests[i]->starts, (ull)exits, where, (ull)ms, vm->stop_why);
	}
}

static void command_cpus(char *arg)
{
	for (unsigned n = 0; n < rt_ncpus(); n++) {
		u64 ms = 0;

		console_print("CPU %u:", n);
		for (unsigned i = 0; i < nguests; i++) {
			const struct guest *g = guests[i];
			struct hv_stats s;

			for (unsigned c = 0; c < g->vm.nvcpus; c++) {
				if (!command_hv_stats(&g->vm.vcpu[c], &s) || s.cpu != n)
					continue;
				ms += command_ms(s.time);
				console_print(" %s/%u (%llu ms)", g->vm.name, c, (ull)command_ms(s.time));
			}
		}
		console_print(" %llu ms\n", (ull)ms);
	}
}

/* Cut the first word off @*s, which goes behind it. */
static char *command_word(char **s)
{
	char *word = *s, *end;

	while (*word == ' ')
		word++;
	for (end = word; *end != '\0' && *end != ' '; end++)
		;
	*s = end;
	if (*end != '\0')
		*(*s)++ = '\0';
	return word;
}

/* The next word, as a number of at most @max. */
static bool command_number(char **s, u64 max, u64 *out)
{
	const char *p = command_word(s);
	u64 v = 0;

	if (*p == '\0')
		return false;
	for (; *p >= '0' && *p <= '9' && v <= max; p++)
		v = v * 10 + (u64)(*p - '0');
	*out = v;
	return *p == '\0' && v <= max;
}

static struct guest *command_guest(const char *name)
{
	struct guest *g = guest_by_name(name);

	if (g == NULL)
		console_print("no guest is called '%s'; see vms\n", name);
	return g;
}

static void command_stats_vcpu(const struct vcpu *v)
{
	struct hv_stats s;

	if (!command_hv_stats(v, &s)) {
		console_print("CPU %u: there is none, the guest has ended\n", v->index);
		return;
	}
	console_print("CPU %u: %s on physical CPU %u, %llu ms\n", v->index,
		      s.state < ARRAY_SIZE(command_runs) ? command_runs[s.state] : "?", s.cpu, (ull)command_ms(s.time));
	for (unsigned k = 0; k < EXIT_COUNT && k < HV_STATS_MAX; k++) {
		if (s.exits[k] != 0 || v->exits[k] != 0)
			console_print("  %-13s %12llu, to the service VM %12llu\n", command_exit_names[k],
				      (ull)s.exits[k], (ull)v->exits[k]);
	}
}

bool guest_statistics;

void command_log_exits(const struct guest *g)
{
	struct hv_stats s;

	for (unsigned i = 0; i < g->vm.nvcpus; i++) {
		const struct vcpu *v = &g->vm.vcpu[i];

		if (!command_hv_stats(v, &s))
			continue;
		for (unsigned k = 0; k < EXIT_COUNT && k < HV_STATS_MAX; k++) {
			if (s.exits[k] != 0 || v->exits[k] != 0)
				log_line("%s CPU %u: exits %s %llu, to the service VM %llu", g->vm.name, i,
					 command_exit_names[k], (ull)s.exits[k], (ull)v->exits[k]);
		}
	}
}

static void command_stats(char *arg)
{
	struct guest *g = command_guest(arg);

	for (unsigned i = 0; g != NULL && i < g->vm.nvcpus; i++)
		command_stats_vcpu(&g->vm.vcpu[i]);
}

static void command_log(char *arg)
{
	char text[256];
	u64 pos = 0;
	size_t n;

	console_print("--- hypervisor\n");
	for (u64 off = 0;;) {
		struct hv_result r = hv_call(HV_LOG, off, 0, 0, 0, 0);
		const char *p = hv_mailbox();

		if (r.status != OK || r.a == 0 || r.a > MAILBOX_SIZE || off > BIT(20))
			break;
		console_print("%.*s", (int)r.a, p);
		off += r.a;
	}
	console_print("--- service VM\n");
	while ((n = log_read(&pos, text, sizeof(text))) != 0)
		console_print("%.*s", (int)n, text);
}

static void command_audit(char *arg)
{
	guest_audit();
}

static void command_trace_show(void)
{
	const struct trace_ring *t = command_trace_ring;
	u64 room = (COMMAND_TRACE_PAGES * PAGE_SIZE - sizeof(*t)) / sizeof(t->rec[0]);
	u64 head = t->head, size = MIN(t->size, room), from = head > COMMAND_TRACE_SHOW ? head - COMMAND_TRACE_SHOW : 0;

	for (u64 i = from; size != 0 && i < head; i++) {
		const struct trace_record *r = &t->rec[i % size];

		console_print("%llu vm %u cpu %u %s pc %llx a %llx b %llx\n", (ull)r->time, r->vm, r->vcpu,
			      r->kind < EXIT_COUNT ? command_exit_names[r->kind] : "?", (ull)r->pc, (ull)r->a,
			      (ull)r->b);
	}
}

static void command_trace(char *arg)
{
	struct hv_result r = { OK, 0, 0, 0 };

	if (command_trace_ring == NULL)
		command_trace_ring = page_alloc(COMMAND_TRACE_PAGES * PAGE_SIZE, PAGE_SIZE);
	if (command_trace_ring == NULL)
		r.status = ERR_NOMEM;
	else if (strcmp(arg, "on") == 0)
		r = hv_call(HV_TRACE, (uintptr_t)command_trace_ring, COMMAND_TRACE_PAGES, ~0ULL, 0, 0);
	else if (strcmp(arg, "off") == 0)
		r = hv_call(HV_TRACE, 0, 0, 0, 0, 0);
	else if (strcmp(arg, "show") == 0)
		command_trace_show();
	else
		console_print("trace on, trace off or trace show\n");
	if (r.status != OK)
		console_print("status %d\n", (int)r.status);
}

static void command_reset(char *arg)
{
	struct guest *g;

	if (*arg == '\0') {
		service_leave(MACHINE_RESET);
		return;
	}
	g = command_guest(arg);
	if (g == NULL)
		return;
	if (guest_lives(g))
		vm_stop(&g->vm, STOP_RESET, "reset from the service console");
	else if (!guest_again(g))
		console_print("%s is still stopping\n", g->vm.name);
}

static void command_stop(char *arg)
{
	struct guest *g = command_guest(arg);

	if (g != NULL)
		guest_stop(g);
}

static void command_start(char *arg)
{
	struct guest *g = command_guest(arg);

	if (g == NULL)
		return;
	if (guest_lives(g))
		console_print("%s is not stopped\n", g->vm.name);
	else if (!guest_again(g))
		console_print("%s is still stopping\n", g->vm.name);
}

static void command_pause(char *arg)
{
	struct guest *g = command_guest(arg);

	if (g != NULL && !vm_pause(&g->vm))
		console_print("%s does not run\n", g->vm.name);
}

static void command_resume(char *arg)
{
	struct guest *g = command_guest(arg);

	if (g != NULL && !vm_resume(&g->vm))
		console_print("%s is not paused\n", g->vm.name);
}

static void command_migrate(char *arg)
{
	struct guest *g = command_guest(command_word(&arg));
	u64 vcpu, cpu;
	status_t s;

	if (g == NULL)
		return;
	if (!command_number(&arg, g->vm.nvcpus - 1, &vcpu) || !command_number(&arg, rt_ncpus() - 1, &cpu)) {
		console_print("migrate NAME VCPU CPU: it has vCPUs 0 to %u, the machine CPUs 0 to %u\n",
			      g->vm.nvcpus - 1, rt_ncpus() - 1);
		return;
	}
	if (g->life != GUEST_MADE) {
		g->cpu[vcpu] = (unsigned)cpu; /* at its next start */
		return;
	}
	s = guest_sched(g, (unsigned)vcpu, (unsigned)cpu);
	if (s != OK)
		console_print("status %d\n", (int)s);
}

/* Priority or shares, which are @what of @g, have changed. */
static void command_sched(struct guest *g, unsigned *what, unsigned value)
{
	unsigned before = *what;
	status_t s = OK;

	*what = value;
	for (unsigned i = 0; g->life == GUEST_MADE && i < g->vm.nvcpus && s == OK; i++)
		s = guest_sched(g, i, g->cpu[i]);
	if (s == OK)
		return;
	*what = before;
	console_print("status %d\n", (int)s);
}

static void command_shares(char *arg)
{
	struct guest *g = command_guest(command_word(&arg));
	u64 n;

	if (g == NULL)
		return;
	if (command_number(&arg, SCHED_SHARES_MAX, &n) && n != 0)
		command_sched(g, &g->shares, (unsigned)n);
	else
		console_print("shares NAME N: 1 to %u; %s has %u\n", SCHED_SHARES_MAX, g->vm.name, g->shares);
}

static void command_priority(char *arg)
{
	struct guest *g = command_guest(command_word(&arg));
	u64 n;

	if (g == NULL)
		return;
	if (command_number(&arg, SCHED_PRIORITIES - 1, &n))
		command_sched(g, &g->priority, (unsigned)n);
	else
		console_print("priority NAME N: 0 to %u; %s has %u\n", SCHED_PRIORITIES - 1, g->vm.name, g->priority);
}

static void command_shake(char *arg)
{
	struct guest *g = command_guest(command_word(&arg));
	u64 n, seed;

	if (g == NULL)
		return;
	if (!command_number(&arg, BIT(32), &n) || n == 0 || !command_number(&arg, ~0ULL / 16, &seed))
		console_print("shake NAME N SEED: N times takes a piece of its RAM away until it is used\n");
	else if (!guest_shake(g, n, seed))
		console_print("%s does not run, or is being shaken\n", g->vm.name);
}

static void command_poweroff(char *arg)
{
	service_leave(MACHINE_POWEROFF);
}

static void command_help(char *arg);

static const struct {
	const char *name, *help;
	void (*fn)(char *arg);
} command_table[] = {
	{ "vms", "list the guests", command_vms },
	{ "cpus", "list the physical CPUs and what runs there", command_cpus },
	{ "stats", "NAME: its exits by kind", command_stats },
	{ "log", "the hypervisor's and this program's log", command_log },
	{ "audit", "walk every guest's tables against the owners of pages", command_audit },
	{ "trace", "on | off | show: the last exits of all guests", command_trace },
	{ "pause", "NAME: its CPUs stand still, its clocks go on", command_pause },
	{ "resume", "NAME: they go on", command_resume },
	{ "migrate", "NAME VCPU CPU: move one of its CPUs to another physical CPU", command_migrate },
	{ "shares", "NAME N: of the time that guests of its priority share", command_shares },
	{ "priority", "NAME N: 0 to 7; the higher goes first, always", command_priority },
	{ "shake", "NAME N SEED: N times take a piece of its RAM away until it is used", command_shake },
	{ "stop", "NAME: end it, whatever its configuration says of a power-off", command_stop },
	{ "start", "NAME: start it again once it has stopped, with new memory", command_start },
	{ "reset", "NAME: reset that guest, or start it again; without a name: the machine", command_reset },
	{ "poweroff", "stop all guests and power the machine off", command_poweroff },
	{ "help", "this", command_help },
};

static void command_help(char *arg)
{
	for (unsigned i = 0; i < ARRAY_SIZE(command_table); i++)
		console_print("%-9s %s\n", command_table[i].name, command_table[i].help);
}

void command_line(char *text)
{
	char *arg;

	while (*text == ' ')
		text++;
	arg = strchr(text, ' ');
	while (arg != NULL && *arg == ' ')
		*arg++ = '\0';
	if (*text == '\0')
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(command_table); i++) {
		if (strcmp(text, command_table[i].name) == 0) {
			command_table[i].fn(arg != NULL ? arg : text + strlen(text));
			return;
		}
	}
	console_print("unknown command; try help\n");
}
