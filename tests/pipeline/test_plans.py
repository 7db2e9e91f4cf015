from paretune.pipeline.plans import Setting, latency_plan, throughput_plan


def taken(plan, speeds, leader=100.0):
    """Settings that a plan asks for, answered from a table; None where a setting fails."""
    asked = []
    setting = next(plan)
    while True:
        asked.append(setting)
        speed = speeds.get(setting, 1.0)
        try:
            setting = plan.send(None if speed is None else (speed, leader))
        except StopIteration:
            return asked


def test_latency_tries_every_thread_count_most_first():
    asked = taken(latency_plan((1, 4, 2), 1), {}, leader=1.0)
    assert asked == [Setting(4, 1, 1), Setting(2, 1, 1), Setting(1, 1, 1)]


def test_a_hopeless_program_is_tried_once_unless_it_is_the_baseline():
    slow = {Setting(2, 1, 1): 30.0}
    assert len(taken(latency_plan((2, 1), 1), slow)) == 1
    assert len(taken(latency_plan((2, 1), 1, thorough=True), slow)) == 2
    assert len(taken(latency_plan((2, 1), 1), {Setting(2, 1, 1): 40.0})) == 2


def test_a_program_that_fails_is_not_tried_on():
    assert len(taken(latency_plan((2, 1), 1), {Setting(2, 1, 1): None})) == 1
    assert (
        len(taken(throughput_plan(2, 1, max_streams=4, max_batch=8), {Setting(2, 1, 1): None})) == 1
    )


def test_throughput_doubles_streams_then_batches_while_that_pays():
    speeds = {
        Setting(4, 1, 1): 100,
        Setting(4, 2, 1): 180,
        Setting(4, 4, 1): 181,  # no gain worth it: two streams stay
        Setting(4, 2, 2): 300,
        Setting(4, 2, 4): 290,
    }
    asked = taken(throughput_plan(4, 1, max_streams=8, max_batch=32), speeds)
    assert asked == list(speeds)


def test_throughput_stops_at_its_limits():
    growing = {Setting(1, s, b): float(s * b) for s in (1, 2, 4) for b in (1, 2, 4)}
    asked = taken(throughput_plan(1, 1, max_streams=2, max_batch=2), growing)
    assert asked == [Setting(1, 1, 1), Setting(1, 2, 1), Setting(1, 2, 2)]
    assert taken(throughput_plan(1, 3, max_streams=1, max_batch=3), {}) == [Setting(1, 1, 3)]
