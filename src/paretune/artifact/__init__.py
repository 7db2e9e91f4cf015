"""The folder handed back: model files, manifest, preprocessing, evidence; and opening it again."""

from paretune.artifact._load import load
from paretune.artifact._predict_files import FilePrediction, FilePredictions, predict_files
from paretune.artifact._write import write
from paretune.artifact.manifest import FileEntry, Manifest, read
from paretune.artifact.prediction import Choice, Prediction
from paretune.artifact.predictor import Predictor

__all__ = [
    "Choice",
    "FileEntry",
    "FilePrediction",
    "FilePredictions",
    "Manifest",
    "Prediction",
    "Predictor",
    "load",
    "predict_files",
    "read",
    "write",
]
