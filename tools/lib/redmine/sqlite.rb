# frozen_string_literal: true

# An initializer for the private Redmine: several threads and processes write to one SQLite file.
#
# Rails 6.1 begins a transaction as DEFERRED and takes the write lock half-way, where SQLite may not wait but must refuse;
# and the driver's own time-out sleeps inside C, holding Ruby's lock, so that the thread it waits for cannot run.
# So: take the write lock at the beginning, and wait in Ruby.
require 'active_record/connection_adapters/sqlite3_adapter'

module WaitForTheWriteLock
  POLL = 0.005    # seconds
  PATIENCE = 30.0 # seconds

  def begin_db_transaction
    log('begin immediate transaction', 'TRANSACTION') { @connection.transaction(:immediate) }
  end

  private

  def configure_connection
    super
    @connection.busy_handler do |attempts|
      sleep POLL
      attempts * POLL < PATIENCE
    end
    @connection.execute('PRAGMA journal_mode = WAL')
    @connection.execute('PRAGMA synchronous = OFF') # nothing here outlives the test
  end
end

ActiveRecord::ConnectionAdapters::SQLite3Adapter.prepend(WaitForTheWriteLock)
