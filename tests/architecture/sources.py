"""Every module of csmsd and csmsctl as a tree, and what it imports."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for top in ("csmsd", "csmsctl") for path in sorted((ROOT / top).rglob("*.py"))}


def below(name: str, *packages: str) -> bool:
    """Whether a module is one of the packages or in one of them."""
    return any(name == package or name.startswith(package + ".") for package in packages)


def modules(*packages: str) -> list[str]:
    return [name for name in SOURCES if below(name, *packages)]


@cache
def source(name: str) -> str:
    return SOURCES[name].read_text("utf-8")


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(source(name))


@cache
def nodes(name: str) -> tuple[ast.AST, ...]:
    """All of its tree, those around others before them."""
    return tuple(ast.walk(tree(name)))


@cache
def imports(name: str, *, for_types: bool = False) -> tuple[tuple[str, str | None], ...]:
    """(module, name in it) of every import that is done when the program runs; `for_types`: of the others, too."""
    return tuple(_imports(name, for_types=for_types))


def _imports(name: str, *, for_types: bool) -> Iterator[tuple[str, str | None]]:
    waiting: list[ast.AST] = [tree(name)]
    while waiting:
        node = waiting.pop()
        if not for_types and isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name}: relative imports hide who knows whom"
            assert node.module is not None
            yield from ((node.module, alias.name) for alias in node.names)


@cache
def imported_modules(name: str, *, for_types: bool = False) -> frozenset[str]:
    """Imported modules; of `from package import module` the module."""
    return frozenset(
        f"{module}.{inner}" if inner is not None and f"{module}.{inner}" in SOURCES else module
        for module, inner in imports(name, for_types=for_types)
    )


@cache
def ours(name: str, *, for_types: bool = False) -> frozenset[str]:
    found = imported_modules(name, for_types=for_types)
    return frozenset(module for module in found if below(module, "csmsd", "csmsctl"))
