# Sidekiq: jobs queued, the server killed by SIGKILL, and a worker that does all of them; delays, retries, jobs that are given up.
require_relative "jobs"
require "sidekiq/api"

$stdout.sync = true

def await(what)
  deadline = Time.now + 60
  until yield
    raise "#{what}: not after a minute" if Time.now > deadline

    sleep 0.05
  end
end

def process
  Redis.new(url: url(4)).info("server")["process_id"]
rescue Redis::BaseConnectionError, Redis::CommandError
  nil
end

Count.perform_bulk((0...200).map { |n| [n] })
Count.perform_in(1, 200)
SecondTime.perform_async
Fail.perform_async
before = process
puts "@crash"
await("the server's return") { ![nil, before].include?(process) }
worker = spawn("sidekiq", "-r", "./jobs.rb", "-c", "5", out: File::NULL)
begin
  runs = Redis.new(url: url(4))
  await("all jobs done") { runs.hlen("runs") == 201 && runs.get("tries") == "2" && Sidekiq::DeadSet.new.size == 1 }
  raise "done more than once" unless runs.hvals("runs").uniq == ["1"]

  await("nothing left") { Sidekiq::Queue.new.size + Sidekiq::RetrySet.new.size + Sidekiq::ScheduledSet.new.size == 0 }
  raise "no process of Sidekiq's" unless Sidekiq::ProcessSet.new.size == 1
ensure
  Process.kill(:TERM, worker)
  Process.wait(worker)
end
raise "it has not left" unless Sidekiq::ProcessSet.new.size.zero?

puts "sidekiq #{Sidekiq::VERSION} passed"
