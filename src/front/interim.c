#include "front/interim.h"

#include "flow/forward.h"
#include "front/tls.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* The kernel counts what lies in a socket's buffer with its own overhead, which is less than so many times as much. */
#define OVERHEAD 4

static int print(struct buf *out, unsigned status, const char *reason, const struct fields *fields)
{
	int r = buf_printf(out, "HTTP/1.1 %u %s\r\n", status, reason);

	if (r == 0)
		r = fields_print(fields, out);
	return r == 0 ? buf_add_text(out, "Via: " FORWARD_VIA "\r\n\r\n") : r;
}

/* Puts the visit among those that the event thread is to look at. It holds a reference until then. */
static void announce(struct visit *v)
{
	struct loop *loop = v->loop;

	v->next_told = atomic_load(&loop->told);
	while (!atomic_compare_exchange_weak(&loop->told, &v->next_told, v))
		continue;
	loop_poke(loop);
}

void interim_tell(struct request *r, unsigned status, const char *reason, const struct fields *fields)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(2 * JOB_INTERIM_SIZE);
	struct visit *v = r->visit;
	bool first = false;

	CHECK(v, VISIT_MAGIC);
	if (!v->takes_interims || print(&text, status, reason, fields) < 0)
		return;
	pthread_mutex_lock(&v->lock);
	if (!v->ended && !v->answered && v->interims < JOB_INTERIMS &&
	        buf_add(&v->interim, text.data, text.size) == 0) {
		v->interims++;
		first = !v->told;
		v->told = true;
	}
	if (first)
		atomic_fetch_add(&v->refs, 1);
	pthread_mutex_unlock(&v->lock);
	if (first)
		announce(v);
}

/* True when the socket's buffer takes so many bytes more in any case. */
static bool has_room(int fd, size_t size)
{
	int waiting = 0, room = 0;
	socklen_t room_size = sizeof(room);

	return ioctl(fd, SIOCOUTQ, &waiting) == 0 && getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &room_size) == 0 &&
	       ((size_t)waiting + size) * OVERHEAD <= (size_t)room;
}

/* All or nothing. What comes behind a part that was written could not be told from it: the connection ends then. */
static void send_whole(const struct visit *v, const struct buf *text)
{
	bool tls = v->guest->listener->tls;
	ssize_t n;

	if (!has_room(v->guest->fd, text->size) || (tls && text->size > tls_record_size(v->connection)))
		return;
	if (tls)
		n = tls_send(v->connection, text->data, text->size);
	else
		n = send(v->guest->fd, text->data, text->size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n != (ssize_t)text->size && (n >= 0 || tls))
		visit_reset(v);
}

void interim_write(struct visit *v)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT(1);

	pthread_mutex_lock(&v->lock);
	text = v->interim;
	v->interim = BUF_INIT(INTERIM_WAITING_MAX);
	pthread_mutex_unlock(&v->lock);
	if (text.size > 0)
		send_whole(v, &text);
}

void interims_write(struct loop *loop)
{
	struct visit *v = atomic_exchange(&loop->told, NULL), *next;

	for (; v; v = next) {
		bool waits;

		CHECK(v, VISIT_MAGIC);
		next = v->next_told;
		pthread_mutex_lock(&v->lock);
		v->told = false;
		waits = v->suspended && !v->ended && !v->answered;
		pthread_mutex_unlock(&v->lock);
		if (waits)
			interim_write(v); /* else the handler does, which is called next */
		visit_unref(v);
	}
}
