#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define BUF_FIRST_ROOM 64

void buf_init(struct buf *b, size_t ceiling)
{
	ASSERT(ceiling > 0);
	*b = BUF_INIT(ceiling);
}

void buf_release(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->size = 0;
	b->room = 0;
}

int buf_reserve(struct buf *b, size_t more)
{
	size_t room = b->room ? b->room : BUF_FIRST_ROOM;
	char *data;

	if (more > b->ceiling || b->size > b->ceiling - more)
		return -ENOBUFS;
	if (b->size + more < b->room)
		return 0;
	if (!b->data && more >= room)
		room = more + 1; /* so many are known to come */
	while (room <= b->size + more)
		room *= 2;
	data = realloc(b->data, room);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->room = room;
	return 0;
}

int buf_add(struct buf *b, const void *data, size_t size)
{
	int r = buf_reserve(b, size);

	if (r < 0)
		return r;
	if (size > 0)
		memcpy(b->data + b->size, data, size);
	b->size += size;
	b->data[b->size] = '\0';
	return 0;
}

int buf_add_text(struct buf *b, const char *text)
{
	return buf_add(b, text, strlen(text));
}

int buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_add_unsigned(struct buf *b, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	return buf_add(b, digits + at, sizeof(digits) - at);
}

int buf_printf(struct buf *b, const char *format, ...)
{
	va_list arguments;
	int needed, r;

	va_start(arguments, format);
	needed = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (needed < 0)
		return -EINVAL;
	r = buf_reserve(b, (size_t)needed);
	if (r < 0)
		return r;
	va_start(arguments, format);
	vsnprintf(b->data + b->size, (size_t)needed + 1, format, arguments);
	va_end(arguments);
	b->size += (size_t)needed;
	return 0;
}

char *buf_take(struct buf *b, size_t *ret_size)
{
	char *data = b->data;

	if (data && b->room - b->size > b->size / 8 + BUF_FIRST_ROOM) {
		char *fitting = realloc(data, b->size + 1);

		if (fitting)
			data = fitting;
	}
	if (ret_size)
		*ret_size = b->size;
	b->data = NULL;
	b->size = 0;
	b->room = 0;
	return data;
}
