"""The oracle finds each fault that it is there for: a harness that finds nothing proves nothing."""

import copy

import pytest

from journal import Exchange
from ledger import Entry, expected_output
from oracle import violations


def good_run():
    task = {
        "task_id": "t1",
        "labels": {"key": "k1"},
        "payload": {"count": 2},
        "status": "completed",
        "attempt": 2,
        "error": None,
        "log": {"records": 1, "bytes": 46},
    }
    records = [
        {"attempt": n, "seq": 1, "stream": "stdout", "data": expected_output(2, n)} for n in (1, 2)
    ]
    entries = [Entry("t1", 1, "start", 1.0), Entry("t1", 2, "start", 2.0), Entry("t1", 2, "end", 3)]
    exchanges = [Exchange("k1", None, None), Exchange("k1", 201, "t1")]
    return exchanges, entries, {"t1": task}, {"t1": records}


def lose_it(exchanges, entries, tasks, logs):
    exchanges.append(Exchange("k2", 201, "t2"))


def run_it_twice(exchanges, entries, tasks, logs):
    entries.append(Entry("t1", 2, "start", 4.0))


def let_the_first_attempt_go_on(exchanges, entries, tasks, logs):
    entries.insert(2, Entry("t1", 1, "end", 2.5))


def run_an_attempt_that_nobody_knows(exchanges, entries, tasks, logs):
    entries.append(Entry("t1", 3, "start", 4.0))


def run_what_is_not_there(exchanges, entries, tasks, logs):
    entries.append(Entry("t9", 1, "start", 4.0))


def make_two_of_one_key(exchanges, entries, tasks, logs):
    exchanges.append(Exchange("k1", 201, "t2"))
    tasks["t2"], logs["t2"] = tasks["t1"] | {"task_id": "t2"}, logs["t1"]
    entries.append(Entry("t2", 2, "end", 4.0))


def invent_one(exchanges, entries, tasks, logs):
    exchanges.clear()


def complete_it_before_its_end(exchanges, entries, tasks, logs):
    entries.pop()


def leave_it_running(exchanges, entries, tasks, logs):
    tasks["t1"]["status"] = "running"


def fail_it(exchanges, entries, tasks, logs):
    tasks["t1"] |= {"status": "failed", "error": {"code": "exit_status"}}


def leave_a_gap_in_the_log(exchanges, entries, tasks, logs):
    logs["t1"][0]["seq"] = 2


def alter_a_byte(exchanges, entries, tasks, logs):
    logs["t1"][0]["data"] = "LINE"


def cut_the_end_of_the_log(exchanges, entries, tasks, logs):
    logs["t1"][1]["data"] = "line 1 of"


def miscount_the_log(exchanges, entries, tasks, logs):
    tasks["t1"]["log"]["records"] = 7


FAULTS = [
    lose_it,
    run_it_twice,
    let_the_first_attempt_go_on,
    run_an_attempt_that_nobody_knows,
    run_what_is_not_there,
    make_two_of_one_key,
    invent_one,
    complete_it_before_its_end,
    leave_it_running,
    fail_it,
    leave_a_gap_in_the_log,
    alter_a_byte,
    cut_the_end_of_the_log,
    miscount_the_log,
]


def test_a_good_run_breaks_nothing():
    assert violations(*good_run()) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_fault_is_found(fault):
    run = copy.deepcopy(good_run())
    fault(*run)
    assert len(violations(*run)) == 1
