import torch
from torch import nn

from paretune.search.batchnorm import even_batches, reestimate


def calls(*batches):
    return [lambda module, x=x: module(x) for x in batches]


def test_statistics_are_those_of_all_batches_and_weights_stay():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.Dropout(0.5)).eval()
    before = {name: p.clone() for name, p in net.named_parameters()}
    x = torch.randn(64, 2, 4, 4) * 3 + 1
    reestimate(net, calls(*x.split(16)))
    with torch.no_grad():
        seen = net[0](x)
    torch.testing.assert_close(net[1].running_mean, seen.mean(dim=(0, 2, 3)))
    torch.testing.assert_close(net[1].running_var, seen.var(dim=(0, 2, 3)), rtol=0.05, atol=0)
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())
    assert not any(module.training for module in net.modules())
    assert net[1].momentum == 0.1


def test_a_later_layer_is_given_what_the_earlier_one_now_makes():
    torch.manual_seed(0)
    net = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2)).eval()
    net[0].running_var.fill_(1e-4)  # stale: it would blow up what goes on
    x = torch.randn(256, 2) * 5
    reestimate(net, calls(x))
    torch.testing.assert_close(net[1].running_var, torch.ones(2), rtol=0.02, atol=0)


def test_a_network_without_batchnorm_is_not_run():
    def refuse(module):
        raise AssertionError("it was run")

    reestimate(nn.Linear(2, 2), [refuse])
    reestimate(nn.BatchNorm1d(2, track_running_stats=False), [refuse])


def test_batches_are_even_and_none_is_of_one_sample():
    for n in (2, 31, 33, 65, 97, 512):
        parts = even_batches(range(n), 32)
        assert [row for part in parts for row in part] == list(range(n))
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= 1
        assert min(sizes) > 1
        assert max(sizes) <= 48
