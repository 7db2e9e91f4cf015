import json

import pytest

from paretune import artifact
from paretune.artifact.manifest import is_plain
from paretune.core import InputError


def edit(folder, **changes):
    file = folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_changed_file_is_refused(copied):
    file = copied / "model.bin"
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.bin was changed"):
        artifact.load(copied)


def test_a_truncated_file_is_refused(copied):
    file = copied / "model.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"model\.bin is truncated"):
        artifact.load(copied)


def test_a_missing_file_is_refused(copied):
    (copied / "model.xml").unlink()
    with pytest.raises(InputError, match=r"model\.xml is missing"):
        artifact.load(copied)


@pytest.mark.parametrize("name", ["../model.bin", "/etc/passwd", "a/../../b", "C:\\x", "..\\x", ""])
def test_a_path_out_of_the_folder_is_refused(copied, name):
    assert not is_plain(name)
    files = json.loads((copied / "manifest.json").read_text())["files"]
    edit(copied, files=[files[0] | {"name": name}])
    with pytest.raises(InputError, match="outside of the artifact"):
        artifact.load(copied)


def test_a_link_out_of_the_folder_is_refused(copied, tmp_path):
    outside = tmp_path / "outside.bin"
    (copied / "model.bin").rename(outside)
    (copied / "model.bin").symlink_to(outside)
    with pytest.raises(InputError, match="outside of the artifact"):
        artifact.load(copied)


def test_another_schema_is_refused(copied):
    edit(copied, schema=99)
    with pytest.raises(InputError, match="schema 99 and this Paretune reads 1"):
        artifact.load(copied)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "damaged"), ("[]", "schema None"), ('{"schema": 1}', "damaged"), ("\xff", "damaged")],
)
def test_a_damaged_manifest_is_refused(copied, text, message):
    (copied / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=message):
        artifact.load(copied)


def test_a_manifest_without_files_is_refused(copied):
    edit(copied, files=[])
    with pytest.raises(InputError, match="lists no files"):
        artifact.load(copied)


def test_another_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not an artifact"):
        artifact.load(tmp_path)


def test_what_is_written_reads_back_equal(conv_artifact):
    _, folder = conv_artifact
    manifest = artifact.read(folder)
    text = manifest.model_dump_json(by_alias=True)
    assert artifact.Manifest.model_validate_json(text) == manifest
    assert {f.name for f in manifest.files} == {"model.xml", "model.bin"}
    assert json.loads(text)["schema"] == 1
