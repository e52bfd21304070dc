"""The code of a file as a process has it: probes show as bytes that are not those of the file."""
import os


def changed(pid, path):
    """How many bytes of the mapped code of `path` differ from the file; None while it maps none."""
    inode, differ = os.stat(path).st_ino, None
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
        rows = [line.split(None, 5) for line in f]
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(path, "rb") as file:
        for row in rows:
            if "x" not in row[1] or int(row[4]) != inode:
                continue
            start, end = (int(n, 16) for n in row[0].split("-"))
            memory.seek(start)
            file.seek(int(row[2], 16))
            # the last page may reach beyond the file
            differ = (differ or 0) + sum(a != b for a, b in zip(memory.read(end - start), file.read(end - start)))
    return differ
