"""PettingZoo's own tests, as shipped."""

from __future__ import annotations

import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec
from small_envs import IDS, make


@pytest.mark.parametrize("id", IDS)
def test_of_parallel_environments(id: str) -> None:
    parallel_api_test(make(id), num_cycles=100)


@pytest.mark.parametrize("id", IDS)
def test_of_seeds(id: str) -> None:
    parallel_seed_test(lambda: make(id), num_cycles=20)


@pytest.mark.parametrize("id", IDS)
def test_of_pictures(id: str) -> None:
    render_test(lambda render_mode: parallel_to_aec(make(id, render_mode=render_mode)))


@pytest.mark.parametrize("id", IDS)
@pytest.mark.filterwarnings("ignore:Observation")  # It only warns of spaces that are no box.
def test_of_environments_whose_agents_take_turns(id: str) -> None:
    api_test(parallel_to_aec(make(id)), num_cycles=300)


@pytest.mark.parametrize("id", IDS)
def test_of_parallel_environments_after_two_conversions(id: str) -> None:
    parallel_api_test(aec_to_parallel(parallel_to_aec(make(id))), num_cycles=50)
