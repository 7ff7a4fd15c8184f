/*
 * The daemon's own pages under /-/, which Redmine does not use.
 */
#ifndef FRONT_PAGES_H
#define FRONT_PAGES_H

#include "front/loop.h"

/* True when the target is one of the daemon's own: "/-" or below "/-/". */
bool pages_own(const char *target);

/* Answers r, whose target is such a one: r->answer is WHOLE afterwards. Event thread; nothing here waits. */
void pages_answer(struct front *front, struct request *r);

#endif
