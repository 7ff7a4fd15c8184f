#include "splice_model.h"

#include <string.h>

bool model_row(const char *text, size_t size, size_t index, size_t *ret_at, size_t *ret_size)
{
	bool inside = false;
	size_t depth = 0, at = 0;

	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if (inside) {
			if (c == '\\')
				i++;
			else if (c == '"')
				inside = false;
		} else if (c == '"') {
			inside = true;
		} else if (c == '{' || c == '[') {
			if (++depth == 3)
				at = i;
		} else if (c == '}' || c == ']') {
			if (--depth == 2 && index-- == 0) {
				*ret_at = at;
				*ret_size = i + 1 - at;
				return true;
			}
			if (depth == 1)
				return false;
		}
	}
	return false;
}
