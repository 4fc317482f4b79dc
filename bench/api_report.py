"""How are the figures of `bench.api` shown?"""

from collections.abc import Mapping
from typing import Any

MIB = 1024 * 1024


def show(result: Mapping[str, Any]) -> None:
    """Print a table for each part that was measured."""
    for part, table in (("paths", _paths), ("waiting", _waiting), ("history", _history)):
        if part in result:
            table(result[part])
    print(f"{result['machine']['database']}; load {result['load_average']}")


def _paths(rows: Any) -> None:
    print(f"{'':28}clients     /s   p50   p95   p99 ms  processor ms  in bare ones  other answers")
    for row in rows:
        figures = f"{row['per_second']:8.0f}{row['p50_ms']:6.0f}{row['p95_ms']:6.0f}{row['p99_ms']:6.0f}"
        ratio = f"{row['processor_ms']:17.1f}{row['processor_ratio']:14.1f}"
        print(f"{row['path']:28}{row['clients']:7}{figures}{ratio}  {row['other_answers'] or ''}")


def _waiting(found: Any) -> None:
    print(f"\n{found['waiters']} wait, all after {found['seconds_until_all_wait']:.0f} s:", end=" ")
    print(f"{found['bytes_each'] / 1024:.0f} KiB each; {found['processor_while_they_wait']:.0%} of a processor")
    for name in ("before", "while_they_wait", "after"):
        held = found[name]
        memory, connections = held["rss_bytes"] / MIB, held["database_connections"]
        print(f"{name:28}{memory:5.0f} MiB, {held['threads']} threads, {connections} connections to the database")
    for name in ("status_alone", "status_beside_them", "status_while_jobs_end"):
        print(f"{name:28}{found[name]['per_second']:5.0f} a second, p99 {found[name]['p99_ms']:.0f} ms")
    for name in ("one_by_one", "at_once"):
        heard = found[name]
        print(f"{name:28}{heard['heard']} of {heard['ended']} heard of their end, ", end="")
        print(f"p50 {heard['p50_ms']:.0f} ms, p99 {heard['p99_ms']:.0f} ms, the last after {heard['last_ms']:.0f} ms")
    for said in found["one_more"]:
        print(f"{'one more':28}{said}")


def _history(found: Any) -> None:
    print(f"\n{'':30}with few pictures    with {found['pictures']}: p50   p95 ms  statements  tables read whole")
    for row in found["pages"]:
        few, many = row["with_few"], row["with_many"]
        figures = f"{few['p50_ms']:8.0f}{few['p95_ms']:6.0f} ms{many['p50_ms']:19.0f}{many['p95_ms']:6.0f}"
        counts = f"{few['statements']:9} {many['statements']:3}"
        print(f"{row['page']:30}{figures}{counts}   {' '.join(many['reads_whole'])}")
