#include "upstream/coding.h"

#include "base/macros.h"

#include <errno.h>
#include <strings.h>
#include <zlib.h>

#define PIECE (32 * 1024)
/* zlib: the largest window, with gzip and zlib heads told apart by themselves. */
#define WINDOW_ANY (15 + 32)

struct coding {
	z_stream stream;
	bool ended;
	size_t taken;   /* of the data offered last, which is offered again */
	size_t waiting; /* undone bytes that the sink has not taken */
	char piece[PIECE];
};

struct coding *coding_new(const char *content_encoding, bool *ret_failed)
{
	struct coding *coding;

	*ret_failed = false;
	if (strcasecmp(content_encoding, "gzip") != 0 && strcasecmp(content_encoding, "x-gzip") != 0 &&
	        strcasecmp(content_encoding, "deflate") != 0)
		return NULL;
	coding = calloc(1, sizeof(*coding));
	if (!coding || inflateInit2(&coding->stream, WINDOW_ANY) != Z_OK) {
		free(coding);
		*ret_failed = true;
		return NULL;
	}
	return coding;
}

void coding_free(struct coding *coding)
{
	if (!coding)
		return;
	inflateEnd(&coding->stream);
	free(coding);
}

bool coding_ended(const struct coding *coding)
{
	return coding->ended || coding->stream.total_in == 0;
}

static int hand_over(struct coding *coding, int (*sink)(void *arg, const char *, size_t), void *arg)
{
	int r = coding->waiting > 0 ? sink(arg, coding->piece, coding->waiting) : 0;

	if (r == 0)
		coding->waiting = 0;
	return r;
}

/* One piece of what is left. 0, -EPROTO. */
static int undo(struct coding *coding, const char *data, size_t size)
{
	z_stream *stream = &coding->stream;
	int z;

	/* gzip may consist of several members, one behind the other (RFC 1952 section 2.2) */
	if (coding->ended && inflateReset(stream) != Z_OK)
		return -EPROTO;
	coding->ended = false;
	stream->next_in = (Bytef *)data + coding->taken;
	stream->avail_in = (uInt)(size - coding->taken);
	stream->next_out = (Bytef *)coding->piece;
	stream->avail_out = sizeof(coding->piece);
	z = inflate(stream, Z_NO_FLUSH);
	if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
		return -EPROTO;
	coding->ended = z == Z_STREAM_END;
	coding->taken = size - stream->avail_in;
	coding->waiting = sizeof(coding->piece) - stream->avail_out;
	return 0;
}

int coding_feed(
        struct coding *coding, const char *data, size_t size, int (*sink)(void *arg, const char *, size_t), void *arg)
{
	int r;

	while ((r = hand_over(coding, sink, arg)) == 0) {
		/* A full piece may leave more in zlib even when all is taken. */
		bool more = coding->taken < size || (coding->stream.avail_out == 0 && coding->stream.next_out);

		if (!more) {
			coding->taken = 0;
			return 0;
		}
		if ((r = undo(coding, data, size)) < 0)
			return r;
	}
	return r;
}
