"""A server without a worker inside, and workers that reach it through a network that can fail."""

import pathlib

from conftest import Server
from fault_proxy import FaultProxy
from ledger import Ledger
from waiting import until
from worker_process import WorkerProcess

TICKING_TYPE = "ticking"
SPLIT_TYPE = "split"

NOTE = """#!/bin/sh
note() {{
  read -r now idle < /proc/uptime
  printf '%s %s %s %s\\n' "$TANDEM_TASK_ID" "$TANDEM_ATTEMPT" "$1" "$now" >> '{ledger}'
  sync '{ledger}'
}}
"""

# Notes that it is alive, all the time, and can't be asked to end.
TICKING_HANDLER = NOTE + """trap '' TERM INT HUP
note start
until [ -e "$HOLD" ]; do note tick; sleep 0.01; done
note end
"""

# Half of its lines before it waits, half of them after.
SPLIT_HANDLER = NOTE + """note start
i=0
while [ "$i" -lt "$COUNT" ]; do
  i=$((i + 1))
  echo "line $i of attempt $TANDEM_ATTEMPT"
  [ "$i" -ne "$((COUNT / 2))" ] || until [ -e "$HOLD" ]; do sleep 0.02; done
done
note end
"""


def uptime_s():
    """The clock of the ledger."""
    return float(pathlib.Path("/proc/uptime").read_text().split()[0])


def holding(job_type, hold, count=0, **members):
    env = {"COUNT": str(count), "HOLD": str(hold)}
    return {"payload": {"job_type": job_type, "count": count}, "env": env} | members


class WorkerLine:
    def __init__(self, directory, **settings):
        self.directory = pathlib.Path(directory)
        self.ledger = Ledger(directory)
        self.ledger.add_handler(TICKING_TYPE, TICKING_HANDLER.format(ledger=self.ledger.path))
        self.ledger.add_handler(SPLIT_TYPE, SPLIT_HANDLER.format(ledger=self.ledger.path))
        self.hold = self.directory / "hold"
        settings = {"TANDEM_EMBEDDED_SLOTS": "0", "TANDEM_HEARTBEAT_S": "0.5"} | settings
        self.server = Server(directory, **settings).start()
        self.proxy = FaultProxy(self.server)
        self.workers = []

    def worker(self, name, mode="hybrid", direct=False, **settings):
        url = self.server.url if direct else self.proxy.url
        side = "workers" if mode == "push" else "polling"
        settings = {
            "TANDEM_WORKER_MODE": mode,
            "TANDEM_WORKER_NAME": name,
            "TANDEM_REGISTRATION_TOKEN": self.server.token("admin"),
            "TANDEM_HANDLERS_DIR": str(self.ledger.handlers),
        } | settings
        config_url = f"{url}/api/v1/{side}/config"
        self.workers.append(WorkerProcess(self.directory / name, config_url, **settings))
        return self.workers[-1].start()

    def id_of(self, name):
        workers = self.server.request("GET", "/api/v1/workers", token="admin").json["items"]
        return next((one["worker_id"] for one in workers if one["name"] == name), None)

    def channel_of(self, name):
        """As the server tells it of this worker."""
        worker_id = self.id_of(name)
        if not worker_id:
            return None
        path = f"/api/v1/workers/{worker_id}"
        return self.server.request("GET", path, token="admin").json["channel"]

    def control(self, name, verb):
        path = f"/api/v1/workers/{self.id_of(name)}/{verb}"
        answer = self.server.request("POST", path, {}, token="admin")
        assert answer.status == 200, answer.body

    def until_channel(self, name, channel, within_s=30):
        until(lambda: self.channel_of(name) == channel, self.logs, within_s)

    def until_noted(self, task_id, attempt, event="start", within_s=30):
        """The entry."""
        def entry():
            return next((entry for entry in self.ledger.entries()
                         if (entry.task_id, entry.attempt, entry.event) ==
                         (task_id, attempt, event)), None)

        return until(entry, lambda: f"{self.ledger.events(task_id)}\n{self.logs()}", within_s)

    def start_server(self):
        """Again, wherever it listens now: the workers find it where it was."""
        self.server.start()
        self.proxy.target = self.server.url

    def logs(self):
        return "\n".join(worker.log() for worker in self.workers)

    def close(self):
        for worker in self.workers:
            worker.kill()
        self.proxy.close()
        if self.server.process.poll() is None:
            self.server.kill()
