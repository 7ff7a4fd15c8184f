#include "redmine/percent.h"

size_t percent_decode(char *to, const char *text, size_t size, bool *ret_malformed)
{
	size_t used = 0;

	for (size_t at = 0; at < size; at++) {
		int high = -1, low = -1;

		if (text[at] == '%' && size - at > 2) {
			high = percent_digit(text[at + 1]);
			low = percent_digit(text[at + 2]);
		}
		if (high >= 0 && low >= 0) {
			to[used++] = (char)(high * 16 + low);
			at += 2;
			continue;
		}
		if (text[at] == '%' && ret_malformed)
			*ret_malformed = true;
		to[used++] = text[at] == '+' ? ' ' : text[at];
	}
	return used;
}
