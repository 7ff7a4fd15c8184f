#include "upstream/session.h"

#include "base/clock.h"
#include "upstream/exchange.h"
#include "upstream/idle.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_A_STEP    64
#define OVERDUE_EVERY_MS 250
#define SPARES_MAX       16
#define PARTING_LIMIT    (64 * 1024)

struct session {
	unsigned magic;
#define SESSION_MAGIC 0x5e551011
	struct session_settings settings;
	CURLM *multi;
	CURLU *url; /* the origin's: taken apart once, not for each request */
	int epoll, event;
	struct idle idle;
	int64_t timer_us;       /* when libcurl wants to be called, monotonic; -1: not */
	int64_t looked_us;      /* when the time limits were last looked at */
	int64_t now_us;         /* when it began to look at what has come */
	struct exchange *first; /* all under way */
	size_t active;
	struct {
		CURL *easy;
		bool used;    /* set up for a usual job; else it is reset */
	} spares[SPARES_MAX]; /* handles to use again: making one is dear */
	size_t spare_count;

	pthread_mutex_t lock; /* guards poked */
	struct exchange *poked;
	atomic_bool cancelled;
	atomic_bool interrupted; /* the event was written and the session's thread has not seen it yet */

	int watched; /* a descriptor of the caller's, -1: none */
	void (*watched_ready)(void *arg);
	void *watched_arg;
};

/* known: the events that it is in the epoll set with, as assigned here; NULL: none, but it may be parked. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct session *session = arg;
	struct epoll_event event = {.events = EPOLLERR, .data.fd = fd}; /* which is always told: so it is never 0 */

	CHECK(session, SESSION_MAGIC);
	if (what == CURL_POLL_REMOVE) {
		if (!idle_park(&session->idle, fd, (uint32_t)(uintptr_t)known))
			epoll_ctl(session->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	if (known != (void *)(uintptr_t)event.events && (known || !idle_unpark(&session->idle, fd, event.events)) &&
	        epoll_ctl(session->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0 && errno == EEXIST)
		epoll_ctl(session->epoll, EPOLL_CTL_MOD, fd, &event);
	curl_multi_assign(session->multi, fd, (void *)(uintptr_t)event.events);
	return 0;
}

int session_close_socket(void *arg, curl_socket_t fd)
{
	struct session *session = arg;

	CHECK(session, SESSION_MAGIC);
	for (struct exchange *e = session->first; e; e = e->next)
		if (e->fd == fd)
			exchange_before_close(e);
	idle_remove(&session->idle, fd);
	return close(fd);
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct session *session = arg;

	session->timer_us = timeout_ms < 0 ? -1 : clock_monotonic_us() + timeout_ms * 1000;
	return 0;
}

int session_library_begin(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -ENOMEM;
}

void session_library_end(void)
{
	curl_global_cleanup();
}

struct session *session_new(const struct session_settings *settings, struct fail *fail)
{
	struct session *session = calloc(1, sizeof(*session));
	struct epoll_event event = {.events = EPOLLIN | EPOLLET}; /* told once for each write: it is never read */

	if (!session)
		goto failed;
	*session = (struct session){.magic = SESSION_MAGIC, .settings = *settings, .timer_us = -1, .watched = -1};
	pthread_mutex_init(&session->lock, NULL);
	session->epoll = epoll_create1(EPOLL_CLOEXEC);
	session->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	session->multi = curl_multi_init();
	session->url = curl_url();
	session->idle.epoll = session->epoll;
	event.data.fd = session->event;
	if (session->epoll < 0 || session->event < 0 || !session->multi || !session->url ||
	        curl_url_set(session->url, CURLUPART_URL, settings->origin->url, CURLU_PATH_AS_IS) != CURLUE_OK ||
	        epoll_ctl(session->epoll, EPOLL_CTL_ADD, session->event, &event) < 0)
		goto failed;
	curl_multi_setopt(session->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(session->multi, CURLMOPT_SOCKETDATA, session);
	curl_multi_setopt(session->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(session->multi, CURLMOPT_TIMERDATA, session);
	curl_multi_setopt(session->multi, CURLMOPT_MAXCONNECTS, settings->connections);
	curl_multi_setopt(session->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	return session;
failed:
	fail_set(fail, errno ? -errno : -ENOMEM, "making a session to Redmine: %s", strerror(errno ? errno : ENOMEM));
	session_free(session);
	return NULL;
}

void session_forget(struct session *session)
{
	CHECK(session, SESSION_MAGIC);
	while (session->spare_count > 0)
		curl_easy_cleanup(session->spares[--session->spare_count].easy);
}

void session_free(struct session *session)
{
	if (!session)
		return;
	CHECK(session, SESSION_MAGIC);
	ASSERT(session->active == 0);
	session_forget(session);
	curl_multi_cleanup(session->multi);
	curl_url_cleanup(session->url);
	idle_release(&session->idle);
	if (session->event >= 0)
		close(session->event);
	if (session->epoll >= 0)
		close(session->epoll);
	pthread_mutex_destroy(&session->lock);
	session->magic = 0;
	free(session);
}

int64_t session_now_us(const struct session *session)
{
	CHECK(session, SESSION_MAGIC);
	return session->now_us;
}

size_t session_active(const struct session *session)
{
	CHECK(session, SESSION_MAGIC);
	return session->active;
}

static void link_exchange(struct session *session, struct exchange *e)
{
	e->next = session->first;
	if (e->next)
		e->next->previous = e;
	session->first = e;
	session->active++;
}

static void unlink_exchange(struct session *session, struct exchange *e)
{
	if (e->previous)
		e->previous->next = e->next;
	else
		session->first = e->next;
	if (e->next)
		e->next->previous = e->previous;
	session->active--;
}

/* From now on nobody pokes for this job; what was poked and not looked at is forgotten. */
static void part_from_job(struct session *session, struct exchange *e)
{
	struct exchange **at;

	pthread_mutex_lock(&e->job->lock);
	e->job->poke = NULL;
	e->job->worker = NULL;
	pthread_mutex_lock(&session->lock);
	for (at = &session->poked; e->poked && *at; at = &(*at)->poked_next) {
		if (*at == e) {
			*at = e->poked_next;
			break;
		}
	}
	pthread_mutex_unlock(&session->lock);
	pthread_mutex_unlock(&e->job->lock);
}

/* A handle after a whole answer to a usual job need not be set up again for the next; what was the job's own is forgotten. */
static void keep_spare(struct session *session, CURL *easy, bool used)
{
	if (session->spare_count == SPARES_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	if (used) {
		curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, NULL);
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL);
	} else {
		curl_easy_reset(easy);
	}
	session->spares[session->spare_count].easy = easy;
	session->spares[session->spare_count++].used = used;
}

/* A handle for a job, new or used before. NULL: out of memory. */
static CURL *take_spare(struct session *session, const struct job *job, bool *ret_used)
{
	CURL *easy;

	*ret_used = false;
	if (session->spare_count == 0)
		return curl_easy_init();
	easy = session->spares[--session->spare_count].easy;
	*ret_used = session->spares[session->spare_count].used;
	if (*ret_used && !exchange_is_usual(job)) {
		curl_easy_reset(easy);
		*ret_used = false;
	}
	return easy;
}

/* The connection of an exchange that is over is looked after. HTTP/2 has frames of its own between exchanges. */
static void note_kept(struct session *session, const struct exchange *e)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(e->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD)
		return;
	if (e->http2)
		idle_remove(&session->idle, fd);
	else
		idle_add(&session->idle, fd);
}

/* Ends an exchange that is under way: takes it off libcurl, tells the job. */
static void finish(struct session *session, struct exchange *e, CURLcode code, bool overdue)
{
	struct job *job = e->job;
	bool used = code == CURLE_OK && !overdue && exchange_is_usual(job);
	struct job_result result;

	note_kept(session, e);
	curl_multi_remove_handle(session->multi, e->easy);
	exchange_conclude(e, code, overdue, &result);
	part_from_job(session, e);
	unlink_exchange(session, e);
	keep_spare(session, e->easy, used);
	e->magic = 0;
	free(e);
	job_tell_done(job, &result);
}

static void cancel(struct session *session, struct exchange *e)
{
	atomic_store(&e->job->cancelled, true);
	finish(session, e, CURLE_ABORTED_BY_CALLBACK, false);
}

/* job->poke: any thread, under the job's lock. */
static void poke(struct job *job)
{
	struct exchange *e = job->worker;
	struct session *session = e->session;
	bool first;

	CHECK(session, SESSION_MAGIC);
	pthread_mutex_lock(&session->lock);
	first = !e->poked;
	if (first) {
		e->poked = true;
		e->poked_next = session->poked;
		session->poked = e;
	}
	pthread_mutex_unlock(&session->lock);
	if (first)
		session_interrupt(session);
}

void session_start(struct session *session, struct job *job)
{
	struct exchange *e = calloc(1, sizeof(*e));
	bool used;

	CHECK(session, SESSION_MAGIC);
	CHECK(job, JOB_MAGIC);
	if (!e) {
		job_end(job, JOB_REFUSED, "out of memory");
		return;
	}
	*e = (struct exchange){
	        .magic = EXCHANGE_MAGIC, .session = session, .job = job, .fd = -1, .parting = BUF_INIT(PARTING_LIMIT)};
	e->easy = take_spare(session, job, &used);
	if (!e->easy || exchange_prepare(e, &session->settings, session->url, used) < 0 ||
	        curl_multi_add_handle(session->multi, e->easy) != CURLM_OK) {
		free(e->lines);
		curl_easy_cleanup(e->easy);
		free(e);
		job_end(job, JOB_REFUSED, "out of memory");
		return;
	}
	if (session->active == 0)
		idle_check(&session->idle);
	link_exchange(session, e);
	pthread_mutex_lock(&job->lock);
	job->worker = e;
	job->poke = poke;
	pthread_mutex_unlock(&job->lock);
	if (atomic_load(&job->cancelled) || atomic_load(&session->cancelled))
		cancel(session, e);
}

static void finish_ready(struct session *session)
{
	struct CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(session->multi, &left))) {
		struct exchange *e = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&e);
		CHECK(e, EXCHANGE_MAGIC);
		finish(session, e, message->data.result, false);
	}
}

static struct exchange *take_poked(struct session *session)
{
	struct exchange *e;

	pthread_mutex_lock(&session->lock);
	e = session->poked;
	if (e) {
		session->poked = e->poked_next;
		e->poked = false;
	}
	pthread_mutex_unlock(&session->lock);
	return e;
}

static void look_at_poked(struct session *session)
{
	struct exchange *e;

	atomic_exchange(
	        &session->interrupted, false); /* before what it was for is looked at: who comes later writes again */
	while ((e = take_poked(session))) {
		CURLcode code = atomic_load(&e->job->cancelled) ? CURLE_ABORTED_BY_CALLBACK : exchange_resume(e);

		if (code != CURLE_OK)
			finish(session, e, code, false);
	}
	while (atomic_load(&session->cancelled) && session->first)
		cancel(session, session->first);
}

static void look_at_time(struct session *session, int64_t now_us)
{
	struct exchange *next;

	if (now_us - session->looked_us < OVERDUE_EVERY_MS * 1000)
		return;
	session->looked_us = now_us;
	for (struct exchange *e = session->first; e; e = next) {
		next = e->next;
		if (exchange_overdue(e, now_us))
			finish(session, e, CURLE_OPERATION_TIMEDOUT, true);
	}
}

static int wait_ms(const struct session *session, int timeout_ms, int64_t now_us)
{
	int64_t wait = timeout_ms < 0 ? INT32_MAX : timeout_ms;

	if (session->timer_us >= 0 && (session->timer_us - now_us + 999) / 1000 < wait)
		wait = (session->timer_us - now_us + 999) / 1000;
	if (session->active > 0 && wait > OVERDUE_EVERY_MS)
		wait = OVERDUE_EVERY_MS;
	if (wait < 0)
		wait = 0;
	return wait == INT32_MAX ? -1 : (int)wait;
}

static void run_timer(struct session *session, int64_t now_us)
{
	int running;

	if (session->timer_us < 0 || session->timer_us > now_us)
		return;
	session->timer_us = -1;
	curl_multi_socket_action(session->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	finish_ready(session);
}

void session_step(struct session *session, int timeout_ms)
{
	struct epoll_event events[EVENTS_A_STEP];
	size_t active = session->active;
	int running, ready;

	CHECK(session, SESSION_MAGIC);
	session->now_us = clock_monotonic_us();
	run_timer(session, session->now_us); /* what was started since the last step is sent before there is a wait */
	if (session->active != active)
		return; /* something ended: nothing is looked at before the caller knows */
	ready = epoll_wait(session->epoll, events, EVENTS_A_STEP, wait_ms(session, timeout_ms, clock_monotonic_us()));
	session->now_us = clock_monotonic_us();
	for (int i = 0; i < ready; i++) {
		int mask = 0;

		if (events[i].data.fd == session->event) {
			look_at_poked(session);
			continue;
		}
		if (events[i].data.fd == session->watched) {
			session->watched_ready(session->watched_arg);
			continue;
		}
		if (idle_stirred(&session->idle, events[i].data.fd))
			continue;
		if (events[i].events & (EPOLLIN | EPOLLHUP))
			mask |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			mask |= CURL_CSELECT_OUT;
		if (events[i].events & EPOLLERR)
			mask |= CURL_CSELECT_ERR;
		curl_multi_socket_action(session->multi, events[i].data.fd, mask, &running);
	}
	finish_ready(session);
	session->now_us = clock_monotonic_us();
	run_timer(session, session->now_us);
	look_at_time(session, session->now_us);
}

void session_perform(struct session *session, struct job *job)
{
	session_start(session, job);
	while (session->active > 0)
		session_step(session, -1);
}

void session_watch(struct session *session, int fd, void (*ready)(void *arg), void *arg)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	CHECK(session, SESSION_MAGIC);
	if (session->watched == fd)
		return;
	if (session->watched >= 0)
		epoll_ctl(session->epoll, EPOLL_CTL_DEL, session->watched, NULL);
	session->watched = fd;
	session->watched_ready = ready;
	session->watched_arg = arg;
	if (fd >= 0 && epoll_ctl(session->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		WRONG("epoll_ctl on a watched descriptor");
}

void session_interrupt(struct session *session)
{
	uint64_t one = 1;

	if (atomic_exchange(&session->interrupted, true))
		return; /* somebody's is not seen yet: it serves for this one, too */
	if (write(session->event, &one, sizeof(one)) < 0 && errno != EAGAIN)
		WRONG("eventfd");
}

void session_cancel(struct session *session)
{
	CHECK(session, SESSION_MAGIC);
	atomic_store(&session->cancelled, true);
	session_interrupt(session);
}
