"""Loss of accuracy of an architecture, predicted with an interval from three fidelities."""

from paretune.search.accuracy._given import FEWEST
from paretune.search.accuracy._report import FidelityReport, SurrogateReport
from paretune.search.accuracy.baselines import Regression, additive_baseline, flops_baseline
from paretune.search.accuracy.design import anchors_design
from paretune.search.accuracy.prediction import Prediction
from paretune.search.accuracy.surrogate import AccuracySurrogate

__all__ = [
    "FEWEST",
    "AccuracySurrogate",
    "FidelityReport",
    "Prediction",
    "Regression",
    "SurrogateReport",
    "additive_baseline",
    "anchors_design",
    "flops_baseline",
]
