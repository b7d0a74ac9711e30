#!/usr/bin/env python3
"""Prints what the calls of this project's pallets cost, as a Markdown table, from the generated files.

    scripts/weights-table.py                  all of runtime/src/weights
    scripts/weights-table.py pallet_trust     one of them

Time is that of the machine on which scripts/weights.sh ran, without what reads and writes cost on top. Parts that grow
with an argument are left out: the table has what a call costs at its least.
"""

import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "runtime/src/weights"
CALL = re.compile(r"fn (\w+)\(([^)]*)\) -> Weight \{(.*?)\n\t\}", re.S)


def number(pattern, text):
    return sum(int(found.replace("_", "")) for found in re.findall(pattern, text))


def rows(path):
    text = path.read_text()
    for name, _, body in CALL.findall(text[text.index("impl<T") :]):
        first = re.search(r"from_parts\(([\d_]+)", body)
        if first:
            time = int(first.group(1).replace("_", "")) / 1e6
            yield name, time, number(r"reads\((\d+)(?:_u64)?\)", body), number(r"writes\((\d+)(?:_u64)?\)", body)


def main():
    names = sys.argv[1:] or sorted(path.stem for path in FOLDER.glob("pallet_*.rs"))
    print("| pallet | call or hook | µs | reads | writes |\n|---|---|---:|---:|---:|")
    for name in names:
        path = FOLDER / f"{name}.rs"
        if "AUTO-GENERATED" not in path.read_text():
            print(f"| {name} | not generated yet | | | |")
            continue
        for call, time, reads, writes in rows(path):
            print(f"| {name} | `{call}` | {time:,.0f} | {reads} | {writes} |")


main()
