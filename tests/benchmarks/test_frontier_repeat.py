from frontier_repeat import strays

from paretune.engine import machine
from paretune.report.hardware.models import Known, model_frontier
from tests.report.hardware.test_machines import record, timed


def measured(**ms):
    """Two networks, of which the slower one is the more accurate, and a third."""
    accuracies = {"quick": 0.7, "sure": 0.8, "third": 0.75}
    known = {name: Known(top1=top1, family=name, source="") for name, top1 in accuracies.items()}
    made = record(*(timed(name, value, half=0.02) for name, value in ms.items()))
    return model_frontier({"r": made}, machine.detect(), known=known)


def test_what_the_other_run_cannot_tell_apart_is_no_stray():
    one, other = (
        measured(quick=1.0, sure=2.0, third=1.99),
        measured(quick=1.0, sure=2.0, third=2.01),
    )
    assert set(one.frontier) != set(other.frontier)
    assert not strays(one, other)
    assert not strays(other, one)


def test_what_the_other_run_beats_is_a_stray():
    one, other = measured(quick=1.0, sure=2.0, third=1.5), measured(quick=1.0, sure=2.0, third=2.5)
    assert strays(one, other) == {"third/openvino/int8/t2s1b1"}
    assert not strays(other, one)


def test_what_the_other_run_lacks_is_a_stray():
    one, other = measured(quick=1.0, sure=2.0), measured(quick=1.0)
    assert strays(one, other) == {"sure/openvino/int8/t2s1b1"}
