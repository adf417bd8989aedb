#pragma once

#include "api/call.h"
#include "io/asio.h"

// The functions behind the routes, by file. Each answers every outcome itself.
namespace tandem::api {

using Answer = io::Awaitable<net::Response>;

Answer get_health(Call& call);   // health.cc
Answer get_metrics(Call& call);  // metrics.cc

Answer post_token(Call& call);    // tokens.cc
Answer post_refresh(Call& call);  // token_refresh.cc
Answer post_revoke(Call& call);

Answer get_callback_secret(Call& call);  // callback_secret.cc

Answer list_clients(Call& call);  // clients.cc
Answer create_client(Call& call);
Answer delete_client(Call& call);
Answer rotate_secret(Call& call);

Answer submit_task(Call& call);  // tasks_submit.cc
Answer submit_batch(Call& call);
Answer submit_with_files(Call& call);  // submit_files.cc

Answer get_task(Call& call);  // tasks_read.cc
Answer list_tasks(Call& call);
Answer get_stats(Call& call);

Answer get_logs(Call& call);     // task_logs.cc
Answer download(Call& call);     // task_download.cc
Answer cancel_task(Call& call);  // task_control.cc
Answer retry_task(Call& call);
Answer send_input(Call& call);
Answer delete_task(Call& call);
Answer open_task_socket(Call& call);  // task_socket.cc

Answer register_worker(Call& call);  // worker_registration.cc
Answer rotate_worker_token(Call& call);

Answer list_workers(Call& call);  // fleet.cc
Answer get_worker(Call& call);
Answer drain_worker(Call& call);
Answer resume_worker(Call& call);
Answer revoke_worker(Call& call);
Answer revoke_named_worker(Call& call);  // named by the body

Answer claim_jobs(Call& call);  // polling_jobs.cc
Answer get_polling_config(Call& call);

Answer update_attempts(Call& call);     // polling_update.cc
Answer append_attempt_log(Call& call);  // attempt_logs.cc
Answer put_output(Call& call);          // attempt_files.cc
Answer get_input_file(Call& call);
Answer open_worker_socket(Call& call);  // worker_socket.cc

Answer get_push_config(Call& call);  // polling_config.cc
Answer get_statuses(Call& call);

}  // namespace tandem::api
