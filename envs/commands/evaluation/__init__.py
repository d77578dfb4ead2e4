"""What ``launch/evaluate.py`` runs: one file a subcommand, with its options, its run and its table."""
