"""The layouts that a compiler wrote into an object's debug information."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

Members = tuple[tuple[str, int, int, int], ...]
"""(name, byte offset, width of a bit-field or -1, its first bit in that byte) of each member."""

_KINDS = {"DW_TAG_structure_type": "struct", "DW_TAG_union_type": "union"}


def linked(path: Path, linker: str, *options: str) -> Path:
    """An object linked as far as it goes, so that its debug information needs no relocation any more."""
    made = path.with_suffix(".linked")
    command = [
        linker,
        *options,
        "--unresolved-symbols=ignore-all",
        "--noinhibit-exec",
        "-e",
        "0",
        "-o",
        str(made),
        str(path),
    ]
    subprocess.run(command, check=False, capture_output=True)
    return made


def structs(path: str | Path) -> dict[tuple[str, str], set[tuple[int, Members]]]:
    """The size and members of every struct and union of an object that has a tag, by kind and tag."""
    found: dict[tuple[str, str], set[tuple[int, Members]]] = defaultdict(set)
    with open(path, "rb") as file:
        for unit in ELFFile(file).get_dwarf_info().iter_CUs():
            for die in unit.iter_DIEs():
                kind = _KINDS.get(str(die.tag))
                if kind and "DW_AT_name" in die.attributes and "DW_AT_byte_size" in die.attributes:
                    tag = die.attributes["DW_AT_name"].value.decode()
                    size = die.attributes["DW_AT_byte_size"].value
                    found[kind, tag].add((size, tuple(_members(die, 0))))
    return found


def _members(die: Any, base: int) -> list[tuple[str, int, int, int]]:
    made = []
    for child in die.iter_children():
        if child.tag != "DW_TAG_member":
            continue
        attributes = child.attributes
        name = attributes["DW_AT_name"].value.decode() if "DW_AT_name" in attributes else ""
        offset = (
            attributes["DW_AT_data_member_location"].value
            if "DW_AT_data_member_location" in attributes
            else 0
        )
        if not name:
            made += _members(_plain(child), base + offset)
        elif "DW_AT_bit_size" in attributes:
            first = attributes["DW_AT_data_bit_offset"].value if "DW_AT_data_bit_offset" in attributes else 0
            bits = 8 * (base + offset) + first
            made.append((name, bits // 8, attributes["DW_AT_bit_size"].value, bits % 8))
        else:
            made.append((name, base + offset, -1, 0))
    return made


def _plain(die: Any) -> Any:
    """The type of a member without its qualifiers."""
    found = die.get_DIE_from_attribute("DW_AT_type")
    while found.tag in ("DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_typedef"):
        found = found.get_DIE_from_attribute("DW_AT_type")
    return found
