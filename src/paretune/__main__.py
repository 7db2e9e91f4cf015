"""`python -m paretune`."""

from paretune.cli import main

main()
