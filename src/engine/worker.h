/*
 * A worker process of the process engine: one job after the other, on a session
 * of its own, told and answered over a socket.
 */
#ifndef ENGINE_WORKER_H
#define ENGINE_WORKER_H

#include "upstream/session.h"

/* Serves jobs from fd until its other end is closed. Returns the exit status. The process's only thread (libcurl may look up names on others). */
int worker_main(int fd, const struct session_settings *settings);

#endif
