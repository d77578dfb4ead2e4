"""The one switch between the outline of a robot and the disc around it."""


def exactly() -> bool:
    """Whether shield and worlds drive an outline as it is; else they drive the disc around it.

    What a scenario checks at its starts, which types of dynobench have the outline of their box, and what loading
    says of it, follow from this.
    """
    return False
