/*
 * A worker process forgets: what one client's request and its answer left in
 * its memory is overwritten before another one's job begins, and when none comes soon.
 */
#ifndef ENGINE_FORGET_H
#define ENGINE_FORGET_H

/* Once, before the first job: from now on glibc overwrites what is freed, but for small blocks (mallopt(3), M_PERTURB). */
void forget_begin(void);

/*
 * Overwrites what is left of blocks that were freed: the small ones, which glibc keeps at hand as they are, and the part
 * of the calling thread's stack that deeper calls have used. Some microseconds.
 */
void forget_freed(void);

#endif
