/*
 * The spawner: a small process of one thread, forked before the daemon has any
 * thread, database or connection, that forks the workers of the process engine
 * when it is asked to. So a dead worker can be replaced at any time without
 * forking a process with threads.
 */
#ifndef ENGINE_SPAWNER_H
#define ENGINE_SPAWNER_H

#include "upstream/session.h"

#include <sys/types.h>

struct spawner {
	int fd; /* to ask on; -1: none */
	pid_t pid;
};

/*
 * Forks it. settings: how workers reach Redmine; as they are now, for good. Called while the process has one thread. 0 or a
 * negative errno. It ends, and its workers with it, when this process does, however that ends.
 */
int spawner_start(struct spawner *s, const struct session_settings *settings, struct fail *fail);

/* A new worker: its process and the daemon's end of its socket (non-blocking). 0 or a negative errno; waits for at most 5 s. */
int spawner_fork(struct spawner *s, pid_t *ret_pid, int *ret_fd);

/* Ends it. Workers end when their sockets are closed. */
void spawner_stop(struct spawner *s);

#endif
