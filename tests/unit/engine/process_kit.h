/*
 * What the tests of the process engine share: an origin that waits where it is
 * told to, and looks at the processes.
 */
#ifndef ENGINE_PROCESS_KIT_H
#define ENGINE_PROCESS_KIT_H

#include "bed.h"

#include <sys/types.h>

#define WORKERS_MAX 16

struct gates {
	struct gate came, go;
	atomic_int requests;
};

/*
 * A bed whose origin answers /hello at once, /wait and /wait-once when gates->go opens (the latter only the first time),
 * /half-body with half of one, /large with 4 MB.
 */
void process_bed_make(struct bed *bed, struct gates *gates, const struct bed_options *options);
/* A request is answered. */
void works(struct bed *bed);

/* The processes whose parent that is. */
size_t children_of(pid_t parent, pid_t *ret, size_t room);
/* The one child of this process. */
pid_t spawner(void);
/* The one worker, as soon as there is one that is not `other`. */
pid_t worker_but(pid_t other);

/* Of the engine's figures. */
uint64_t deaths(struct bed *bed);
int busy(struct bed *bed);

#endif
