"""Where a database lies, and whether it is safe there.

SQLite's locks do not hold on network disks, and its files do not stay together in a folder that a
program synchronises.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePath

NETWORK_TYPES = frozenset(
    {
        "9p", "afpfs", "afs", "ceph", "cifs", "davfs", "fuse.davfs", "fuse.gcsfuse",
        "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs", "glusterfs", "lustre", "ncpfs",
        "nfs", "nfs4", "prl_fs", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "webdav",
    }
)  # fmt: skip
"""Types of file systems that lie on another machine, or on the host of this one."""

SYNCHRONISED = re.compile(
    r"(dropbox|onedrive|google ?drive|my drive|nextcloud|owncloud|pclouddrive|megasync|box sync"
    r"|mobile documents|icloud ?drive|cloudstorage|syncthing)\b.*",
    re.IGNORECASE,
)
"""Names of folders that programs keep the same on several machines."""

MARKS = (".dropbox", ".stfolder", ".sync", ".nextcloudsync.log", ".owncloudsync.log")
"""What those programs leave at the top of such a folder."""

DRIVE_REMOTE = 4
"""What Windows calls a drive that lies on another machine."""

Mount = tuple[PurePath, str]
"""Where a file system is mounted, and its type."""


def unsafe_place(path: Path) -> str | None:
    """Return what is wrong with the place of a database, in words; `None` if nothing is known."""
    real = path.resolve()
    if type := network_type(real, _mounts()) or _remote_drive(real):
        return f"it lies on a network disk ({type}), where locks do not hold"
    if folder := synchronised_folder(real):
        return f"it lies in {folder}, which a program synchronises while it is written"
    return None


def network_type(path: PurePath, mounts: Sequence[Mount]) -> str | None:
    """Return the type of the network file system that `path` lies on, if it does."""
    found = [(len(where.parts), type) for where, type in mounts if path.is_relative_to(where)]
    # Of two at one place, the one that was mounted last is the one that shows.
    type = max(found, key=lambda each: each[0], default=(0, ""))[1] if found else ""
    return type if type in NETWORK_TYPES else None


def synchronised_folder(path: Path) -> str | None:
    """Return the name of the folder above `path` that is synchronised, if one is."""
    for folder in path.parents:
        if SYNCHRONISED.fullmatch(folder.name):
            return folder.name
        if any((folder / mark).exists() for mark in MARKS):
            return folder.name or str(folder)
    return None


def _mounts() -> list[Mount]:
    """Return what is mounted, the last one first; nothing where that cannot be told."""
    if sys.platform == "linux":
        try:
            lines = Path("/proc/self/mountinfo").read_text("utf-8", "replace").splitlines()
        except OSError:
            return []
        return [mount for line in reversed(lines) if (mount := _linux_mount(line))]
    if sys.platform == "darwin":
        try:
            done = subprocess.run(
                ["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return []
        found = re.findall(r"^.* on (/.*) \((\w+)[,)]", done.stdout, re.MULTILINE)
        return [(PurePath(where), type) for where, type in reversed(found)]
    return []


def _linux_mount(line: str) -> Mount | None:
    """Read a line such as `36 35 98:0 / /mnt rw,noatime master:1 - nfs4 server:/ rw`."""
    before, _, after = line.partition(" - ")
    fields, types = before.split(), after.split()
    if len(fields) < 5 or not types:
        return None
    # Linux writes blanks and backslashes of a path as octal escapes, such as `\040`.
    where = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
    return PurePath(where), types[0]


def _remote_drive(path: Path) -> str | None:
    if sys.platform != "win32":
        return None
    import ctypes  # noqa: PLC0415 - needed there only

    if path.drive.startswith("\\\\"):
        return "a share"
    drive = ctypes.windll.kernel32.GetDriveTypeW(f"{path.drive}\\")
    return "a network drive" if drive == DRIVE_REMOTE else None
