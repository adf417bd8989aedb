"""Clients that answer what jobs ask, again where they were not told what became of an answer."""

import collections
import dataclasses
import itertools

from ledger import ASKING_TYPE
from unsure_client import LOOK_AGAIN_S, Visitor, patience_of, says_something
from waiting import pause


@dataclasses.dataclass
class Piece:
    """One try to answer a question; no other one has its data."""

    task_id: str
    attempt: int
    request_id: str
    data: str
    status: int | None = None


class Talker(Visitor):
    def __init__(self, *parts, chance):
        super().__init__(*parts)
        self.chance, self.numbers = chance, itertools.count(1)
        self.pieces = []

    def act(self, is_over):
        patience = patience_of(is_over)
        payload = {"job_type": ASKING_TYPE, "questions": self.chance.randrange(1, 5), "count": 0}
        task = {"payload": payload, "max_attempts": 20, "retry_delay_s": 0.2}
        task_id = self.submitted(task, patience)
        for task in self.looks(task_id, patience):
            if task["input_request"]:
                self._answer(task, patience)

    def _answer(self, task, patience):
        while not patience():
            piece = Piece(task["task_id"], task["attempt"], task["input_request"]["request_id"],
                          f"piece-{next(self.numbers)}")
            self.pieces.append(piece)
            answer = self.client.request("POST", f"/api/v1/tasks/{piece.task_id}/input",
                                         {"data": piece.data, "request_id": piece.request_id})
            piece.status = answer.status
            if says_something(answer):
                assert answer.status == 202 or answer.json["code"] in (
                    "not_waiting", "already_finished"), answer.body
                return
            pause(LOOK_AGAIN_S)

    def violations(self, entries):
        return list(broken_talks(self.pieces, entries))


def broken_talks(pieces, entries):
    by_data = {piece.data: piece for piece in pieces}
    taken, asked = collections.defaultdict(list), collections.defaultdict(dict)
    for piece in pieces:
        asked[piece.task_id, piece.attempt][piece.request_id] = None  # in the order of questions
        if piece.status == 202:
            taken[piece.task_id, piece.attempt, piece.request_id].append(piece.data)
    yield from (f"{which}: {data} were all taken" for which, data in taken.items() if len(data) > 1)
    heard = collections.defaultdict(list)
    for entry in entries:
        if "=" in entry.event:
            request_id, data = entry.event.split("=")
            heard[entry.task_id, entry.attempt].append(request_id)
            yield from broken_piece(entry, by_data.pop(data, None), taken)
    for which, request_ids in heard.items():
        in_order = [request_id for request_id in asked[which] if request_id in request_ids]
        if [request_id for request_id in request_ids if request_id in asked[which]] != in_order:
            yield f"{which}: was answered in the order {request_ids}, and asked {in_order}"


def broken_piece(entry, piece, taken):
    """`piece`: none where it was heard before, or was never sent."""
    request_id, data = entry.event.split("=")
    who = f"{entry.task_id}: {data} for {request_id} of attempt {entry.attempt}"
    if piece is None:
        yield f"{who} came twice, or from nobody"
        return
    if (piece.task_id, piece.attempt, piece.request_id) != (
            entry.task_id, entry.attempt, request_id):
        yield f"{who} was meant otherwise: {piece}"
    if piece.status not in (202, 503, None):
        yield f"{who} was refused: {piece}"
    instead = taken.get((entry.task_id, entry.attempt, request_id), [data])
    if instead != [data]:
        yield f"{who} came, and {instead} was taken"
