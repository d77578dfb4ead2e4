"""The report on deployment, ``docs/deployment.md``: which cells of the fault suite are measured, and the text."""
