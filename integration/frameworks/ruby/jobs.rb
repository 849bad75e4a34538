# The jobs of an application of Sidekiq.
require "sidekiq"

def url(db)
  "redis://#{ENV.fetch("HOLDFAST_TEST_HOST")}:#{ENV.fetch("HOLDFAST_TEST_PORT")}/#{db}"
end

Redis.silence_deprecations = true
Sidekiq.configure_server do |config|
  config.redis = { url: url(3) }
  config.average_scheduled_poll_interval = 1
end
Sidekiq.configure_client { |config| config.redis = { url: url(3) } }

class Count
  include Sidekiq::Worker

  def perform(n)
    Redis.new(url: url(4)).hincrby("runs", n, 1)
  end
end

class SecondTime
  include Sidekiq::Worker
  sidekiq_options retry: 3
  sidekiq_retry_in { 0 }

  def perform
    raise "as it should" if Redis.new(url: url(4)).incr("tries") == 1
  end
end

class Fail
  include Sidekiq::Worker
  sidekiq_options retry: 0

  def perform
    raise "as it should"
  end
end
