"""What judges clients that do more than submit finds each fault that it is there for."""

import copy
import hashlib

import pytest

from cancelling import Cancel, broken_cancel
from conftest import Answer
from following import broken_follow
from ledger import Entry
from load import Observer
from making import BYTES, FILES, broken_download, broken_outputs, expected_file
from talking import Piece, broken_talks

CANCELLED = {"status": "cancelled", "started_at": None}
EARLY, LATE = Entry("t1", 1, "start", 1.0), Entry("t1", 2, "start", 9.0)


@pytest.mark.parametrize("status, entries, change, found", [
    (200, [], {}, 0),
    (200, [EARLY], {}, 1),
    (200, [], {"started_at": "2026-01-01T00:00:00.000Z"}, 1),
    (200, [], {"status": "completed"}, 1),
    (202, [EARLY], {}, 0),
    (202, [EARLY, LATE], {}, 1),
    (202, [EARLY], {"status": "completed"}, 1),
    (409, [EARLY], {}, 0),
    (409, [LATE], {}, 1),
])
def test_cancels(status, entries, change, found):
    cancel = Cancel("t1", status, 2.0, ends_by_itself=False)
    assert len(list(broken_cancel(cancel, entries, CANCELLED | change))) == found


def good_talk():
    """The second answer to the first question of attempt 1 came; then it ran again."""
    pieces = [Piece("t1", 1, "a", "p1", None), Piece("t1", 1, "a", "p2", 202),
              Piece("t1", 1, "b", "p3", None), Piece("t1", 2, "c", "p4", 202)]
    return pieces, [Entry("t1", 1, "start", 1.0), Entry("t1", 1, "a=p2", 2.0),
                    Entry("t1", 1, "b=p3", 3.0), Entry("t1", 2, "c=p4", 4.0)]


def repeat_it(pieces, entries):
    entries[2:2] = [Entry("t1", 1, "b=p3", 2.5)]


def invent_it(pieces, entries):
    entries[3] = Entry("t1", 2, "c=p9", 4.0)


def give_it_to_the_next_attempt(pieces, entries):
    pieces[3] = Piece("t1", 1, "c", "p4", 202)


def give_it_to_another_question(pieces, entries):
    entries[2] = Entry("t1", 1, "d=p3", 3.0)


def give_it_to_another_task(pieces, entries):
    entries[3] = Entry("t2", 2, "c=p4", 4.0)


def turn_them_round(pieces, entries):
    entries[1:3] = entries[2:0:-1]


def refuse_it_and_pass_it_on(pieces, entries):
    pieces[2].status = 409


def take_two(pieces, entries):
    pieces.append(Piece("t1", 2, "c", "p5", 202))


def take_one_and_give_another(pieces, entries):
    entries[1] = Entry("t1", 1, "a=p1", 2.0)


FAULTS_OF_TALKS = [repeat_it, invent_it, give_it_to_the_next_attempt, give_it_to_another_question,
                   give_it_to_another_task, turn_them_round, refuse_it_and_pass_it_on, take_two,
                   take_one_and_give_another]


def test_a_good_talk_breaks_nothing():
    assert list(broken_talks(*good_talk())) == []


@pytest.mark.parametrize("fault", FAULTS_OF_TALKS, ids=lambda fault: fault.__name__)
def test_each_fault_of_a_talk_is_found(fault):
    talk = copy.deepcopy(good_talk())
    fault(*talk)
    assert list(broken_talks(*talk))


MADE = {"task_id": "t1", "attempt": 2}
WHOLE = expected_file(1, MADE)
TAG = {"ETag": f'"{hashlib.sha256(WHOLE).hexdigest()}"'}


@pytest.mark.parametrize("answer, found", [
    (Answer(200, TAG, WHOLE), 0),
    (Answer(200, TAG, WHOLE[:-1]), 1),
    (Answer(200, TAG, expected_file(1, MADE | {"attempt": 1})), 1),
    (Answer(200, {"ETag": '"0"'}, WHOLE), 1),
    (Answer(404, {}, b"{}"), 1),
])
def test_downloads(answer, found):
    assert len(list(broken_download(MADE, 1, answer))) == found


def test_outputs():
    outputs = [{"name": f"made-{number}", "size_bytes": BYTES,
                "sha256": hashlib.sha256(expected_file(number, MADE)).hexdigest()}
               for number in range(1, FILES + 1)]
    assert not list(broken_outputs(MADE | {"outputs": outputs}))
    assert list(broken_outputs(MADE | {"outputs": outputs[:-1]}))
    assert list(broken_outputs(MADE | {"outputs": outputs, "attempt": 3}))


LOG = [{"attempt": 1, "seq": seq, "data": str(seq)} for seq in (1, 2, 3)]


@pytest.mark.parametrize("seen, end, found", [
    (LOG, "completed", 0),
    (LOG[:2], "completed", 1),
    ([*LOG[:2], *LOG[1:]], "completed", 1),
    ([*LOG[:2], LOG[2] | {"data": "4"}], "completed", 1),
    (LOG, "failed", 1),
    (LOG, None, 1),
])
def test_followers(seen, end, found):
    task = {"task_id": "t1", "status": "completed"}
    assert len(list(broken_follow(task, end, seen, LOG))) == found


def seen_as(**change):
    return {"task_id": "t1", "status": "completed", "attempt": 1, "finished_at": "now",
            "exit_code": 0, "error": None, "result": None, "log": {"records": 0}} | change


@pytest.mark.parametrize("change", [{"status": "running"}, {"status": "failed"}, {"attempt": 2}])
def test_an_end_that_changes_between_two_looks(change):
    observer = Observer(None, "run")
    observer.saw(seen_as(**change), None)  # asked before anybody knew of an end
    observer.ends = {}
    observer.saw(seen_as(), None)
    observer.saw(seen_as(), observer.ends["t1"])
    assert not observer.changes
    observer.saw(seen_as(**change), observer.ends["t1"])
    assert observer.changes
