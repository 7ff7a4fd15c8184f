#include "control/command.h"

#include "front/status.h"

void command_status(struct caller *caller, struct json_object *arguments)
{
	struct conf *conf = front_conf(caller->settings->front);
	struct json_object *object = status_print(caller->settings->front, conf);

	conf_unref(conf);
	if (object)
		caller_result(caller, object);
	else
		caller_error(caller, "failed", "Out of memory.");
}

void command_engines(struct caller *caller, struct json_object *arguments)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "engines", status_print_engines(caller->settings->flow->engines));
	caller_result(caller, object);
}

static struct json_object *print_list(const struct text_list *list)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(array, json_object_new_string(list->items[i]));
	return array;
}

/* Which credentials it has, never what they are. */
static struct json_object *print_session(const struct conf_session *session)
{
	struct json_object *object = json_object_new_object();

	status_add_text(object, "name", session->name);
	status_add_text(object, "credential", session->key ? "key" : session->password ? "password" : "none");
	status_add_text(object, "username", session->username);
	status_add_text(object, "impersonate", session->impersonate);
	status_add_text(object, "engine", session->engine);
	json_object_object_add(object, "workers", json_object_new_int(session->workers));
	json_object_object_add(object, "needs_token", json_object_new_boolean(session->token != NULL));
	json_object_object_add(object, "listeners", print_list(&session->listeners));
	json_object_object_add(object, "uids", print_list(&session->uids));
	json_object_object_add(object, "gids", print_list(&session->gids));
	return object;
}

void command_sessions(struct caller *caller, struct json_object *arguments)
{
	struct conf *conf = front_conf(caller->settings->front);
	struct json_object *object = json_object_new_object(), *array = json_object_new_array();

	for (size_t i = 0; i < conf->session.count; i++)
		json_object_array_add(array, print_session(&conf->session.items[i]));
	conf_unref(conf);
	json_object_object_add(object, "sessions", array);
	caller_result(caller, object);
}
