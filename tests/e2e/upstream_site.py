"""A server that fetches the jobs of another service for its own workers."""

from conftest import Server
from waiting import until


class Site(Server):
    """A server that polls the service, with handlers that note each run."""

    def __init__(self, directory, service, **settings):
        handlers = directory / "handlers"
        super().__init__(
            directory,
            **{
                "TANDEM_UPSTREAM_CONFIG_URL": service.config_url,
                "TANDEM_UPSTREAM_TOKEN": service.token,
                "TANDEM_POLL_INTERVAL_S": "0.1",
                "TANDEM_EMBEDDED_SLOTS": "2",
                "TANDEM_HANDLERS_DIR": str(handlers),
            }
            | settings,
        )
        handlers.mkdir()
        self.service, self.runs, self.go = service, directory / "runs", directory / "go"
        note = f'echo "$(cat "$TANDEM_PAYLOAD_FILE")" >> {self.runs}'
        waits = f"while [ ! -e {self.go} ]; do sleep 0.02; done"
        result = """echo '{"type":"result","value":{"done":true}}' >&3"""
        self.scripts = {
            "greet": f"{note}; {result}",
            "fail": f"{note}; exit 3",
            "wait": f"{note}; {waits}; {result}",
        }
        for job_type, script in self.scripts.items():
            path = handlers / job_type
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)

    def add(self, task_id, job_type):
        self.service.add(task_id, {"job_type": job_type, "n": task_id})

    def ran(self, task_id):
        lines = self.runs.read_text().splitlines() if self.runs.exists() else []
        return sum(f'"n":"{task_id}"' in line for line in lines)

    def ends(self, task_id, status="success", within_s=60):
        def ended():
            update = self.service.last_update(task_id)
            return update if update and update["status"] == status else None

        return until(ended, lambda: f"{self.service.statuses(task_id)}\n{self.log()}", within_s)

    def task_of(self, task_id):
        found = self.request("GET", f"/api/v1/tasks?label=upstream_task:{task_id}", token="admin")
        return found.json["items"][0]

    def is_running(self, task_id):
        return until(lambda: self.ran(task_id), self.log)

    def logged(self, text):
        until(lambda: text in self.log(), lambda: text + " not in\n" + self.log())
