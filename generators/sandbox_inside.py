"""The inner half of the sandbox: a script of a clean interpreter that locks itself in and runs one program.

`generators.sandbox` starts it, with the program and its limits on its input, the program's output in the two files that
`out` and `err` number, and its own answer, one line, on its output: "ended STATUS SECONDS" or "missing WHAT". It
imports nothing of ours, and little else: a start is what a program costs.
"""
# pathlib would take a quarter of the time that a start takes:
# ruff: noqa: PTH103, PTH118, PTH120, PTH123, PTH102, PTH112, PTH114, PTH115, PTH211

import ctypes
import marshal
import os
import resource
import sys

TYPE_CHECKING = False  # to import `typing` would take as long as to start
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, NoReturn

FINISHED, OUT_OF_MEMORY = 77, 78  # exit codes that mean what they are called; 0 is a program that left early
NOBODY = 65534
HOME = "/work"
MOST_OPEN = 64  # files

_USER = 0x10000000  # CLONE_NEWUSER
_NAMESPACES = 0x20000 | 0x40000000 | 0x8000000 | 0x4000000 | 0x20000000  # CLONE_NEW: NS, NET, IPC, UTS, PID
_BIND, _RECURSIVE, _PRIVATE, _DETACH = 0x1000, 0x4000, 0x40000, 2  # MS_*, MNT_DETACH
_NO_SUID_DEV_EXEC = 2 | 4 | 8
_READ_ONLY_NO_SUID_DEV = 1 | 2 | 4  # MOUNT_ATTR_*
_MOUNT_SETATTR, _HERE, _WHOLE_TREE = 442, -100, 0x8000  # the number is the same on all machines; AT_FDCWD
_DEATH_SIGNAL, _SECCOMP, _NO_NEW_PRIVILEGES = 1, 22, 38  # PR_SET_*
_STAGE = "/sys"  # a folder that every Linux has and that nothing is read from: the new root is built on it
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")

libc = ctypes.CDLL(None, use_errno=True)


def asked(name: str, *arguments: "Any") -> None:
    """Call the C library; raise OSError with the call's name where it fails."""
    if getattr(libc, name)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments[:2]}: {os.strerror(number)}")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Mount, or raise OSError."""
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    asked("mount", *texts, ctypes.c_ulong(flags), data.encode())


def readable() -> list[str]:
    """Return the folders that a program may read: the standard library, and what its modules are linked with."""
    library = os.path.dirname(os.path.realpath(os.__file__))
    built = os.path.join(os.path.realpath(sys.base_prefix), "lib")
    return [*dict.fromkeys([built if library.startswith(f"{built}/") else library, *_LIBRARIES])]


def leave_the_machine(disk_bytes: int) -> None:
    """Move into namespaces of our own: no network, no other processes, and of the files only those to be read."""
    root = os.geteuid() == 0
    user, group = (NOBODY, NOBODY) if root else (os.getuid(), os.getgid())
    asked("unshare", _NAMESPACES if root else _NAMESPACES | _USER)
    if not root:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    mount(None, "/", None, _RECURSIVE | _PRIVATE)
    mount("tmpfs", _STAGE, "tmpfs", _NO_SUID_DEV_EXEC, "size=64k,mode=755")
    for path in readable():
        os.makedirs(os.path.dirname(_STAGE + path), exist_ok=True)
        if os.path.islink(path):
            os.symlink(os.readlink(path), _STAGE + path)
        elif os.path.isdir(path):
            os.mkdir(_STAGE + path)
            mount(path, _STAGE + path, None, _BIND | _RECURSIVE)
    os.mkdir(_STAGE + HOME)
    os.chdir(_STAGE)
    asked("pivot_root", b".", b".")
    asked("umount2", b".", _DETACH)
    attributes = (ctypes.c_uint64 * 4)(_READ_ONLY_NO_SUID_DEV, 0, 0, 0)
    asked("syscall", _MOUNT_SETATTR, _HERE, b"/", _WHOLE_TREE, attributes, ctypes.c_size_t(32))
    own = f"size={disk_bytes},nr_inodes=1000,mode=700,uid={user},gid={group}"
    mount("tmpfs", HOME, "tmpfs", _NO_SUID_DEV_EXEC, own)
    os.chdir(HOME)
    if root:
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
        asked("unshare", _USER)  # the limit of threads counts in it, not over all that nobody runs
    asked("prctl", _DEATH_SIGNAL, 9, 0, 0, 0)


def take_files(text: str, out: int, err: int) -> None:
    """Give the program its input and its two outputs."""
    given = os.memfd_create("stdin")
    os.write(given, text.encode("utf-8", "surrogatepass"))
    os.lseek(given, 0, os.SEEK_SET)
    for old, new in ((given, 0), (out, 1), (err, 2)):
        os.dup2(old, new)


def bound(limits: dict[str, int], calls: bytes) -> None:
    """Take every limit, give every privilege away, and let the kernel refuse all calls but those of the filter."""
    for name, most in limits.items():
        resource.setrlimit(getattr(resource, name), (most, most))
    header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # _LINUX_CAPABILITY_VERSION_3
    asked("capset", header, nothing)
    asked("prctl", _DEATH_SIGNAL, 9, 0, 0, 0)
    asked("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    lines = ctypes.create_string_buffer(calls, len(calls))
    program = (ctypes.c_uint64 * 2)(len(calls) // 8, ctypes.addressof(lines))  # struct sock_fprog, padded
    asked("prctl", _SECCOMP, 2, program, 0, 0)


def run(program: str) -> "NoReturn":
    """Run the program as `__main__`, and leave with what became of it."""
    main = type(sys)("__main__")
    main.__dict__.update(__file__=f"{HOME}/program.py", __builtins__=__builtins__)
    sys.modules["__main__"] = main
    sys.argv = ["program.py"]
    sys.path.insert(0, HOME)
    sys.excepthook = show
    os.environ.clear()
    try:
        with open("program.py", "w", encoding="utf-8") as file:
            file.write(program)
        exec(compile(program, "program.py", "exec", dont_inherit=True), main.__dict__)  # noqa: S102
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    sys.exit(FINISHED)


def show(kind: type[BaseException], error: BaseException, trace: "TracebackType | None") -> None:
    """Print what a program raised, without the lines of this file."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


def main() -> None:
    """Lock in, run, wait, and say what the program's exit status and its share of the time were."""
    order = marshal.load(sys.stdin.buffer)  # noqa: S302 - our own process wrote it
    try:
        leave_the_machine(order["disk_bytes"])
        child = os.fork()
    except OSError as error:
        print("missing", error)
        return
    if child == 0:
        answer = os.dup(1)
        take_files(order["stdin"], order["out"], order["err"])
        try:
            bound(order["limits"], order["calls"])
        except OSError as error:
            os.write(answer, f"missing {error}\n".encode())
            os._exit(0)
        os.closerange(3, max(MOST_OPEN, order["out"], order["err"]) + 1)
        run(order["program"])
    _, status, used = os.wait4(child, 0)
    print("ended", status, used.ru_utime + used.ru_stime, flush=True)
    os._exit(0)  # nothing is left to be taken down in order


if __name__ == "__main__":
    main()
