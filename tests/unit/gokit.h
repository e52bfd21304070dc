/* gokit.h -- Go programs for tests, made by Go's own tools, and what the finder says of them. */
#ifndef TESTS_UNIT_GOKIT_H
#define TESTS_UNIT_GOKIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/obj.h"
#include "host/image.h"
#include "host/tlsfind.h"

static const char program[] = "package main\n"
			      "import \"crypto/tls\"\n"
			      "func main() {\n"
			      "	c, err := tls.Dial(\"tcp\", \"\", nil)\n"
			      "	if err != nil { panic(err) }\n"
			      "	c.Write(nil)\n"
			      "	c.Read(nil)\n"
			      "	c.Close()\n"
			      "}\n";

struct bytes {
	unsigned char *p;
	size_t n;
};

static char folder[] = "/tmp/submeter-go-XXXXXX";
static bool have_go;

static bool shell(const char *format, ...) _printf_(1, 2);
static bool shell(const char *format, ...)
{
	char words[1024];
	va_list args;

	va_start(args, format);
	assert_true(vsnprintf(words, sizeof(words), format, args) < (int)sizeof(words));
	va_end(args);
	return system(words) == 0;
}

/* Into the folder. What Go compiles of its own library is kept with our objects. */
static void build(const char *out, const char *flags)
{
	assert_true(
		shell("d=%s; k=$(cd \"${OUT:-$d}\" && pwd); cd $d && GO111MODULE=off GOPROXY=off "
		      "GOTOOLCHAIN=local GOFLAGS= CGO_ENABLED=0 HOME=$d GOPATH=$d/path "
		      "GOCACHE=$k/go-cache timeout 500 go build -p 2 -o %s %s main.go 2>&1 | "
		      "sed 's/^/# /'; test -s %s",
		      folder, out, flags, out));
}

static int start(void)
{
	char path[sizeof(folder) + 16];
	FILE *f;

	assert_non_null(mkdtemp(folder));
	have_go = shell("command -v go >/dev/null && command -v objdump >/dev/null");
	snprintf(path, sizeof(path), "%s/main.go", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(program, f);
	return fclose(f);
}

static int teardown(void **state)
{
	(void)state;
	return shell("rm -rf %s", folder) ? 0 : -1;
}

static void need_go(void)
{
	if (!have_go) {
		print_message("# skipped: no go or no objdump here\n");
		skip();
	}
}

static int look_at(int fd, struct tlsfind *ret)
{
	struct tlsfind_part part = { .ret = ret };
	struct image *m = NULL;
	int r = image_new(fd, &m);

	memset(ret, 0, sizeof(*ret));
	part.image = m;
	if (r == 0)
		r = find_go(&part);
	image_free(&m);
	return r;
}

static struct tlsfind look(struct bytes b)
{
	int fd = memfd_create("go", MFD_CLOEXEC);
	struct tlsfind found;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b.p, b.n), (ssize_t)b.n);
	assert_int_equal(look_at(fd, &found), 0);
	assert_non_null(memchr(found.why, '\0', sizeof(found.why)));
	for (size_t i = 0; i < found.count; i++)
		assert_true(found.site[i].offset < b.n);
	close(fd);
	return found;
}

static size_t sites(const struct tlsfind *f, enum tlsfind_row row, bool leave)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		n += f->site[i].row == (uint32_t)row && f->site[i].leave == leave;
	return n;
}

static struct bytes slurp(const char *name)
{
	char path[256];
	struct bytes b;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : folder,
		 name[0] == '/' ? "" : "/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	b.n = (size_t)st.st_size;
	b.p = mem_zero(1, b.n);
	assert_non_null(b.p);
	assert_int_equal(read(fd, b.p, b.n), (ssize_t)b.n);
	close(fd);
	return b;
}

static void put(unsigned char *p, uint64_t word)
{
	memcpy(p, &word, sizeof(word));
}

static unsigned char *find(struct bytes b, const void *what, size_t n)
{
	unsigned char *p = memmem(b.p, b.n, what, n);

	assert_non_null(p);
	return p;
}

#endif
