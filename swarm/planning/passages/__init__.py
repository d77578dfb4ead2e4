"""Who goes first where one robot fits: places of continuous worlds that are taken by agreement before they are entered.

Where two robots can pass each other is the business of the filter.
"""
