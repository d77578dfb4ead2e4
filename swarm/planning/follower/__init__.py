"""The follower: a learnt ranking of the moves along a planned way; its network is an ONNX file.

Its training is in ``policies.follower``.
"""
