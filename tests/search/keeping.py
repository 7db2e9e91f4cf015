"""A network that keeps what it makes of its weights, as LeViT does."""

from torch import nn


class Keeping(nn.Module):
    """Keeps twice its bias from pass to pass in eval mode."""

    def __init__(self, net, size=10):
        super().__init__()
        self.net, self.kept = net, None
        self.bias = nn.Parameter(next(net.parameters()).new_zeros(size))

    def train(self, mode=True):
        if mode:
            self.kept = None
        super().train(mode)  # and gives nothing back

    def forward(self, x):
        if self.training:
            return self.net(x) + 2 * self.bias
        if self.kept is None:
            self.kept = 2 * self.bias
        return self.net(x) + self.kept
