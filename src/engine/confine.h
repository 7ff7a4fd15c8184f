/*
 * What a worker process may not do: it only talks to Redmine.
 */
#ifndef ENGINE_CONFINE_H
#define ENGINE_CONFINE_H

/*
 * For the calling process and for good: no new privileges, no core dump, no attaching; no writing to the file
 * system (Landlock, where the kernel has it); no exec, no listening, no looking into other processes and no signals to
 * them, nor any of it by io_uring (seccomp, where it can be had). What the kernel does not have is left out: this is a second wall, not the first.
 */
void confine_worker(void);

#endif
