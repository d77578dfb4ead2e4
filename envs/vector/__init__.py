"""Many worlds behind Gymnasium's vector API, numpy in and out: the fast way to train (``envs.make_vec``).

All arrays begin with (worlds, robots): a team is trained robot by robot, so that rewards are one a robot.
"""
