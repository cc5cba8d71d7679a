/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/inih.c: builds inih with the options of inih.h; none of its code is in our tree. */
#include "guest/service/inih.h"

#include <ini.c> /* from -isystem: its warnings are not ours */
