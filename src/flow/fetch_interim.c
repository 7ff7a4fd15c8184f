#include "flow/fetch_inside.h"

#include "flow/forward.h"

/* No byte of it could be taken for the end of a line: the front sends it as it is. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

/* Sessions tell nothing else; a plug-in may. */
static bool is_sound(const struct job_head *head)
{
	for (size_t i = 0; i < head->fields->count; i++)
		if (!is_plain(head->fields->items[i].name) || !is_plain(head->fields->items[i].value))
			return false;
	return is_plain(head->reason);
}

/* One who waits gets it as he would get the final answer; a cookie is for the one alone whose request was sent. */
static void pass_on(const struct fetch *f, struct request *r, const struct job_head *head)
{
	CLEANUP(fields_release) struct fields fields = FIELDS_INIT;

	if (!r->front->interim || fields_copy(&fields, head->fields) < 0 ||
	        forward_answer_fields(&fields, r, f->flow->origin, !r->directives.no_transform) < 0)
		return;
	if (r != f->r)
		fields_remove(&fields, "Set-Cookie");
	r->front->interim(r, head->status, head->reason, &fields);
}

void fetch_interim(struct job *job, const struct job_head *head)
{
	struct fetch *f = job->owner;
	struct request **waiters;
	size_t count;

	CHECK(f, FETCH_MAGIC);
	if (!is_sound(head))
		return;
	if (!f->flight) {
		pass_on(f, f->r, head);
		return;
	}
	waiters = flight_waiters(f->flow->flights, f->flight, &count);
	for (size_t i = 0; i < count; i++) {
		pass_on(f, waiters[i], head);
		request_unref(waiters[i]);
	}
	free(waiters);
}
