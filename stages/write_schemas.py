"""Write the JSON schemas of params/ for editors: python -m stages.write_schemas."""

from pathlib import Path

from densemoe.params.files import Params
from densemoe.params.schemas import write_schemas
from stages._command import run


def main() -> None:
    """Regenerate workflow/schemas and name what changed."""
    changed = write_schemas(Params("params"), Path("workflow/schemas"))
    print("\n".join(map(str, changed)) or "schemas are in step")


if __name__ == "__main__":
    run(main)
