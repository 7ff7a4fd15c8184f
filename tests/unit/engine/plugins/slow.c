/*
 * An engine whose sessions take their time: each waits for a byte of the pipe whose descriptor the option "gate"
 * names, and is made when that is a 'y'. On the base's threads, as the template's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <redmine-cached/engine.h>

static struct rc_session *create_session(struct rc_engine *engine, char *why, size_t why_size)
{
	char gate[8] = "", byte = 'n';

	rc_option(engine, "gate", gate, sizeof(gate));
	if (read(atoi(gate), &byte, 1) == 1 && byte == 'y')
		return rc_session_new(engine, 1, why, why_size);
	snprintf(why, why_size, "not this time");
	return NULL;
}

static void process_bulk_request(struct rc_engine *engine, struct rc_job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rc_queue_put(engine, jobs[i]);
}

const struct rc_engine_ops rc_plugin = {
        .abi = RC_ENGINE_ABI,
        .size = sizeof(rc_plugin),
        .create_session = create_session,
        .process_bulk_request = process_bulk_request,
};
