/* SPDX-License-Identifier: Apache-2.0 */
/* guest/rt/libc/stdio.h: what third-party C sources that we build freestanding (inih) ask of <stdio.h>. */
#ifndef GUEST_RT_LIBC_STDIO_H
#define GUEST_RT_LIBC_STDIO_H

#include <stddef.h>

typedef struct libc_file FILE;

/* There are no files here: opening one fails, so none is ever read or closed. */
static inline FILE *fopen(const char *path, const char *mode)
{
	return NULL;
}

static inline char *fgets(char *s, int size, FILE *f)
{
	return NULL;
}

static inline int fclose(FILE *f)
{
	return -1;
}

#endif
