"""Functional blocks, certification profiles, and the controllers that they ask for."""

import pytest

from shadow.device_model.blocks import BLOCKS, CORE, PROFILES, blocks_of
from shadow.device_model.standard import STANDARD, components


def test_blocks_are_those_of_the_variables_and_profiles_ask_for_their_controllers() -> None:
    """Each controller of a profile is a component of the list, and belongs to one block."""
    assert {one.block for one in STANDARD.values()} - {""} == set(BLOCKS)
    of_profiles = {controller for controllers in PROFILES.values() for controller in controllers}
    of_blocks = [controller for block in BLOCKS.values() for controller in block.controllers]
    assert of_profiles <= set(components())
    assert sorted(of_blocks) == sorted(of_profiles)
    for block in BLOCKS.values():
        assert set(block.controllers) <= set(PROFILES[block.profile])


def test_blocks_of_profiles_hold_the_core_and_what_they_ask_for() -> None:
    """ISO 15118 asks for the controller of smart charging as well; Advanced Security adds no block."""
    core = blocks_of(())
    assert core == blocks_of([CORE, "Advanced Security"])
    assert "Transaction" in core
    assert "Reservation" not in core
    assert set(blocks_of(["ISO 15118 Support"])) - set(core) == {"ISO15118", "SmartCharging"}
    with pytest.raises(ValueError, match="'Gold' is no certification profile"):
        blocks_of(["Gold"])
