/* Preloaded into a daemon: makes the kernel answer as an older one does, to what OLDER_KERNEL names.
 * no-resend: FUSE_NOTIFY_RESEND is an unknown message (before 6.9).
 * no-path-registration: an O_PATH descriptor cannot be registered for passthrough. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUSE_NOTIFY_RESEND 7
#define FUSE_DEV_IOC_BACKING_OPEN 0x4010e501UL

struct fuse_out_header {
  uint32_t len;
  int32_t error;
  uint64_t unique;
};

static int lacks(const char *feature) {
  const char *named = getenv("OLDER_KERNEL");
  return named != NULL && strcmp(named, feature) == 0;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  static ssize_t (*next)(int, const void *, size_t);
  const struct fuse_out_header *header = bytes;
  if (next == NULL) next = dlsym(RTLD_NEXT, "write");
  if (fd == 3 && size == sizeof *header && header->unique == 0 && header->error == FUSE_NOTIFY_RESEND && lacks("no-resend")) {
    errno = EINVAL;
    return -1;
  }
  return next(fd, bytes, size);
}

int ioctl(int fd, unsigned long request, ...) {
  static int (*next)(int, unsigned long, void *);
  va_list rest;
  va_start(rest, request);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  if (next == NULL) next = dlsym(RTLD_NEXT, "ioctl");
  if (request == FUSE_DEV_IOC_BACKING_OPEN && lacks("no-path-registration") && (fcntl(*(int32_t *)argument, F_GETFL) & O_PATH)) {
    errno = EBADF;
    return -1;
  }
  return next(fd, request, argument);
}
