#include "front/webhook.h"

#include "base/digest.h"
#include "base/log.h"
#include "conf/address.h"
#include "conf/secret.h"
#include "flow/changes.h"
#include "redmine/webhook.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <unistd.h>

#define BODY_LIMIT      (1024 * 1024)
#define CONNECTIONS_MAX 32
#define TIMEOUT_SECONDS 10
#define SIGNATURE       "X-Redmine-Signature-256"
#define SCHEME          "sha256="

struct webhook {
	struct flow *flow;
	char *secret;
	struct MHD_Daemon *mhd;
};

/* One request. */
struct delivery {
	struct buf body;
	bool too_large;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
	        strlen(text), (void *)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	result = MHD_add_response_header(response, "Content-Type", "text/plain; charset=utf-8");
	if (result == MHD_YES && status == 405)
		result = MHD_add_response_header(response, "Allow", "POST");
	if (result == MHD_YES)
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Redmine's Webhook::Executor#compute_signature: the hexadecimal HMAC-SHA-256 of the body as it is sent. */
static bool is_signed(const struct webhook *webhook, const char *signature, const struct buf *body)
{
	uint8_t given[DIGEST_SIZE], right[DIGEST_SIZE];

	if (!signature || strncmp(signature, SCHEME, strlen(SCHEME)) != 0)
		return false;
	signature += strlen(SCHEME);
	if (strlen(signature) != 2 * sizeof(given))
		return false;
	for (size_t i = 0; i < sizeof(given); i++) {
		int high = hex(signature[2 * i]), low = hex(signature[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		given[i] = (uint8_t)(high << 4 | low);
	}
	digest_message(right, webhook->secret, strlen(webhook->secret), body->data, body->size);
	return digest_equal(given, right);
}

static enum MHD_Result refuse(
        struct webhook *webhook, struct MHD_Connection *connection, unsigned status, const char *text)
{
	changes_note_delivery(webhook->flow->changes, false);
	return answer(connection, status, text);
}

static enum MHD_Result take(struct webhook *webhook, struct MHD_Connection *connection, const struct delivery *delivery)
{
	const char *signature = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, SIGNATURE);
	struct tags tags;

	if (delivery->too_large)
		return refuse(webhook, connection, 413, "The delivery is larger than 1 MiB.\n");
	if (!is_signed(webhook, signature, &delivery->body)) {
		log_warn("webhook: a delivery without the right " SIGNATURE " was refused");
		return refuse(webhook, connection, 401, SIGNATURE " is missing or wrong.\n");
	}
	if (webhook_read(&tags, delivery->body.data, delivery->body.size) < 0)
		return refuse(webhook, connection, 400, "The body is no delivery of a webhook.\n");
	if (tags.count > 0)
		changes_make(webhook->flow->changes, CHANGE_WEBHOOK, &tags);
	changes_note_delivery(webhook->flow->changes, true);
	return answer(connection, 200, "taken\n");
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
        const char *version, const char *data, size_t *size, void **state)
{
	struct delivery *delivery = *state;

	if (!delivery) {
		delivery = calloc(1, sizeof(*delivery));
		if (!delivery)
			return MHD_NO;
		delivery->body = BUF_INIT(BODY_LIMIT);
		*state = delivery;
		return MHD_YES;
	}
	if (*size > 0) {
		delivery->too_large = delivery->too_large || buf_add(&delivery->body, data, *size) < 0;
		*size = 0;
		return MHD_YES;
	}
	if (strcmp(method, "POST") != 0)
		return answer(connection, 405, "Only deliveries of webhooks are taken here.\n");
	return take(arg, connection, delivery);
}

static void completed(void *arg, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
	struct delivery *delivery = *state;

	if (!delivery)
		return;
	buf_release(&delivery->body);
	free(delivery);
	*state = NULL;
}

static int try_address(const struct addrinfo *info)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, error;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	        bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, CONNECTIONS_MAX) == 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/* The descriptor, or a negative errno. */
static int listen_on(const char *text, struct fail *fail)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
	struct address address;
	char port[8];
	int r = address_parse(text, &address, fail);

	if (r < 0)
		return r;
	snprintf(port, sizeof(port), "%u", address.port);
	r = getaddrinfo(address.host, port, &hints, &found);
	if (r != 0)
		return fail_set(fail, -EADDRNOTAVAIL, "webhook.address: %s: %s", text, gai_strerror(r));
	r = try_address(found);
	freeaddrinfo(found);
	return r < 0 ? fail_set(fail, r, "webhook.address: %s: %s", text, strerror(-r)) : r;
}

static int start(struct webhook *webhook, const struct conf *conf, struct fail *fail)
{
	int fd, r = secret_read(conf->webhook.secret_file, &webhook->secret, fail);

	if (r < 0)
		return r;
	fd = listen_on(conf->webhook.address, fail);
	if (fd < 0)
		return fd;
	/* poll(2), not epoll: few connections, and none of its troubles (front/loop.h) */
	webhook->mhd = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, handle, webhook,
	        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
	        MHD_OPTION_END);
	if (webhook->mhd)
		return 0;
	close(fd);
	return fail_set(fail, -EAGAIN, "webhook.address: %s: the listener does not start", conf->webhook.address);
}

int webhook_new(struct flow *flow, const struct conf *conf, struct webhook **ret, struct fail *fail)
{
	struct webhook *webhook;
	int r;

	*ret = NULL;
	if (!conf->webhook.address || !*conf->webhook.address)
		return 0;
	webhook = calloc(1, sizeof(*webhook));
	if (!webhook)
		return fail_set(fail, -ENOMEM, "out of memory");
	webhook->flow = flow;
	r = start(webhook, conf, fail);
	if (r < 0) {
		webhook_free(webhook);
		return r;
	}
	*ret = webhook;
	return 0;
}

void webhook_free(struct webhook *webhook)
{
	if (!webhook)
		return;
	if (webhook->mhd)
		MHD_stop_daemon(webhook->mhd);
	secret_free(webhook->secret);
	free(webhook);
}
