#include "base/base64.h"

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
