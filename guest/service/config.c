/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/config.c: the configuration file, parsed with inih and checked. docs/config.md describes the format. */
#include "guest/service/config.h"

#include "guest/rt/cpu.h"
#include "guest/service/inih.h"
#include "guest/service/parse.h"
#include "guest/vmm/vm.h"
#include "hv/abi/hypercall.h"
#include "hv/lib/print.h"
#include "hv/lib/string.h"
#include "hv/lib/util.h"

#define CONFIG_MEMORY_MIN (16ULL << 20)
#define CONFIG_MEMORY_MAX (1ULL << 40)
#define CONFIG_MEMORY_DEF (256ULL << 20)

static_assert(sizeof(((struct config_vm *)0)->name) == VM_NAME_MAX, "a VM's name fits");

enum config_section { SECTION_NONE, SECTION_MACHINE, SECTION_VM };

/* The parser's state. */
struct config_parser {
	struct config *c;
	const char *text;
	size_t size, pos;
	unsigned line; /* of the line read last */
	enum config_section section;
	bool machine; /* [machine] was there */
	const char *key;
	u32 seen;				   /* keys of this section, by index in their table */
	unsigned vm_line[CONFIG_MAX_VMS];	   /* of the VM's [vm NAME] */
	char where[sizeof("[vm ]") + VM_NAME_MAX]; /* the section, for messages */
};

/* Sets one key from @value; false: config_error has been called. */
typedef bool (*config_set)(struct config_parser *p, const char *value);

struct config_key {
	const char *name;
	config_set set;
	bool repeatable;
	bool may_be_empty;
};

PRINTF(3, 4) static bool config_error(struct config_parser *p, unsigned line, const char *fmt, ...)
{
	char *to = p->c->error;
	size_t size = sizeof(p->c->error);
	size_t n = 0;
	va_list ap;

	if (to[0] != '\0')
		return false; /* the first one counts */
	if (line != 0) {
		snprintf(to, size, "line %u: ", line);
		n = strlen(to);
	}
	va_start(ap, fmt);
	vsnprintf(to + n, size - n, fmt, ap);
	va_end(ap);
	return false;
}

static struct config_vm *config_vm(struct config_parser *p)
{
	return &p->c->vm[p->c->nvms - 1];
}

static bool config_copy(struct config_parser *p, char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return config_error(p, p->line, "%s in %s is longer than %zu characters", p->key, p->where, size - 1);
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

/* The length of @s without trailing spaces, where it is cut at @len. */
static size_t config_trim(const char *s, size_t len)
{
	while (len != 0 && (s[len - 1] == ' ' || s[len - 1] == '\t'))
		len--;
	return len;
}

static const char *config_skip(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/* The index of @value among the words, -1 with an error that names the words as @list. */
static int config_word(struct config_parser *p, const char *value, const char *const *word, int n, const char *list)
{
	for (int i = 0; i < n; i++)
		if (strcmp(value, word[i]) == 0)
			return i;
	config_error(p, p->line, "%s in %s is '%.32s', must be %s", p->key, p->where, value, list);
	return -1;
}

static bool config_bool(struct config_parser *p, const char *value, bool *out)
{
	static const char *const word[] = { "no", "yes" };
	int i = config_word(p, value, word, 2, "yes or no");

	*out = i == 1;
	return i >= 0;
}

static bool config_action(struct config_parser *p, const char *value, enum config_action *out)
{
	static const char *const word[] = { [ACTION_STOP] = "stop", [ACTION_RESTART] = "restart" };
	int i = config_word(p, value, word, 2, "stop or restart");

	*out = i == ACTION_RESTART ? ACTION_RESTART : ACTION_STOP;
	return i >= 0;
}

/* --- keys of [machine] --- */

static bool config_set_poweroff(struct config_parser *p, const char *value)
{
	return config_bool(p, value, &p->c->poweroff_when_done);
}

static bool config_set_statistics(struct config_parser *p, const char *value)
{
	return config_bool(p, value, &p->c->statistics);
}

/* --- keys of [vm NAME] --- */

static bool config_set_kernel(struct config_parser *p, const char *value)
{
	return config_copy(p, config_vm(p)->kernel, CONFIG_PATH, value, strlen(value));
}

static bool config_set_firmware(struct config_parser *p, const char *value)
{
	config_vm(p)->firmware_line = p->line;
	return config_copy(p, config_vm(p)->firmware, CONFIG_PATH, value, strlen(value));
}

static bool config_set_variables(struct config_parser *p, const char *value)
{
	config_vm(p)->variables_line = p->line;
	return config_copy(p, config_vm(p)->variables, CONFIG_PATH, value, strlen(value));
}

static bool config_set_initrd(struct config_parser *p, const char *value)
{
	return config_copy(p, config_vm(p)->initrd, CONFIG_PATH, value, strlen(value));
}

static bool config_set_cmdline(struct config_parser *p, const char *value)
{
	return config_copy(p, config_vm(p)->cmdline, CONFIG_CMDLINE, value, strlen(value));
}

static bool config_set_memory(struct config_parser *p, const char *value)
{
	const char *s = value;
	unsigned shift;
	u64 n;

	if (!parse_number(&s, CONFIG_MEMORY_MAX, &n))
		goto bad;
	switch (*s) {
	case 'K': shift = 10; break;
	case 'M': shift = 20; break;
	case 'G': shift = 30; break;
	default: goto bad;
	}
	if (s[1] != '\0' || n > CONFIG_MEMORY_MAX >> shift || !is_aligned(n << shift, SIZE_2M) ||
	    n << shift < CONFIG_MEMORY_MIN)
		goto bad;
	config_vm(p)->memory = n << shift;
	return true;
bad:
	return config_error(p, p->line, "memory in %s is '%.32s', must be 16M to 1024G in steps of 2M, with K, M or G",
			    p->where, value);
}

static bool config_set_cpus(struct config_parser *p, const char *value)
{
	const char *s = value;
	u64 n;

	if (!parse_number(&s, VM_MAX_VCPUS, &n) || *s != '\0' || n == 0)
		return config_error(p, p->line, "cpus in %s is '%.32s', must be 1 to %u", p->where, value,
				    VM_MAX_VCPUS);
	config_vm(p)->cpus = n;
	return true;
}

/* A whole number of @min to @max and nothing else. */
static bool config_range(struct config_parser *p, const char *value, unsigned min, unsigned max, unsigned *out)
{
	const char *s = value;
	u64 n;

	if (!parse_number(&s, max, &n) || *s != '\0' || n < min)
		return config_error(p, p->line, "%s in %s is '%.32s', must be %u to %u", p->key, p->where, value, min,
				    max);
	*out = (unsigned)n;
	return true;
}

static bool config_set_priority(struct config_parser *p, const char *value)
{
	return config_range(p, value, 0, SCHED_PRIORITIES - 1, &config_vm(p)->priority);
}

static bool config_set_shares(struct config_parser *p, const char *value)
{
	return config_range(p, value, 1, SCHED_SHARES_MAX, &config_vm(p)->shares);
}

static bool config_set_pin(struct config_parser *p, const char *value)
{
	struct config_vm *vm = config_vm(p);

	vm->npin = parse_cpus(value, vm->pin, CONFIG_MAX_PIN, RT_MAX_CPUS - 1);
	return vm->npin != 0 ||
	       config_error(p, p->line, "pin in %s is '%.32s', must be CPUs from 0 to %u, such as 1 or 0,2-3", p->where,
			    value, RT_MAX_CPUS - 1);
}

static bool config_set_budget(struct config_parser *p, const char *value)
{
	return parse_budget(value, &config_vm(p)->budget, &config_vm(p)->period) ||
	       config_error(p, p->line,
			    "budget in %s is '%.32s', must be 1%% to 100%%, or TIME/PERIOD such as 20ms/100ms: "
			    "at least 100us of 1ms, at most 10s",
			    p->where, value);
}

/* One option of a disk, @len bytes at @s. */
static bool config_disk_option(struct config_parser *p, struct config_disk *d, const char *s, size_t len)
{
	static const char serial[] = "serial=";
	const size_t n = sizeof(serial) - 1;

	if (len == 2 && strncmp(s, "ro", 2) == 0) {
		d->readonly = true;
		return true;
	}
	if (len > n && strncmp(s, serial, n) == 0) {
		if (len - n >= sizeof(d->serial))
			return config_error(p, p->line, "disk's serial in %s is longer than %zu characters", p->where,
					    sizeof(d->serial) - 1);
		return config_copy(p, d->serial, sizeof(d->serial), s + n, len - n);
	}
	return config_error(p, p->line, "unknown option '%.*s' of disk in %s, must be ro or serial=TEXT",
			    (int)MIN(len, (size_t)32), s, p->where);
}

static bool config_set_disk(struct config_parser *p, const char *value)
{
	struct config_vm *vm = config_vm(p);
	const char *s = value;
	struct config_disk *d;
	size_t len;

	if (vm->ndisks == CONFIG_MAX_DISKS)
		return config_error(p, p->line, "more than %u disks in %s", CONFIG_MAX_DISKS, p->where);
	d = &vm->disk[vm->ndisks++];
	for (bool first = true;; first = false) {
		const char *comma = strchr(s, ',');

		len = config_trim(s, comma ? (size_t)(comma - s) : strlen(s));
		if (first && len == 0)
			return config_error(p, p->line, "disk in %s names no file", p->where);
		if (!(first ? config_copy(p, d->file, CONFIG_PATH, s, len) : config_disk_option(p, d, s, len)))
			return false;
		if (!comma)
			return true;
		s = config_skip(comma + 1);
	}
}

static bool config_set_module(struct config_parser *p, const char *value)
{
	struct config_vm *vm = config_vm(p);
	size_t len = 0;
	const char *args;

	if (vm->nmodules == CONFIG_MAX_MODULES)
		return config_error(p, p->line, "more than %u modules in %s", CONFIG_MAX_MODULES, p->where);
	while (value[len] != '\0' && value[len] != ' ' && value[len] != '\t')
		len++;
	args = config_skip(value + len);
	if (!config_copy(p, vm->module[vm->nmodules].file, CONFIG_PATH, value, len) ||
	    !config_copy(p, vm->module[vm->nmodules].args, CONFIG_PATH, args, strlen(args)))
		return false;
	vm->nmodules++;
	return true;
}

static bool config_set_console(struct config_parser *p, const char *value)
{
	static const char *const word[] = { "none", "serial", "virtio", "both" };
	int i = config_word(p, value, word, 4, "serial, virtio, both or none");

	if (i < 0)
		return false;
	config_vm(p)->serial = i & 1;
	config_vm(p)->virtio_console = i & 2;
	return true;
}

static bool config_set_rng(struct config_parser *p, const char *value)
{
	return config_bool(p, value, &config_vm(p)->rng);
}

static bool config_set_on_poweroff(struct config_parser *p, const char *value)
{
	return config_action(p, value, &config_vm(p)->on_poweroff);
}

static bool config_set_on_reboot(struct config_parser *p, const char *value)
{
	return config_action(p, value, &config_vm(p)->on_reboot);
}

static bool config_set_on_crash(struct config_parser *p, const char *value)
{
	return config_action(p, value, &config_vm(p)->on_crash);
}

static const struct config_key config_machine_keys[] = {
	{ .name = "poweroff-when-done", .set = config_set_poweroff },
	{ .name = "statistics", .set = config_set_statistics },
};

static const struct config_key config_vm_keys[] = {
	{ .name = "kernel", .set = config_set_kernel },
	{ .name = "firmware", .set = config_set_firmware },
	{ .name = "variables", .set = config_set_variables },
	{ .name = "initrd", .set = config_set_initrd },
	{ .name = "cmdline", .set = config_set_cmdline, .may_be_empty = true },
	{ .name = "memory", .set = config_set_memory },
	{ .name = "cpus", .set = config_set_cpus },
	{ .name = "disk", .set = config_set_disk, .repeatable = true },
	{ .name = "module", .set = config_set_module, .repeatable = true },
	{ .name = "console", .set = config_set_console },
	{ .name = "rng", .set = config_set_rng },
	{ .name = "pin", .set = config_set_pin },
	{ .name = "priority", .set = config_set_priority },
	{ .name = "shares", .set = config_set_shares },
	{ .name = "budget", .set = config_set_budget },
	{ .name = "on-poweroff", .set = config_set_on_poweroff },
	{ .name = "on-reboot", .set = config_set_on_reboot },
	{ .name = "on-crash", .set = config_set_on_crash },
};

static_assert(ARRAY_SIZE(config_vm_keys) <= 32, "config_parser.seen has a bit for each");

/* A VM's name is shown in logs and typed by people. */
static bool config_name_ok(const char *s)
{
	for (; *s != '\0'; s++) {
		bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');

		if (!letter && !(*s >= '0' && *s <= '9') && !strchr("-_.", *s))
			return false;
	}
	return true;
}

static bool config_new_vm(struct config_parser *p, const char *name)
{
	struct config *c = p->c;
	struct config_vm *vm;

	if (name[0] == '\0')
		return config_error(p, p->line, "a VM needs a name: [vm NAME]");
	if (strlen(name) >= VM_NAME_MAX)
		return config_error(p, p->line, "VM name '%.40s' is longer than %u characters", name, VM_NAME_MAX - 1);
	if (!config_name_ok(name))
		return config_error(p, p->line, "VM name '%s' has more than letters, digits and - _ .", name);
	for (unsigned i = 0; i < c->nvms; i++)
		if (strcmp(c->vm[i].name, name) == 0)
			return config_error(p, p->line, "VM name '%s' is taken, see line %u", name, p->vm_line[i]);
	if (c->nvms == CONFIG_MAX_VMS)
		return config_error(p, p->line, "more than %u VMs", CONFIG_MAX_VMS);

	p->vm_line[c->nvms] = p->line;
	vm = &c->vm[c->nvms++];
	memcpy(vm->name, name, strlen(name) + 1);
	vm->memory = CONFIG_MEMORY_DEF;
	vm->cpus = 1;
	vm->serial = true;
	vm->rng = true;
	vm->shares = SCHED_SHARES;
	vm->on_reboot = ACTION_RESTART; /* the others: ACTION_STOP, 0 */
	snprintf(p->where, sizeof(p->where), "[vm %s]", name);
	p->section = SECTION_VM;
	return true;
}

static bool config_new_section(struct config_parser *p, const char *section)
{
	p->seen = 0;
	if (strcmp(section, "machine") == 0) {
		if (p->machine)
			return config_error(p, p->line, "section [machine] is there twice");
		p->machine = true;
		p->section = SECTION_MACHINE;
		snprintf(p->where, sizeof(p->where), "[machine]");
		return true;
	}
	if (strncmp(section, "vm", 2) == 0 && (section[2] == ' ' || section[2] == '\t' || section[2] == '\0'))
		return config_new_vm(p, config_skip(section + 2));
	return config_error(p, p->line, "unknown section [%.40s], must be [machine] or [vm NAME]", section);
}

static bool config_pair(struct config_parser *p, const char *name, const char *value)
{
	bool in_vm = p->section == SECTION_VM;
	const struct config_key *keys = in_vm ? config_vm_keys : config_machine_keys;
	unsigned n = in_vm ? ARRAY_SIZE(config_vm_keys) : ARRAY_SIZE(config_machine_keys);
	unsigned i = 0;

	if (p->section == SECTION_NONE)
		return config_error(p, p->line, "key '%.32s' before the first section", name);
	while (i < n && strcmp(name, keys[i].name) != 0)
		i++;
	if (i == n)
		return config_error(p, p->line, "unknown key '%.32s' in %s", name, p->where);
	if ((p->seen & 1u << i) && !keys[i].repeatable)
		return config_error(p, p->line, "key '%s' is twice in %s", name, p->where);
	p->seen |= 1u << i;
	if (value[0] == '\0' && !keys[i].may_be_empty)
		return config_error(p, p->line, "key '%s' in %s has no value", name, p->where);
	for (const char *s = value; *s != '\0'; s++)
		if ((u8)*s >= 0x80)
			return config_error(p, p->line, "value of '%s' in %s is not ASCII", name, p->where);
	p->key = keys[i].name;
	return keys[i].set(p, value);
}

/* inih's handler: a section (@name NULL) or a key. */
static int config_handle(void *user, const char *section, const char *name, const char *value, int line)
{
	struct config_parser *p = user;

	return name ? config_pair(p, name, value) : config_new_section(p, section);
}

/* A line has text only; behind a section's ] there is at most a comment, which inih would not look at. */
static bool config_line_ok(struct config_parser *p, const char *s, size_t len)
{
	size_t i = 0;

	for (i = 0; i < len; i++) {
		u8 c = s[i];
		bool end = c == '\r' && (i + 1 == len || s[i + 1] == '\n');

		if ((c < ' ' && c != '\t' && c != '\n' && !end) || c == 0x7f)
			return config_error(p, p->line, "control character 0x%02x: not a text file?", c);
	}
	for (i = 0; i < len && (s[i] == ' ' || s[i] == '\t'); i++)
		;
	if (i == len || s[i] != '[')
		return true;
	while (i < len && s[i] != ']')
		i++;
	for (i++; i < len && s[i] != ';' && s[i] != '#'; i++)
		if (s[i] > ' ' || (u8)s[i] >= 0x80)
			return config_error(p, p->line, "text behind the section's ]");
	return true;
}

/* inih's reader, in the manner of fgets: a whole line, or NULL at the end or after an error. */
static char *config_read(char *buf, int num, void *stream)
{
	struct config_parser *p = stream;
	const char *s = p->text + p->pos;
	size_t left = p->size - p->pos;
	size_t len = 0;

	if (left == 0 || num <= 0)
		return NULL;
	p->line++;
	while (len < left && len < (size_t)num && s[len] != '\n')
		len++;
	if (len < left && s[len] == '\n')
		len++;
	if (len > (size_t)num - 2) { /* inih takes a line that fills its buffer for one that is cut */
		config_error(p, p->line, "longer than %d characters", num - 4);
		return NULL;
	}
	if (!config_line_ok(p, s, len))
		return NULL;
	memcpy(buf, s, len);
	buf[len] = '\0';
	p->pos += len;
	return buf;
}

/* A kernel, with what belongs to it, or firmware, which finds on the disks what to start. */
static void config_check_start(struct config_parser *p, unsigned i)
{
	const struct config_vm *vm = &p->c->vm[i];
	const char *key = vm->kernel[0] != '\0'	   ? "kernel"
			  : vm->initrd[0] != '\0'  ? "initrd"
			  : vm->cmdline[0] != '\0' ? "cmdline"
			  : vm->nmodules != 0	   ? "module"
						   : NULL;

	if (vm->firmware[0] == '\0' && vm->kernel[0] == '\0')
		config_error(p, p->vm_line[i], "[vm %s] has no kernel and no firmware", vm->name);
	else if (vm->firmware[0] == '\0' && vm->variables[0] != '\0')
		config_error(p, vm->variables_line, "[vm %s] has variables, but no firmware", vm->name);
	else if (vm->firmware[0] != '\0' && key != NULL)
		config_error(p, vm->firmware_line, "[vm %s] has firmware, which takes no %s", vm->name, key);
}

/* Two guests that write one file would each lose what the other writes; both may read it. */
static void config_check_disks(struct config_parser *p, unsigned a, unsigned b)
{
	const struct config_vm *va = &p->c->vm[a], *vb = &p->c->vm[b];

	for (unsigned i = 0; i < va->ndisks; i++) {
		for (unsigned k = 0; k < vb->ndisks; k++) {
			if (strcmp(va->disk[i].file, vb->disk[k].file) == 0 &&
			    !(va->disk[i].readonly && vb->disk[k].readonly))
				config_error(p, p->vm_line[b],
					     "disk %.40s of [vm %s] is [vm %s]'s too: ro in both, or not at all",
					     vb->disk[k].file, vb->name, va->name);
		}
	}
}

status_t config_parse(struct config *c, const char *text, size_t size)
{
	struct config_parser p = { .c = c, .text = text, .size = size };
	int line;

	memset(c, 0, sizeof(*c));
	line = ini_parse_stream(config_read, &p, config_handle, &p);
	if (line != 0)
		config_error(&p, line, "not a comment, [section] or key = value");
	if (c->error[0] == '\0' && c->nvms == 0)
		config_error(&p, 0, "no VM: there is no [vm NAME] section");
	for (unsigned i = 0; i < c->nvms; i++)
		config_check_start(&p, i);
	for (unsigned i = 1; i < c->nvms; i++)
		for (unsigned k = 0; k < i; k++)
			config_check_disks(&p, k, i);
	return c->error[0] == '\0' ? OK : ERR_FORMAT;
}
