"""Importing a plugin file, and the modules next to it."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class _Loaded:
    """An imported plugin, with the modules that were imported from its folder and the times of their files."""

    module: ModuleType
    names: set[str]
    times: dict[Path, int]

    @property
    def is_current(self) -> bool:
        return all(file.is_file() and file.stat().st_mtime_ns == time for file, time in self.times.items())


_loaded: dict[Path, _Loaded] = {}


def load_plugin(file: Path) -> ModuleType:
    """Import a plugin file and return the module; it is imported again if it or a module next to it has changed.

    The plugin's folder is importable, as it is for a script. If the folder has an ``__init__.py``, relative imports
    work too, and the folder that contains the package is importable instead.
    """
    known = _loaded.get(file)
    if known and known.is_current:
        return known.module
    package = _packages_around(file)
    folder = file.parents[len(package)]
    _forget_modules_of_plugins()
    sys.path[:] = [str(folder), *(place for place in sys.path if place != str(folder))]
    earlier = set(sys.modules)
    module = import_module(".".join([*package, file.stem])) if package else _execute(file)
    own = {name: found for name, found in list(sys.modules.items()) if name not in earlier and _is_in(folder, name)}
    files = {file, *(Path(place) for found in own.values() if (place := getattr(found, "__file__", None)))}
    _loaded[file] = _Loaded(module, set(own), {path: path.stat().st_mtime_ns for path in files})
    return module


def _packages_around(file: Path) -> list[str]:
    """Return the names of the packages that a file is in, from the outermost one."""
    names: list[str] = []
    for folder in file.parents:
        if not (folder / "__init__.py").is_file():
            break
        names.insert(0, folder.name)
    return names


def _is_in(folder: Path, name: str) -> bool:
    """Return whether a module, or the top-level package that it is in, is directly in a folder."""
    top = name.partition(".")[0]
    found = sys.modules.get(top)
    places = [getattr(found, "__file__", None), *getattr(found, "__path__", ())]
    return any(place in (str(folder / f"{top}.py"), str(folder / top)) for place in places)


def _forget_modules_of_plugins() -> None:
    """Let modules next to plugins be imported again: they may have changed, or two plugins have one so called."""
    for loaded in _loaded.values():
        for name in loaded.names:
            sys.modules.pop(name, None)


def _execute(file: Path) -> ModuleType:
    """Import a file that is in no package under a name of its own."""
    name = f"archarena_plugin_{file.stem}_{abs(hash((str(file), file.stat().st_mtime_ns))):x}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python source file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if "no known parent package" in str(error):
            advice = "add an empty __init__.py to its folder, or import the module by its name alone"
            raise ImportError(f"a relative import works only in a package: {advice}") from error
        raise
    return module
