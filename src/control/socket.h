/*
 * The control socket in the file system: who may open the file may give orders.
 */
#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include "base/fail.h"

#include <sys/types.h>

/*
 * Makes the socket, and its folder if that is missing (mode 0700). What a process that has ended left at the path is removed;
 * anything else that is there is an error. The descriptor, or a negative errno with fail set: -EADDRINUSE: a process
 * answers there; -EEXIST: that is no socket; -ENAMETOOLONG.
 */
int control_socket_open(const char *path, mode_t mode, struct fail *fail);

#endif
