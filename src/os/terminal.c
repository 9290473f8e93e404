/* SPDX-License-Identifier: Apache-2.0 */
/* terminal - see terminal.h. */
#include "os/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

unsigned kee_terminal_columns(void)
{
    struct winsize size;

    if (!isatty(STDOUT_FILENO)) {
        return 0;
    }
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}
