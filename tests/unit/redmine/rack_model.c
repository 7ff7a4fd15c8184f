#include "rack_model.h"

#include <string.h>

#define ITEMS_MAX 64

enum node_kind { NODE_NIL, NODE_TEXT, NODE_LIST, NODE_HASH };

struct node {
	enum node_kind kind;
	char *text;
	size_t count;
	char *names[ITEMS_MAX]; /* of a hash */
	struct node *items[ITEMS_MAX];
};

static void must(int r)
{
	if (r < 0)
		abort();
}

static char *slice(const char *text, size_t size)
{
	char *copy = strndup(text, size);

	if (!copy)
		abort();
	return copy;
}

static struct node *node_new(enum node_kind kind)
{
	struct node *node = calloc(1, sizeof(*node));

	if (!node)
		abort();
	node->kind = kind;
	return node;
}

static void node_free(struct node *node)
{
	for (size_t i = 0; i < node->count; i++) {
		free(node->names[i]);
		node_free(node->items[i]);
	}
	free(node->text);
	free(node);
}

static struct node *value_node(const char *value)
{
	struct node *node = node_new(value ? NODE_TEXT : NODE_NIL);

	if (value)
		node->text = slice(value, strlen(value));
	return node;
}

static struct node **hash_place(struct node *hash, const char *name)
{
	for (size_t i = 0; i < hash->count; i++)
		if (strcmp(hash->names[i], name) == 0)
			return &hash->items[i];
	if (hash->count == ITEMS_MAX)
		abort();
	hash->names[hash->count] = slice(name, strlen(name));
	return &hash->items[hash->count++];
}

static void hash_set(struct node *hash, const char *name, struct node *item)
{
	struct node **place = hash_place(hash, name);

	if (*place)
		node_free(*place);
	*place = item;
}

/* params[k] ||= []: nil counts as missing. False: of another kind. */
static bool hash_want(struct node *hash, const char *name, enum node_kind kind, struct node **ret)
{
	struct node **place = hash_place(hash, name);

	if (*place && (*place)->kind == NODE_NIL) {
		node_free(*place);
		*place = NULL;
	}
	if (!*place)
		*place = node_new(kind);
	*ret = *place;
	return (*place)->kind == kind;
}

/* params_hash_has_key? */
static bool hash_has(const struct node *hash, const char *key)
{
	char *parts = slice(key, strlen(key)), *rest = parts, *part;
	bool has = !strstr(key, "[]");

	while (has && (part = strsep(&rest, "[]"))) {
		const struct node *next = NULL;

		if (*part == '\0')
			continue;
		for (size_t i = 0; hash->kind == NODE_HASH && i < hash->count; i++)
			if (strcmp(hash->names[i], part) == 0)
				next = hash->items[i];
		has = next != NULL;
		hash = next;
	}
	free(parts);
	return has;
}

/* Where the name is cut in two: params' own name and what comes after it. False: no name at all. */
static bool cut_rack2(const char *name, char **ret_k, const char **ret_after)
{
	const char *start = name + strspn(name, "[]");
	size_t size = strcspn(start, "[]");

	*ret_k = slice(start, size);
	*ret_after = start + size + strspn(start + size, "]");
	return size > 0;
}

static bool cut_rack3(const char *name, int depth, char **ret_k, const char **ret_after)
{
	const char *bracket;

	if (depth == 0) {
		bracket = *name ? strchr(name + 1, '[') : NULL;
		*ret_after = bracket ? bracket : name + strlen(name);
		*ret_k = slice(name, (size_t)(*ret_after - name));
	} else if (strncmp(name, "[]", 2) == 0) {
		*ret_k = slice("[]", 2);
		*ret_after = name + 2;
	} else if (name[0] == '[' && name[1] && (bracket = strchr(name + 1, ']'))) {
		*ret_k = slice(name + 1, (size_t)(bracket - name) - 1);
		*ret_after = bracket + 1;
	} else {
		*ret_k = slice(name, strlen(name));
		*ret_after = name + strlen(name);
	}
	return **ret_k != '\0';
}

/* "[][child]" without brackets in child, else all that follows "[]". */
static char *child_of(const char *after)
{
	size_t size = strlen(after);

	if (size > 4 && after[2] == '[' && after[size - 1] == ']' && strcspn(after + 3, "[]") == size - 4)
		return slice(after + 3, size - 4);
	return slice(after + 2, size - 2);
}

/* What normalize_params returns besides params itself: nothing, or a list of its own. */
static bool store(int version, struct node *hash, const char *name, const char *value, int depth, struct node **ret);

static bool store_child(int version, struct node *list, const char *after, const char *value, int depth)
{
	struct node *last = list->count ? list->items[list->count - 1] : NULL;
	struct node *own = NULL, *fresh;
	char *child = child_of(after);
	bool good;

	if (last && last->kind == NODE_HASH && !hash_has(last, child)) {
		good = store(version, last, child, value, depth, &own);
		if (own)
			node_free(own);
	} else {
		fresh = node_new(NODE_HASH);
		good = store(version, fresh, child, value, depth, &own);
		if (own) {
			node_free(fresh); /* nil, or a list of its own, goes into the list instead */
			fresh = own;
		}
		if (list->count == ITEMS_MAX)
			abort();
		list->items[list->count++] = fresh;
	}
	free(child);
	return good;
}

static bool store(int version, struct node *hash, const char *name, const char *value, int depth, struct node **ret)
{
	struct node *inner, *own = NULL;
	const char *after;
	char *k;
	bool good = true;

	*ret = NULL;
	if (depth >= 32)
		return false;
	if (!(version == 2 ? cut_rack2(name, &k, &after) : cut_rack3(name, depth, &k, &after))) {
		*ret = node_new(NODE_NIL);
		if (version == 2 && value && strcmp(name, "[]") == 0) {
			(*ret)->kind = NODE_LIST;
			(*ret)->items[(*ret)->count++] = value_node(value);
		}
	} else if (*after == '\0' && version == 3 && depth > 0 && strcmp(k, "[]") == 0) {
		*ret = node_new(NODE_LIST);
		(*ret)->items[(*ret)->count++] = value_node(value);
	} else if (*after == '\0') {
		hash_set(hash, k, value_node(value));
	} else if (strcmp(after, "[") == 0) {
		hash_set(hash, name, value_node(value));
	} else if (strcmp(after, "[]") == 0) {
		good = hash_want(hash, k, NODE_LIST, &inner);
		if (good)
			inner->items[inner->count++] = value_node(value);
	} else if (strncmp(after, "[]", 2) == 0) {
		good = hash_want(hash, k, NODE_LIST, &inner) && store_child(version, inner, after, value, depth + 1);
	} else {
		good = hash_want(hash, k, NODE_HASH, &inner) && store(version, inner, after, value, depth + 1, &own);
		if (own)
			hash_set(hash, k, own);
	}
	free(k);
	return good;
}

/* URI.decode_www_form_component; NULL: malformed. */
static char *unescape(const char *text, size_t size)
{
	char *plain = slice(text, size), *to = plain;

	for (const char *at = text; at < text + size; at++) {
		unsigned byte;

		if (*at == '%' && strspn(at + 1, "0123456789abcdefABCDEF") >= 2 && text + size - at > 2 &&
		        sscanf(at + 1, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			at += 2;
		} else if (*at == '%') {
			free(plain);
			return NULL;
		} else {
			*to++ = *at == '+' ? ' ' : *at;
		}
	}
	*to = '\0';
	return plain;
}

static void print_node(const struct node *node, struct buf *out);

static void print_text(const char *text, struct buf *out)
{
	must(buf_printf(out, "%zu\"%s\"", strlen(text), text));
}

static int compare_names(const void *a, const void *b, void *hash)
{
	const struct node *node = hash;

	return strcmp(node->names[*(const size_t *)a], node->names[*(const size_t *)b]);
}

static void print_hash(const struct node *node, bool sorted, struct buf *out)
{
	size_t order[ITEMS_MAX];

	for (size_t i = 0; i < node->count; i++)
		order[i] = i;
	if (sorted)
		qsort_r(order, node->count, sizeof(*order), compare_names, (void *)node);
	must(buf_add_text(out, "{"));
	for (size_t i = 0; i < node->count; i++) {
		print_text(node->names[order[i]], out);
		must(buf_add_text(out, "=>"));
		print_node(node->items[order[i]], out);
		must(buf_add_text(out, ","));
	}
	must(buf_add_text(out, "}"));
}

static void print_node(const struct node *node, struct buf *out)
{
	switch (node->kind) {
	case NODE_NIL:
		must(buf_add_text(out, "nil"));
		break;
	case NODE_TEXT:
		print_text(node->text, out);
		break;
	case NODE_LIST:
		must(buf_add_text(out, "["));
		for (size_t i = 0; i < node->count; i++) {
			print_node(node->items[i], out);
			must(buf_add_text(out, ","));
		}
		must(buf_add_text(out, "]"));
		break;
	case NODE_HASH:
		print_hash(node, false, out);
		break;
	}
}

/* One "name=value". */
static bool read_piece(int version, struct node *root, const char *piece, size_t size)
{
	const char *equals = memchr(piece, '=', size);
	char *name = unescape(piece, equals ? (size_t)(equals - piece) : size);
	char *value = equals ? unescape(equals + 1, size - (size_t)(equals - piece) - 1) : NULL;
	struct node *own = NULL;
	bool good = name && (value || !equals) && store(version, root, name, value, 0, &own);

	if (own)
		node_free(own);
	free(name);
	free(value);
	return good;
}

void rack_model_print(int version, const char *query, struct buf *out)
{
	const char *separators = version == 2 ? "&;" : "&";
	struct node *root = node_new(NODE_HASH);
	bool good = true;

	while (good && *query) {
		size_t size = strcspn(query, separators);

		if (size > 0)
			good = read_piece(version, root, query, size);
		query += size;
		if (*query)
			query++;
	}
	if (good)
		print_hash(root, true, out);
	else
		must(buf_add_text(out, "error"));
	node_free(root);
}
