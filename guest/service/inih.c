/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/inih.c: builds inih with the options of inih.h; none of its code is in our tree. */
#include "guest/service/inih.h"

/* Its cast of fgets to its reader type is meant. */
#pragma GCC diagnostic ignored "-Wcast-function-type"

#include "build/src/libinih/ini.c"
