"""What did a killed supervisor leave running? Only what is provably ours is ended: same id, born the same instant."""

from pathlib import Path

import psutil

PATIENCE_SECONDS = 5.0


def remember(folder: Path, name: str, pid: int) -> None:
    """Write down which process goes by this name."""
    (folder / f"{name}.pid").write_text(f"{pid} {psutil.Process(pid).create_time()!r}\n")


def forget(folder: Path, name: str) -> None:
    """Note that the process of this name has ended."""
    (folder / f"{name}.pid").unlink(missing_ok=True)


def recorded(file: Path) -> psutil.Process | None:
    """Return the living process that the file names, None when it is gone or its id belongs to another by now."""
    try:
        pid, born = file.read_text().split()
        process = psutil.Process(int(pid))
        return process if process.create_time() == float(born) else None
    except (OSError, ValueError, psutil.Error):
        return None


def clear(folder: Path) -> list[int]:
    """End every process that is recorded here and still lives, and return their ids."""
    files = list(folder.glob("*.pid"))
    orphans = [process for file in files if (process := recorded(file))]
    for orphan in orphans:
        orphan.terminate()
    _, stubborn = psutil.wait_procs(orphans, timeout=PATIENCE_SECONDS)
    for orphan in stubborn:
        orphan.kill()
    for file in files:
        file.unlink()
    return [orphan.pid for orphan in orphans]
