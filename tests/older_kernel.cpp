// Runs a program as on the Linux 3.10 of RHEL 7: system calls that came later answer ENOSYS.
//   older-kernel PROGRAM [ARGUMENT]...
// The calls and their versions are those of syscalls(2). RHEL 7.3 has memfd_create in its 3.10
// (opencontainers/runc#1984). getrandom is left out: OpenSSL's rand_unix.c takes its absence for a
// failure where uname tells 4.8 or later. scripts/test-packages compiles this file, for a root.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit/refused_calls.h"

int main(int count, char** words) {
  if (count < 2) return EXIT_FAILURE;
  retrust::test::refuse({SYS_renameat2,                              // 3.15
                         SYS_execveat,                               // 3.19
                         SYS_membarrier,                             // 4.3
                         SYS_copy_file_range,                        // 4.5
                         SYS_statx,                                  // 4.11
                         SYS_rseq,                                   // 4.18
                         SYS_pidfd_send_signal, SYS_io_uring_setup,  // 5.1
                         SYS_pidfd_open, SYS_clone3,                 // 5.3
                         SYS_openat2, SYS_pidfd_getfd,               // 5.6
                         SYS_faccessat2,                             // 5.8
                         SYS_close_range,                            // 5.9
                         SYS_epoll_pwait2},                          // 5.11
                        ENOSYS);
  ::execvp(words[1], words + 1);
  std::perror(words[1]);
  return EXIT_FAILURE;
}
