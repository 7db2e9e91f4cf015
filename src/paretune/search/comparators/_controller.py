"""The classical controller: a policy that proposes architectures, trained by REINFORCE.

Zoph & Le 2017, "Neural Architecture Search with Reinforcement Learning" (arXiv 1611.01578), with
the reward of MnasNet (arXiv 1807.11626). The policy is a softmax over the options that begin at a
block, walked from the first block to the end, as in Bender et al. 2020, "Can weight sharing
outperform random architecture search?" (arXiv 2008.06120, section 3), where independent decisions
replaced the recurrent network without loss. An option over several blocks jumps behind them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from paretune.core import InputError
from paretune.search.comparators._oracle import Evaluation
from paretune.search.comparators._reward import reward
from paretune.search.comparators._strategy import Strategy
from paretune.search.space import Choice, Space


class Controller(Strategy):
    """REINFORCE with a moving-average baseline, an entropy bonus and Adam.

    One policy an exponent, in turn, since one reward leads to one place on the front.

    Args:
        space: all architectures.
        target_ms: latency aimed at, ms.
        random: where chance comes from.
        rate: learning rate of Adam.
        entropy: weight of the policy's entropy, in standard deviations of the reward.
        memory: of the moving averages of the reward and of its square: the share that stays.
        exponents: of the reward, at least one.

    Raises:
        InputError: no exponent.
    """

    def __init__(
        self,
        space: Space,
        *,
        target_ms: float,
        random: np.random.Generator,
        rate: float = 0.2,
        entropy: float = 0.3,
        memory: float = 0.9,
        exponents: Sequence[float] = (-0.07,),
    ) -> None:
        if not exponents:
            raise InputError("a controller needs at least one exponent of the reward")
        self._policies = [_Policy(space, rate, entropy, memory) for _ in exponents]
        self._exponents = tuple(exponents)
        self._target = target_ms
        self._random = random
        self._turn = 0

    def ask(self) -> Choice:
        """Sample from the policy whose turn it is."""
        return self._policies[self._turn].sample(self._random)

    def tell(self, choice: Choice, evaluation: Evaluation) -> None:
        """Make what was rewarded more probable; the next policy's turn begins."""
        value = reward(evaluation, self._target, self._exponents[self._turn])
        self._policies[self._turn].learn(choice, value)
        self._turn = (self._turn + 1) % len(self._policies)


class _Policy:
    """Logits of every option, and what Adam and the moving averages remember."""

    def __init__(self, space: Space, rate: float, entropy: float, memory: float) -> None:
        self._space = space
        self._rate, self._entropy, self._memory = rate, entropy, memory
        self._logits = np.zeros(len(space.options))
        self._first, self._second = np.zeros_like(self._logits), np.zeros_like(self._logits)
        self._steps = 0
        self._mean, self._square, self._weight = 0.0, 0.0, 0.0

    def sample(self, random: np.random.Generator) -> Choice:
        choice = np.zeros(len(self._logits), dtype=bool)
        block = 0
        while block < self._space.blocks:
            places = list(self._space.starting[block])
            place = int(random.choice(places, p=_softmax(self._logits[places])))
            choice[place] = True
            block = self._space.options[place].last + 1
        return choice

    def learn(self, choice: Choice, value: float) -> None:
        advantage = self._advantage(value)
        gradient = np.zeros_like(self._logits)
        for option in self._space.chosen(choice):
            places = list(self._space.starting[option.first])
            shares = _softmax(self._logits[places])
            logs = np.log(shares)
            surprise = logs - shares @ logs
            gradient[places] += advantage * (choice[places] - shares)
            gradient[places] -= self._entropy * shares * surprise
        self._ascend(gradient)

    def _advantage(self, value: float) -> float:
        """How far above what is usual, in standard deviations; 0 for the first."""
        usual, spread = value, 0.0
        if self._weight > 0:
            usual = self._mean / self._weight
            spread = np.sqrt(max(self._square / self._weight, 0.0))
        deviation = value - usual
        keep = self._memory
        self._mean = keep * self._mean + (1 - keep) * value
        self._square = keep * self._square + (1 - keep) * deviation**2
        self._weight = keep * self._weight + (1 - keep)
        return float(deviation / spread) if spread > 0 else 0.0

    def _ascend(self, gradient: NDArray[np.float64]) -> None:
        """One step of Adam (Kingma & Ba 2015, algorithm 1, its defaults but for the rate)."""
        self._steps += 1
        self._first = 0.9 * self._first + 0.1 * gradient
        self._second = 0.999 * self._second + 0.001 * gradient**2
        first = self._first / (1 - 0.9**self._steps)
        second = self._second / (1 - 0.999**self._steps)
        self._logits = self._logits + self._rate * first / (np.sqrt(second) + 1e-8)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum())
