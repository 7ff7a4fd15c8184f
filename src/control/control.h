/*
 * The control socket's threads: one that accepts, and one for each who is
 * connected. They may block, unlike the event threads; what they call is made
 * for any thread.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "front/front.h"

#define CONTROL_CALLERS_MAX 16 /* connected at a time */

/* What only main can do. */
struct control_orders {
	/*
	 * Reads the settings anew, and puts them in force unless only_check. said gets what is to be told: problems, or what needs a
	 * restart. 0 or a negative errno. Any thread, one at a time.
	 */
	int (*reload)(void *arg, bool only_check, struct buf *said);
	void *arg;
};

struct control_settings {
	const char *path; /* copied */
	mode_t mode;
	struct front *front; /* borrowed until control_free() */
	struct flow *flow;   /* borrowed likewise */
	struct control_orders orders;
};

struct control;

/* Opens the socket and starts to accept. 0 or a negative errno. */
int control_new(const struct control_settings *settings, struct control **ret, struct fail *fail);

/* Ends every connection and all threads; commands under way stop where they are. The socket's file is removed. NULL is allowed. */
void control_free(struct control *control);

#endif
