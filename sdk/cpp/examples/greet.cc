// Submits a task, answers its question, and shows its log and its result.
#include <tandem/client.h>

#include <iostream>
#include <thread>

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: greet SERVER CLIENT_ID CLIENT_SECRET NAME\n";
    return 64;
  }
  try {
    tandem::sdk::Client client({.server = argv[1], .client_id = argv[2], .client_secret = argv[3]});
    tandem::sdk::Submission submission;
    submission.payload = R"({"job_type":"greet"})";
    const std::string task_id = client.submit(submission).task_id;
    tandem::sdk::TaskView task = client.get(task_id);
    while (task.question.empty() && !task.is_over()) {
      std::this_thread::yield();
      task = client.get(task_id);
    }
    std::cout << task.question << argv[4] << "\n";
    client.input(task_id, argv[4]);
    client.follow_log(task_id, [](std::string_view piece) {
      std::cout << piece;
      return true;
    });
    task = client.wait(task_id, std::chrono::minutes(1));
    std::cout << task.status << " " << task.result << "\n";
    return task.status == "completed" ? 0 : 1;
  } catch (const tandem::sdk::Failure& failure) {
    std::cerr << failure.code() << ": " << failure.what() << "\n";
    return 1;
  }
}
