/* SPDX-License-Identifier: Apache-2.0 */
/* guest/service/inih.h: the INI parser inih with our options. Its source (Debian's libinih) is fetched when we build.
 */
#ifndef GUEST_SERVICE_INIH_H
#define GUEST_SERVICE_INIH_H

#define INI_USE_STACK			1    /* no heap                                                   */
#define INI_MAX_LINE			2304 /* a command line of CONFIG_CMDLINE, its key and some spaces */
#define INI_ALLOW_MULTILINE		0    /* an indented line is not a continuation                    */
#define INI_ALLOW_INLINE_COMMENTS	1    /* " ;" starts one                                           */
#define INI_STOP_ON_FIRST_ERROR		1
#define INI_HANDLER_LINENO		1
#define INI_CALL_HANDLER_ON_NEW_SECTION 1 /* with name and value NULL: finds a section twice, or empty */

#include <ini.h>

#endif
