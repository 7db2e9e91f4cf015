"""What is said of a result in one sentence each."""

from paretune.artifact import headline
from tests.report.sample import sample


def test_machines_of_one_name_are_told_apart():
    newer = sample()
    older = newer.model_copy(
        update={"target": newer.target.model_copy(update={"isa": ("avx2",)})},
    )
    name = newer.target.cpu
    assert headline.where(newer) == f"On {name} (2 cores, AVX-512 VNNI), 2 threads, batch 1."
    assert headline.where(older) == f"On {name} (2 cores, AVX2), 2 threads, batch 1."
