"""Layers of a profile go back to the options that they belong to."""

from paretune.core import LayerTime
from paretune.search.latency.attribution import Part, attribute


def layer(name, op, time):
    return LayerTime(name=name, op=op, microseconds=time)


def test_folded_layers_are_counted_off_in_order():
    parts = [Part("a", ("one",), 2), Part("b", ("two",), 1)]
    layers = [
        layer("in", "Reorder", 1.0),
        layer("Multiply_1", "Convolution", 10.0),
        layer("pool", "Pooling", 2.0),
        layer("Multiply_2", "Convolution", 20.0),
        layer("Multiply_3", "FullyConnectedQuantized", 40.0),
        layer("tail", "Reorder", 4.0),
    ]
    assert attribute(layers, parts) == {"": 1.0, "a": 32.0, "b": 44.0}


def test_a_name_tells_better_than_the_order():
    parts = [Part("a", ("one",), 1), Part("b", ("two",), 1)]
    layers = [
        layer("Multiply_1", "Convolution", 10.0),
        layer("__module.two.act/aten::relu/Relu", "Eltwise", 5.0),
        layer("Multiply_2", "Convolution", 20.0),
    ]
    assert attribute(layers, parts) == {"": 0.0, "a": 10.0, "b": 25.0}


def test_a_name_outside_all_blocks_is_nobodys():
    parts = [Part("a", ("one",), 1), Part("b", ("two",), 1)]
    layers = [
        layer("Multiply_1", "Convolution", 10.0),
        layer("__module.pool/aten::max_pool2d/MaxPool", "Pooling", 5.0),
        layer("Multiply_2", "Convolution", 20.0),
    ]
    assert attribute(layers, parts) == {"": 5.0, "a": 10.0, "b": 20.0}


def test_counts_that_do_not_match_fall_back_to_names():
    parts = [Part("a", ("one",), 3), Part("b", ("two",), 1)]
    layers = [
        layer("__module.one.conv/aten::conv/Convolution", "Convolution", 10.0),
        layer("reorder", "Reorder", 1.0),
        layer("__module.two/aten::linear/MatMul", "FullyConnected", 20.0),
        layer("__module.other/aten::add/Add", "Eltwise", 3.0),
    ]
    assert attribute(layers, parts) == {"": 3.0, "a": 11.0, "b": 20.0}


def test_what_neither_counts_nor_names_tell_is_not_told():
    parts = [Part("a", ("one",), 1), Part("b", ("two",), 1)]
    assert attribute([layer("Multiply_1", "Convolution", 10.0)], parts) is None


def test_a_path_is_no_prefix_of_another_name():
    parts = [Part("a", ("layer.1",), None), Part("b", ("layer.10",), None)]
    layers = [layer("__module.layer.10.conv/Convolution", "Convolution", 7.0)]
    assert attribute(layers, parts) == {"": 0.0, "a": 0.0, "b": 7.0}
