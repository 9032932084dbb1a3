"""Puts a lock into the mirror that nobody on the mount holds, as an fs process leaves it that dies between its table and its mirror.

usage: leftover.py FS_PID BACKING_FILE BYTE; prints "left" when it is there, then "free" or "taken": what a program on the data directory meets at
BYTE after each line on standard input.
"""
import ctypes
import fcntl
import os
import struct
import sys

SYS_PIDFD_GETFD = 438
F_OFD_SETLK = 37

pid, path, byte = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def lock(fd, kind):
    fcntl.fcntl(fd, F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, byte, 1, 0))


def has_locks(number):
    with open(f"/proc/{pid}/fdinfo/{number}") as info:
        return os.readlink(f"/proc/{pid}/fd/{number}") == path and "OFDLCK" in info.read()


mirror = next(int(number) for number in os.listdir(f"/proc/{pid}/fd") if has_locks(number))
# The same open file description as the fs process has, which is what owns OFD locks.
copy = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, os.pidfd_open(pid), mirror, 0)
if copy < 0:
    raise OSError(ctypes.get_errno(), "pidfd_getfd")
lock(copy, fcntl.F_WRLCK)
os.close(copy)
print("left", flush=True)
for _ in sys.stdin:
    other = os.open(path, os.O_RDWR)
    try:
        lock(other, fcntl.F_WRLCK)
        print("free", flush=True)
    except BlockingIOError:
        print("taken", flush=True)
    os.close(other)
