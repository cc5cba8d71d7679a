/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/log.c: the service VM's log: a ring for its console, and each line on the machine's console at once. */
#include "guest/rt/sys.h"

#define LOG_RING 16384u /* a power of two */
#define LOG_LINE 256

static char log_ring[LOG_RING];
static u64 log_head; /* bytes ever written */
static struct lock log_lock = LOCK_INIT(LOCK_LOG);
static void (*log_sink)(const char *line, size_t len);

void log_set_sink(void (*sink)(const char *line, size_t len))
{
	log_sink = sink;
}

size_t log_read(u64 *pos, char *buf, size_t size)
{
	size_t n = 0;

	lock_take(&log_lock);
	if (log_head - *pos > LOG_RING)
		*pos = log_head - LOG_RING;
	while (n < size && *pos != log_head)
		buf[n++] = log_ring[(*pos)++ % LOG_RING];
	lock_drop(&log_lock);
	return n;
}

static void log_put(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		log_ring[log_head++ % LOG_RING] = s[i];
}

void log_line(const char *fmt, ...)
{
	char line[LOG_LINE];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	len = strlen(line);
	lock_take(&log_lock);
	log_put(line, len);
	log_put("\n", 1);
	lock_drop(&log_lock);
	if (log_sink != NULL) {
		log_sink(line, len);
	} else {
		early_write("trivet: ", 8);
		early_write(line, len);
		early_write("\r\n", 2);
	}
}
