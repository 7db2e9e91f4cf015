"""Quantisation and compilation recipes, built once each."""

from paretune.compress.build import Builds

__all__ = ["Builds"]
