"""What the scripts ``bench``, ``evaluate``, ``faults`` and ``report`` run; imported as ``studies``, never installed."""
