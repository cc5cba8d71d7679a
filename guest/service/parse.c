/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/parse.c: numbers, times and lists as people write them. */
#include "guest/service/parse.h"

#include "hv/lib/string.h"
#include "hv/lib/util.h"

#define PARSE_PERIOD	 100000000ULL /* ns; of a budget in percent */
#define PARSE_PERIOD_MIN 1000000ULL
#define PARSE_PERIOD_MAX 10000000000ULL
#define PARSE_BUDGET_MIN 100000ULL

static const char *parse_skip(const char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

bool parse_number(const char **s, u64 max, u64 *out)
{
	const char *p = *s;
	u64 v = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = *p - '0';

		if (digit > max || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*out = v;
	*s = p;
	return true;
}

unsigned parse_cpus(const char *s, u8 *cpu, unsigned max, unsigned top)
{
	unsigned n = 0;
	u64 from, to;

	for (;;) {
		if (!parse_number(&s, top, &from))
			return 0;
		to = from;
		if (*s == '-') {
			s++;
			if (!parse_number(&s, top, &to) || to < from)
				return 0;
		}
		if (to - from >= max - n)
			return 0;
		while (from <= to)
			cpu[n++] = (u8)from++;
		s = parse_skip(s);
		if (*s == '\0')
			return n;
		if (*s != ',')
			return 0;
		s = parse_skip(s + 1);
	}
}

/* A time in ns: a number with us, ms or s, up to PARSE_PERIOD_MAX. */
static bool parse_time(const char **s, u64 *ns)
{
	static const struct {
		const char *name;
		u64 ns;
	} unit[] = { { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };

	if (!parse_number(s, PARSE_PERIOD_MAX, ns))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(unit); i++) {
		size_t n = strlen(unit[i].name);

		if (strncmp(*s, unit[i].name, n) != 0 || *ns > PARSE_PERIOD_MAX / unit[i].ns)
			continue;
		*ns *= unit[i].ns;
		*s += n;
		return true;
	}
	return false;
}

bool parse_budget(const char *s, u64 *budget, u64 *period)
{
	const char *at = s;
	u64 percent;

	if (parse_number(&at, 100, &percent) && strcmp(at, "%") == 0) {
		*period = PARSE_PERIOD;
		*budget = PARSE_PERIOD / 100 * percent;
		return percent != 0;
	}
	if (!parse_time(&s, budget))
		return false;
	s = parse_skip(s);
	if (*s != '/')
		return false;
	s = parse_skip(s + 1);
	return parse_time(&s, period) && *s == '\0' && *period >= PARSE_PERIOD_MIN && *budget >= PARSE_BUDGET_MIN &&
	       *budget <= *period;
}
