/* SPDX-License-Identifier: Apache-2.0 */
/* boot/names.c: the files that a configuration names, and where they lie on the volume. ./trivet has the same rules. */
#include "boot/names.h"

#include "hv/lib/string.h"
#include "hv/lib/util.h"

struct span {
	const char *at;
	size_t len;
};

static bool names_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span names_strip(struct span s)
{
	while (s.len && names_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len && names_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* What of @s stands before its first @end. */
static struct span names_until(struct span s, bool (*end)(char))
{
	size_t n = 0;

	while (n < s.len && !end(s.at[n]))
		n++;
	return (struct span){ s.at, n };
}

static bool names_comma(char c)
{
	return c == ',';
}

static bool names_assigns(char c)
{
	return c == '=' || c == ':';
}

static bool names_is(struct span s, const char *word)
{
	return s.len == strlen(word) && memcmp(s.at, word, s.len) == 0;
}

/* The next line without blanks around it and without its comment. */
static struct span names_line(struct names *n)
{
	struct span s = { n->text + n->at, 0 };

	while (n->at + s.len < n->size && s.at[s.len] != '\n')
		s.len++;
	n->at += s.len + 1;
	n->line++;
	for (size_t i = 1; i < s.len; i++)
		if (s.at[i] == ';' && names_blank(s.at[i - 1]))
			s.len = i;
	return names_strip(s);
}

static bool names_bracket(char c)
{
	return c == '[' || c == ']';
}

static void names_section(struct names *n, struct span s)
{
	while (s.len && names_bracket(s.at[0])) {
		s.at++;
		s.len--;
	}
	s = names_strip(names_until(s, names_bracket));
	n->in_vm = names_is(names_until(s, names_blank), "vm");
}

/* The file in a line of a guest's section, empty: none. */
static struct span names_file(struct span line)
{
	struct span key = names_until(line, names_assigns), value = { line.at + key.len, line.len - key.len };

	if (value.len == 0)
		return value;
	value.at++;
	value.len--;
	key = names_strip(key);
	value = names_strip(value);
	if (names_is(key, "kernel") || names_is(key, "initrd"))
		return value;
	if (names_is(key, "disk"))
		return names_strip(names_until(value, names_comma));
	if (names_is(key, "module"))
		return names_until(value, names_blank);
	return (struct span){ line.at, 0 };
}

void names_start(struct names *n, const char *text, size_t size)
{
	*n = (struct names){ .text = text, .size = size };
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark, which some editors leave */
		n->at = 3;
}

bool names_next(struct names *n, char name[BOOT_STRING])
{
	n->why = NULL;
	while (n->at < n->size) {
		struct span line = names_line(n), file;

		if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';')
			continue;
		if (line.at[0] == '[') {
			names_section(n, line);
			continue;
		}
		file = n->in_vm ? names_file(line) : (struct span){ line.at, 0 };
		if (file.len == 0)
			continue;
		if (file.len >= BOOT_STRING) {
			n->why = "a file's name is longer than 255 characters";
			return false;
		}
		memcpy(name, file.at, file.len);
		name[file.len] = '\0';
		return true;
	}
	return false;
}

static bool names_dots(const char *part, size_t len)
{
	return (len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.');
}

status_t names_path(const char *name, u16 path[NAMES_PATH])
{
	size_t n = 0, part;

	for (const char *s = NAMES_FOLDER; *s; s++)
		path[n++] = (u16)*s;
	while (*name == '/')
		name++;
	for (part = 0;; name++) {
		if ((*name == '/' || *name == '\0') && names_dots(name - part, part))
			break;
		if (*name == '\0') {
			path[n] = 0;
			return OK;
		}
		if (n == NAMES_PATH - 1 || *name < ' ' || *name > '~' || strchr("\"*:<>?\\|", *name))
			break;
		path[n++] = *name == '/' ? '\\' : (u16)*name;
		part = *name == '/' ? 0 : part + 1;
	}
	path[0] = 0;
	return ERR_FORMAT;
}

void names_append(char text[BOOT_STRING], const char *line, size_t size)
{
	size_t n = strlen(text);

	if (n && n < BOOT_STRING - 1)
		text[n++] = ' ';
	for (size_t i = 0; i < size && line[i] != '\n' && line[i] != '\0' && n < BOOT_STRING - 1; i++)
		text[n++] = line[i] >= ' ' && line[i] <= '~' ? line[i] : ' ';
	text[n] = '\0';
}

bool names_word(const char *text, const char *word)
{
	for (struct span rest = { text, strlen(text) }, s; rest.len; rest.at += s.len, rest.len -= s.len) {
		while (rest.len && names_blank(rest.at[0])) {
			rest.at++;
			rest.len--;
		}
		s = names_until(rest, names_blank);
		if (names_is(s, word))
			return true;
	}
	return false;
}
