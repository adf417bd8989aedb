"""Promise 6: terminal states are final. A job's own end, its timeout, a cancel and a delete meet at
about the same moment; whatever was seen first as the end stays the end."""

import concurrent.futures
import itertools

from load import FINAL
from oracle import TERMINAL
from waiting import pause

ENDS_S = 0.05
ROUNDS = 6


def first_end_seen(server, path):
    """The task's first terminal image, or nothing where it was deleted before."""
    while True:
        answer = server.request("GET", path)
        if answer.status == 404:
            return None
        assert answer.status == 200, answer.body
        if answer.json["status"] in TERMINAL:
            return answer.json
        pause()


def race(server, what):
    members = {"timeout_s": ENDS_S} if "timeout" in what else {}
    script = f"sleep {ENDS_S if 'complete' in what else 60}"
    task_id = server.shell(script, **members)["task_id"]
    path = f"/api/v1/tasks/{task_id}"
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        end = pool.submit(first_end_seen, server, path)
        asked = {}
        while not end.done():
            if server.request("GET", path).json.get("started_at"):
                break
        if "cancel" in what:
            asked["cancel"] = pool.submit(server.request, "POST", path + "/cancel")
        if "delete" in what:
            asked["delete"] = pool.submit(server.request, "DELETE", path + "?force=true")
        seen = end.result()
    return task_id, seen, {name: answer.result() for name, answer in asked.items()}


def test_the_first_end_stays_the_end(server):
    pairs = list(itertools.combinations(("complete", "timeout", "cancel", "delete"), 2))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        races = [(pair, pool.submit(race, server, pair)) for pair in pairs * ROUNDS]
    for pair, one in races:
        task_id, seen, asked = one.result()
        now = server.request("GET", f"/api/v1/tasks/{task_id}")
        if "delete" in pair:
            assert asked["delete"].status == 204 and now.status == 404, pair
            continue
        assert {name: now.json[name] for name in FINAL} == {name: seen[name] for name in FINAL}
        possible = {"complete": "completed", "timeout": "failed", "cancel": "cancelled"}
        assert seen["status"] in {possible[name] for name in pair}, (pair, seen["error"])
        if "cancel" in asked:
            code = asked["cancel"].status
            assert code in (202, 409), asked["cancel"].body
