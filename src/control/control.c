#include "control/caller.h"
#include "control/protocol.h"
#include "control/socket.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One who is connected, in a place of his own. */
struct seat {
	struct control *control;
	pthread_t thread;
	int fd;    /* -1: none */
	bool used; /* the thread is there to be joined */
	bool over; /* ... and has nothing more to do */
};

struct control {
	unsigned magic;
#define CONTROL_MAGIC 0xc0497401
	struct control_settings settings;
	char *path;
	int fd;
	pthread_t thread;
	bool started;
	atomic_bool ending;
	pthread_mutex_t lock; /* guards the seats' members */
	struct seat seats[CONTROL_CALLERS_MAX];
};

static void *sit(void *arg)
{
	struct seat *seat = arg;
	struct control *control = seat->control;
	struct caller caller = {.settings = &control->settings,
	        .ending = &control->ending,
	        .fd = seat->fd,
	        .in = BUF_INIT(CONTROL_LINE_MAX)};

	CHECK(control, CONTROL_MAGIC);
	caller_serve(&caller);
	buf_release(&caller.in);
	pthread_mutex_lock(&control->lock);
	close(seat->fd);
	seat->fd = -1;
	seat->over = true;
	pthread_mutex_unlock(&control->lock);
	return NULL;
}

/* A seat whose thread has ended, if it had one. NULL: all are taken. */
static struct seat *free_seat(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++) {
		struct seat *seat = &control->seats[i];
		bool over;

		pthread_mutex_lock(&control->lock);
		over = seat->over;
		pthread_mutex_unlock(&control->lock);
		if (seat->used && over) {
			pthread_join(seat->thread, NULL);
			seat->used = seat->over = false;
		}
		if (!seat->used)
			return seat;
	}
	return NULL;
}

static void turn_away(struct control *control, int fd)
{
	struct caller caller = {.settings = &control->settings, .ending = &control->ending, .fd = fd};

	caller_error(&caller, "busy", "%d others are connected, which is as many as may.", CONTROL_CALLERS_MAX);
	close(fd);
}

static void welcome(struct control *control, int fd)
{
	struct seat *seat = free_seat(control);

	if (!seat) {
		turn_away(control, fd);
		return;
	}
	pthread_mutex_lock(&control->lock);
	seat->fd = fd;
	seat->used = pthread_create(&seat->thread, NULL, sit, seat) == 0;
	if (!seat->used) {
		close(fd);
		seat->fd = -1;
	}
	pthread_mutex_unlock(&control->lock);
}

static void *accept_all(void *arg)
{
	struct control *control = arg;

	while (!atomic_load(&control->ending)) {
		int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			welcome(control, fd);
		else if (errno != EINTR && errno != ECONNABORTED && !atomic_load(&control->ending))
			usleep(100000); /* out of descriptors: they come back */
	}
	return NULL;
}

int control_new(const struct control_settings *settings, struct control **ret, struct fail *fail)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return fail_set(fail, -ENOMEM, "out of memory");
	control->magic = CONTROL_MAGIC;
	control->settings = *settings;
	control->path = strdup(settings->path);
	pthread_mutex_init(&control->lock, NULL);
	for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
		control->seats[i] = (struct seat){.control = control, .fd = -1};
	control->fd = control->path ? control_socket_open(settings->path, settings->mode, fail)
	                            : fail_set(fail, -ENOMEM, "out of memory");
	r = control->fd;
	if (r >= 0 && (r = -pthread_create(&control->thread, NULL, accept_all, control)) < 0)
		fail_set(fail, r, "starting the thread of the control socket: %s", strerror(-r));
	if (r < 0) {
		control_free(control);
		return r;
	}
	control->started = true;
	*ret = control;
	return 0;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	CHECK(control, CONTROL_MAGIC);
	atomic_store(&control->ending, true);
	if (control->fd >= 0) {
		unlink(control->path);
		shutdown(control->fd, SHUT_RDWR); /* ends accept() */
	}
	if (control->started)
		pthread_join(control->thread, NULL);
	pthread_mutex_lock(&control->lock);
	for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
		if (control->seats[i].fd >= 0)
			shutdown(control->seats[i].fd, SHUT_RDWR);
	pthread_mutex_unlock(&control->lock);
	for (size_t i = 0; i < CONTROL_CALLERS_MAX; i++)
		if (control->seats[i].used)
			pthread_join(control->seats[i].thread, NULL);
	if (control->fd >= 0)
		close(control->fd);
	pthread_mutex_destroy(&control->lock);
	free(control->path);
	control->magic = 0;
	free(control);
}
