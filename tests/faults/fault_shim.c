// A disk that fails on demand, for a program that knows nothing of it.
//
//     LD_PRELOAD=fault_shim.so FAULT_SHIM_FOLDER=/tmp/box FAULT_SHIM_LOG=calls.log microgpt ...
//
// The functions below stand in front of those of the C library that change, sync or read files. A
// call counts if it concerns FAULT_SHIM_FOLDER or anything below it; all others pass unseen. Each
// counted call is a line of the log, its fields separated by tabs: number (from 1), name, path
// (from the folder on), and what else it was given (bytes, new name, target, way of opening).
// The call of number FAULT_SHIM_AT goes wrong as FAULT_SHIM_ACTION says:
//
//     kill-before, kill-after   SIGKILL: nothing of the call has happened, or all of it
//     kill-within               SIGKILL when FAULT_SHIM_VALUE bytes of a write have happened
//     short                     a read or write that does FAULT_SHIM_VALUE bytes, no more
//     fail                      it fails with the errno FAULT_SHIM_VALUE and does nothing
//     fail-on                   so does every later one that such a disk fails: a full one still
//                               removes and reads, a read-only one still reads
//
// Threads may call at once: they share the one counter. A path is taken as it is written: the
// folder is named without symbolic links, and the program must not go through one to it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum need { ROOM, CHANGE, NOTHING };  // what a disk has to allow, each more than the next

enum fault { NO_FAULT, KILL_WITHIN, KILL_AFTER, SHORT, FAIL };

static const char *folder, *action;
static long fault_at, value;
static int log_file = -1;
static atomic_long calls;

__attribute__((constructor)) static void read_environment(void) {
  const char *at = getenv("FAULT_SHIM_AT"), *number = getenv("FAULT_SHIM_VALUE");
  const char* log = getenv("FAULT_SHIM_LOG");
  action = getenv("FAULT_SHIM_ACTION");
  fault_at = at != NULL && action != NULL ? atol(at) : 0;
  value = number != NULL ? atol(number) : 0;
  if (log != NULL) {
    int (*real)(const char*, int, ...);
    *(void**)&real = dlsym(RTLD_NEXT, "open");
    log_file = real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  }
  folder = getenv("FAULT_SHIM_FOLDER");  // last: from here on, calls count
}

// The part of an absolute path behind the folder; NULL where it lies elsewhere.
static const char* within_folder(const char* path) {
  const size_t length = strlen(folder);
  if (strncmp(path, folder, length) != 0) return NULL;
  if (strcmp(path + length, "") == 0 || strcmp(path + length, "/") == 0) return ".";
  return path[length] == '/' ? path + length + 1 : NULL;
}

static void path_of_descriptor(int descriptor, char path[static PATH_MAX]) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, PATH_MAX - 1);
  path[length > 0 ? length : 0] = '\0';
}

static void absolute(int start, const char* path, char result[static PATH_MAX]) {
  result[0] = '\0';
  if (path[0] != '/') {
    if (start != AT_FDCWD) {
      path_of_descriptor(start, result);
    } else if (getcwd(result, PATH_MAX) == NULL) {
      return;
    }
    strncat(result, "/", PATH_MAX - 1 - strlen(result));
  }
  strncat(result, path, PATH_MAX - 1 - strlen(result));
}

static _Noreturn void stop(void) {
  kill(getpid(), SIGKILL);
  while (true) pause();
}

static bool goes_wrong(long number, enum need need) {
  if (fault_at == 0) return false;
  if (strcmp(action, "fail-on") != 0) return number == fault_at;
  if (value == ENOSPC || value == EDQUOT) return number >= fault_at && need == ROOM;
  if (value == EROFS || value == EACCES) return number >= fault_at && need != NOTHING;
  return number >= fault_at;
}

// Counts a call that concerns `path`, which is absolute, and says how it goes wrong.
static enum fault count(const char* name, enum need need, const char* path, const char* detail) {
  const char* place = folder != NULL ? within_folder(path) : NULL;
  if (place == NULL) return NO_FAULT;
  const int error = errno;
  const long number = atomic_fetch_add(&calls, 1) + 1;
  if (log_file >= 0) dprintf(log_file, "%ld\t%s\t%s\t%s\n", number, name, place, detail);
  errno = error;
  if (!goes_wrong(number, need)) return NO_FAULT;
  if (strcmp(action, "kill-before") == 0) stop();
  if (strcmp(action, "kill-within") == 0) return KILL_WITHIN;
  if (strcmp(action, "kill-after") == 0) return KILL_AFTER;
  if (strcmp(action, "short") == 0) return SHORT;
  errno = (int)value;
  return FAIL;
}

static enum fault count_path(const char* name, enum need need, int start, const char* path,
                             const char* detail) {
  char where[PATH_MAX];
  absolute(start, path, where);
  return count(name, need, where, detail);
}

static enum fault count_descriptor(const char* name, enum need need, int descriptor, size_t bytes) {
  char where[PATH_MAX], detail[32] = "";
  path_of_descriptor(descriptor, where);
  if (bytes > 0) snprintf(detail, sizeof detail, "%zu", bytes);
  return count(name, need, where, detail);
}

static enum fault count_rename(int from_start, const char* from, int to_start, const char* to) {
  char where[PATH_MAX];
  absolute(to_start, to, where);
  const char* place = folder != NULL ? within_folder(where) : NULL;
  return count_path("rename", ROOM, from_start, from, place != NULL ? place : where);
}

static size_t allowed(enum fault fault, size_t size) {
  const bool cut = fault == KILL_WITHIN || fault == SHORT;
  return cut && size > (size_t)value ? (size_t)value : size;
}

// Comes behind the real call.
static void end(enum fault fault) {
  if (fault == KILL_WITHIN || fault == KILL_AFTER) stop();
}

// The function of that name which stands behind this one, as `real`. Whichever thread looks it up
// finds the same.
#define REAL(type, name, ...)       \
  static type (*real)(__VA_ARGS__); \
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, #name)

// Returns what the call returns, unless something goes wrong.
#define RETURN(fault, call)               \
  do {                                    \
    if ((fault) == FAIL) return -1;       \
    const __typeof__(call) result = call; \
    end(fault);                           \
    return result;                        \
  } while (0)

// Opening. All of these take the mode behind the flags where the flags make a file.

static enum fault count_open(int start, const char* path, int flags) {
  const bool reads = (flags & O_ACCMODE) == O_RDONLY;
  const char* way = flags & O_CREAT ? "create" : reads ? "read" : "write";
  return count_path("open", reads ? NOTHING : ROOM, start, path, way);
}

static mode_t mode_behind(int flags, va_list rest) {
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                              \
  int name(const char* path, int flags, ...) {                  \
    REAL(int, name, const char*, int, ...);                     \
    va_list rest;                                               \
    va_start(rest, flags);                                      \
    const mode_t mode = mode_behind(flags, rest);               \
    va_end(rest);                                               \
    const enum fault fault = count_open(AT_FDCWD, path, flags); \
    RETURN(fault, real(path, flags, mode));                     \
  }

#define OPENAT(name)                                         \
  int name(int start, const char* path, int flags, ...) {    \
    REAL(int, name, int, const char*, int, ...);             \
    va_list rest;                                            \
    va_start(rest, flags);                                   \
    const mode_t mode = mode_behind(flags, rest);            \
    va_end(rest);                                            \
    const enum fault fault = count_open(start, path, flags); \
    RETURN(fault, real(start, path, flags, mode));           \
  }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int creat(const char* path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

// Of a file that was written: a late error of the disk may come here. It is closed even so.
int close(int descriptor) {
  REAL(int, close, int);
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) return real(descriptor);
  const enum fault fault = count_descriptor("close", NOTHING, descriptor, 0);
  const int error = errno;
  const int result = real(descriptor);
  end(fault);
  if (fault == FAIL) errno = error;
  return fault == FAIL ? -1 : result;
}

// Bytes.

ssize_t read(int descriptor, void* bytes, size_t size) {
  REAL(ssize_t, read, int, void*, size_t);
  const enum fault fault = count_descriptor("read", NOTHING, descriptor, size);
  RETURN(fault, real(descriptor, bytes, allowed(fault, size)));
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  REAL(ssize_t, write, int, const void*, size_t);
  const enum fault fault = count_descriptor("write", ROOM, descriptor, size);
  RETURN(fault, real(descriptor, bytes, allowed(fault, size)));
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  REAL(ssize_t, pwrite, int, const void*, size_t, off_t);
  const enum fault fault = count_descriptor("write", ROOM, descriptor, size);
  RETURN(fault, real(descriptor, bytes, allowed(fault, size), offset));
}

ssize_t writev(int descriptor, const struct iovec* pieces, int number) {
  REAL(ssize_t, writev, int, const struct iovec*, int);
  size_t size = 0;
  for (int i = 0; i < number; ++i) size += pieces[i].iov_len;
  const enum fault fault = count_descriptor("write", ROOM, descriptor, size);
  struct iovec first = number > 0 ? pieces[0] : (struct iovec){0};
  first.iov_len = allowed(fault, first.iov_len);
  if (fault == KILL_WITHIN || fault == SHORT) RETURN(fault, real(descriptor, &first, 1));
  RETURN(fault, real(descriptor, pieces, number));
}

int ftruncate(int descriptor, off_t size) {
  REAL(int, ftruncate, int, off_t);
  const enum fault fault = count_descriptor("truncate", ROOM, descriptor, 0);
  RETURN(fault, real(descriptor, size));
}

int fsync(int descriptor) {
  REAL(int, fsync, int);
  const enum fault fault = count_descriptor("fsync", ROOM, descriptor, 0);
  RETURN(fault, real(descriptor));
}

int fdatasync(int descriptor) {
  REAL(int, fdatasync, int);
  const enum fault fault = count_descriptor("fsync", ROOM, descriptor, 0);
  RETURN(fault, real(descriptor));
}

// Names.

int rename(const char* from, const char* to) {
  REAL(int, rename, const char*, const char*);
  const enum fault fault = count_rename(AT_FDCWD, from, AT_FDCWD, to);
  RETURN(fault, real(from, to));
}

int renameat(int from_start, const char* from, int to_start, const char* to) {
  REAL(int, renameat, int, const char*, int, const char*);
  const enum fault fault = count_rename(from_start, from, to_start, to);
  RETURN(fault, real(from_start, from, to_start, to));
}

int symlink(const char* target, const char* path) {
  REAL(int, symlink, const char*, const char*);
  const enum fault fault = count_path("symlink", ROOM, AT_FDCWD, path, target);
  RETURN(fault, real(target, path));
}

int symlinkat(const char* target, int start, const char* path) {
  REAL(int, symlinkat, const char*, int, const char*);
  const enum fault fault = count_path("symlink", ROOM, start, path, target);
  RETURN(fault, real(target, start, path));
}

int unlink(const char* path) {
  REAL(int, unlink, const char*);
  const enum fault fault = count_path("unlink", CHANGE, AT_FDCWD, path, "");
  RETURN(fault, real(path));
}

int unlinkat(int start, const char* path, int flags) {
  REAL(int, unlinkat, int, const char*, int);
  const enum fault fault = count_path("unlink", CHANGE, start, path, "");
  RETURN(fault, real(start, path, flags));
}

int remove(const char* path) {
  REAL(int, remove, const char*);
  const enum fault fault = count_path("unlink", CHANGE, AT_FDCWD, path, "");
  RETURN(fault, real(path));
}

int mkdir(const char* path, mode_t mode) {
  REAL(int, mkdir, const char*, mode_t);
  const enum fault fault = count_path("mkdir", ROOM, AT_FDCWD, path, "");
  RETURN(fault, real(path, mode));
}
