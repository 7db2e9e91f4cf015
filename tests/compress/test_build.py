import shutil
import tempfile

import pytest

from paretune import runtimes
from paretune.compress import Builds, build
from paretune.core import UnsupportedError
from paretune.data import load_data, materialise
from paretune.engine import LocalEngine, machine
from paretune.runtimes import registry
from paretune.sources import load_model
from paretune.store import Store, paths
from tests.compress import misbehaving
from tests.pipeline.tiny import write_digits, write_onnx


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of its own, and the misbehaving runtimes."""
    monkeypatch.setenv("PARETUNE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(
        registry.ADDED,
        misbehaving.named(
            sound=misbehaving.Sound,
            killed=misbehaving.Killed,
            aborting=misbehaving.Aborting,
            slow=misbehaving.Slow,
            raising=misbehaving.Raising,
            refusing=misbehaving.Refusing,
            toolless=misbehaving.Toolless,
            cramped=misbehaving.Cramped,
            crowded=misbehaving.Crowded,
        ),
    )
    monkeypatch.setenv("PARETUNE_TEST_NOTES", str(tmp_path / "notes"))
    return tmp_path / "home"


@pytest.fixture
def attempts(tmp_path):
    """Every `prepare` so far: runtime, precision, process."""

    def read():
        notes = tmp_path / "notes"
        return [tuple(line.split()) for line in notes.read_text().splitlines()]

    return read


@pytest.fixture(scope="module")
def target():
    return machine.detect()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(write_onnx(tmp_path_factory.mktemp("model") / "tiny.onnx"))


@pytest.fixture
def builds(model, target):
    made = []

    def make(calibration=None, model=model):
        made.append(
            Builds(model, calibration, target=target, engine=LocalEngine(), store=Store.open())
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def calibration(model, tmp_path):
    dataset = load_data(write_digits(tmp_path / "digits.npz", 120))
    return materialise(dataset, "train", model, tmp_path / "arrays")


def leftovers():
    """What lies among programs besides whole ones."""
    return [path.name for path in paths.programs().iterdir() if path.name.startswith(".")]


def test_a_program_is_found_again_by_another_without_preparing(builds, attempts):
    first = builds().build("sound", "f32")
    again = builds().build("sound", "f32")
    assert again == first
    assert len(attempts()) == 1
    assert all((first.folder / name).is_file() for name in first.files)
    assert leftovers() == []


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_int8_of_a_model_that_takes_one_batch_alone(builds, tmp_path, runtime):
    model = load_model(write_onnx(tmp_path / "three.onnx", batch=3))
    data = load_data(write_digits(tmp_path / "digits.npz", 100))
    calibration = materialise(data, "train", model, tmp_path / "arrays")
    assert calibration.n % 3 != 0
    recipe = runtimes.get(runtime).recipes()[0]
    program = builds(calibration, model).build(runtime, "int8", recipe)
    assert program.max_batch == 3


def test_a_program_whose_folder_was_removed_is_prepared_anew(builds, attempts):
    first = builds().build("sound", "f32")
    shutil.rmtree(first.folder)
    again = builds().build("sound", "f32")
    assert (again.folder / again.files[0]).is_file()
    assert len(attempts()) == 2


def test_a_program_of_which_a_file_was_removed_is_prepared_anew(builds, attempts):
    first = builds().build("sound", "f32")
    (first.folder / first.files[0]).unlink()
    again = builds().build("sound", "f32")
    assert (again.folder / again.files[0]).is_file()
    assert len(attempts()) == 2


def test_calibration_decides_an_int8_program_and_no_other(builds, calibration, attempts):
    with_data = builds(calibration)
    int8 = with_data.build("sound", "int8", "minmax")
    assert int8.precision == "int8"
    assert with_data.key("sound", "f32", "", "cpu") == builds().key("sound", "f32", "", "cpu")
    assert with_data.key("sound", "int8", "minmax", "cpu")["calibration"] == calibration.digest
    assert builds(calibration).build("sound", "int8", "minmax") == int8
    assert builds(calibration).build("sound", "int8", "percentile").folder != int8.folder
    assert len(attempts()) == 2


def test_everything_that_decides_a_program_is_in_its_key(model, target, monkeypatch):
    def key(target):
        builds = Builds(model, None, target=target, engine=LocalEngine(), store=Store.open())
        return builds.key("onnxruntime", "f32", "", "cpu")

    other = target.model_copy(update={"versions": dict(target.versions) | {"onnxruntime": "0"}})
    assert key(target) != key(other)
    assert key(target) != key(target.model_copy(update={"isa": ()}))
    with monkeypatch.context() as patch:
        patch.setattr(build, "__version__", "0.0.0")
        before = key(target)
    assert before != key(target)
    other = target.model_copy(update={"versions": dict(target.versions) | {"torch": "0"}})
    assert key(target) == key(other)  # of an ONNX file
    unrelated = target.model_copy(update={"versions": dict(target.versions) | {"scipy": "0"}})
    assert key(target) == key(unrelated)


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [
        ("killed", r"preparing it failed: the worker process was killed"),
        ("aborting", r"preparing it failed: the worker process died \(SIGABRT\)"),
        ("raising", r"preparing it failed: RuntimeError: internal error 42$"),
    ],
)
def test_a_crash_is_a_reason_and_the_next_program_still_builds(builds, attempts, runtime, reason):
    ours = builds()
    with pytest.raises(UnsupportedError, match=reason):
        ours.build(runtime, "f32")
    assert ours.build("sound", "f32").runtime == "sound"
    assert [name for name, *_ in attempts()] == [runtime, "sound"]


def test_an_aborting_runtimes_last_words_are_told(builds):
    with pytest.raises(UnsupportedError, match="kernel: no such instruction"):
        builds().build("aborting", "f32")


def test_a_crash_is_not_remembered_and_leaves_nothing(builds, attempts):
    for _ in range(2):
        with pytest.raises(UnsupportedError, match="was killed"):
            builds().build("killed", "f32")
    assert len(attempts()) == 2
    assert leftovers() == []


def test_a_timeout_is_a_reason_that_is_not_remembered(builds, attempts):
    ours = builds()
    for _ in range(2):
        with pytest.raises(UnsupportedError, match=r"prepare took longer than 0 s"):
            ours.build("slow", "f32", timeout=0.3)
    assert ours.build("sound", "f32", timeout=60).runtime == "sound"
    assert len({process for *_, process in attempts()}) == len(attempts())


def test_what_a_runtime_cannot_do_is_remembered(builds, attempts):
    for _ in range(2):
        with pytest.raises(UnsupportedError, match=r"^it has no operator Frobnicate$"):
            builds().build("refusing", "f32")
    assert len(attempts()) == 1


def test_what_could_be_installed_is_not_remembered(builds, attempts):
    ours = builds()
    for _ in range(2):
        with pytest.raises(UnsupportedError, match=r"^no compiler: install one$"):
            ours.build("toolless", "f32")
    assert len(attempts()) == 2
    assert len({process for *_, process in attempts()}) == 1  # the builder lives on


@pytest.mark.parametrize(
    ("runtime", "reason"),
    [
        ("cramped", r"preparing it failed: quantising failed: cannot allocate 9 GB$"),
        ("crowded", r"preparing it failed: converting failed: the exporter failed$"),
    ],
)
def test_a_lack_of_memory_or_room_is_not_remembered(builds, attempts, runtime, reason):
    for _ in range(2):
        with pytest.raises(UnsupportedError, match=reason):
            builds().build(runtime, "f32")
    assert len(attempts()) == 2
    assert leftovers() == []


def test_programs_of_one_builder_share_its_process_until_it_is_closed(builds, attempts):
    with builds() as ours:
        ours.build("sound", "f32")
        with pytest.raises(UnsupportedError):
            ours.build("refusing", "f32")
    (_, _, first), (_, _, second) = attempts()
    assert first == second
    ours.close()  # closing again is harmless


def test_conversions_go_with_the_process_however_it_ends(builds, tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", None)

    def conversions():
        return list(scratch.glob("paretune-forms-*"))

    ours = builds(model=load_model("digits-resnet@random"))
    ours.build("sound", "f32")
    assert conversions()
    with pytest.raises(UnsupportedError, match="was killed"):
        ours.build("killed", "f32")
    assert not conversions()
    ours.build("openvino", "f32")
    assert conversions()
    ours.close()
    assert not conversions()


def test_programs_of_another_model_are_prepared_in_the_same_process(builds, attempts, tmp_path):
    other = load_model(write_onnx(tmp_path / "other.onnx", batch=4))
    with builds() as ours:
        theirs = ours.of(other, None)
        made = [ours.build("sound", "f32"), theirs.build("sound", "f32")]
        theirs.close()  # what is lent stays open
        with pytest.raises(UnsupportedError, match="was killed"):
            theirs.build("killed", "f32")
        shutil.rmtree(paths.programs())
        made += [theirs.build("sound", "f32"), ours.build("sound", "f32")]
    assert [program.max_batch for program in made] == [None, 4, 4, None]
    first, second, killed, third, fourth = [process for *_, process in attempts()]
    assert first == second == killed != third == fourth
