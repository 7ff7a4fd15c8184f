# frozen_string_literal: true

bind "tcp://127.0.0.1:#{ENV.fetch('PUMA_PORT')}"
environment 'production'
threads_count = Integer(ENV.fetch('PUMA_THREADS'))
threads threads_count, threads_count

workers_count = Integer(ENV.fetch('PUMA_WORKERS'))
if workers_count > 0
  workers workers_count
  preload_app!
  before_fork { ActiveRecord::Base.connection_pool.disconnect! }
  on_worker_boot { ActiveRecord::Base.establish_connection }
end
