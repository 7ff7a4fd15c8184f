/*
 * The daemon's side of the process engine: what its one thread knows of each
 * worker. Inside the engine only.
 */
#ifndef ENGINE_PROCESS_H
#define ENGINE_PROCESS_H

#include "engine/base.h"
#include "engine/spawner.h"
#include "engine/wire.h"

struct process;

/* One worker and the job that it has. The engine's thread only, but for poked. */
struct hand {
	struct process *process;
	pid_t pid;
	int fd;     /* -1: none */
	bool hired; /* with fd -1: its worker has gone, which was not looked at yet */
	struct wire_reader in;
	struct buf out;  /* not sent yet */
	size_t sent;     /* of out */
	uint32_t events; /* what epoll waits for */
	unsigned jobs;   /* that it has done */
	bool grown;      /* it has more memory than it should */

	struct job *job; /* NULL: idle */
	bool head_told, body_held, uploaded, given_up, retried;
	int64_t started_us, heard_us;
	atomic_bool poked;
};

struct process {
	struct engine *engine;
	struct spawner spawner;
	pthread_t thread;
	bool started;
	int epoll, event;
	atomic_bool cancelled;
	int64_t looked_us;
	int count, wanted; /* hands, and how many of them have a worker */
	struct hand *hands;
};

/* Takes a job up. */
void hand_start(struct hand *hand, struct job *job);
/* Goes on with whatever can: sends, reads, tells the job's client, looks at a cancel. */
void hand_work(struct hand *hand, bool readable);
/* The worker is gone, or is to go (it is killed then): its job is ended, or left in *ret_again to be run once more. */
void hand_lose(struct hand *hand, struct job **ret_again);
/* True when it has not said anything, not even that it lives, for longer than its job allows. */
bool hand_is_stuck(const struct hand *hand, int64_t now_us);

#endif
