"""Which columns of a table are the labels, the epochs, the ids and the dimensions; all others are ignored, by name.

The rule for dimensions is one that a person can foresee: a column of vectors; else numbered columns of one prefix (d0,
d1, ...); else all other columns, if they hold fractions. What remains open is refused, with the choices.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtm.errors import InputError
from mtm.run_folder.class_names import spell
from mtm.run_folder.imports import identities, labels

if TYPE_CHECKING:
    import pyarrow

EPOCH = "epoch"
VECTORS = ("embedding", "embeddings")
NUMBERED = re.compile(r"(.*?)([0-9]{1,9})")  # a prefix and a number
RESULT = re.compile(
    r"(?:.*[_ ])?(?:pred|prob|score|conf|loss|logit|weight|split|fold|margin|decision)\w*", re.IGNORECASE
)
UNNAMED_INDEX = re.compile(r"__index_level_\d+__|Unnamed: \d+")
SHOWN = 8


@dataclass(frozen=True)
class Roles:
    """What the columns of a table are, by name."""

    dimensions: list[str]  # one column a dimension, or one of vectors
    are_vectors: bool
    label: str | None
    epoch: str | None
    ids: str | None
    note: str  # which are the dimensions
    ignored: list[str]  # and why


def assign_roles(schema: pyarrow.Schema, chosen: str | None) -> Roles:
    """Say what each column is; `chosen` names the dimensions: a prefix, or columns with commas between. May raise
    InputError, with the choices."""
    import pyarrow.types as types

    names = list(schema.names)
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"two columns are called '{twice[0]}'; each has a name of its own")
    kinds = {field.name: _storage(field.type) for field in schema}
    label, epoch = _find(names, labels.COLUMNS), _find(names, (EPOCH,))
    ids = [name for name in names if _compared(name) in identities.COLUMNS and _is_id(kinds[name], types)]
    ids.sort(key=lambda name: identities.COLUMNS.index(_compared(name)))
    rest = [name for name in names if name not in (label, epoch, *ids[:1])]
    indices = _pandas_index(schema)
    free = [name for name in rest if name not in indices]
    vectors = [name for name in free if _is_vector(kinds[name], types)]
    numbers = [name for name in free if _is_number(kinds[name], types)]
    if chosen is not None:
        dimensions = _chosen(chosen, vectors, numbers)
    else:
        dimensions = _vector_column(vectors) or _numbered(numbers) or _fractions(free, numbers, kinds, types)
    are_vectors = dimensions[0] in vectors
    note = f"Embeddings are {_listed(dimensions)}"
    left = [name for name in rest if name not in dimensions]
    ignored = [f"{_listed([name for name in left if name in indices])}: the table's index"] if indices & {*left} else []
    if others := [name for name in left if name not in indices]:
        ignored.append(f"{_listed(others)}: no dimensions")
    return Roles(dimensions, are_vectors, label, epoch, ids[0] if ids else None, note, ignored)


def _compared(name: str) -> str:
    return spell(name).casefold()


def _find(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The column by one of the wanted names: the first of them, or the only other one there is."""
    there = [name for name in names if _compared(name) in wanted]
    first = [name for name in there if _compared(name) == wanted[0]]
    if len(there) > 1 and len(first) != 1:
        raise InputError(f"{' and '.join(map(repr, there))} may both be the column '{wanted[0]}'; call one of them so")
    return next(iter(first or there), None)


def _pandas_index(schema: pyarrow.Schema) -> set[str]:
    """Columns that are the index of the table of pandas, which it writes beside the others."""
    stored = schema.pandas_metadata
    declared = stored.get("index_columns", []) if isinstance(stored, dict) else []
    named = {name for name in declared if isinstance(name, str)} if isinstance(declared, list) else set()
    return (named & set(schema.names)) | {name for name in schema.names if UNNAMED_INDEX.fullmatch(name)}


def _vector_column(vectors: list[str]) -> list[str]:
    known = [name for name in vectors if _compared(name) in VECTORS] or vectors
    if len(known) > 1:
        raise InputError(f"several columns hold vectors ({_listed(known)}); choose one with --columns NAME")
    return known


def _numbered(numbers: list[str]) -> list[str]:
    """Columns of one prefix and the numbers from 0 or 1, in the order of the numbers."""
    families: dict[str, dict[int, str]] = {}
    for name in numbers:
        if (match := NUMBERED.fullmatch(name)) and not RESULT.fullmatch(name):
            families.setdefault(match[1], {})[int(match[2])] = name
    families = {prefix: columns for prefix, columns in families.items() if len(columns) > 1}
    if len(families) > 1:
        choices = ", ".join(f"--columns {prefix}" for prefix in families if prefix)
        raise InputError(f"several groups of columns are numbered; choose the dimensions with {choices}")
    return _whole(*next(iter(families.items()))) if families else []


def _whole(prefix: str, columns: dict[int, str]) -> list[str]:
    start = min(columns)
    lacking = sorted({*range(start, start + len(columns))} - {*columns})
    if start > 1 or lacking:
        first = lacking[0] if lacking else 0
        raise InputError(
            f"columns {prefix}{start} to {prefix}{max(columns)} are numbered, but {prefix}{first} is missing"
        )
    return [columns[k] for k in sorted(columns)]


def _fractions(free: list[str], numbers: list[str], kinds: dict[str, Any], types: Any) -> list[str]:
    """All columns of numbers, if nothing but dimensions can be meant by them."""
    columns = [name for name in numbers if not RESULT.fullmatch(name)]
    if columns and all(types.is_floating(kinds[name]) for name in columns):
        return columns
    there = ", ".join(f"'{spell(name)}'" for name in free[:SHOWN]) or "none"
    if not columns:
        raise InputError(
            "there are no embeddings: they are a column 'embedding', or a column a dimension (d0, d1, ...); other "
            f"columns: {there}"
        )
    raise InputError(
        f"it is not clear which columns are dimensions ({there}), as some hold whole numbers; choose with "
        f"--columns {','.join(map(spell, columns[:SHOWN]))}"
    )


def _chosen(chosen: str, vectors: list[str], numbers: list[str]) -> list[str]:
    names = [name.strip() for name in chosen.split(",")]
    if len(names) == 1 and names[0] in vectors:
        return names
    family = {int(match[2]): name for name in numbers if (match := NUMBERED.fullmatch(name)) and match[1] == names[0]}
    if len(names) == 1 and family:
        return _whole(names[0], family)
    for name in names:
        if name not in numbers:
            choices = _listed([*vectors, *numbers]) if vectors or numbers else "none"
            raise InputError(f"--columns {name}: there is no such column of numbers; there are {choices}")
    return names


def _listed(names: list[str]) -> str:
    """'columns a, b'; of many that are numbered the first and the last, 'd0 to d511'."""
    parts, rest = list[str](), list(names)
    while rest:
        run = _numbered_run(rest)
        parts += [f"{spell(run[0])} to {spell(run[-1])}"] if len(run) > SHOWN else map(spell, run)
        rest = rest[len(run) :]
    return f"{'column' if len(names) == 1 else 'columns'} {', '.join(parts)}"


def _numbered_run(names: list[str]) -> list[str]:
    """The first of the names, and those after it that count on from it."""
    match = NUMBERED.fullmatch(names[0])
    n = 1
    while match and n < len(names) and names[n] == f"{match[1]}{int(match[2]) + n}":
        n += 1
    return names[:n]


def _storage(kind: Any) -> Any:
    """The type in which a type of somebody's own, such as a tensor of fixed shape, is stored."""
    return getattr(kind, "storage_type", kind)


def _is_number(kind: Any, types: Any) -> bool:
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def _is_vector(kind: Any, types: Any) -> bool:
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(is_list and _is_number(kind.value_type, types))


def _is_id(kind: Any, types: Any) -> bool:
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return bool(_is_number(kind, types) or types.is_string(kind) or types.is_large_string(kind))
