#include "base/base64.h"

#include <errno.h>
#include <nettle/base64.h>

int base64_add(struct buf *out, const void *data, size_t size)
{
	size_t text_size = BASE64_ENCODE_RAW_LENGTH(size);
	int r = buf_reserve(out, text_size);

	if (r < 0 || size == 0)
		return r;
	base64_encode_raw(out->data + out->size, size, data);
	out->size += text_size;
	out->data[out->size] = '\0';
	return 0;
}

int base64_read(struct buf *out, const char *text, size_t size)
{
	struct base64_decode_ctx context;
	size_t got = BASE64_DECODE_LENGTH(size);
	int r = buf_reserve(out, got);

	if (r < 0 || size == 0)
		return r;
	base64_decode_init(&context);
	if (!base64_decode_update(&context, &got, (uint8_t *)out->data + out->size, size, text) ||
	        !base64_decode_final(&context))
		return -EINVAL;
	out->size += got;
	out->data[out->size] = '\0';
	return 0;
}
