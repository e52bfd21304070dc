/* YAML: every answer is a tree within its limits or a message with the file's name. */
#include "base/limit.h"
#include "base/yaml.h"
#include "fuzz.h"

/* Depth-first without recursion would hide a loop; depth is what is being checked. */
static void walk(const struct yaml_node *n, unsigned depth)
{
	MUST(n->line >= 1);
	if (n->type == YAML_TEXT) {
		MUST(n->text.p && n->text.p[n->text.n] == '\0' && strlen(n->text.p) == n->text.n);
		MUST(!n->kids);
		return;
	}
	MUST(depth < LIMIT_YAML_DEPTH);
	yaml_each (item, n) {
		MUST((n->type == YAML_MAP) == (item->key.p != NULL));
		if (item->key.p)
			MUST(yaml_get(n, item->key.p) == item); /* names are unique */
		walk(item, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[YAML_ERROR] = "";
	struct yaml *y = NULL;
	int r = yaml_parse((struct str){ (const char *)data, size }, "f", &y, error);

	if (r < 0) {
		MUST(r == -EBADMSG && !y);
		MUST(error[0] == 'f' && error[1] == ':' && strlen(error) > 5);
		return 0;
	}
	MUST(!error[0]);
	if (yaml_root(y))
		walk(yaml_root(y), 0);
	yaml_free(&y);
	return 0;
}
