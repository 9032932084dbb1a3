# Holds a file that has no name any more. Prints `open`; for each line of input it writes the line to the file, syncs, and prints
# all that the file contains, as one line. Argument: path.
import os
import sys

path = sys.argv[1]
fd = os.open(path, os.O_RDWR | os.O_CREAT)
os.write(fd, b"start")
os.unlink(path)
print("open", flush=True)
for line in sys.stdin:
    try:
        os.write(fd, line.strip().encode())
        os.fsync(fd)
        print(os.pread(fd, 1000, 0).decode(), os.fstat(fd).st_nlink, flush=True)
    except OSError as error:
        print("failed", error, flush=True)
