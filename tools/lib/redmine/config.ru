# frozen_string_literal: true

require_relative 'config/environment'
require_relative 'request_log'

use RequestLog, ENV.fetch('REQUEST_LOG')
prefix = ENV['RAILS_RELATIVE_URL_ROOT'].to_s
if prefix.empty?
  run Rails.application
else
  map(prefix) { run Rails.application }
end
