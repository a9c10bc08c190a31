"""Programs that try to get out of the sandbox."""

import os
import socket
import struct
from pathlib import Path

import pytest

from generators.sandbox_calls import allowed, call_filter
from generators.sandbox_inside import readable
from manifests.errors import BadRecipe
from tests.generators.boxed import ISOLATED, outcome, refused

pytestmark = ISOLATED


@pytest.mark.parametrize(
    "program",
    [
        "import os; os.fork()",
        "import os\nwhile True: os.fork()",
        "import os; os.fork() or (os.setsid(), os.fork())",
        "import os; os.setsid()",
        "import os; os.setpgid(0, 0)",
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', '1'])",
        "import os, sys; os.execv('/lib64/ld-linux-x86-64.so.2', ['x'])",
        "import os; os.posix_spawn('/lib64/ld-linux-x86-64.so.2', ['x'], {})",
    ],
)
def test_a_program_starts_no_other_process(program):
    assert refused(program) == "PermissionError"


@pytest.mark.parametrize(
    "program",
    [
        "import socket; socket.socket()",
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "import socket; socket.socket(socket.AF_UNIX)",
        "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "import socket; socket.socketpair(socket.AF_INET)",
    ],
)
def test_no_socket_is_opened(program):
    assert refused(program) in {"PermissionError", "ValueError"}


def test_no_server_of_this_machine_is_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.setblocking(False)
        made = outcome(f"import socket; socket.create_connection(('127.0.0.1', {port}))")
        assert made.status == "failed"
        with pytest.raises(BlockingIOError):
            server.accept()


def test_no_file_of_the_machine_is_seen(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    secret.chmod(0o644)
    for path in (
        secret,
        Path(__file__),
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/1/maps",
        "/dev/null",
        "/etc",
        "/mnt",
    ):
        made = outcome(f"import os; print(os.path.exists({str(path)!r})); os.stat({str(path)!r})")
        assert (made.stdout, made.status) == ("False\n", "failed")


def test_no_file_is_reached_through_an_open_directory_or_descriptor():
    program = "import os\nfor n in range(3, 300):\n    try: os.fstat(n); print(n)\n    except OSError: pass\n"
    assert outcome(program).stdout == ""
    program = "import os\nfor _ in range(50): os.chdir('..')\nprint(sorted(os.listdir('.'))); os.chroot('.')"
    made = outcome(program)
    tops = {path.strip("/").split("/")[0] for path in readable() if Path(path).exists()}
    assert made.stdout == f"{sorted(tops | {'work'})}\n"
    assert "PermissionError" in made.stderr


def test_nothing_is_written_beside_its_folder():
    library = Path(os.__file__).parent
    for path in ("/escaped", "/usr/escaped", f"{library}/escaped", "/var/escaped", "/work/../escaped"):
        made = outcome(f"open({path!r}, 'w')")
        assert made.status == "failed"
        assert not Path(path).exists()
    for change in ("os.chmod(path, 0o777)", "os.utime(path)", "os.remove(path)", "os.rename(path, path + 'x')"):
        made = outcome(f"import os; path = os.__file__; {change}")
        assert "Read-only file system" in made.stderr or "Permission" in made.stderr


@pytest.mark.parametrize(
    "program",
    [
        "import os; os.kill({parent}, 9)",
        "import os; os.kill(os.getppid(), 9)",
        "import os; os.kill(-1, 9)",
        "import os; os.killpg(os.getpgrp(), 9)",
        "import os, signal; signal.pidfd_send_signal(os.pidfd_open(1), 9)",
    ],
)
def test_no_other_process_is_signalled(program):
    made = outcome(program.format(parent=os.getpid()))
    assert made.status == "failed"
    assert "Operation not permitted" in made.stderr


@pytest.mark.parametrize(
    "call",
    [
        "ptrace(0, 0, 0, 0)",
        "mount(b'none', b'/work', b'tmpfs', 0, 0)",
        "umount2(b'/usr', 2)",
        "unshare(0x10000000)",
        "setns(0, 0)",
        "prctl(1, 0, 0, 0, 0)",
        "setuid(0)",
        "syscall(425, 8, 0)",
        "syscall(321, 0, 0, 0)",
        "syscall(250, 0, 0, 0)",
        "syscall(310, 1, 0, 0, 0, 0, 0)",
        "syscall(0x40000000 + 39)",
    ],
)
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
def test_the_kernel_refuses_what_no_program_needs(call):
    program = f"import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.{call}, ctypes.get_errno())"
    assert outcome(program).stdout == "-1 1\n"


def test_limits_cannot_be_raised_again():
    for name in ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NOFILE"):
        assert refused(f"import resource; resource.setrlimit(resource.{name}, (2**40, 2**40))") == "ValueError"


def test_nothing_of_our_environment_is_told(monkeypatch):
    monkeypatch.setenv("API_KEY", "secret")
    assert outcome("import os; print(dict(os.environ), os.getuid() == 0, os.getpid())").stdout == "{} False 1\n"


def test_only_the_standard_library_is_there():
    assert refused("import msgspec") == "ModuleNotFoundError"
    assert refused("import generators") == "ModuleNotFoundError"
    assert outcome("import json, re, math, fractions, decimal, sqlite3, hashlib, dataclasses, unittest").passed


def test_calls_of_an_unknown_machine_are_refused():
    with pytest.raises(BadRecipe, match="system calls of 'sparc64' are not known; expected x86_64 or aarch64"):
        call_filter("sparc64")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_ends_in_a_refusal_and_lets_no_dangerous_call_through(machine):
    lines = list(struct.iter_unpack("<HBBI", call_filter(machine)))
    assert lines[-1] == (0x06, 0, 0, 0x00050001)
    for place, (code, if_true, if_false, _) in enumerate(lines):
        assert code == 0x06 or place + 1 + max(if_true, if_false) < len(lines)
    names = set(allowed(machine))
    assert not names & {"socket", "connect", "fork", "vfork", "execve", "ptrace", "mount", "unshare", "bpf", "prctl"}
    assert len(names) == len(set(allowed(machine).values()))


def test_no_descriptor_is_left_open_where_ours_have_high_numbers():
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(150)]
    try:
        made = outcome("import os\nfor n in range(3, 400):\n    try: os.fstat(n); print(n)\n    except OSError: pass")
    finally:
        for number in held:
            os.close(number)
    assert (made.status, made.stdout) == ("finished", "")
