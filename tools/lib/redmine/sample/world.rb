# frozen_string_literal: true

require 'active_support/testing/time_helpers'
require 'zlib'

# What all parts of the sample data share: the clock, chance, and inserting many rows at once.
module Sample
  NOW = Time.utc(2024, 6, 3, 12, 0, 0)
  DAY = 86_400

  extend ActiveSupport::Testing::TimeHelpers

  class << self
    def at_frozen_clock
      travel_to(NOW - 300 * DAY)
      yield
    ensure
      travel_back
    end

    # Lets about half an hour pass, so that no two rows made by models share a time and every order is total.
    def tick
      travel_to(Time.now + 1847)
    end

    # A generator of its own for each part: a change in one moves nothing in the others.
    def chance(part)
      Random.new(Zlib.crc32(part))
    end

    # Rows are hashes with equal keys.
    def insert(model, rows)
      rows.each_slice(400) { |slice| model.insert_all!(slice) }
    end

    def say(text)
      $stderr.puts "redmine-instance:   #{text}"
    end
  end
end
