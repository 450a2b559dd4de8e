"""The chain of the audit: any change of what is stored is found, and what is lawful is not."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.security.audit import Parts
from service.security.chain import FIRST_PREVIOUS, Anchor, Block, Head, Registration, Seals
from service.security.verification import ChainCheck, Finding, check_register

SEALS = Seals("a key that only the tests of the chain know")
WRITER = "0123456789abcdef0123"

json_texts = st.binary(min_size=1, max_size=12).map(lambda each: b"[" + each.replace(b"\n", b" ") + b"]")
events = st.lists(st.builds(Parts, json_texts, json_texts), min_size=1, max_size=4)
logs = st.lists(events, min_size=1, max_size=5).map(lambda groups: sealed(groups))


def sealed(groups: Iterable[list[Parts]]) -> list[Block]:
    """Return the blocks of a writer."""
    blocks: list[Block] = []
    for number, group in enumerate(groups, 1):
        previous = blocks[-1].mac if blocks else FIRST_PREVIOUS
        blocks.append(SEALS.sealed(WRITER, number, 1_000 + number, group, previous))
    return blocks


def head_of(log: list[Block]) -> Head:
    return Head(WRITER, log[-1].number, log[-1].mac)


def findings(log: Iterable[Block], head: Head | None = None, anchor: Anchor | None = None) -> list[Finding]:
    """Return what is wrong with the blocks of a writer."""
    check = ChainCheck(SEALS, WRITER, anchor, head)
    found = [finding for block in sorted(log, key=lambda each: each.number) for finding in check.block(block)]
    return [*found, *check.end()]


def numbered(places: Iterable[Finding]) -> str:
    return " ".join(finding.place for finding in places)


@given(logs)
def test_what_is_as_it_was_sealed_verifies(log: list[Block]) -> None:
    assert findings(log, head_of(log)) == []
    assert findings(log[:-1], head_of(log[:-1]) if log[:-1] else None) == []


@given(logs, st.data())
def test_any_changed_byte_is_found_in_its_block(log: list[Block], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(log) - 1))
    block = log[index]
    changed = data.draw(st.sampled_from([name for name in FIELDS if getattr(block, name)]))
    whole: bytes = getattr(block, changed)
    at = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda each: each != whole[at]))
    log[index] = replace(block, **{changed: whole[:at] + bytes([other]) + whole[at + 1 :]})
    assert block.id in numbered(findings(log, head_of(log)))


FIELDS = ("who", "what", "macs", "previous", "mac")


@given(logs, st.data())
def test_bytes_put_in_or_taken_out_are_found(log: list[Block], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(log) - 1))
    changed = data.draw(st.sampled_from(FIELDS))
    whole: bytes = getattr(log[index], changed)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    put_in = data.draw(st.binary(max_size=20))
    text = whole[:start] + put_in + whole[end:]
    before, log[index] = log[index], replace(log[index], **{changed: text})
    assert (before.id in numbered(findings(log))) == (text != whole)


@given(logs, st.data())
def test_an_event_that_was_altered_is_named(log: list[Block], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(log) - 1))
    kept = list(log[index].events)
    position = data.draw(st.integers(0, len(kept) - 1))
    other = data.draw(st.builds(Parts, json_texts, json_texts).filter(lambda each: each != kept[position]))
    kept[position] = other
    log[index] = with_events(log[index], kept)
    assert [finding.place for finding in findings(log)] == [f"{log[index].id}-{position}"]


@given(logs, st.data())
def test_events_that_change_places_are_named(log: list[Block], data: st.DataObject) -> None:
    places = [(index, at) for index, block in enumerate(log) for at in range(len(block.events))]
    one = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from(places))
    kept = [list(block.events) for block in log]
    kept[one[0]][one[1]], kept[other[0]][other[1]] = kept[other[0]][other[1]], kept[one[0]][one[1]]
    changed = [with_events(block, group) for block, group in zip(log, kept, strict=True)]
    expected = {f"{log[index].id}-{at}" for index, at in {one, other}} if changed != log else set()
    assert {finding.place for finding in findings(changed)} == expected


@given(logs, st.sets(st.integers(0, 4), min_size=1))
def test_blocks_that_were_removed_are_named(log: list[Block], removed: set[int]) -> None:
    left = [block for index, block in enumerate(log) if index not in removed]
    found = findings(left, head_of(log))
    if not left:
        assert [finding.place for finding in found] == [WRITER]
    elif len(left) == len(log):
        assert found == []
    else:
        named = set()
        for finding in found:
            first, _, last = finding.place.partition(" to ")
            named.update(range(number_of(first), number_of(last or first) + 1))
        assert named == {index + 1 for index in removed if index < len(log)}


@given(logs, st.data())
def test_a_block_in_the_place_of_another_is_found(log: list[Block], data: st.DataObject) -> None:
    one, other = data.draw(st.integers(0, len(log) - 1)), data.draw(st.integers(0, len(log) - 1))
    log[one] = replace(log[other], number=log[one].number)
    assert bool(findings(log)) == (one != other)


@given(logs, st.data())
def test_what_was_erased_verifies_and_cannot_be_copied(log: list[Block], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(log) - 1))
    kept = list(log[index].events)
    position = data.draw(st.integers(0, len(kept) - 1))
    for rest in (b"[1,2]", b"[2]"):  # once more by another erasure
        what = SEALS.erased(log[index].id, position, kept[position].what, rest)
        kept[position] = Parts(kept[position].who, what)
    log[index] = with_events(log[index], kept)
    assert findings(log, head_of(log)) == []
    for target, block in enumerate(log):
        for at, parts in enumerate(block.events):
            if (target, at) != (index, position):
                copied = [*block.events[:at], Parts(parts.who, what), *block.events[at + 1 :]]
                places = [
                    finding.place
                    for finding in findings([*log[:target], with_events(block, copied), *log[target + 1 :]])
                ]
                assert places == [f"{block.id}-{at}"]


@pytest.mark.parametrize("changed", [b"~", b"~" + b"z" * 128, b"~" + b"0" * 128, b"~" + b"0" * 128 + b"[]"])
def test_nobody_else_can_erase(changed: bytes) -> None:
    [block] = sealed([[Parts(b"[1]", b"[2]")]])
    assert [each.sentence for each in findings([replace(block, what=changed)])] == ["was not erased by the service"]
    with pytest.raises(ValueError, match="not erased by the service"):
        SEALS.erased(block.id, 0, changed, b"[]")


@given(logs, st.integers(0, 5))
def test_a_pruned_log_verifies_by_its_anchor_alone(log: list[Block], pruned: int) -> None:
    pruned = min(pruned, len(log))
    left = log[pruned:]
    anchor = SEALS.anchor(WRITER, pruned, log[pruned - 1].mac) if pruned else None
    assert findings(left, head_of(log), anchor) == []
    if pruned:
        assert findings(left, head_of(log)), "without its anchor"
        assert findings(left, head_of(log), replace(anchor, number=pruned + 1))
        assert findings(left, head_of(log), replace(anchor, last=b"x" * 32))
        earlier = SEALS.anchor(WRITER, pruned - 1, log[pruned - 2].mac if pruned > 1 else FIRST_PREVIOUS)
        assert findings(left, head_of(log), earlier), "an earlier anchor hides nothing"
        assert findings(log, head_of(log), anchor) == [], "pruning that was interrupted"


def registered(count: int) -> list[Registration]:
    register: list[Registration] = []
    for number in range(1, count + 1):
        previous = register[-1].mac if register else FIRST_PREVIOUS
        register.append(SEALS.registration(number, f"writer{number}", bytes([number]) * 32, previous))
    return register


CHANGES: list[Callable[[list[Registration]], Any]] = [
    lambda register: register.pop(0),
    lambda register: register.pop(1),
    lambda register: register.__setitem__(1, replace(register[1], writer="another")),
    lambda register: register.__setitem__(1, replace(register[1], first=b"x" * 32)),
    lambda register: register.__setitem__(1, Seals("guessed").registration(2, "forged", b"", register[0].mac)),
    lambda register: register.append(Seals("guessed").registration(4, "forged", b"", register[-1].mac)),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_register_is_found(change: Callable[[list[Registration]], Any]) -> None:
    register = registered(3)
    assert list(check_register(SEALS, register)) == []
    change(register)
    assert list(check_register(SEALS, register))


def with_events(block: Block, kept: list[Parts]) -> Block:
    return replace(block, who=b"\n".join(each.who for each in kept), what=b"\n".join(each.what for each in kept))


def number_of(block: str) -> int:
    return int(block.rpartition("-")[2])
