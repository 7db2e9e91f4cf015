"""Networks made of pieces: sites to replace, and composing what replaces them.

Its modules define PyTorch classes and so import PyTorch; this file does not: import from
`paretune.search.network.site`, `.seat` and `.compose` inside the function that needs them.
"""
