#include "control/command.h"

#define SAID_MAX (64 * 1024)

static void order(struct caller *caller, bool only_check)
{
	CLEANUP(buf_release) struct buf said = BUF_INIT(SAID_MAX);
	const struct control_orders *orders = &caller->settings->orders;
	struct json_object *object;

	if (orders->reload(orders->arg, only_check, &said) < 0) {
		caller_error(caller, "bad-settings", "%s", buf_text(&said));
		return;
	}
	object = json_object_new_object();
	json_object_object_add(object, "said", json_object_new_string(buf_text(&said)));
	caller_result(caller, object);
}

void command_reload(struct caller *caller, struct json_object *arguments)
{
	order(caller, false);
}

void command_check(struct caller *caller, struct json_object *arguments)
{
	order(caller, true);
}
