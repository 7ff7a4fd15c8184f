/*
 * How the kernel's scheduler is told apart who waits for an answer and who
 * works for one (sched(7)).
 */
#ifndef BASE_SCHEDULING_H
#define BASE_SCHEDULING_H

/*
 * The calling thread, and with it all threads and processes that it starts
 * from now on, works in the background: SCHED_BATCH, so that one that is woken
 * (by a job, by Redmine's answer) waits until whoever runs on its core has done
 * what it is at, instead of taking the core away in the middle of it. A core
 * that is free is used at once, the share of a busy one is the same. Without
 * effect where an administrator chose a policy or the system refuses. To be
 * called once, before there are other threads.
 */
void scheduling_background(void);

/*
 * The calling thread answers clients: it gets the core when it is woken
 * (SCHED_OTHER), if it was scheduling_background() that changed this.
 */
void scheduling_interactive(void);

#endif
