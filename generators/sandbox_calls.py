"""What a program in the sandbox may ask of the kernel: a list of system calls, as a seccomp filter.

What is not on the list fails with "Operation not permitted": there are no new processes, no programs, no sockets but
the pair that an event loop wakes itself with, no signals to others, no tracing, no mounts, no namespaces. Numbers of
x86_64 and aarch64 are from Linux' own headers (asm/unistd_64.h, asm-generic/unistd.h).
"""

import struct
from collections.abc import Iterator, Mapping

from manifests.errors import BadRecipe

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column below, AUDIT_ARCH_* of linux/audit.h

# name:number on x86_64:number on aarch64
_FREE = """
read:0:63 write:1:64 readv:19:65 writev:20:66 pread64:17:67 pwrite64:18:68 preadv:295:69 pwritev:296:70 open:2:-
openat:257:56 creat:85:- close:3:57 close_range:436:436 lseek:8:62 dup:32:23 dup2:33:- dup3:292:24 pipe:22:-
pipe2:293:59 fcntl:72:25 flock:73:32 fsync:74:82 fdatasync:75:83 truncate:76:45 ftruncate:77:46 fallocate:285:47
fadvise64:221:223 sendfile:40:71 copy_file_range:326:285 stat:4:- fstat:5:80 lstat:6:- newfstatat:262:79 statx:332:291
access:21:- faccessat:269:48 faccessat2:439:439 readlink:89:- readlinkat:267:78 statfs:137:43 fstatfs:138:44
getdents:78:- getdents64:217:61 getcwd:79:17 chdir:80:49 fchdir:81:50 rename:82:- renameat:264:38 renameat2:316:276
mkdir:83:- mkdirat:258:34 rmdir:84:- unlink:87:- unlinkat:263:35 link:86:- linkat:265:37 symlink:88:- symlinkat:266:36
chmod:90:- fchmod:91:52 fchmodat:268:53 utime:132:- utimes:235:- utimensat:280:88 umask:95:166 mmap:9:222 munmap:11:215
mremap:25:216 mprotect:10:226 madvise:28:233 msync:26:227 mincore:27:232 brk:12:214 membarrier:324:283 poll:7:-
ppoll:271:73 select:23:- pselect6:270:72 epoll_create:213:- epoll_create1:291:20 epoll_ctl:233:21 epoll_wait:232:-
epoll_pwait:281:22 eventfd:284:- eventfd2:290:19 shutdown:48:210 sendto:44:206 recvfrom:45:207 nanosleep:35:101
clock_nanosleep:230:115 clock_gettime:228:113 clock_getres:229:114 gettimeofday:96:169 time:201:- times:100:153
alarm:37:- getitimer:36:102 setitimer:38:103 rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigreturn:15:139
rt_sigpending:127:136 rt_sigsuspend:130:133 rt_sigtimedwait:128:137 sigaltstack:131:132 pause:34:-
restart_syscall:219:128 futex:202:98 set_robust_list:273:99 set_tid_address:218:96 rseq:334:293 sched_yield:24:124
sched_getaffinity:204:123 getcpu:309:168 gettid:186:178 getpid:39:172 getppid:110:173 getuid:102:174 geteuid:107:175
getgid:104:176 getegid:108:177 getgroups:115:158 getpgid:121:155 getpgrp:111:- getsid:124:156 getpriority:140:141
getrlimit:97:163 prlimit64:302:261 getrusage:98:165 sysinfo:99:179 uname:63:160 getrandom:318:278 exit:60:93
exit_group:231:94
"""
_BOUND = {  # name:numbers -> which argument, and the values that it may have
    "kill:62:129": (0, (1,)),  # the program is process 1 of its namespace, and may end itself only
    "tgkill:234:131": (0, (1,)),
    "socketpair:53:199": (0, (1,)),  # AF_UNIX
    "ioctl:16:29": (1, (0x5401, 0x5421, 0x5450, 0x5451)),  # TCGETS (is it a terminal?), FIONBIO, FIONCLEX, FIOCLEX
}
_CLONE, _CLONE3 = "clone:56:220", "clone3:435:435"
_CLONE_THREAD = 0x10000

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JSET|K, BPF_RET|K
_ALLOW, _KILL = 0x7FFF0000, 0x80000000  # SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS
_DENY, _NO_SUCH_CALL = 0x00050000 | 1, 0x00050000 | 38  # SECCOMP_RET_ERRNO with EPERM, with ENOSYS
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; arguments are 8 bytes, low half first


def call_filter(machine: str) -> bytes:
    """Return the filter for a machine (`os.uname().machine`) as an array of struct sock_filter.

    Raises BadRecipe for a machine whose numbers we do not know.
    """
    if machine not in _MACHINES:
        raise BadRecipe(f"sandbox: system calls of {machine!r} are not known; expected {' or '.join(_MACHINES)}")
    column, architecture = _MACHINES[machine]
    return b"".join([struct.pack("<HBBI", *line) for line in _lines(column, architecture)])


def allowed(machine: str) -> Mapping[str, int]:
    """Return the calls that are allowed whatever their arguments, with their numbers on a machine."""
    return dict(_numbered(_FREE.split(), _MACHINES[machine][0]))


def _numbered(entries: list[str], column: int) -> Iterator[tuple[str, int]]:
    for entry in entries:
        name, *numbers = entry.split(":")
        if numbers[column] != "-":
            yield name, int(numbers[column])


def _lines(column: int, architecture: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield the instructions: code, lines to skip if true, lines to skip if false, operand."""
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _EQUAL, 1, 0, architecture
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER
    for _, number in _numbered(_FREE.split(), column):
        yield _EQUAL, 0, 1, number
        yield _RETURN, 0, 0, _ALLOW
    for entry, (argument, values) in _BOUND.items():
        for _, number in _numbered([entry], column):
            yield _EQUAL, 0, 2 * len(values) + 2, number
            yield _LOAD, 0, 0, _ARGUMENTS + 8 * argument
            for value in values:
                yield _EQUAL, 0, 1, value
                yield _RETURN, 0, 0, _ALLOW
            yield _RETURN, 0, 0, _DENY
    for _, number in _numbered([_CLONE], column):
        yield _EQUAL, 0, 4, number
        yield _LOAD, 0, 0, _ARGUMENTS
        yield _ANY_BIT, 0, 1, _CLONE_THREAD
        yield _RETURN, 0, 0, _ALLOW
        yield _RETURN, 0, 0, _DENY
    for _, number in _numbered([_CLONE3], column):  # its flags are in memory, where no filter can look
        yield _EQUAL, 0, 1, number
        yield _RETURN, 0, 0, _NO_SUCH_CALL
    yield _RETURN, 0, 0, _DENY
