"""The manifests in params/datasets: what is known of the real archives, and nothing that is known to be bad."""

import pytest

from densemoe.data.flavour import SUFFIXES
from densemoe.data.raw import LAYOUTS
from densemoe.params.archives import Archive
from densemoe.params.errors import InputError
from densemoe.params.files import parse

# facts of public issue threads: corrupt, or without normals and saliency
BAD = ("1dJUro4wV0Js8nW281y_haIshjBB2rfaE", "16Ss_vJe36fIlpNt2ev7-qpXX94_V2BRY")


@pytest.mark.parametrize("dataset", sorted(LAYOUTS))
def test_every_data_set_has_mirrors(params, dataset):
    facts = params.dataset(dataset)
    used = [archive for archive in facts.archives if archive.flavour == LAYOUTS[dataset].flavour]
    assert sum(len(archive.mirrors) for archive in used) >= 3
    assert {archive.flavour for archive in facts.archives} <= SUFFIXES[dataset].keys()
    assert facts.licence
    assert len(facts.citation) >= 2
    assert not any(bad in mirror.address for archive in facts.archives for mirror in archive.mirrors for bad in BAD)
    for archive in used:
        assert archive.file in facts.place_by_hand or archive.file.startswith("PASCAL_MT")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"file": "../x.tar"}, "file"),
        ({"file": "x.rar"}, "file"),
        ({"sha256": "12"}, "sha256"),
        ({"mirrors": [{"kind": "ftp", "url": "ftp://x"}]}, "of the unknown kind 'ftp'; allowed are"),
        ({"mirrors": [{"kind": "http", "url": "file:///etc/passwd"}]}, "url"),
        ({"mirrors": [{"kind": "google_drive", "id": "a&b=c"}]}, "id"),
    ],
)
def test_bad_manifests(change, reason):
    with pytest.raises(InputError, match=rf"^x\.yaml: .*{reason}"):
        parse(Archive, {"file": "x.tar.gz", "flavour": "atrc", **change}, "x.yaml")
