"""Two revisions of a git repository: their files as folders, and what differs between them. Through libgit2."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pygit2
from pygit2.enums import DiffOption

from densemoe.params.errors import InputError
from densemoe.report.compare.changes import FileChange

CODE = ("src", "stages")
"""As in the records of trainings."""
WORKING_TREE = "the working tree"

_NEW_FILES = DiffOption.INCLUDE_UNTRACKED | DiffOption.RECURSE_UNTRACKED_DIRS | DiffOption.SHOW_UNTRACKED_CONTENT


class Revisions:
    """Two commits, or a commit and the working tree with everything that is not committed.

    Args:
        folder: anywhere inside the repository.
        before: what git calls a revision: `HEAD~1`, a branch, a tag, the beginning of a hash.
        after: likewise; None for the working tree.

    Raises InputError when there is no repository or no such revision.

    """

    def __init__(self, folder: Path, before: str, after: str | None):
        found = pygit2.discover_repository(str(folder))
        if found is None or (repository := pygit2.Repository(found)).workdir is None:
            raise InputError(f"{folder} is not inside a git repository with a working tree; compare needs its commits.")
        self._repository = repository
        self.root = Path(repository.workdir)
        self._before = self._commit(before)
        self._after = None if after is None else self._commit(after)
        self.names = self._name(before, self._before), WORKING_TREE if after is None else self._name(after, self._after)
        self._diff = (
            self._before.tree.diff_to_workdir(_NEW_FILES)
            if self._after is None
            else self._before.tree.diff_to_tree(self._after.tree)
        )

    def changed_paths(self) -> set[str]:
        """Every path that differs, relative to the root of the repository."""
        return {file.path for delta in self._diff.deltas for file in (delta.old_file, delta.new_file)}

    def code(self) -> tuple[FileChange, ...]:
        """Files of the code that differ, with lines added and removed, by path."""
        changes = []
        for number, delta in enumerate(self._diff.deltas):
            path = delta.new_file.path or delta.old_file.path
            if PurePosixPath(path).parts[0] in CODE and (patch := self._diff[number]) is not None:
                _, added, removed = patch.line_stats
                letter = delta.status_char().replace("?", "A")
                changes.append(FileChange(path, letter, added, removed))
        return tuple(sorted(changes, key=lambda change: change.path))

    def scales(self) -> tuple[set[str], set[str]]:
        """Scales with a plan, before and after."""
        return self._scales_of(self._before), self._scales_of(self._after)

    def folder_before(self, into: Path, scales: set[str]) -> Path:
        """The plans and reports of the first revision in a folder; `into` is an empty one to use."""
        return self._folder(self._before, into, scales)

    def folder_after(self, into: Path, scales: set[str]) -> Path:
        """Likewise of the second one; the working tree is its own folder."""
        return self.root if self._after is None else self._folder(self._after, into, scales)

    def _folder(self, commit: pygit2.Commit, into: Path, scales: set[str]) -> Path:
        for path, blob in _needed(commit.tree, scales):
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(blob.data)
        return into

    def _scales_of(self, commit: pygit2.Commit | None) -> set[str]:
        if commit is None:
            return {path.stem for path in (self.root / "params/plan").glob("*.yaml")}
        plans = _at(commit.tree, "params/plan")
        return {
            PurePosixPath(e.name).stem for e in plans or () if isinstance(e, pygit2.Blob) and e.name.endswith(".yaml")
        }

    def _commit(self, revision: str) -> pygit2.Commit:
        try:
            return self._repository.revparse_single(revision).peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError):
            raise InputError(
                f"'{revision}' is not a commit of {self.root}; give what git knows: HEAD~1, a branch, a tag or a hash."
            ) from None

    def _name(self, given: str, commit: pygit2.Commit | None) -> str:
        short = str(commit.id)[:7] if commit else ""
        return short if str(commit.id if commit else "").startswith(given) else f"{given} ({short})"


def concerned(paths: set[str], scales: set[str]) -> set[str]:
    """The scales that any of the paths can change."""
    if "params/tolerances.yaml" in paths:
        return scales
    return {
        scale
        for scale in scales
        if any(
            path == f"params/plan/{scale}.yaml" or path.startswith((f"params/plan/{scale}/", f"reports/{scale}/"))
            for path in paths
        )
    }


def _needed(tree: pygit2.Tree, scales: set[str]) -> Iterator[tuple[str, pygit2.Blob]]:
    """Compiled plans, tolerances and every JSON file of the reports, of some scales."""
    yield from _blobs(tree, "params/tolerances.yaml", ".yaml")
    for scale in scales:
        yield from _blobs(tree, f"params/plan/{scale}.yaml", ".yaml")
        yield from _blobs(tree, f"params/plan/{scale}", ".yaml")
        yield from _blobs(tree, f"reports/{scale}", ".json")


def _blobs(tree: pygit2.Tree, path: str, ending: str) -> Iterator[tuple[str, pygit2.Blob]]:
    found = _at(tree, path)
    if isinstance(found, pygit2.Blob) and path.endswith(ending):
        yield path, found
    elif isinstance(found, pygit2.Tree):
        for entry in found:
            yield from _blobs(tree, f"{path}/{entry.name}", ending)


def _at(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    try:
        return tree[path]
    except KeyError:
        return None
