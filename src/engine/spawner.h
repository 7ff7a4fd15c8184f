/*
 * The spawner: a small process of one thread, forked before the daemon has any
 * thread, database or connection, that forks the workers of the process engine
 * when it is asked to. So a dead worker can be replaced at any time without
 * forking a process with threads. A second one stands by, for when the first
 * dies: that one forks the next second one.
 */
#ifndef ENGINE_SPAWNER_H
#define ENGINE_SPAWNER_H

#include "upstream/session.h"

#include <sys/types.h>

struct spawner {
	int fd;    /* to ask on; -1: none */
	int spare; /* of the one that stands by; -1: none */
	pid_t pid; /* of the first, which is a child; 0: it is gone */
};

/*
 * Forks it. settings: how workers reach Redmine; as they are now, for good. Called while the process has one thread. 0 or a
 * negative errno. It ends, and its workers with it, when this process does, however that ends.
 */
int spawner_start(struct spawner *s, const struct session_settings *settings, struct fail *fail);

/*
 * A new worker: its process and the daemon's end of its socket (non-blocking). 0 or a negative errno, -EPIPE where both
 * spawners are gone; waits for at most 5 s for each.
 */
int spawner_fork(struct spawner *s, pid_t *ret_pid, int *ret_fd);

/* Puts the spare one in the place of one that has died, with its workers, and sees to it that there is a spare one again. */
void spawner_mend(struct spawner *s);

/* Ends them; also where none was started and fd, spare are -1 and pid 0. Workers end when their sockets are closed. */
void spawner_stop(struct spawner *s);

#endif
